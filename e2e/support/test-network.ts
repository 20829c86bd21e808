/** A host of the test's own in a network namespace, joined by a veth pair, with one listener on it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { run } from './riposte.ts'
import { LineReader } from './lines.ts'

const subnet = (index: number) => `10.213.${index}`

export class TestNetwork implements AsyncDisposable {
  readonly #namespace: string
  readonly #index: number
  #listener: ChildProcess | undefined
  #lines = new LineReader()

  private constructor(index: number) {
    this.#index = index
    this.#namespace = `riposte-t${process.pid}-${index}`
  }

  static async make(): Promise<TestNetwork> {
    const network = new TestNetwork(process.pid % 250)
    await network.#setUp()
    return network
  }

  async #setUp(): Promise<void> {
    const [here, there] = [this.#link('a'), this.#link('b')]
    const net = subnet(this.#index)
    try {
      await ip('netns', 'add', this.#namespace)
      await ip('link', 'add', here, 'type', 'veth', 'peer', 'name', there, 'netns', this.#namespace)
      await ip('addr', 'add', `${net}.1/24`, 'dev', here)
      await ip('link', 'set', here, 'up')
      await ip('-n', this.#namespace, 'addr', 'add', `${net}.2/24`, 'dev', there)
      await ip('-n', this.#namespace, 'link', 'set', there, 'up')
    } catch (error) {
      await this[Symbol.asyncDispose]()
      throw error
    }
  }

  /** Interface names are at most 15 bytes. */
  #link = (end: string) => `rt${process.pid % 100_000}${end}`

  /** Waits for one connection and says when its peer is gone. */
  async listen(port = 4242): Promise<{ address: string; port: number }> {
    const listener = spawn('ip', [
      'netns',
      'exec',
      this.#namespace,
      'python3',
      '-u',
      '-c',
      listen,
      String(port),
    ])
    this.#listener = listener
    this.#lines = new LineReader(listener.stdout)
    await this.#lines.until((line) => line === 'listening')
    return { address: `${subnet(this.#index)}.2`, port }
  }

  /** Resolves once the connection that came has ended, from the other side. */
  async peerLeft(): Promise<void> {
    await this.#lines.until((line) => line === 'peer left')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const listener = this.#listener
    if (listener && listener.exitCode === null && listener.signalCode === null) {
      listener.kill('SIGKILL')
      await once(listener, 'exit')
    }
    await run('ip', ['link', 'del', this.#link('a')])
    await run('ip', ['netns', 'del', this.#namespace])
  }
}

async function ip(...args: string[]): Promise<void> {
  const { code, stderr } = await run('ip', args)
  if (code !== 0) throw new Error(`ip ${args.join(' ')}: ${stderr}`)
}

const listen = `
import socket, sys
server = socket.create_server(("", int(sys.argv[1])))
print("listening")
peer, _ = server.accept()
print("peer came")
try:
    while peer.recv(4096):
        pass
except ConnectionError:
    pass
print("peer left")
`
