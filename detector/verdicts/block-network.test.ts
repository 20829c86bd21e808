import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { expect, test } from '@jest/globals'
import { cgroupId, cgroupPath, findCgroupTrees } from './cgroups.ts'
import { executeVerdict } from './execute.ts'
import { hostPlace, makeCgroup, openTestContext, order, startVictim, until } from './testing.ts'
import { listen, startTalker, talker, tell } from './talker.ts'

const { unified } = findCgroupTrees()
const onUnified = unified === undefined ? test.skip : test
const root = unified ?? ''

onUnified(
  'a tree that shares its cgroup is cut off alone, both ways, open connections too, and undo mends it',
  async () => {
    await using context = await openTestContext()
    await using server = await listen('127.0.0.1')
    await using victim = await startTalker()
    await using bystander = await startTalker()
    const home = cgroupPath(victim.pid, '')
    expect(await tell(victim, `connect 127.0.0.1 ${server.port}`)).toBe('connect ok')
    await tell(victim, 'say before')
    await until(() => server.heard() === 'before\n')

    const answer = await executeVerdict(order('block_network', victim.identity), context)
    expect(answer).toMatchObject({
      status: 'done',
      detail: expect.stringContaining('cut off 1 process'),
    })
    const seen = order('block_network', victim.identity, {
      operation: 'verify',
      effect: answer.effect,
    })
    expect(await executeVerdict(seen, context)).toMatchObject({ status: 'done' })

    await tell(victim, 'say during')
    server.say('hello\n')
    expect(await tell(victim, `connect 127.0.0.1 ${server.port}`)).toBe('connect EPERM')
    expect(await tell(victim, `udp 127.0.0.1 ${server.port}`)).toBe('udp EPERM')
    expect(await tell(victim, `udp ::1 ${server.port}`)).toBe('udp EPERM')
    expect(await tell(bystander, `connect 127.0.0.1 ${server.port}`)).toBe('connect ok')
    expect(server.heard()).toBe('before\n')
    expect(victim.output()).not.toContain('heard')

    const undo = order('block_network', victim.identity, {
      operation: 'undo',
      effect: answer.effect,
    })
    expect(await executeVerdict(undo, context)).toMatchObject({ status: 'done' })
    expect(cgroupPath(victim.pid, '')).toBe(home)
    const [cgroup] = (answer.effect as { cgroups: { directory: string }[] }).cgroups
    expect(existsSync(cgroup?.directory ?? '/')).toBe(false)
    // What was held back is sent again by TCP itself.
    await until(
      () => server.heard() === 'before\nduring\n' && victim.output().includes('heard hello'),
    )
    expect(await tell(victim, `connect 127.0.0.1 ${server.port}`)).toBe('connect ok')
  },
)

onUnified(
  'a cgroup is cut off with its children, but for the holes that the policy leaves',
  async () => {
    await using context = await openTestContext()
    await using server = await listen('0.0.0.0')
    await using six = await listen('::1')
    await using victim = await startTalker()
    using parent = makeCgroup(root)
    using child = makeCgroup(parent.directory, root)
    child.add(victim.pid)
    const cut = order('block_network', victim.identity, {
      place: hostPlace(parent.id),
      parameters: { scope: 'cgroup', allow: ['127.0.0.2', '127.8.0.0/16', '::2/128'] },
    })
    const answer = await executeVerdict(cut, context)

    expect(await tell(victim, `connect 127.0.0.1 ${server.port}`)).toBe('connect EPERM')
    expect(await tell(victim, `connect ::1 ${six.port}`)).toBe('connect EPERM')
    expect(await tell(victim, `connect 127.8.9.9 ${server.port}`)).toBe('connect ok')
    expect(await tell(victim, `connect 127.0.0.2 ${server.port}`)).toBe('connect ok')
    await tell(victim, 'say through')
    await until(() => server.heard() === 'through\n')
    const again = { ...cut, id: 'step-2', operation: 'plan' as const }
    expect(await executeVerdict(again, context)).toMatchObject({ status: 'already_done' })

    // The responder's undo is a step of its own.
    const undo = { ...cut, id: 'undo-1', operation: 'undo' as const, effect: answer.effect }
    await executeVerdict(undo, context)
    expect(await tell(victim, `connect ::1 ${six.port}`)).toBe('connect ok')
  },
)

onUnified('a pinned block holds while no detector runs, and the next one can lift it', async () => {
  const mount = mkdtempSync(join(tmpdir(), 'riposte-bpffs-'))
  const dataDir = mkdtempSync(join(tmpdir(), 'riposte-data-'))
  execFileSync('mount', ['-t', 'bpf', 'bpf', mount])
  try {
    const pins = join(mount, 'riposte', 'block')
    await using server = await listen('127.0.0.1')
    await using victim = await startTalker()
    const connect = () => tell(victim, `connect 127.0.0.1 ${server.port}`)
    const first = await openTestContext({ dataDir, pins })
    const answer = await executeVerdict(order('block_network', victim.identity), first)
    await first[Symbol.asyncDispose]()
    expect(await connect()).toBe('connect EPERM')

    await using second = await openTestContext({ dataDir, pins })
    expect(await connect()).toBe('connect EPERM')
    const undo = order('block_network', victim.identity, {
      operation: 'undo',
      effect: answer.effect,
    })
    expect(await executeVerdict(undo, second)).toMatchObject({ status: 'done' })
    expect(await connect()).toBe('connect ok')
    expect(existsSync(pins)).toBe(false)
  } finally {
    execFileSync('umount', [mount])
    rmdirSync(mount)
    rmSync(dataDir, { recursive: true })
  }
})

