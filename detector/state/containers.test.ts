import { expect, test } from '@jest/globals'
import { containerOf, containerOfPath } from './containers.ts'

const id = '3ad7b26ded6d8e7b23da7d48fe889434573036c27ae5a74837233de441c3f5d8'

test.each([
  ['docker by cgroupfs', `/docker/${id}`],
  ['docker by systemd', `/system.slice/docker-${id}.scope`],
  ['CRI-O', `/kubepods.slice/kubepods-besteffort.slice/crio-${id}.scope`],
  ['CRI-O by cgroupfs', `/kubepods/burstable/pod1/crio-${id}`],
  ['containerd by systemd', `/kubepods.slice/kubepods-pod1.slice/cri-containerd-${id}.scope`],
  ['containerd with colons', `/system.slice/kubepods-pod1.slice:cri-containerd:${id}`],
  ['kubelet by cgroupfs', `/kubepods/besteffort/podcd1/${id}`],
  ['nerdctl', `/user.slice/nerdctl-${id}.scope`],
  ['podman', `/machine.slice/libpod-${id}.scope`],
  ['podman with a payload', `/machine.slice/libpod-payload-${id}`],
  ['podman with a container below', `/machine.slice/libpod-${id}.scope/container`],
  ['ctr with a namespace', `/default/${id}`],
  ['a cgroup that the container made itself', `/docker/${id}/init.scope/evil`],
])('%s names the container', (_runtime, path) => {
  expect(containerOfPath(path)).toEqual({ id: '3ad7b26ded6d', fullId: id })
})

test.each([
  ['lxc', '/lxc/web', 'web'],
  ['lxc with a payload', '/lxc.payload.web/system.slice', 'web'],
  ['libvirt-lxc', '/machine.slice/machine-lxc\\x2d42\\x2dweb.scope', 'web'],
  ['bpm', '/system.slice/bpm-garden', 'garden'],
])('%s names the container by its name', (_runtime, path, name) => {
  expect(containerOfPath(path)).toEqual({ id: name, fullId: name })
})

test('a nested container is the inner one', () => {
  const inner = id.replace('3ad7', 'beef')
  expect(containerOfPath(`/docker/${id}/docker/${inner}`).fullId).toBe(inner)
})

test.each([
  ['a service', '/system.slice/sshd.service'],
  ['the root', '/'],
  ['a leaf of 32 hex digits', `/system.slice/${id.slice(0, 32)}`],
  ['65 hex digits', `/docker/${id}0`],
  ["CRI-O's monitor of a container", `/kubepods.slice/crio-conmon-${id}.scope`],
  ["podman's monitor of a container", `/machine.slice/libpod-conmon-${id}.scope`],
])('%s is the host', (_what, path) => {
  expect(containerOfPath(path)).toEqual({ id: 'host', fullId: '' })
})

test('any of the hierarchies may tell', () => {
  expect(containerOf(['cpu=/', `memory=/docker/${id}`]).id).toBe('3ad7b26ded6d')
  expect(containerOf(['0::/user.slice']).id).toBe('host')
})
