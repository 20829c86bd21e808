import { createHash } from 'node:crypto'
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  rmdirSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { executeVerdict } from './execute.ts'
import { readStat } from './proc.ts'
import { takeAway } from './quarantine-store.ts'
import { openPlace } from './safe-path.ts'
import { folderName } from './sha256.ts'
import { openTestContext, order, startVictim, until } from './testing.ts'

function makeFile(text = 'malware\n') {
  const folder = mkdtempSync(join(tmpdir(), 'riposte-files-'))
  const path = join(folder, 'dropped')
  writeFileSync(path, text)
  chownSync(path, 1234, 5678)
  chmodSync(path, 0o751)
  utimesSync(path, 1_000_000, 2_000_000)
  return { folder, path, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) }
}

const quarantine = (path: string) => order('quarantine_file', null, { parameters: { path } })
const facts = (path: string) => {
  const { uid, gid, mode, mtimeMs } = statSync(path)
  return { uid, gid, mode: mode & 0o7777, mtimeMs, text: readFileSync(path, 'utf8') }
}
const asItWas = { uid: 1234, gid: 5678, mode: 0o751, mtimeMs: 2_000_000_000, text: 'malware\n' }

test('a file is taken away with its hash, and comes back as it was', async () => {
  await using context = await openTestContext()
  using file = makeFile()
  const planned = await executeVerdict({ ...quarantine(file.path), operation: 'plan' }, context)
  expect(planned).toMatchObject({
    status: 'planned',
    effect: {
      path: file.path,
      owner: '1234:5678',
      mode: '0751',
      sha256: createHash('sha256').update('malware\n').digest('hex'),
    },
  })
  expect(existsSync(file.path)).toBe(true)

  const answer = await executeVerdict({ ...quarantine(file.path), effect: planned.effect }, context)
  expect(answer).toMatchObject({ status: 'done', effect: planned.effect ?? {} })
  expect(readdirSync(file.folder)).toEqual([])
  const verify = { ...quarantine(file.path), operation: 'verify' as const, effect: answer.effect }
  expect(await executeVerdict(verify, context)).toMatchObject({ status: 'done' })

  const undone = await executeVerdict({ ...verify, operation: 'undo' }, context)
  expect(undone).toMatchObject({ status: 'done' })
  expect(facts(file.path)).toEqual(asItWas)
  expect(readdirSync(join(context.dataDir, 'quarantine'))).toEqual([])
})

test('a file on another file system is copied whole, with its attributes, and comes back', async () => {
  await using context = await openTestContext()
  using file = makeFile()
  const mount = mkdtempSync(join(tmpdir(), 'riposte-mount-'))
  execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', mount])
  try {
    const path = join(mount, 'dropped')
    execFileSync('cp', ['--preserve=all', file.path, path])
    const answer = await executeVerdict(quarantine(path), context)
    expect(answer).toMatchObject({ status: 'done' })
    expect(readdirSync(mount)).toEqual([])
    await executeVerdict({ ...quarantine(path), operation: 'undo', effect: answer.effect }, context)
    expect(facts(path)).toEqual(asItWas)
    expect(readdirSync(mount)).toEqual(['dropped'])
  } finally {
    execFileSync('umount', [mount])
    rmdirSync(mount)
  }
})

test('a file for which there is no room stays where it is', async () => {
  using file = makeFile('x'.repeat(1_000_000))
  const mount = mkdtempSync(join(tmpdir(), 'riposte-mount-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', mount])
  try {
    await using context = await openTestContext({ dataDir: mount })
    const answer = await executeVerdict(quarantine(file.path), context)
    expect(answer).toMatchObject({
      status: 'failed',
      detail: expect.stringContaining('No space left'),
    })
    expect(statSync(file.path).size).toBe(1_000_000)
    expect(readdirSync(file.folder)).toEqual(['dropped'])
    expect(readdirSync(join(mount, 'quarantine'))).toEqual([])
  } finally {
    execFileSync('umount', [mount])
    rmdirSync(mount)
  }
})

test('undo refuses to replace what is there now', async () => {
  await using context = await openTestContext()
  using file = makeFile()
  const answer = await executeVerdict(quarantine(file.path), context)
  writeFileSync(file.path, 'new')
  const undo = { ...quarantine(file.path), operation: 'undo' as const, effect: answer.effect }
  expect(await executeVerdict(undo, context)).toMatchObject({
    status: 'refused',
    detail: `something else is at ${file.path} now`,
  })
  expect(readFileSync(file.path, 'utf8')).toBe('new')
})

test('no link is followed, neither as the file nor on the way to it', async () => {
  await using context = await openTestContext()
  using file = makeFile()
  const link = join(file.folder, 'link')
  symlinkSync(file.path, link)
  const directory = join(file.folder, 'directory')
  symlinkSync(file.folder, directory)
  mkdirSync(join(file.folder, 'real'))

  for (const path of [
    link,
    join(directory, 'dropped'),
    join(file.folder, 'real'),
    `${file.folder}/real/../dropped`,
  ])
    expect(await executeVerdict({ ...quarantine(path), id: path }, context)).toMatchObject({
      status: 'refused',
    })
  expect(readFileSync(file.path, 'utf8')).toBe('malware\n')
})

