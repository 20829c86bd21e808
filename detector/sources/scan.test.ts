import { expect } from '@jest/globals'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { needs } from '../../scripts/needs.ts'
import { recordFlags } from '../events/schema.ts'
import { observe } from './observe.ts'

const kernelTest = needs('root', 'ebpf')

kernelTest('a process that ran before the detector is known before the first event', async () => {
  const env = { MARK: 'scan', SECOND: 'two words' }
  const child = spawn('/bin/sleep', ['60', '60.5'], { cwd: '/usr/lib', env })
  try {
    await once(child, 'spawn')
    const seen = observe([], () => undefined, { isScanWanted: true, isSelfHidden: false })
    const found = seen.find(({ pid }) => pid === child.pid)
    expect((found?.flags ?? 0) & recordFlags.scanned).toBe(recordFlags.scanned)
    expect(found?.name).toBe('execve')
    expect(found?.parameters).toMatchObject({
      exe: '/bin/sleep',
      args: ['60', '60.5'],
      env: ['MARK=scan', 'SECOND=two words'],
      cwd: '/usr/lib',
      comm: 'sleep',
      ptid: process.pid,
      trusted_exepath: '/usr/bin/sleep',
    })
    const stat = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(' ')
    expect(Number(found?.startTimeNs) / 1e7).toBeCloseTo(Number(stat[21]), -1)
    const kernelThread = seen.find(({ pid }) => pid === 2)
    expect(kernelThread?.parameters).toMatchObject({ comm: 'kthreadd', exe: undefined })
  } finally {
    child.kill('SIGKILL')
  }
})
