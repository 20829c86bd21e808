/** Builds what executeVerdict needs, from what the detector's configuration says. */
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Scope } from '../scope/scope.ts'
import { AnswerMemory } from './answer-memory.ts'
import { pinDirectory } from './bpffs.ts'
import type { VerdictContext } from './execute.ts'
import { createGuard, type GuardSettings } from './guard.ts'
import { NetworkBlocks } from './network-blocks.ts'
import { OwnProcesses } from './own-processes.ts'
import { folderName } from './sha256.ts'

export interface VerdictSettings {
  /** Absolute; ours alone. */
  readonly dataDir: string
  readonly guard: GuardSettings
  readonly scope: Scope
  /** Absolute paths that run_program may start; empty by default, so it may start none. */
  readonly programs: readonly string[]
  /**
   * Riposte's own and nobody else's: this process, the `riposte` around it if there is one (not the shell that started
   * it), its Redis. What their children do is taken for Riposte's own doing. Asked anew for each guard.
   */
  readonly ownPids: () => Iterable<number>
  readonly isKillSwitchOn: () => boolean
  readonly nowMs: () => number
}

/** Out of the way of the start, which has more urgent things to load. */
const PREPARE_AFTER_MS = 1000

/** Blocks that outlived an earlier detector are in force again when this resolves. */
export async function openVerdictContext(
  settings: VerdictSettings,
): Promise<VerdictContext & AsyncDisposable> {
  const { dataDir, programs, scope, isKillSwitchOn, nowMs } = settings
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const own = new OwnProcesses()
  for (const pid of settings.ownPids()) own.mark(pid)
  const memory = await AnswerMemory.open({ path: join(dataDir, 'answers.jsonl'), nowMs })
  // Of this data directory alone: a second detector by mistake must not lift the blocks of the first.
  const pinName = `block-${folderName(dataDir).slice(0, 8)}`
  const network = await NetworkBlocks.open({
    statePath: join(dataDir, 'blocks.json'),
    pins: (mode) => pinDirectory(pinName, mode),
    cgroupRoot: scope.directory,
  })
  const preparing = setTimeout(() => {
    network.prepare()
  }, PREPARE_AFTER_MS).unref()
  return {
    dataDir,
    programs,
    isKillSwitchOn,
    nowMs,
    own,
    memory,
    network,
    scope,
    guard: createGuard(settings.guard, scope, settings.ownPids),
    bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
    underway: new Map(),
    async [Symbol.asyncDispose]() {
      clearTimeout(preparing)
      network.close()
      await memory.close()
    },
  }
}