onUnified('removing the pins by hand lifts every block without Riposte', async () => {
  const mount = mkdtempSync(join(tmpdir(), 'riposte-bpffs-'))
  const dataDir = mkdtempSync(join(tmpdir(), 'riposte-data-'))
  execFileSync('mount', ['-t', 'bpf', 'bpf', mount])
  try {
    const pins = join(mount, 'riposte', 'block')
    await using server = await listen('127.0.0.1')
    await using victim = await startTalker()
    const context = await openTestContext({ dataDir, pins })
    await executeVerdict(order('block_network', victim.identity), context)
    await context[Symbol.asyncDispose]()

    execFileSync('rm', ['-r', pins])
    // The kernel takes the programs off after the last reference, a moment later.
    let said = await tell(victim, `connect 127.0.0.1 ${server.port}`)
    while (said !== 'connect ok') said = await tell(victim, `connect 127.0.0.1 ${server.port}`)
    const left = join(root, cgroupPath(victim.pid, '') ?? '')
    expect(basename(left)).toMatch(/^riposte-/)
    writeFileSync(join(root, 'cgroup.procs'), String(victim.pid))
    rmdirSync(left)
  } finally {
    execFileSync('umount', [mount])
    rmdirSync(mount)
    rmSync(dataDir, { recursive: true })
  }
})

onUnified('without a bpffs a block is made again when the detector comes back', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'riposte-data-'))
  try {
    await using server = await listen('127.0.0.1')
    await using victim = await startTalker()
    const first = await openTestContext({ dataDir })
    const answer = await executeVerdict(order('block_network', victim.identity), first)
    await first[Symbol.asyncDispose]()

    await using second = await openTestContext({ dataDir })
    expect(await tell(victim, `connect 127.0.0.1 ${server.port}`)).toBe('connect EPERM')
    const undo = order('block_network', victim.identity, {
      operation: 'undo',
      effect: answer.effect,
    })
    expect(await executeVerdict(undo, second)).toMatchObject({ status: 'done' })
    expect(JSON.parse(readFileSync(join(dataDir, 'blocks.json'), 'utf8'))).toEqual([])
  } finally {
    rmSync(dataDir, { recursive: true })
  }
})

onUnified('a block reaches into another network namespace', async () => {
  const name = `riposte-${process.pid}`
  execFileSync('ip', ['netns', 'add', name])
  try {
    execFileSync('ip', ['-n', name, 'link', 'set', 'lo', 'up'])
    await using context = await openTestContext()
    await using victim = await startVictim([
      'ip',
      'netns',
      'exec',
      name,
      process.execPath,
      '-e',
      talker,
    ])
    expect(await tell(victim, 'udp 127.0.0.1 9')).toBe('udp sent')
    const { effect } = await executeVerdict(order('block_network', victim.identity), context)
    const during = [
      await tell(victim, 'udp 127.0.0.1 9'),
      await tell(victim, 'connect 127.0.0.1 9'),
    ]
    await executeVerdict(
      order('block_network', victim.identity, { operation: 'undo', effect }),
      context,
    )
    expect(during).toEqual(['udp EPERM', 'connect EPERM'])
    expect(await tell(victim, 'udp 127.0.0.1 9')).toBe('udp sent')
  } finally {
    execFileSync('ip', ['netns', 'delete', name])
  }
})

onUnified(
  'the root cgroup, and a cgroup that holds something protected, are never cut off',
  async () => {
    await using context = await openTestContext()
    await using victim = await startVictim(['sleep', '1000'])
    const scope = { parameters: { scope: 'cgroup' } }
    const whole = order('block_network', victim.identity, {
      ...scope,
      place: hostPlace(cgroupId(root) ?? ''),
    })
    expect(await executeVerdict(whole, context)).toMatchObject({ status: 'refused' })

    await using guarded = await openTestContext({ protectedPrograms: [victim.identity.exePath] })
    using container = makeCgroup(root)
    container.add(victim.pid)
    const place = hostPlace(container.id)
    const cut = order('block_network', victim.identity, { ...scope, place })
    expect(await executeVerdict(cut, guarded)).toMatchObject({
      status: 'refused',
      detail: expect.stringContaining('is protected'),
    })
  },
)

test('a machine without a unified cgroup tree refuses, and says what it lacks', async () => {
  await using context = await openTestContext({ isPureV1: true })
  await using victim = await startVictim(['sleep', '1000'])
  const plan = order('block_network', victim.identity, { operation: 'plan' })
  expect(await executeVerdict(plan, context)).toMatchObject({
    status: 'refused',
    detail: 'this machine has no unified cgroup tree (cgroup v2), which a block needs',
  })
})
