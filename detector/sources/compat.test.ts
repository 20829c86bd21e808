import { expect } from '@jest/globals'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { needs } from '../../scripts/needs.ts'
import { recordFlags } from '../events/schema.ts'
import { observe } from './observe.ts'

const kernelTest = needs('root', 'ebpf', 'compiler', 'compat')

/** A static program without a C library: `int 0x80`, from 32-bit code (-m32) or from 64-bit code. */
const int80 = `
static long sys(long n, long a, long b, long c) {
  long r;
  __asm__ volatile("int $0x80" : "=a"(r) : "a"(n), "b"(a), "c"(b), "d"(c) : "memory");
  return r;
}
void _start(void) {
  static int socket[3] = {2, 1, 6};
  static struct { short family; unsigned short port; unsigned ip; char rest[8]; } to = {2, 0x0100, 0x0100007f};
  static int connect[3];
  sys(5, (long)"/etc/hostname", 0, 0);
  connect[0] = sys(102, 1, (long)socket, 0); connect[1] = (long)&to; connect[2] = 16;
  sys(102, 3, (long)connect, 0);
  sys(1, 7, 0, 0);
  for (;;);
}`

function run(flags: readonly string[]): number {
  const directory = mkdtempSync(join(tmpdir(), 'riposte-'))
  try {
    writeFileSync(join(directory, 'a.c'), int80)
    const all = ['-w', '-O1', '-fno-pic', '-no-pie', '-fno-stack-protector', '-nostdlib', '-static']
    const built = spawnSync('gcc', [...all, ...flags, '-o', 'a', 'a.c'], { cwd: directory })
    if (built.status !== 0) throw new Error(String(built.stderr))
    const { pid, status } = spawnSync('./a', { cwd: directory })
    expect(status).toBe(7)
    return pid
  } finally {
    rmSync(directory, { recursive: true })
  }
}

const tellsAll = {
  open: { fd: 3, name: '/etc/hostname', path: '/etc/hostname' },
  connect: { res: -111, tuple: { family: 'ipv4', remoteIp: '127.0.0.1', remotePort: 1 } },
}

kernelTest.each([
  ['32-bit code', ['-m32']],
  ['64-bit code', []],
])('32-bit calls of %s are decoded from the start where that is asked for', (_code, flags) => {
  let pid = 0
  const seen = observe(
    ['open', 'socket', 'connect'],
    () => {
      pid = run(flags)
    },
    { compat: 'always' },
  ).filter((record) => record.pid === pid && (record.flags & recordFlags.compat) !== 0)
  expect(seen.map(({ name }) => name)).toEqual(['open', 'socket', 'connect'])
  expect(seen[0]?.parameters).toMatchObject(tellsAll.open)
  expect(seen[2]?.parameters).toMatchObject(tellsAll.connect)
})

kernelTest('the very first ones are seen without asking, where the kernel runs 32-bit code', () => {
  let pid = 0
  const seen = observe(
    ['open'],
    (source) => {
      expect(source.isCompatDecoded).toBe(true)
      pid = run([])
    },
    { compat: 'auto' },
  )
  const opened = seen.find((record) => record.pid === pid && record.name === 'open')
  expect(opened?.parameters).toMatchObject(tellsAll.open)
})

kernelTest('who wants the least tax can leave them out, and is told', () => {
  let pid = 0
  const seen = observe(
    ['open'],
    (source) => {
      expect(source.isCompatDecoded).toBe(false)
      pid = run(['-m32'])
    },
    { compat: 'never' },
  )
  const own = seen.filter((record) => record.pid === pid)
  expect(own.filter(({ name }) => name === 'open')).toEqual([])
  expect(own.some(({ name }) => name.startsWith('execve'))).toBe(true)
})
