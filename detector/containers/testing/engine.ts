/** Docker or podman as a person runs them, in a folder and cgroups of their own. Nothing of it outlives the test. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { removeCgroups } from './cgroups.ts'
import { makeBusyboxImage } from './image.ts'

export type EngineKind = 'docker' | 'podman'

interface Program {
  /** What answers on the socket, with its arguments. */
  readonly server: readonly string[]
  /** What a person types, up to the verb. */
  readonly client: readonly string[]
  /** What `run` and `create` need on such a machine. */
  readonly options: readonly string[]
}

export class TestEngine implements AsyncDisposable {
  readonly kind: EngineKind
  readonly folder: string
  readonly socket: string
  readonly #program: Program
  #server: ChildProcess | undefined

  private constructor(kind: EngineKind) {
    this.kind = kind
    this.folder = mkdtempSync(join(tmpdir(), `riposte-${kind}-`))
    this.socket = join(this.folder, 'engine.sock')
    this.#program = programs[kind](this.folder, this.socket)
  }

  /** With busybox under this name. */
  static async start(kind: EngineKind, image: string): Promise<TestEngine> {
    const engine = new TestEngine(kind)
    try {
      await engine.#serve()
      engine.command('load', '-i', makeBusyboxImage(engine.folder, image))
    } catch (error) {
      await engine[Symbol.asyncDispose]()
      throw error
    }
    return engine
  }

  /** What it printed. */
  command(verb: string, ...args: readonly string[]): string {
    const [client = '', ...before] = this.#program.client
    const isMaking = verb === 'run' || verb === 'create'
    const made = isMaking ? ['--cgroup-parent', `/${this.#cgroup}`, ...this.#program.options] : []
    return execFileSync(client, [...before, verb, ...made, ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    }).trim()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const server = this.#server
    if (server !== undefined && server.exitCode === null) {
      for (const id of this.command('ps', '-aq').split('\n').filter(Boolean))
        this.command('rm', '-f', id)
      const ended = new Promise((resolve) => server.once('exit', resolve))
      server.kill('SIGTERM')
      await ended
    }
    while (removeCgroups(this.#cgroup)) await new Promise((resolve) => setTimeout(resolve, 20))
    rmSync(this.folder, { recursive: true, force: true })
  }

  get #cgroup(): string {
    return basename(this.folder)
  }

  async #serve(): Promise<void> {
    const [program = '', ...args] = this.#program.server
    const log = join(this.folder, 'log')
    const server = spawn(program, args, {
      stdio: ['ignore', openSync(log, 'a'), openSync(log, 'a')],
    })
    this.#server = server
    while (!existsSync(this.socket)) {
      if (server.exitCode !== null) throw new Error(readFileSync(log, 'utf8').slice(-2000))
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}

/** The vfs driver copies: it works on every file system. */
const programs: Record<EngineKind, (folder: string, socket: string) => Program> = {
  docker: (folder, socket) => ({
    // Docker's mounts are its own, and it touches neither the host's firewall nor its interfaces.
    server: [
      'unshare', '--mount', '--net', 'dockerd', '--host', `unix://${socket}`, '--data-root', join(folder, 'root'),
      '--exec-root', join(folder, 'run'), '--pidfile', join(folder, 'pid'), '--storage-driver', 'vfs',
      '--iptables=false', '--ip6tables=false', '--ip-forward=false', '--ip-masq=false', '--bridge=none',
    ],
    client: ['docker', '--host', `unix://${socket}`, '--config', folder],
    options: [],
  }),
  podman(folder, socket) {
    const podman = [
      'podman', '--root', join(folder, 'root'), '--runroot', join(folder, 'run'), '--storage-driver', 'vfs',
      '--cgroup-manager', 'cgroupfs',
    ]
    return {
      server: [...podman, 'system', 'service', '--time', '0', `unix://${socket}`],
      client: podman,
      // Without CAP_SYS_RESOURCE no limit can be raised, as podman does by default.
      options: ['--ulimit', 'nofile=64:64', '--ulimit', 'nproc=64:64'],
    }
  },
} // prettier-ignore
