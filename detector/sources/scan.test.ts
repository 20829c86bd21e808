import { expect } from '@jest/globals'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { needs } from '../../scripts/needs.ts'
import { recordFlags } from '../events/schema.ts'
import { observe } from './observe.ts'

const kernelTest = needs('root', 'ebpf', 'compiler')

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

kernelTest(
  'the paths of one in a chroot begin at its own root, as its later records have it',
  async () => {
    const directory = mkdtempSync(join(tmpdir(), 'riposte-'))
    writeFileSync(join(directory, 'a.c'), 'int main(void) { for (;;) pause(); }')
    const flags = ['-w', '-static', '-o', join(directory, 'act'), join(directory, 'a.c')]
    expect(spawnSync('gcc', flags).status).toBe(0)
    const child = spawn('chroot', [directory, '/act'])
    try {
      await untilTrue(() => readFileSync(`/proc/${child.pid}/comm`, 'utf8') === 'act\n')
      const seen = observe([], () => undefined, { isScanWanted: true })
      const found = seen.find(({ pid }) => pid === child.pid)
      expect(found?.parameters).toMatchObject({ cwd: '/', trusted_exepath: '/act' })
    } finally {
      child.kill('SIGKILL')
      rmSync(directory, { recursive: true })
    }
  },
)

async function untilTrue(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise(setImmediate)
}
