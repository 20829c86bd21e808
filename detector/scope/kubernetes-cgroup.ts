/** Where a node's own part of the cgroup tree ends and its pods begin, by the layouts of the kubelet. */

/** `kubepods` (cgroupfs), `kubepods.slice` (systemd), `kubelet-kubepods.slice` (systemd, below a kubelet.slice). */
const pods = /^(?:[\w-]+-)?kubepods(?:\.slice)?$/
/** kind puts a kubelet's pods below a cgroup of the kubelet's. */
const kubelet = /^kubelet(?:\.slice)?$/

/**
 * How many components of a pod's cgroup path are the node's: `/n1/kubepods/besteffort/pod…` → 1, `/kubepods.slice/…` → 0
 * (the node is the whole machine). Undefined when the path is of no pod. The outermost counts: what a pod makes below
 * itself cannot move it (E26).
 */
export function nodeDepth(components: readonly string[]): number | undefined {
  const at = components.findIndex((name) => pods.test(name))
  if (at < 0) return undefined
  return kubelet.test(components[at - 1] ?? '') ? at - 1 : at
}
