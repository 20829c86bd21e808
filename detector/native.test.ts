import { afterEach, describe, expect } from '@jest/globals'
import { spawn, spawnSync } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { needs } from '../scripts/needs.ts'
import type { BpfObject } from './native.ts'
import {
  kernelHas,
  objectPath,
  openObject,
  openTracefs,
  openWaiter,
  pidfdOpen,
  pidfdSendSignal,
} from './native.ts'

const kernelTest = needs('root', 'ebpf')
const opened: { close(): void }[] = []
afterEach(() => {
  for (const each of opened.splice(0)) each.close()
})

function selftest(pid = process.pid, autoload = ['on_syscall']): BpfObject {
  const variables = { wanted_pid: new Uint8Array(Uint32Array.of(pid).buffer) }
  const object = openObject(objectPath('selftest'), { autoload, variables })
  opened.push(object)
  return object
}

const u32 = (value: number) => new Uint8Array(Uint32Array.of(value).buffer)
const u64 = (value: bigint) => new Uint8Array(BigUint64Array.of(value).buffer)

const code = (name: string): unknown => expect.objectContaining({ code: name })

describe('an object', () => {
  kernelTest('takes constants before it is loaded and shares its .bss', () => {
    const object = selftest()
    const { seen } = object.variables()
    const counter = new BigUint64Array(object.memory(seen?.map ?? ''), seen?.offset, 1)
    expect(counter[0]).toBe(0n)
    const link = object.attach('on_syscall')
    readFileSync('/proc/self/comm')
    expect(counter[0]).toBeGreaterThan(3n)
    object.detach(link)
    const last = counter[0]
    readFileSync('/proc/self/comm')
    expect(counter[0]).toBe(last)
  })

  kernelTest('reads, writes, walks and deletes map entries', () => {
    const object = selftest()
    object.update('table', u32(7), u64(70n))
    object.update('table', u32(8), u64(80n))
    expect(object.lookup('table', u32(7))).toEqual(u64(70n))
    expect(object.lookup('table', u32(9))).toBeUndefined()
    const first = object.nextKey('table')
    const second = object.nextKey('table', first)
    expect(new Set([first?.[0], second?.[0]])).toEqual(new Set([7, 8]))
    expect(object.nextKey('table', second)).toBeUndefined()
    expect(object.delete('table', u32(7))).toBe(true)
    expect(object.delete('table', u32(7))).toBe(false)
    const counters = object.maps().find(({ name }) => name === 'counters')
    expect(object.lookup('counters', u32(0))?.length).toBe(counters?.valueBytes)
  })

  kernelTest('is refused with the reason when it is misused', () => {
    const object = selftest()
    expect(() => object.update('table', new Uint8Array(3), u64(1n))).toThrow(code('EINVAL'))
    expect(() => object.lookup('nothing', u32(0))).toThrow(code('ENOENT'))
    expect(() => object.attach('on_getppid')).toThrow(code('ENOENT'))
    expect(() => object.attach('on_syscall', { cgroup: '/nowhere' })).toThrow(code('ENOENT'))
    expect(() => object.attach('on_syscall', { tracepointId: 4_000_000 })).toThrow(code('EINVAL'))
    expect(() => object.detach(99)).toThrow(code('ENOENT'))
    expect(() => object.ring('table')).toThrow(code('EINVAL'))
    expect(() => object.memory('table')).toThrow(code('EINVAL'))
    expect(() => object.iterate('on_syscall')).toThrow(code('EINVAL'))
    const update: unknown = Reflect.get(object, 'update')
    const call = (...values: unknown[]) => Reflect.apply(update as () => void, object, values)
    expect(() => call('table', 'key', 'value')).toThrow(/Uint8Arrays/)
    expect(() => call()).toThrow(/string/)
    expect(() => Reflect.apply(update as () => void, {}, ['table', u32(1)])).toThrow(
      /Illegal|Invalid/,
    )
    const sized = { variables: { wanted_pid: new Uint8Array(3) } }
    expect(() => openObject(objectPath('selftest'), sized)).toThrow(code('EINVAL'))
    expect(() => openObject('/dev/null')).toThrow(/cannot open/)
  })

  kernelTest('can be closed twice, and then refuses everything', () => {
    const object = selftest()
    const memory = object.memory(object.variables()['seen']?.map ?? '')
    const ring = object.ring('ring')
    object.attach('on_syscall')
    object.close()
    object.close()
    expect(() => object.attach('on_syscall')).toThrow(/closed/)
    expect(() => object.lookup('table', u32(1))).toThrow(/closed/)
    expect(() => object.mapFd('ring')).toThrow(/closed/)
    expect(new Uint8Array(memory)[0]).toBeDefined()
    expect(new Uint8Array(ring.producer)[0]).toBeDefined()
  })

  kernelTest('attaches to a cgroup by its path', () => {
    const cgroup = `${unifiedCgroup()}/riposte-native-${process.pid}`
    const object = selftest(process.pid, ['no_packet_sockets'])
    mkdirSync(cgroup)
    try {
      expect(object.attach('no_packet_sockets', { cgroup })).toBeGreaterThan(0)
    } finally {
      object.close()
      rmdirSync(cgroup)
    }
  })

  kernelTest('attaches to a tracepoint by its number in a tracefs that is mounted nowhere', () => {
    const mountsBefore = readFileSync('/proc/self/mountinfo', 'utf8')
    const tracefs = openTracefs()
    const path = `/proc/self/fd/${tracefs}/events/syscalls/sys_enter_getppid/id`
    const tracepointId = Number(readFileSync(path, 'utf8'))
    const object = selftest(process.pid, ['on_getppid'])
    object.attach('on_getppid', { tracepointId })
    const { seen } = object.variables()
    spawnSync('sh', ['-c', ':'])
    const counter = new BigUint64Array(object.memory(seen?.map ?? ''), seen?.offset, 1)
    expect(counter[0]).toBeGreaterThan(0n)
    closeSync(tracefs)
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).toBe(mountsBefore)
  })
})

