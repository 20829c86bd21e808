/** Control groups of a run in every hierarchy that is mounted: version 1, version 2, or both side by side. */
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { eventually } from '../support/eventually.ts'

/** Mount points of the hierarchies. */
export async function cgroupTrees(): Promise<string[]> {
  const mounts = await readFile('/proc/self/mounts', 'utf8')
  const trees = mounts
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, , type]) => type === 'cgroup' || type === 'cgroup2')
    .flatMap(([, path]) => (path === undefined ? [] : [path]))
  return [...new Set(trees)]
}

/** Makes `name` (no leading slash) in every hierarchy. */
export async function makeCgroup(name: string): Promise<void> {
  for (const tree of await cgroupTrees()) {
    let path = tree
    for (const part of name.split('/')) {
      const parent = path
      path = join(parent, part)
      await delegate(parent)
      await mkdir(path, { recursive: true })
      // A version 1 cpuset without processors takes no process.
      for (const file of ['cpuset.cpus', 'cpuset.mems'])
        if (existsSync(join(path, 'tasks')) && existsSync(join(path, file)))
          await writeFile(join(path, file), await readFile(join(parent, file)))
    }
  }
}

/** Version 2 gives a group only the controllers that the one above passes on. */
async function delegate(group: string): Promise<void> {
  const file = join(group, 'cgroup.subtree_control')
  if (!existsSync(file)) return
  const controllers = await readFile(join(group, 'cgroup.controllers'), 'utf8')
  for (const name of controllers.split(/\s+/).filter((text) => text !== ''))
    // One that somebody else holds, or that is for threads alone, does not keep the others away.
    await writeFile(file, `+${name}`).catch(ignore(['EBUSY', 'EINVAL', 'EOPNOTSUPP'], undefined))
}

/** Kills every process in the control groups whose names begin with `prefix`, the frozen too, and removes the groups. */
export async function removeCgroups(prefix: string): Promise<void> {
  await eventually(
    async () => {
      const groups = await cgroupsOf(prefix)
      await Promise.all(groups.map(thaw))
      const pids = (await Promise.all(groups.map(processesIn))).flat()
      for (const pid of pids) kill(pid)
      // Children before parents.
      for (const group of groups.toReversed()) await remove(group)
      return await cgroupsOf(prefix)
    },
    (left) => left.length === 0,
  )
}

/** Their folders, parents before children. */
export async function cgroupsOf(prefix: string): Promise<string[]> {
  const found: string[] = []
  for (const tree of await cgroupTrees()) {
    const tops = (await readdir(tree)).filter((name) => name.startsWith(prefix))
    for (const top of tops) found.push(...(await below(join(tree, top))))
  }
  return found
}

async function below(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(ignore(['ENOENT'], []))
  const children = entries.filter((entry) => entry.isDirectory())
  return [
    folder,
    ...(await Promise.all(children.map(({ name }) => below(join(folder, name))))).flat(),
  ]
}

export async function processesIn(group: string): Promise<number[]> {
  const text = await readFile(join(group, 'cgroup.procs'), 'utf8').catch(
    ignore(['ENOENT', 'ENODEV', 'EOPNOTSUPP'], ''),
  )
  // 0 is a process that this PID namespace does not see.
  return text
    .split('\n')
    .map(Number)
    .filter((pid) => pid > 0)
}

async function thaw(group: string): Promise<void> {
  const gone = ignore(['ENOENT', 'ENODEV'], undefined)
  const [state, freeze] = [join(group, 'freezer.state'), join(group, 'cgroup.freeze')]
  if (existsSync(state)) await writeFile(state, 'THAWED').catch(gone)
  if (existsSync(freeze)) await writeFile(freeze, '0').catch(gone)
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    ignore(['ESRCH'], undefined)(error)
  }
}

const remove = (group: string) => rmdir(group).catch(ignore(['ENOENT', 'EBUSY'], undefined))

const ignore =
  <T>(codes: readonly string[], value: T) =>
  (error: unknown): T => {
    if (codes.includes((error as NodeJS.ErrnoException).code ?? '')) return value
    throw error
  }
