/** For the tests of this folder: real processes to act on, and a context of their own that is taken away after. */
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Place, ProcessIdentity } from '../../contract/alert.ts'
import type { Verdict } from '../../contract/verdict.ts'
import { hostScope, type Scope } from '../scope/scope.ts'
import { AnswerMemory } from './answer-memory.ts'
import { cgroupId, findCgroupTrees, pidsIn } from './cgroups.ts'
import type { VerdictContext } from './execute.ts'
import { createGuard } from './guard.ts'
import { NetworkBlocks } from './network-blocks.ts'
import { OwnProcesses } from './own-processes.ts'
import { readProc, readProcLink, readStat, running, type ProcessStat } from './proc.ts'

export interface TestContext extends VerdictContext, AsyncDisposable {
  readonly dataDir: string
}

export interface TestSettings {
  readonly dataDir?: string
  readonly programs?: readonly string[]
  readonly protectedPrograms?: readonly string[]
  readonly ownPids?: readonly number[]
  readonly isKillSwitchOn?: boolean
  readonly pins?: string
  /** As if the machine had no unified cgroup tree. */
  readonly isPureV1?: boolean
  readonly scope?: Scope
}

/** The whole machine. */
export const testScope = (isPureV1 = false): Scope => {
  const { unified, freezer } = findCgroupTrees()
  return hostScope({ unified: isPureV1 ? undefined : unified, freezer })
}

export async function openTestContext(settings: TestSettings = {}): Promise<TestContext> {
  const dataDir = settings.dataDir ?? mkdtempSync(join(tmpdir(), 'riposte-verdicts-'))
  const memory = await AnswerMemory.open({ path: join(dataDir, 'answers.jsonl'), nowMs: Date.now })
  const scope = settings.scope ?? testScope(settings.isPureV1 === true)
  const network = await NetworkBlocks.open({
    statePath: join(dataDir, 'blocks.json'),
    pins: () => settings.pins ?? null,
    cgroupRoot: scope.directory,
  })
  return {
    dataDir,
    memory,
    network,
    scope,
    nowMs: Date.now,
    own: new OwnProcesses(),
    programs: settings.programs ?? [],
    guard: createGuard(
      { programs: [...(settings.protectedPrograms ?? [])] },
      scope,
      () => settings.ownPids ?? [],
    ),
    isKillSwitchOn: () => settings.isKillSwitchOn ?? false,
    bootId: bootId(),
    underway: new Map(),
    async [Symbol.asyncDispose]() {
      network.close()
      await memory.close()
      if (settings.dataDir === undefined) rmSync(dataDir, { recursive: true, force: true })
    },
  }
}

const bootId = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()

/** An order with everything in it that a test does not care about. */
export function order(
  action: string,
  process: ProcessIdentity | null,
  rest: Partial<Verdict> = {},
): Verdict {
  return {
    id: 'step-1',
    operation: 'run',
    action,
    parameters: {},
    bootId: bootId(),
    process,
    place: null,
    fields: {},
    effect: null,
    deadlineMs: Date.now() + 60_000,
    ...rest,
  }
}

export interface Victim extends AsyncDisposable {
  readonly pid: number
  readonly identity: ProcessIdentity
  readonly output: () => string
  write(text: string): void
}

/** Runs a program in a session of its own; whatever carries its marker in the environment dies with it. */
export async function startVictim(argv: readonly string[], cwd = '/'): Promise<Victim> {
  const [program = '', ...rest] = argv
  const marker = `RIPOSTE_TEST=${crypto.randomUUID()}`
  const child = spawn(program, rest, {
    cwd,
    detached: true,
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { PATH: process.env['PATH'] ?? '', RIPOSTE_TEST: marker.slice('RIPOSTE_TEST='.length) },
  })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  child.stdin.on('error', () => undefined)
  const { pid } = child
  if (pid === undefined) throw new Error(`cannot start ${program}`)
  // Between fork and exec it is still a copy of this process.
  await until(() => readProc(pid, 'environ')?.includes(marker) === true)
  return {
    pid,
    identity: identityOf(pid),
    output: () => output,
    write: (text) => void child.stdin.write(text),
    async [Symbol.asyncDispose]() {
      await until(() => {
        const left = running().filter((each) => readProc(each.pid, 'environ')?.includes(marker))
        for (const each of left) process.kill(each.pid, 'SIGKILL')
        return left.length === 0
      })
    },
  }
}

export function identityOf(pid: number): ProcessIdentity {
  const stat = readStat(pid)
  if (stat === undefined) throw new Error(`no process ${pid}`)
  return {
    pid,
    startTimeNs: String(BigInt(stat.startTicks) * 10_000_000n),
    name: stat.name,
    exePath: readProcLink(pid, 'exe') ?? '',
    commandLine: (readProc(pid, 'cmdline') ?? '').replaceAll('\0', ' ').trim(),
    parentPid: stat.parentPid,
    sessionId: stat.sessionId,
    userId: 0,
  }
}

/** Everything that runs and has this text in its arguments. */
export const withArgument = (text: string): ProcessStat[] =>
  running().filter(({ pid }) => readProc(pid, 'cmdline')?.split('\0').includes(text))

/** Waits for the world, for ten seconds at most. */
export async function until(isSo: () => boolean): Promise<void> {
  const end = performance.now() + 10_000
  while (!isSo()) {
    if (performance.now() > end) throw new Error(`never came true: ${isSo.toString()}`)
    await pause(2)
  }
}

export interface TestCgroup extends Disposable {
  readonly directory: string
  readonly id: string
  add(pid: number): void
}

/** An empty cgroup below a tree's root; its processes go back there when it is taken away. */
export function makeCgroup(parent: string, root = parent): TestCgroup {
  const directory = join(parent, `riposte-test-${crypto.randomUUID().slice(0, 8)}`)
  mkdirSync(directory)
  return {
    directory,
    id: cgroupId(directory) ?? '',
    add: (pid) => writeFileSync(join(directory, 'cgroup.procs'), String(pid)),
    [Symbol.dispose]() {
      for (const pid of pidsIn(directory)) writeFileSync(join(root, 'cgroup.procs'), String(pid))
      rmdirSync(directory)
    },
  }
}

export const hostPlace = (id: string): Place => ({
  cgroupId: id,
  containerId: 'host',
  container: null,
  pod: null,
  isPending: false,
})
