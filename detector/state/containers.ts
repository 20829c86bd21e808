/** From a cgroup's path to the container it belongs to, by the layouts that runtimes use (falco-compat 3.2). */

export interface ContainerIdentity {
  /** First 12 characters, as every tool shows it; `host` outside containers. */
  readonly id: string
  /** All of it; empty on the host. */
  readonly fullId: string
  /** Where the kubelet made the cgroup: the pod's UID, a static pod's config hash. */
  readonly podUid?: string
}

const onHost: ContainerIdentity = { id: 'host', fullId: '' }

/** 64 hex digits; a leaf of 32 is a systemd invocation or a VM as often as a container, so it is none. */
const hexId = /^[0-9a-f]{64}$/
const scoped =
  /^(?:docker|crio|cri-containerd|nerdctl|libpod|libpod-payload|podman|containerd)-([0-9a-f]{64})(?:\.scope)?$/
/** A systemd path given to a runtime with the other driver: `kubepods-….slice:cri-containerd:<id>`. */
const colons = /:(?:cri-containerd|crio|docker|libpod|nerdctl):([0-9a-f]{64})$/
const lxc = /^lxc(?:\.payload)?[.]([^/]+)$/
const machine = /^machine-lxc(?:\\x2d|-)\d+(?:\\x2d|-)(.+)\.scope$/
const bpm = /^bpm-([A-Za-z0-9-]+)$/
/**
 * The kubelet's two cgroup drivers: `pod<UID>`, and `kubepods-burstable-pod<UID with _>.slice`, in kind with `kubelet-`
 * before it.
 */
const podComponent =
  /^(?:(?:\w+-)?kubepods(?:-[a-z]+)?-)?pod([0-9a-f]{32}|[0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12})(?:\.slice)?$/

/**
 * The innermost component that names a container decides, so that a container which makes cgroups of its own is
 * still seen as what it is (E26).
 */
export function containerOfPath(path: string): ContainerIdentity {
  const known = cache.get(path)
  if (known !== undefined) return known
  const found = parse(path)
  if (cache.size >= CACHE_LIMIT) cache.clear()
  cache.set(path, found)
  return found
}

/** A process's cgroups, each `controller=path` or a bare path: the first that names a container. */
export function containerOf(cgroups: readonly string[]): ContainerIdentity {
  for (const cgroup of cgroups) {
    const found = containerOfPath(cgroup.slice(Math.max(0, cgroup.indexOf('/'))))
    if (found !== onHost) return found
  }
  return onHost
}

const CACHE_LIMIT = 4096
const cache = new Map<string, ContainerIdentity>()

function parse(path: string): ContainerIdentity {
  const components = path.split('/')
  for (let at = components.length - 1; at > 0; at--) {
    const name = components[at] ?? ''
    const above = components[at - 1] ?? ''
    const hex = hexId.exec(name)?.[0] ?? scoped.exec(name)?.[1] ?? colons.exec(name)?.[1]
    if (hex !== undefined) return { id: hex.slice(0, 12), fullId: hex, ...podAbove(components, at) }
    const named =
      lxc.exec(name)?.[1] ??
      machine.exec(name)?.[1] ??
      bpm.exec(name)?.[1] ??
      (above === 'lxc' || above === 'lxc.payload' ? name : undefined)
    if (named !== undefined && named !== '') return { id: named, fullId: named }
  }
  return onHost
}

function podAbove(components: readonly string[], at: number): Pick<ContainerIdentity, 'podUid'> {
  for (let above = at - 1; above > 0; above--) {
    const uid = podComponent.exec(components[above] ?? '')?.[1]
    if (uid !== undefined) return { podUid: uid.replaceAll('_', '-') }
  }
  // `kubepods-….slice:cri-containerd:<id>` has both in one component.
  const uid = podComponent.exec(components[at]?.split(':')[0] ?? '')?.[1]
  return uid === undefined ? {} : { podUid: uid.replaceAll('_', '-') }
}
