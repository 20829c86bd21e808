import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import { statSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'
import { nodeActionParameters } from '../../contract/node-actions.ts'
import { unknownName } from '../../contract/problem.ts'
import { failed, nodeAction, refused, type NodeCall } from './action.ts'
import { isSame, readStat, running, type ProcessRef } from './proc.ts'
import { signal } from './signals.ts'
import { resolve } from './template.ts'

const parameters = nodeActionParameters.run_program
type Call = NodeCall<z.infer<typeof parameters>>

const OUTPUT_BYTES = 64 * 1024
const LAST_OUTPUT_WITHIN_MS = 1000

const effectSchema = z.strictObject({
  argv: z.array(z.string()),
  exitCode: z.int().nullable(),
  /** Its last 64 KiB each. */
  stdout: z.string(),
  stderr: z.string(),
  isTruncated: z.boolean(),
})

export const runProgram = nodeAction({
  name: 'run_program',
  parameters,
  effect: effectSchema,
  isEffectful: true,
  isRepeatable: false,

  plan(call) {
    const argv = argvOf(call)
    const effect = { argv, exitCode: null, stdout: '', stderr: '', isTruncated: false }
    return Promise.resolve({ kind: 'change', detail: `run ${JSON.stringify(argv)}`, effect })
  },

  async run(call) {
    const argv = argvOf(call)
    const env = environmentOf(call)
    const { exitCode, ...output } = await execute(call, argv, env)
    if (exitCode === 0)
      return { detail: `${argv[0]} exited with 0`, effect: { argv, exitCode, ...output } }
    const how = exitCode === null ? 'was killed at its deadline' : `exited with ${exitCode}`
    throw failed(`${argv[0]} ${how}: ${lastLine(output.stderr)}`)
  },

  verify: (_call, effect) => Promise.resolve(effect.exitCode === 0),
})

/** The program is named by the policy alone; an event's value is one argument, and no option unless `--` stands before. */
function argvOf(call: Call): string[] {
  const [program = '', ...rest] = call.parameters.argv
  if (!call.programs.includes(program)) {
    const remedy = `add it to the node's programs to allow it`
    throw refused(`${unknownName('program', program, call.programs)}; ${remedy}`)
  }
  refuseWritable(program)
  return [
    program,
    ...rest.map((text, index) => {
      const value = resolve(text, call)
      const isOption =
        value.startsWith('-') && text !== value && !rest.slice(0, index).includes('--')
      if (isOption) throw refused(`${text} is ${value}, which the program may take for an option`)
      return value
    }),
  ]
}

/** What anybody may write, anybody may run as us. */
function refuseWritable(program: string): void {
  const stats = statSync(program, { throwIfNoEntry: false })
  if (stats === undefined || !stats.isFile()) throw refused(`${program} is not there`)
  if ((stats.mode & 0o022) !== 0)
    throw refused(`${program} can be written by others than its owner`)
}

/** Nothing of our own environment: it may hold a token. */
function environmentOf(call: Call): Record<string, string> {
  const given = Object.entries(call.parameters.env).map(([name, text]) => [
    `RIPOSTE_${name}`,
    resolve(text, call),
  ])
  return {
    PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
    ...Object.fromEntries(given),
    RIPOSTE_STEP_ID: call.id,
  }
}

async function execute(call: Call, argv: string[], env: Record<string, string>) {
  const [program = '', ...rest] = argv
  // Its own session, so that the deadline finds whatever it left behind.
  const child = spawn(program, rest, {
    argv0: program,
    cwd: '/',
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const { pid } = child
  if (pid !== undefined) call.own.mark(pid)
  const stdout = tail(child.stdout)
  const stderr = tail(child.stderr)
  const deadline = AbortSignal.any([call.signal, AbortSignal.timeout(call.parameters.timeoutMs)])
  const exitCode = await ended(child, deadline)
  if (pid !== undefined) call.own.hasEnded(pid)
  return {
    exitCode,
    stdout: stdout.text(),
    stderr: stderr.text(),
    isTruncated: stdout.isCut() || stderr.isCut(),
  }
}

/** The exit code, null when it had to be killed. Whatever is left of its session ends with it. */
async function ended(
  child: ChildProcessByStdio<null, Readable, Readable>,
  deadline: AbortSignal,
): Promise<number | null> {
  const leader = child.pid === undefined ? undefined : readStat(child.pid)
  const kill = () => killSession(leader)
  const closed = once(child, 'close')
  deadline.addEventListener('abort', kill, { once: true })
  try {
    await once(child, 'exit')
    kill()
    // Something that left the session may hold the pipes open for ever.
    await Promise.race([closed, pause(LAST_OUTPUT_WITHIN_MS)])
    return child.exitCode
  } finally {
    closed.catch(() => undefined)
    deadline.removeEventListener('abort', kill)
    child.stdout.destroy()
    child.stderr.destroy()
  }
}

/** A session keeps its number as long as it has a member; a leader that started later made another session. */
function killSession(leader: ProcessRef | undefined): void {
  if (leader === undefined) return
  for (let round = 0; round < 20; round++) {
    const current = readStat(leader.pid)
    if (current !== undefined && !isSame(current, leader)) return
    const left = running().filter(({ sessionId }) => sessionId === leader.pid)
    if (left.length === 0) return
    for (const process of left) signal(process, 'SIGKILL')
  }
}

/** Keeps the end of a stream, where programs say what went wrong, and drains the rest. */
function tail(stream: Readable): { text: () => string; isCut: () => boolean } {
  let kept: Buffer = Buffer.alloc(0)
  let isCut = false
  stream.on('data', (chunk: Buffer) => {
    kept = Buffer.concat([kept, chunk])
    if (kept.length <= OUTPUT_BYTES) return
    kept = kept.subarray(kept.length - OUTPUT_BYTES)
    isCut = true
  })
  stream.on('error', () => undefined)
  return { text: () => kept.toString('utf8'), isCut: () => isCut }
}

const lastLine = (text: string): string => text.trimEnd().split('\n').at(-1)?.slice(0, 500) ?? ''
