import { spawnSync } from 'node:child_process'
import { readFileSync, symlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { expect } from '@jest/globals'
import { needs } from '../../scripts/needs.ts'
import { type Event, type LiveEvent, createEvent } from '../events/event.ts'
import { startKernel } from '../sources/kernel.ts'
import { apply } from '../state/apply.ts'
import { createState } from '../state/state.ts'
import type { FieldValue } from './index.ts'
import { hostRoot, valueOf } from './testing.ts'

const ownName = readFileSync('/proc/self/comm', 'utf8').trim()
const kernelTest = needs('root', 'ebpf', 'compiler')

/** Runs a shell script below `directory` and reads `fields` of every event that `isWanted`. */
function seen(
  script: string,
  directory: string,
  {
    events,
    fields,
    isWanted,
  }: { events: string[]; fields: string; isWanted: (e: Event) => boolean },
): Record<string, FieldValue>[] {
  const state = createState()
  const found: Record<string, FieldValue>[] = []
  let event: LiveEvent | undefined
  const source = startKernel({
    events,
    isSelfHidden: false,
    onEvent(view) {
      event ??= createEvent(view, state)
      event.view = view
      if (!apply(event) || !isWanted(event)) return
      const one = event
      found.push(Object.fromEntries(fields.split(' ').map((field) => [field, valueOf(one, field)])))
    },
    onLost({ count }) {
      throw new Error(`${count} records lost`)
    },
  })
  try {
    const { status, stderr } = spawnSync('bash', ['-c', script], {
      cwd: directory,
      encoding: 'utf8',
    })
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    source.drain()
    return found
  } finally {
    source.close()
  }
}

kernelTest(
  'a file that is opened through a link has both names, and who opened it is known',
  () => {
    using root = hostRoot({ secret: 'x', 'way/there': '' })
    symlinkSync(join(root.path, 'secret'), join(root.path, 'way/link'))
    const opens = seen('cat way/../way/link > /dev/null', root.path, {
      events: ['openat'],
      fields:
        'fd.name fd.name_passed fd.nameraw fd.name_differs evt.is_open_read fd.typechar proc.name proc.pname proc.args proc.cwd user.name evt.res evt.hostname evt.arg.flags',
      isWanted: (event) => valueOf(event, 'fd.nameraw') === 'way/../way/link',
    })
    expect(opens).toEqual([
      {
        'fd.name': join(root.path, 'secret'),
        'fd.name_passed': join(root.path, 'way/link'),
        'fd.nameraw': 'way/../way/link',
        'fd.name_differs': true,
        'evt.is_open_read': true,
        'fd.typechar': 'f',
        'proc.name': 'cat',
        'proc.pname': expect.stringMatching(/^(?:bash|node|MainThread)$/),
        'proc.args': 'way/../way/link',
        'proc.cwd': root.path,
        'user.name': 'root',
        'evt.res': 'SUCCESS',
        'evt.hostname': hostname(),
        'evt.arg.flags': 'O_RDONLY',
      },
    ])
  },
)

kernelTest('who forks twice and lets its parent exit is still known by it', () => {
  using root = hostRoot({ marker: '' })
  const script = `bash -c 'bash -c "sleep 0.2; : < marker" > /dev/null &'`
  const [open] = seen(script, root.path, {
    events: ['openat'],
    fields: 'proc.is_orphan proc.pname proc.pcmdline proc.aname',
    isWanted: (event) => valueOf(event, 'fd.nameraw') === 'marker',
  })
  expect(open).toMatchObject({ 'proc.is_orphan': true, 'proc.pname': 'bash' })
  expect(open?.['proc.pcmdline']).toMatch(/^bash -c bash -c "sleep/)
  expect(open?.['proc.aname']).toEqual(expect.arrayContaining([ownName]))
})

kernelTest('a process that calls itself something else still runs what it runs', () => {
  using root = hostRoot({ marker: '' })
  const [open] = seen('printf systemd > /proc/self/comm; : < marker', root.path, {
    events: ['openat'],
    fields: 'proc.exepath proc.pid proc.vpid container.id',
    isWanted: (event) => valueOf(event, 'fd.nameraw') === 'marker',
  })
  expect(open?.['proc.exepath']).toMatch(/\/bash$/)
  expect(open?.['proc.pid']).toBe(open?.['proc.vpid'])
})
