/** The programs of the cluster. */
import { join } from 'node:path'
import { goPrograms } from './go-programs.ts'

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

/** 5 to 9 minutes the first time, then nothing. */
export async function clusterTools(): Promise<ClusterTools> {
  const folder = await goPrograms({
    folder: join(import.meta.dirname, 'tools'),
    cache: 'cluster',
    packages,
    flags: versionFlags,
  })
  const bin = join(folder, 'bin')
  return { bin, images: join(folder, 'images'), path: (name) => join(bin, name) }
}

/** Without them the API server says that it is v0.0.0-master. */
function versionFlags(goMod: string): string {
  const [, version, major, minor] = /k8s\.io\/kubernetes (v(\d+)\.(\d+)\.\S+)/.exec(goMod) ?? []
  const variables = { gitVersion: version, gitMajor: major, gitMinor: minor }
  return Object.entries(variables)
    .map(([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`)
    .reduce((flags, flag) => `${flags} ${flag}`, '-s -w')
}
