/** A containerd of a test's own, with the CRI on, and a kubelet's part played by hand. Nothing of it outlives the test. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { type Client, createClient } from '@connectrpc/connect'
import { Http2SessionManager, createGrpcTransport } from '@connectrpc/connect-node'
import { containerdConfig } from './containerd-config.ts'
import { removeCgroups, tryTo } from './cgroups.ts'
import { RuntimeService } from './generated/kubelet_pb.js'
import { makeBusyboxImage, makePauseImage } from './image.ts'

export const busybox = 'lab.local/tools/busybox:1.35'
export const pause = 'lab.local/pause:1'

export interface PodOptions {
  readonly name: string
  readonly namespace?: string
  readonly uid?: string
  readonly labels?: Record<string, string>
  readonly annotations?: Record<string, string>
  /** True: no network of its own, so no CNI; false if not said. */
  readonly isHostNetwork?: boolean
  readonly isHostPid?: boolean
  readonly isPrivileged?: boolean
}

export interface ContainerOptions {
  readonly name: string
  readonly command: readonly string[]
  /** Busybox if not said. */
  readonly image?: string
  readonly labels?: Record<string, string>
  readonly mounts?: readonly { source: string; destination: string; isReadonly?: boolean }[]
  readonly isPrivileged?: boolean
  readonly hasTerminal?: boolean
}

export interface TestPod extends AsyncDisposable {
  readonly sandboxId: string
  readonly uid: string
  readonly namespace: string
  /** Created and started; its whole id. */
  readonly run: (options: ContainerOptions) => Promise<string>
}

type Kubelet = Client<typeof RuntimeService>

export class TestContainerd {
  readonly folder = mkdtempSync(join(tmpdir(), 'riposte-cri-'))
  readonly socket = join(this.folder, 'containerd.sock')
  /** Top of the test's cgroups, without a slash. */
  readonly cgroup = basename(this.folder)
  #process: ChildProcess | undefined
  #sessions: Http2SessionManager | undefined
  readonly #pods: TestPod[] = []
  #podCount = 0

  static async start(): Promise<TestContainerd> {
    const made = new TestContainerd()
    made.#configure()
    await made.restart()
    for (const file of [makePauseImage(made.folder, pause), makeBusyboxImage(made.folder, busybox)])
      made.#ctr('images', 'import', file)
    return made
  }

