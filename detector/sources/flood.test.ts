import { expect } from '@jest/globals'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { needs } from '../../scripts/needs.ts'
import { events } from '../events/schema.ts'
import { startKernel } from './kernel.ts'
import type { Loss } from './losses.ts'

const kernelTest = needs('root', 'ebpf')

kernelTest('what a flood of opens loses is counted, and takes no exec with it', () => {
  const losses: Loss[] = []
  const execs: number[] = []
  let opens = 0
  const source = startKernel({
    events: ['openat'],
    compat: 'never',
    isSelfHidden: true,
    isScanWanted: false,
    ringBytes: { file: 65_536 },
    onLost: (loss) => losses.push(loss),
    onEvent: (view) => {
      if (events[view.eventId]?.name === 'execve') execs.push(view.pid)
      if (events[view.eventId]?.name === 'openat') opens++
    },
  })
  const ran: number[] = []
  try {
    // Nobody drains while this runs: the file ring holds some hundred records, the process ring all.
    spawnSync('sh', ['-c', 'for i in $(seq 2000); do : < /etc/hostname; done'])
    for (let i = 0; i < 5; i++) ran.push(spawnSync('/bin/true').pid)
    source.drain()
    expect(execs).toEqual(expect.arrayContaining(ran))
    const [loss] = losses
    expect(loss?.class).toBe('file')
    expect(loss?.count).toBe(source.lost.file)
    expect(opens + source.lost.file).toBeGreaterThan(2000)
    expect(source.lost).toMatchObject({ process: 0, network: 0 })
    expect(loss?.cgroups[0]?.count).toBeGreaterThan(0)
  } finally {
    source.close()
  }
})

kernelTest(
  'records come by themselves, oldest first, and each process before its files',
  async () => {
    const started = new Set<number>()
    let last = 0n
    let late = 0
    let strangers = 0
    let opens = 0
    let jumps = 0
    const source = startKernel({
      events: ['openat', 'close'],
      compat: 'never',
      isScanWanted: false,
      onLost: ({ count }) => {
        throw new Error(`${count} lost`)
      },
      onEvent: (view) => {
        const name = events[view.eventId]?.name
        if (name === 'execve') started.add(view.pid)
        if (view.timeNs < last - 1_000_000n) jumps++
        if (view.timeNs < last) late++
        last = view.timeNs
        if (name !== 'openat' || view.text(2) !== '/etc/hostname') return
        opens++
        if (!started.has(view.pid)) strangers++
      },
    })
    try {
      expect(source.degraded).toEqual(['no program tells close'])
      const script = 'for i in $(seq 300); do cat /etc/hostname; done'
      const children = [1, 2].map(() => spawn('sh', ['-c', script], { stdio: 'ignore' }))
      await Promise.all(children.map((child) => once(child, 'exit')))
      source.drain()
      expect(opens).toBeGreaterThanOrEqual(600)
      expect(strangers).toBe(0)
      expect(jumps).toBe(0)
      // Two CPUs may finish in another order than they began, by microseconds.
      expect(late).toBeLessThan(opens)
    } finally {
      source.close()
      source.close()
    }
  },
)