function unifiedCgroup(): string {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
  return /^\S+ \S+ \S+ \S+ (\S+) .* - cgroup2 /m.exec(mounts)?.[1] ?? ''
}

describe('a waiter', () => {
  kernelTest('wakes JavaScript when a ring has a record', async () => {
    const object = selftest()
    const woken = Promise.withResolvers<void>()
    const waiter = openWaiter(() => woken.resolve(), 100)
    opened.push(waiter)
    waiter.add(object.mapFd('ring'))
    object.attach('on_syscall')
    readFileSync('/proc/self/comm')
    await woken.promise
  })

  kernelTest(
    'can be closed twice, also from its own wake-up, and refuses what is no ring',
    async () => {
      const object = selftest()
      const woken = Promise.withResolvers<void>()
      const waiter = openWaiter(() => {
        waiter.close()
        woken.resolve()
      }, 0)
      expect(() => waiter.add(99_999)).toThrow(expect.objectContaining({ code: 'EBADF' }))
      waiter.add(object.mapFd('ring'))
      object.attach('on_syscall')
      await woken.promise
      waiter.close()
      expect(() => waiter.add(object.mapFd('ring'))).toThrow(/closed/)
      expect(() => openWaiter(() => undefined, -1)).toThrow(RangeError)
    },
  )
})

/** A program of the test that loads, attaches and waits. */
const loader = `
  const { openObject, objectPath, openWaiter } = await import(${JSON.stringify(new URL('native.ts', import.meta.url).href)})
  const pid = new Uint8Array(Uint32Array.of(process.pid).buffer)
  const object = openObject(objectPath('selftest'), { autoload: ['on_syscall'], variables: { wanted_pid: pid } })
  object.attach('on_syscall')
  const waiter = openWaiter(() => undefined, 100)
  waiter.add(object.mapFd('ring'))`

const linkOf = (pid: number) => readFileSync(`/proc/${pid}/fdinfo/${bpfLinkFd(pid)}`, 'utf8')

/** bpftool asks the kernel, whoever holds the program. */
const isProgramLoaded = (id: string) =>
  spawnSync('bpftool', ['prog', 'show', 'id', id], { stdio: 'ignore' }).status === 0

function bpfLinkFd(pid: number): string {
  for (const fd of readdirSync(`/proc/${pid}/fdinfo`)) {
    const path = `/proc/${pid}/fdinfo/${fd}`
    if (existsSync(path) && readFileSync(path, 'utf8').includes('link_type:')) return fd
  }
  throw new Error(`process ${pid} holds no BPF link`)
}

describe('what ends without being closed', () => {
  kernelTest('a process that is killed leaves no program behind', async () => {
    const child = spawn(
      process.execPath,
      ['--input-type=module', '-e', `${loader}; console.log('attached')`],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    opened.push({ close: () => child.kill('SIGKILL') })
    await new Promise((resolve) => child.stdout.once('data', resolve))
    const [, programId = ''] = /^prog_id:\s*(\d+)$/m.exec(linkOf(child.pid ?? 0)) ?? []
    expect(isProgramLoaded(programId)).toBe(true)
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await ended
    while (isProgramLoaded(programId)) await sleep(5)
  })

  kernelTest('a worker that is terminated ends its thread and its programs', async () => {
    const source = `(async () => { ${loader}
      const { parentPort } = require('node:worker_threads'); parentPort.postMessage('attached')
    })()`
    for (let round = 0; round < 3; round++) {
      const worker = new Worker(source, { eval: true })
      await new Promise((resolve) => worker.once('message', resolve))
      expect(bpfLinkFd(process.pid)).not.toBe('')
      await worker.terminate()
    }
    expect(() => bpfLinkFd(process.pid)).toThrow(/no BPF link/)
  })
})

describe('a process descriptor', () => {
  kernelTest('signals the process it was opened for, and only that', async () => {
    const child = spawn('sleep', ['60'])
    const pidfd = pidfdOpen(child.pid ?? 0)
    const ended = new Promise((resolve) =>
      child.once('exit', (_code, signal) => {
        resolve(signal)
      }),
    )
    pidfdSendSignal(pidfd, 0)
    pidfdSendSignal(pidfd, 9)
    expect(await ended).toBe('SIGKILL')
    expect(() => pidfdSendSignal(pidfd, 9)).toThrow(expect.objectContaining({ code: 'ESRCH' }))
    closeSync(pidfd)
    expect(() => pidfdSendSignal(pidfd, 0)).toThrow(expect.objectContaining({ code: 'EBADF' }))
    expect(() => pidfdOpen(0)).toThrow(RangeError)
  })
})

kernelTest('the kernel is asked by feature, not by version', () => {
  expect(kernelHas('typedef', 'btf_trace_sched_process_exec')).toBe(true)
  expect(kernelHas('typedef', 'btf_trace_no_such_thing')).toBe(false)
})
