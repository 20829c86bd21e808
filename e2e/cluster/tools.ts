/**
 * The programs of the cluster, built once from the Go module proxy by the module in tools/ and kept outside the
 * repository: ${XDG_CACHE_HOME:-~/.cache}/riposte/cluster/<key>/bin.
 */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rename } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { must } from './command.ts'
import { exclusively } from './lock.ts'

const modules = join(import.meta.dirname, 'tools')

/** Program → package. The dearest first: what they share is compiled with it. */
const packages = {
  'kube-apiserver': 'k8s.io/kubernetes/cmd/kube-apiserver',
  kubelet: 'k8s.io/kubernetes/cmd/kubelet',
  'kube-controller-manager': 'k8s.io/kubernetes/cmd/kube-controller-manager',
  'kube-scheduler': 'k8s.io/kubernetes/cmd/kube-scheduler',
  'kube-proxy': 'k8s.io/kubernetes/cmd/kube-proxy',
  kubectl: 'k8s.io/kubernetes/cmd/kubectl',
  etcd: 'go.etcd.io/etcd/server/v3',
  'kube-network-policies': 'sigs.k8s.io/kube-network-policies/cmd/kube-network-policies/standard',
  coredns: 'github.com/coredns/coredns',
  helm: 'helm.sh/helm/v4/cmd/helm',
  helm3: 'helm.sh/helm/v3/cmd/helm',
  kubeconform: 'github.com/yannh/kubeconform/cmd/kubeconform',
} as const

export type ToolName = keyof typeof packages

export interface ClusterTools {
  /** The folder with the programs. */
  readonly bin: string
  /** A folder beside it for what is made from them. */
  readonly images: string
  readonly path: (name: ToolName) => string
}

/** Builds what is missing, with a line on standard error for each; 5 to 9 minutes the first time, then nothing. */
export async function clusterTools(): Promise<ClusterTools> {
  const [goMod, goSum] = await Promise.all([
    readFile(join(modules, 'go.mod'), 'utf8'),
    readFile(join(modules, 'go.sum'), 'utf8'),
  ])
  const goVersion = await must('go', ['version'])
  const key = createHash('sha256').update(goMod).update(goSum).update(goVersion).digest('hex')
  const folder = join(cacheFolder(), key.slice(0, 16))
  const bin = join(folder, 'bin')
  const tools = { bin, images: join(folder, 'images'), path: (name: ToolName) => join(bin, name) }
  const names = Object.keys(packages) as ToolName[]
  if (names.every((name) => existsSync(tools.path(name)))) return tools

  await exclusively(`cluster-tools-${key}`, async () => {
    await mkdir(bin, { recursive: true })
    for (const name of names.filter((missing) => !existsSync(tools.path(missing))))
      await build(name, tools.path(name), versionFlags(goMod))
  })
  return tools
}

async function build(name: ToolName, path: string, flags: string): Promise<void> {
  const start = performance.now()
  process.stderr.write(`cluster: building ${name} ... `)
  const partial = `${path}.partial`
  await must('go', ['build', '-trimpath', '-ldflags', flags, '-o', partial, packages[name]], {
    cwd: modules,
    env: { CGO_ENABLED: '0', GOFLAGS: '-mod=readonly', GOWORK: 'off' },
  })
  // What stands under its name is whole.
  await rename(partial, path)
  process.stderr.write(`${((performance.now() - start) / 1000).toFixed(0)} s\n`)
}

/** Without them the API server says that it is v0.0.0-master. */
function versionFlags(goMod: string): string {
  const [, version, major, minor] = /k8s\.io\/kubernetes (v(\d+)\.(\d+)\.\S+)/.exec(goMod) ?? []
  const variables = { gitVersion: version, gitMajor: major, gitMinor: minor }
  return Object.entries(variables)
    .map(([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`)
    .reduce((flags, flag) => `${flags} ${flag}`, '-s -w')
}

function cacheFolder(): string {
  const { XDG_CACHE_HOME: cache } = process.env
  return join(
    cache === undefined || cache === '' ? join(homedir(), '.cache') : cache,
    'riposte/cluster',
  )
}