  get kubelet(): Kubelet {
    this.#sessions ??= new Http2SessionManager(
      'http://localhost',
      {},
      { createConnection: () => connect(this.socket) },
    )
    return createClient(
      RuntimeService,
      createGrpcTransport({ baseUrl: 'http://localhost', sessionManager: this.#sessions }),
    )
  }

  /** Containers live on under their shims. */
  async kill(): Promise<void> {
    const running = this.#process
    this.#process = undefined
    if (running === undefined || running.exitCode !== null) return
    const ended = new Promise((resolve) => running.once('exit', resolve))
    running.kill('SIGKILL')
    await ended
    rmSync(this.socket, { force: true })
  }

  /** SIGSTOP: its socket takes connections, and nobody answers. */
  pause(): void {
    this.#process?.kill('SIGSTOP')
  }
  resume(): void {
    this.#process?.kill('SIGCONT')
  }

  async restart(): Promise<void> {
    await this.kill()
    const log = openSync(join(this.folder, 'containerd.log'), 'a')
    this.#process = spawn('containerd', ['-c', join(this.folder, 'config.toml')], {
      stdio: ['ignore', log, log],
    })
    while (!(await this.#answers())) {
      if (this.#process.exitCode !== null)
        throw new Error(
          `containerd ended: ${readFileSync(join(this.folder, 'containerd.log'), 'utf8').slice(-2000)}`,
        )
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  /** An image of its own that is otherwise like busybox. */
  addImage(reference: string): void {
    this.#ctr('images', 'import', makeBusyboxImage(this.folder, reference))
  }

  async runPod(options: PodOptions): Promise<TestPod> {
    const uid = options.uid ?? podUid(++this.#podCount)
    const namespace = options.namespace ?? 'default'
    const isHostNetwork = options.isHostNetwork ?? false
    const namespaceOptions = {
      network: isHostNetwork ? 2 : 0,
      pid: options.isHostPid === true ? 2 : 1,
    }
    const config = {
      metadata: { name: options.name, uid, namespace, attempt: 0 },
      hostname: isHostNetwork ? '' : options.name,
      logDirectory: join(this.folder, 'logs', uid),
      labels: {
        ...options.labels,
        'io.kubernetes.pod.name': options.name,
        'io.kubernetes.pod.namespace': namespace,
        'io.kubernetes.pod.uid': uid,
      },
      annotations: options.annotations ?? {},
      linux: {
        cgroupParent: `/${this.cgroup}/kubepods/besteffort/pod${uid}`,
        securityContext: { namespaceOptions, privileged: options.isPrivileged ?? false },
      },
    }
    const { kubelet } = this
    const { podSandboxId } = await kubelet.runPodSandbox({ config })
    const run = async (wanted: ContainerOptions) => {
      const { containerId } = await kubelet.createContainer({
        podSandboxId,
        sandboxConfig: config,
        config: {
          metadata: { name: wanted.name, attempt: 0 },
          image: { image: wanted.image ?? busybox },
          command: [...wanted.command],
          labels: { ...wanted.labels, 'io.kubernetes.container.name': wanted.name },
          mounts: (wanted.mounts ?? []).map(({ source, destination, isReadonly }) => ({
            hostPath: source,
            containerPath: destination,
            readonly: isReadonly ?? false,
          })),
          logPath: `${wanted.name}.log`,
          tty: wanted.hasTerminal ?? false,
          linux: {
            securityContext: { privileged: wanted.isPrivileged ?? false, namespaceOptions },
          },
        },
      })
      await kubelet.startContainer({ containerId })
      return containerId
    }
    let isStopped = false
    const stop = async () => {
      if (isStopped) return
      isStopped = true
      // What ends by itself just then is an error to containerd 1.6, and none the second time.
      await kubelet
        .stopPodSandbox({ podSandboxId })
        .catch(() => kubelet.stopPodSandbox({ podSandboxId }))
      await kubelet.removePodSandbox({ podSandboxId })
    }
    const pod = { sandboxId: podSandboxId, uid, namespace, run, [Symbol.asyncDispose]: stop }
    this.#pods.push(pod)
    return pod
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process === undefined) await this.restart()
    this.resume()
    for (const pod of this.#pods.splice(0))
      await Promise.resolve(pod[Symbol.asyncDispose]()).catch(() => undefined)
    await this.kill()
    // A pod that was still being made when the test gave up is known to nobody: its shim ends, then what it started.
    endShims(this.socket)
    while (removeCgroups(this.cgroup)) await new Promise((resolve) => setTimeout(resolve, 20))
    this.#sessions?.abort()
    for (const mounted of mountsBelow(this.folder)) execFileSync('umount', ['-l', mounted])
    rmSync(this.folder, { recursive: true, force: true })
  }

  async #answers(): Promise<boolean> {
    if (!existsSync(this.socket)) return false
    return this.kubelet.version({}).then(
      () => true,
      () => false,
    )
  }

  #ctr(...args: readonly string[]): void {
    execFileSync('ctr', ['-a', this.socket, '-n', 'k8s.io', ...args], { stdio: 'ignore' })
  }

  #configure(): void {
    const { folder } = this
    for (const name of ['root', 'state', 'cni', 'logs']) mkdirSync(join(folder, name))
    const network = {
      cniVersion: '0.4.0',
      name: 'riposte-test',
      plugins: [
        {
          type: 'ptp',
          ipam: {
            type: 'host-local',
            dataDir: join(folder, 'ipam'),
            ranges: [[{ subnet: '10.231.7.0/24' }]],
          },
        },
      ],
    }
    writeFileSync(join(folder, 'cni/10-test.conflist'), JSON.stringify(network))
    const config = containerdConfig({
      root: join(folder, 'root'),
      state: join(folder, 'state'),
      socket: this.socket,
      cniFolder: join(folder, 'cni'),
      pauseImage: pause,
      snapshotter: 'overlayfs',
    })
    writeFileSync(join(folder, 'config.toml'), config)
  }
}

const podUid = (number: number) =>
  `${process.pid.toString(16).padStart(8, '0')}-0000-4000-8000-${number.toString(16).padStart(12, '0')}`

/** The deepest first. */
const mountsBelow = (folder: string) =>
  readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((path) => path.startsWith(`${folder}/`))
    .toReversed()

/** A shim is told its containerd's socket in its arguments. */
function endShims(socket: string): void {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name)))
    tryTo(() => {
      const args = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
      if (args[0]?.includes('containerd-shim') === true && args.includes(socket))
        process.kill(Number(pid), 'SIGKILL')
    })
}
