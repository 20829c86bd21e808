import { expect } from '@jest/globals'
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { needs } from '../../scripts/needs.ts'
import { objectPath } from '../native.ts'
import { program, observe, runC } from './observe.ts'

/** r0 = *(u64 *)(r10 + 8): above the stack, which no verifier lets pass. */
const forbidden = Uint8Array.of(0x79, 0xa0, 0x08, 0, 0, 0, 0, 0)

function breakProgram(path: string, section: string, directory: string): void {
  const dump = join(directory, 'section')
  const objcopy = (flag: string) => {
    const done = spawnSync('llvm-objcopy', [flag, `${section}=${dump}`, path], { encoding: 'utf8' })
    if (done.status !== 0) throw new Error(done.stderr)
  }
  objcopy('--dump-section')
  const code = readFileSync(dump)
  code.set(forbidden)
  writeFileSync(dump, code)
  objcopy('--update-section')
}

needs(
  'root',
  'ebpf',
  'compiler',
)('a program that the kernel refuses costs its own event alone, and is named', () => {
  const directory = mkdtempSync(join(tmpdir(), 'riposte-'))
  const pathOf = (name: string) => join(directory, `${name}.bpf.o`)
  try {
    for (const name of ['riposte', 'riposte-cast']) {
      copyFileSync(objectPath(name), pathOf(name))
      breakProgram(pathOf(name), 'tp/syscalls/sys_exit_chdir', directory)
    }
    let pid = 0
    const seen = observe(
      ['chdir', 'mkdir'],
      (source) => {
        expect(source.degraded).toEqual([
          'the kernel refuses the program for chdir: it is not seen',
        ])
        pid = runC(program('mkdir("a", 0700); chdir("a"); mkdir("b", 0700)')).pid
      },
      { pathOf },
    )
    const own = seen.filter((record) => record.pid === pid)
    expect(own.filter(({ name }) => name === 'chdir')).toEqual([])
    expect(own.filter(({ name }) => name === 'mkdir')).toHaveLength(2)
  } finally {
    rmSync(directory, { recursive: true })
  }
})
