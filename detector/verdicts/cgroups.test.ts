import { expect, test } from '@jest/globals'
import { cgroupId, directoryOfId, findCgroupTrees } from './cgroups.ts'
import { makeCgroup } from './testing.ts'

const { unified } = findCgroupTrees()
const onUnified = unified === undefined ? test.skip : test

const v2 = '30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate'
const hybrid = [
  '33 30 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw',
  '35 30 0:30 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct',
  '36 30 0:31 / /sys/fs/cgroup/freezer rw - cgroup cgroup rw,freezer',
].join('\n')
const bound = '40 30 0:28 /kubepods/pod1 /mnt rw - cgroup2 cgroup2 rw'

test('the trees of a machine are found where they are mounted whole', () => {
  expect(findCgroupTrees(v2)).toEqual({ unified: '/sys/fs/cgroup', freezer: undefined })
  expect(findCgroupTrees(hybrid)).toEqual({
    unified: '/sys/fs/cgroup/unified',
    freezer: '/sys/fs/cgroup/freezer',
  })
  expect(findCgroupTrees(`${bound}\n${v2}`)).toEqual(findCgroupTrees(v2))
  expect(findCgroupTrees('')).toEqual({ unified: undefined, freezer: undefined })
})

onUnified('a cgroup is found by its id, and one made anew under its path has another', () => {
  const root = unified ?? ''
  using parent = makeCgroup(root)
  const child = makeCgroup(parent.directory, root)
  expect(directoryOfId(root, child.id)).toBe(child.directory)
  child[Symbol.dispose]()
  expect(directoryOfId(root, child.id)).toBeUndefined()
  expect(cgroupId(child.directory)).toBeUndefined()
})
