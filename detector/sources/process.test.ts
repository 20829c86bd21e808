import { expect } from '@jest/globals'
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { needs } from '../../scripts/needs.ts'
import { callsOf, observe, program, runC } from './observe.ts'

const kernelTest = needs('root', 'ebpf', 'compiler')

kernelTest('exec tells the new image as /proc shows it', () => {
  let pid = 0
  let status = ''
  const seen = observe([], () => {
    const child = spawnSync('/bin/sh', ['-c', 'cat /proc/self/stat', 'two words'], {
      cwd: '/usr/lib',
      env: { A: '1', B: 'two words' },
      encoding: 'utf8',
    })
    pid = child.pid
    status = child.stdout
  })
  const exec = seen.find((record) => record.name === 'execve' && record.pid === pid)
  expect(exec?.parameters).toMatchObject({
    res: 0,
    exe: '/bin/sh',
    args: ['-c', 'cat /proc/self/stat', 'two words'],
    tid: pid,
    pid,
    ptid: process.pid,
    cwd: '/usr/lib',
    comm: 'sh',
    env: ['A=1', 'B=two words', expect.stringContaining('PWD=')].slice(0, 2),
    uid: 0,
    gid: 0,
    trusted_exepath: '/usr/bin/dash',
    filename: '/bin/sh',
    vpid: pid,
    flags: 1,
  })
  const after = status.slice(status.lastIndexOf(')') + 2).split(' ')
  expect(exec?.parameters['pgid']).toBe(Number(after[2]))
  expect(exec?.parameters['sid']).toBe(Number(after[3]))
  expect(exec?.parameters['tty']).toBe(Number(after[4]))
  const caps = /^CapEff:\s*(\w+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
  expect(exec?.parameters['cap_effective']).toBe(Number.parseInt(caps ?? '', 16))
})

kernelTest('the time of a file that somebody has looked at is its time', () => {
  const directory = mkdtempSync(join(tmpdir(), 'riposte-times-'))
  try {
    const file = join(directory, 'true')
    copyFileSync('/bin/true', file)
    const before = statSync(file, { bigint: true })
    const seen = observe([], () => {
      spawnSync(file)
    })
    const exec = seen.find(({ parameters }) => parameters['filename'] === file)
    expect(Number(exec?.parameters['exe_ino_ctime'])).toBe(Number(before.ctimeNs))
    expect(Number(exec?.parameters['exe_ino_mtime'])).toBe(Number(before.mtimeNs))
  } finally {
    rmSync(directory, { recursive: true })
  }
})

kernelTest('a fork names its child before the child acts, and an exit says how it ended', () => {
  let pid = 0
  const seen = observe(['openat'], () => {
    pid = runC(
      program(`if (!fork()) { open("/etc/hostname", 0); raise(9); } int s; wait(&s); exit(7)`),
    ).pid
  })
  const fork = seen.find(
    (record) =>
      record.pid === pid &&
      record.parameters['child_pid'] !== pid &&
      'child_pid' in record.parameters,
  )
  const child = Number(fork?.parameters['child_pid'])
  expect(fork?.parameters['res']).toBe(child)
  const firstOfChild = seen.findIndex((record) => record.pid === child)
  expect(firstOfChild).toBeGreaterThan(seen.findIndex((record) => record === fork))
  expect(seen[firstOfChild]?.parentPid).toBe(pid)
  expect(BigInt(Number(fork?.parameters['child_start']))).toBe(
    BigInt(Number(seen[firstOfChild]?.startTimeNs)),
  )
  const exitOf = (wanted: number) =>
    seen.find((record) => record.name === 'procexit' && record.pid === wanted)?.parameters
  expect(exitOf(child)).toMatchObject({ status: 9, ret: 0, sig: 9, core: 0 })
  expect(exitOf(pid)).toMatchObject({ status: 7 << 8, ret: 7, sig: 0, core: 0 })
})

kernelTest('a program run from a memfd is known for what it is', () => {
  let pid = 0
  const seen = observe([], () => {
    pid = runC(
      program(`if (argc > 1) return 0;
        int m = memfd_create("payload", 0), f = open("/proc/self/exe", 0); char b[65536]; int n;
        while ((n = read(f, b, sizeof b)) > 0) write(m, b, n);
        char *args[] = {"a", "b", 0}; fexecve(m, args, args)`),
    ).pid
  })
  const [, second] = seen.filter(
    (record) =>
      record.pid === pid && record.name.startsWith('execve') && record.parameters['res'] === 0,
  )
  expect(Number(second?.parameters['flags']) & 4).toBe(4)
  expect(second?.parameters['trusted_exepath']).toBe('/memfd:payload')
})

kernelTest('long arguments are cut, and say so', () => {
  const long = 'x'.repeat(3000)
  let pid = 0
  const seen = observe([], () => {
    pid = spawnSync('/bin/true', [long, long, 'end']).pid
  })
  const exec = seen.find((record) => record.name === 'execve' && record.pid === pid)
  expect((exec?.flags ?? 0) & 1).toBe(1)
  expect(exec?.parameters['args']).toEqual([long, long.slice(0, 4096 - 3001)])
})

kernelTest('a process ends once, with its last thread, as its parent is told', () => {
  let pid = 0
  const seen = observe([], () => {
    pid = runC(`
      #include <pthread.h>
      #include <stdlib.h>
      #include <unistd.h>
      static void *brief(void *unused) { return 0; }
      static void *last(void *unused) { usleep(20000); exit(5); }
      int main(void) {
        pthread_t thread;
        pthread_create(&thread, 0, brief, 0);
        pthread_join(thread, 0);
        pthread_create(&thread, 0, last, 0);
        pthread_exit(0);
      }`).pid
  })
  const ends = seen.filter((record) => record.name === 'procexit' && record.pid === pid)
  expect(ends.map(({ tid, parameters }) => [tid, parameters['status']])).toEqual([[pid, 5 << 8]])
})

kernelTest(
  'an exec that fails tells what was asked for, of a process that stays what it was',
  () => {
    const { calls, pid } = callsOf(
      ['execve', 'execveat'],
      `char *args[] = {"zero", "one", "two words", 0};
     execve("/nonexistent/program", args, 0);
     syscall(SYS_execveat, open("/etc", 0), "nonexistent", args, 0, 0)`,
    )
    const asked = { exe: 'zero', args: ['one', 'two words'], pid, comm: 'act' }
    expect(calls).toMatchObject([
      { name: 'execve', res: -2, filename: '/nonexistent/program', ...asked },
      { name: 'execveat', res: -2, filename: 'nonexistent', ...asked },
    ])
  },
)
