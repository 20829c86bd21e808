/**
 * A run of a cluster on this machine: a slot with its addresses, a name that everything of it carries, a folder, and
 * a reaper of its own that takes all of it away once the owner lets go or dies, whatever it died of.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { addressesOf, slots, type Addresses } from './addresses.ts'
import { isAlive, ownerOf, type Owner } from './owner.ts'
import { exclusively } from './lock.ts'
import { linksOf } from './network.ts'
import { folderOf, recordOf, records, sweep } from './sweep.ts'

const reaper = join(import.meta.dirname, 'reaper.ts')

export interface Lease extends AsyncDisposable {
  /** At most four bytes: `rc0`. Links, namespaces and control groups begin with it. */
  readonly runId: string
  readonly folder: string
  readonly addresses: Addresses
}

/** Sweeps what dead owners left, then takes the first free slot. Disposing removes the run. */
export const takeLease = (): Promise<Lease> => exclusively('cluster-lease', takeFreeSlot)

async function takeFreeSlot(): Promise<Lease> {
  await mkdir(records, { recursive: true })
  for (const runId of await deadRuns()) await sweep(runId)
  for (let slot = 0; slot < slots; slot++) {
    const runId = `rc${slot}`
    const isTaken = (await recordedRuns()).includes(runId) || (await linksOf(runId)).length > 0
    if (isTaken) continue
    const folder = folderOf(runId)
    const owner = await ownerOf(process.pid)
    const { pid: reaperPid, reap } = startReaper(runId)
    await writeFile(recordOf(runId), JSON.stringify({ runId, folder, owner, reaperPid }))
    await mkdir(folder, { recursive: true, mode: 0o755 })
    return { runId, folder, addresses: addressesOf(slot), [Symbol.asyncDispose]: reap }
  }
  throw new Error(`all ${slots} slots for clusters are taken: see ${records}`)
}

/** `reap` makes it sweep now and waits for it. */
function startReaper(runId: string) {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', reaper, runId], {
    // Away from our terminal, so that Ctrl-C is not for it; its standard input ends when we do.
    detached: true,
    stdio: ['pipe', 'ignore', 'pipe'],
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  let complaint = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text))
  child.unref()
  const ended = once(child, 'close')
  const reap = async () => {
    child.ref()
    child.stdin.end()
    await ended
    if (child.exitCode !== 0) throw new Error(`${runId} could not be swept: ${complaint}`)
  }
  return { pid: child.pid, reap }
}

const recordedRuns = async () => (await readdir(records)).map((name) => name.replace(/\.json$/, ''))

async function deadRuns(): Promise<string[]> {
  const dead: string[] = []
  for (const runId of await recordedRuns()) {
    const record = JSON.parse(await readFile(recordOf(runId), 'utf8')) as { owner: Owner }
    if (!(await isAlive(record.owner))) dead.push(runId)
  }
  return dead
}