test('a name that was swapped after the plan keeps its new file', async () => {
  await using context = await openTestContext()
  using file = makeFile()
  const planned = await executeVerdict({ ...quarantine(file.path), operation: 'plan' }, context)
  writeFileSync(join(file.folder, 'innocent'), 'innocent')
  renameSync(join(file.folder, 'innocent'), file.path)

  const answer = await executeVerdict({ ...quarantine(file.path), effect: planned.effect }, context)
  expect(answer).toMatchObject({ status: 'target_gone' })
  expect(readFileSync(file.path, 'utf8')).toBe('innocent')
})

test('what an interrupted try left beside the name is brought home by the next', async () => {
  await using context = await openTestContext()
  using file = makeFile()
  const planned = await executeVerdict({ ...quarantine(file.path), operation: 'plan' }, context)
  const taken = { path: file.path, file: '', folder: '', ...planned.effect }
  mkdirSync(taken.folder, { recursive: true })
  writeFileSync(join(taken.folder, 'record.json'), JSON.stringify(planned.effect))
  renameSync(file.path, join(file.folder, `.riposte-${folderName('step-1')}`))

  const answer = await executeVerdict({ ...quarantine(file.path), effect: planned.effect }, context)
  expect(answer).toMatchObject({ status: 'done' })
  expect(readdirSync(file.folder)).toEqual([])
  expect(facts(join(taken.folder, 'file'))).toEqual(asItWas)
  using place = openPlace('/', file.path)
  await takeAway(place, taken)
  expect(facts(join(taken.folder, 'file'))).toEqual(asItWas)
})

test('a name that is swapped between the last look and the rename gets its new file back', async () => {
  await using context = await openTestContext()
  using file = makeFile()
  const planned = await executeVerdict({ ...quarantine(file.path), operation: 'plan' }, context)
  const taken = { path: file.path, file: '', folder: '', ...planned.effect }
  using place = openPlace('/', file.path)
  let looks = 0
  const racing = {
    ...place,
    get at() {
      if (++looks === 2) {
        writeFileSync(join(file.folder, 'innocent'), 'innocent')
        renameSync(join(file.folder, 'innocent'), file.path)
      }
      return place.at
    },
  }
  await expect(takeAway(racing, taken)).rejects.toMatchObject({ code: 'target_gone' })
  expect(readdirSync(file.folder)).toEqual(['dropped'])
  expect(readFileSync(file.path, 'utf8')).toBe('innocent')
})

test('a name that another process swaps all the time is never mistaken', async () => {
  await using context = await openTestContext()
  using file = makeFile()
  const swap =
    'while true; do ln -sf /etc/hostname a; mv -f a dropped; echo evil > b; mv -f b dropped; done'
  await using swapper = await startVictim(['sh', '-c', swap], file.folder)
  await until(() => readFileSync(file.path, 'utf8') !== 'malware\n')
  const hostname = readFileSync('/etc/hostname', 'utf8')

  const taken: string[] = []
  for (let round = 0; round < 40; round++) {
    const answer = await executeVerdict({ ...quarantine(file.path), id: `step-${round}` }, context)
    const folder = join(context.dataDir, 'quarantine', folderName(`step-${round}`))
    if (answer.status === 'done') taken.push(readFileSync(join(folder, 'file'), 'utf8'))
  }
  expect(readStat(swapper.pid)).toBeDefined()
  expect(taken.filter((text) => text !== 'evil\n')).toEqual([])
  expect(readFileSync('/etc/hostname', 'utf8')).toBe(hostname)
}, 60_000)

test('a file with other names is taken, and the answer says how many it keeps', async () => {
  await using context = await openTestContext()
  using file = makeFile()
  linkSync(file.path, join(file.folder, 'other'))
  const answer = await executeVerdict(quarantine(file.path), context)
  expect(answer.detail).toContain('which keeps 1 other')
})

test('the path is taken as the process sees it, in its own mount namespace', async () => {
  await using context = await openTestContext()
  using file = makeFile()
  const inside =
    'mount -t tmpfs tmpfs "$0" && echo inside > "$0/dropped" && echo ready && sleep 1000'
  await using victim = await startVictim(['unshare', '--mount', 'sh', '-c', inside, file.folder])
  await until(() => victim.output() === 'ready\n')

  const cut = order('quarantine_file', victim.identity, { fields: { 'fd.name': file.path } })
  const answer = await executeVerdict(cut, context)
  expect(answer).toMatchObject({ status: 'done', effect: { bytes: 7 } })
  expect(readFileSync(file.path, 'utf8')).toBe('malware\n')
  const seen = `/proc/${victim.pid}/root${file.path}`
  expect(existsSync(seen)).toBe(false)
  await executeVerdict({ ...cut, operation: 'undo', effect: answer.effect }, context)
  expect(readFileSync(seen, 'utf8')).toBe('inside\n')
})

test('what the host cannot live without is refused', async () => {
  await using context = await openTestContext()
  for (const path of [
    '/etc/shadow',
    '/usr/bin/env',
    process.execPath,
    '/proc/version',
    join(context.dataDir, 'answers.jsonl'),
  ])
    expect(await executeVerdict({ ...quarantine(path), id: path }, context)).toMatchObject({
      status: 'refused',
      detail: expect.stringContaining('is never taken away'),
    })
})
