import { expect, test } from '@jest/globals'
import { spawn, spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Place } from '../../contract/alert.ts'
import { needs } from '../../scripts/needs.ts'
import { removeCgroups } from '../containers/testing/cgroups.ts'
import { hostScope } from '../scope/scope.ts'
import { containerOf } from '../state/containers.ts'
import { readProcess } from '../state/proc-files.ts'
import { cgroupId, findCgroupTrees } from '../verdicts/cgroups.ts'
import { cgroupOfPlace } from '../verdicts/place-cgroup.ts'
import { until } from '../verdicts/testing.ts'
import { type Observed, observe } from './observe.ts'

const trees = findCgroupTrees()
/** The v1 controller that the kernel names first, where it is not of the unified tree. */
const cpuset = '/sys/fs/cgroup/cpuset'
const v1 = existsSync(join(cpuset, 'cgroup.clone_children')) ? cpuset : undefined

const id = '3ad7b26ded6d8e7b23da7d48fe889434573036c27ae5a74837233de441c3f5d8'
const outer = id.replace('3ad7', 'beef')
// Its own: other tests make cgroups of pods in the same tree meanwhile.
const uid = randomUUID()
const slice = `pod${uid.replaceAll('-', '_')}.slice`
const burstable = `kubepods.slice/kubepods-burstable.slice/kubepods-burstable-${slice}`
const kind = 'kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-besteffort.slice'

/** Where runtimes put their containers: by systemd's paths and by plain ones, with the pod where there is one. */
const layouts: Readonly<Record<string, readonly [path: string, podUid?: string]>> = {
  'containerd by systemd': [`${burstable}/cri-containerd-${id}.scope`, uid],
  'a guaranteed pod by systemd': [
    `kubepods.slice/kubepods-${slice}/cri-containerd-${id}.scope`,
    uid,
  ],
  'containerd of kind': [
    `${kind}/kubelet-kubepods-besteffort-${slice}/cri-containerd-${id}.scope`,
    uid,
  ],
  'containerd by cgroupfs, k3s': [`kubepods/besteffort/pod${uid}/${id}`, uid],
  'a node that is a container of Docker, k3d': [
    `docker/${outer}/kubepods/burstable/pod${uid}/${id}`,
    uid,
  ],
  'containerd that was told the other driver': [
    `system.slice/kubepods-burstable-${slice}:cri-containerd:${id}`,
    uid,
  ],
  'CRI-O by systemd': [`${burstable}/crio-${id}.scope`, uid],
  'CRI-O with a container below': [`${burstable}/crio-${id}.scope/container`, uid],
  'CRI-O by cgroupfs': [`kubepods/burstable/pod${uid}/crio-${id}`, uid],
  'podman that was told the other driver': [`machine.slice:libpod:${id}`],
  'Docker by systemd': [`system.slice/docker-${id}.scope`],
  'Docker by cgroupfs': [`docker/${id}`],
  'podman by systemd': [`machine.slice/libpod-${id}.scope/container`],
  'podman without root': [
    `user.slice/user-1000.slice/user@1000.service/user.slice/libpod-${id}.scope/container`,
  ],
  'podman by cgroupfs': [`libpod_parent/libpod-${id}`],
}

/** A cpuset takes nobody before it has processors and memory; what is made below it takes them from it. */
function prepareCpuset(top: string): void {
  mkdirSync(top)
  for (const file of ['cpuset.cpus', 'cpuset.mems'])
    writeFileSync(join(top, file), readFileSync(join(cpuset, file)))
  writeFileSync(join(top, 'cgroup.clone_children'), '1')
}

const enter = 'echo $$ >"$0/cgroup.procs" && exec'

/** What the kernel tells of a process that runs already and of one that is executed now, and what /proc tells. */
async function identitiesIn(tree: string, top: string) {
  const places = Object.entries(layouts).map(([name, [path, podUid]]) => {
    const directory = join(tree, top, path)
    mkdirSync(directory, { recursive: true })
    const { pid = 0 } = spawn('sh', ['-c', `${enter} sleep 1000`, directory])
    return { name, podUid, directory, pid }
  })
  await until(() => places.every(({ pid }) => readProcess('/proc', pid)?.name === 'sleep'))
  const executed = new Map<string, number>()
  const seen = observe(
    ['execve'],
    (source) => {
      for (const { name, directory } of places) {
        executed.set(name, spawnSync('sh', ['-c', `${enter} true`, directory]).pid)
        source.drain()
      }
    },
    { isScanWanted: true },
  )
  const last = (pid: number | undefined) =>
    seen.findLast((record) => record.pid === pid && record.name === 'execve')
  return places.map((place) => ({
    ...place,
    proc: containerOf(readProcess('/proc', place.pid)?.cgroups ?? []),
    scanned: last(place.pid),
    executed: last(executed.get(place.name)),
  }))
}

const containerIn = (record: Observed | undefined) => {
  const cgroups = record?.parameters['cgroups']
  return containerOf(Array.isArray(cgroups) ? cgroups.map(String) : [])
}

for (const [name, tree] of Object.entries({ 'cgroup v2': trees.unified, 'cgroup v1': v1 })) {
  const kernelTest = tree === undefined ? test.skip : needs('root', 'ebpf')
  kernelTest(`the cgroups that runtimes make name container and pod: ${name}`, async () => {
    const top = `riposte-cgroups-${process.pid}`
    try {
      if (tree === cpuset) prepareCpuset(join(cpuset, top))
      for (const found of await identitiesIn(tree ?? '', top)) {
        const { podUid, scanned, executed, proc } = found
        const identity = { id: id.slice(0, 12), fullId: id, ...(podUid && { podUid }) }
        const told = { scanned: containerIn(scanned), executed: containerIn(executed), proc }
        expect({ [found.name]: told }).toEqual({
          [found.name]: { scanned: identity, executed: identity, proc: identity },
        })
        if (tree === trees.unified) expectFoundAgain(found)
      }
    } finally {
      while (removeCgroups(top)) await new Promise((resolve) => setTimeout(resolve, 5))
    }
  })
}

const placeOf = (cgroup: string, podUid: string | undefined): Place => ({
  cgroupId: cgroup,
  containerId: id.slice(0, 12),
  container: null,
  pod: podUid === undefined ? null : { ...pod, uid: podUid },
  isPending: false,
})
const pod = {
  namespace: 'shop',
  name: 'web-0',
  serviceAccount: 'default',
  priorityClass: null,
  isHostNetwork: false,
  labels: {},
  annotations: {},
  owners: [],
}

/** From the id in the record back to the directory that an order is carried out on. */
function expectFoundAgain({
  directory,
  podUid,
  executed,
}: Awaited<ReturnType<typeof identitiesIn>>[number]): void {
  expect(String(executed?.cgroupId)).toBe(cgroupId(directory))
  const place = placeOf(String(executed?.cgroupId), podUid)
  const container = cgroupOfPlace(place, hostScope(trees), 'container').directory
  expect(container).toBe(directory.replace(/\/container$/, ''))
  // Of a pod whose containers lie beside its slice there is no cgroup.
  if (podUid !== undefined && !directory.includes(':'))
    expect(cgroupOfPlace(place, hostScope(trees), 'pod').directory).toBe(dirname(container))
}
