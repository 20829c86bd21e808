/** For tests: what the real kernel says while something real is done. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { events } from '../events/schema.ts'
import type { EventView } from '../events/view.ts'
import { type KernelOptions, type KernelSource, startKernel } from './kernel.ts'

export interface Observed {
  readonly name: string
  readonly pid: number
  readonly tid: number
  readonly parentPid: number
  readonly flags: number
  readonly timeNs: bigint
  readonly startTimeNs: bigint
  readonly cgroupId: bigint
  readonly slots: number
  /** Every parameter by name; undefined is missing. */
  readonly parameters: Readonly<Record<string, unknown>>
}

/** Does `act` with the hooks of `names` attached; every record from its start to its end. */
export function observe(
  names: readonly string[],
  act: (source: KernelSource) => void,
  options: Partial<KernelOptions> = {},
): readonly Observed[] {
  const seen: Observed[] = []
  let lost = 0
  const source = startKernel({
    compat: 'never',
    isScanWanted: false,
    ...options,
    events: names,
    onEvent: (view) => seen.push(copyOf(view)),
    onLost: ({ count }) => {
      lost += count
    },
  })
  try {
    act(source)
    source.drain()
    if (lost > 0) throw new Error(`${lost} records lost: something else floods this machine`)
    return seen
  } finally {
    source.close()
  }
}

function copyOf(view: EventView): Observed {
  const { pid, tid, parentPid, flags, timeNs, startTimeNs, cgroupId } = view
  const row = events[view.eventId]
  const parameters = (row?.parameters ?? []).map(({ name, type }, index) => {
    if (type === 'int') return [name, view.int(index)]
    if (type === 'list') return [name, view.list(index)]
    if (type === 'bytes') return [name, view.bytes(index)]
    return [name, type === 'socket' ? view.socket(index) : view.text(index)]
  })
  return {
    name: row?.name ?? '',
    pid,
    tid,
    parentPid,
    flags,
    timeNs,
    startTimeNs,
    cgroupId,
    slots: parameters.length,
    parameters: Object.fromEntries(parameters),
  }
}

/** Compiles and runs a C program in a directory of its own (also its working directory); its pid is in the answer. */
export function runC(
  source: string,
  options: { readonly flags?: readonly string[]; readonly args?: readonly string[] } = {},
): { pid: number; status: number | null; directory: string } {
  const directory = mkdtempSync(join(tmpdir(), 'riposte-'))
  try {
    writeFileSync(join(directory, 'act.c'), source)
    const flags = ['-w', '-o', 'act', 'act.c', '-pthread', ...(options.flags ?? [])]
    const built = spawnSync('gcc', flags, { cwd: directory, encoding: 'utf8' })
    if (built.status !== 0) throw new Error(built.stderr)
    const { pid, status } = spawnSync('./act', options.args, { cwd: directory, stdio: 'ignore' })
    return { pid, status, directory }
  } finally {
    rmSync(directory, { recursive: true })
  }
}

/** The calls that `body` makes, in order, told as `names`: parameters alone, and the directory that it ran in. */
export function callsOf(
  names: readonly string[],
  body: string,
  options: Partial<KernelOptions> = {},
) {
  let ran = { pid: 0, directory: '' }
  // prctl marks the end of the loader's own calls.
  const mark = 4242
  const seen = observe(
    [...new Set([...names, 'prctl'])],
    () => {
      ran = runC(program(`prctl(${mark}); ${body}`))
    },
    options,
  )
  const own = seen.filter(({ pid }) => pid === ran.pid)
  const begin = own.findIndex(({ parameters }) => parameters['option'] === mark)
  const records = own.slice(begin + 1).filter(({ name }) => names.includes(name))
  return {
    records,
    calls: records.map(({ name, parameters }) => ({ name, ...parameters })),
    ...ran,
  }
}

/** A whole program around `body`, with the headers that acts need. */
export const program = (body: string): string => `
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <linux/openat2.h>
int main(int argc, char **argv) { ${body}; return 0; }
`
