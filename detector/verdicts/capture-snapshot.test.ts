import { createHash } from 'node:crypto'
import { copyFileSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { executeVerdict } from './execute.ts'
import { address } from './snapshot/sockets.ts'
import { openTestContext, order, startVictim, until } from './testing.ts'

const sha256 = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex')
const read = (folder: string, file: string): unknown =>
  JSON.parse(readFileSync(join(folder, file), 'utf8'))

test('a snapshot holds the tree, files, sockets and maps, and its manifest the hash of each', async () => {
  await using context = await openTestContext()
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  try {
    const script = `require('net').connect(${port}, '127.0.0.1', () => console.log('ready'))`
    await using victim = await startVictim([process.execPath, '-e', script])
    await until(() => victim.output() === 'ready\n')
    const answer = await executeVerdict(order('capture_snapshot', victim.identity), context)

    expect(answer).toMatchObject({
      status: 'done',
      effect: { missing: [], executableSha256: sha256(process.execPath) },
    })
    const { folder, manifestSha256 } = answer.effect as { folder: string; manifestSha256: string }
    expect(sha256(join(folder, 'manifest.json'))).toBe(manifestSha256)
    const { files } = read(folder, 'manifest.json') as { files: { file: string; sha256: string }[] }
    for (const file of files) expect(sha256(join(folder, file.file))).toBe(file.sha256)
    expect(readdirSync(folder).toSorted()).toEqual([
      'cgroups.txt',
      'environment.json',
      'manifest.json',
      'maps.txt',
      'mounts.txt',
      'open-files.json',
      'process-tree.json',
      'sockets.json',
    ])
    expect(read(folder, 'process-tree.json')).toContainEqual(
      expect.objectContaining({
        pid: victim.pid,
        exePath: process.execPath,
        userIds: [0, 0, 0, 0],
      }),
    )
    expect(read(folder, 'sockets.json')).toContainEqual(
      expect.objectContaining({
        protocol: 'tcp',
        state: 'established',
        remote: `127.0.0.1:${port}`,
      }),
    )
    expect(statSync(folder).mode & 0o77).toBe(0)
  } finally {
    server.close()
  }
})

test('secrets in the environment are named and not told', async () => {
  await using context = await openTestContext()
  const hide = 'read secret; AWS_SECRET_ACCESS_KEY=$secret LC_ALL=C exec sleep 1000'
  await using victim = await startVictim(['sh', '-c', hide])
  victim.write('canary-1\n')
  await until(() => readFileSync(`/proc/${victim.pid}/environ`, 'utf8').includes('canary-1'))
  const answer = await executeVerdict(order('capture_snapshot', victim.identity), context)
  const { folder } = answer.effect as { folder: string }
  expect(read(folder, 'environment.json')).toContainEqual({
    name: 'AWS_SECRET_ACCESS_KEY',
    value: null,
    bytes: 8,
  })
  expect(read(folder, 'environment.json')).toContainEqual({ name: 'LC_ALL', value: 'C', bytes: 1 })
  for (const file of readdirSync(folder))
    expect(readFileSync(join(folder, file), 'utf8')).not.toContain('canary')
})

test('an executable that no path leads to any more is kept, under the cap', async () => {
  await using context = await openTestContext()
  const program = join(mkdtempSync(join(tmpdir(), 'riposte-program-')), 'gone')
  copyFileSync('/bin/sleep', program)
  await using victim = await startVictim([program, '1000'])
  rmSync(join(program, '..'), { recursive: true })
  const include = { include: ['executable', 'maps'] }

  const whole = await executeVerdict(
    order('capture_snapshot', victim.identity, { parameters: include }),
    context,
  )
  const { folder } = whole.effect as { folder: string }
  expect(sha256(join(folder, 'executable'))).toBe(sha256('/bin/sleep'))

  const capped = { parameters: { ...include, maxBytes: 4096 }, id: 'capped' }
  const cut = await executeVerdict(order('capture_snapshot', victim.identity, capped), context)
  expect(cut.effect).toMatchObject({ bytes: 4096 })
  expect(read(String(cut.effect?.['folder']), 'manifest.json')).toMatchObject({
    executableSha256: sha256('/bin/sleep'),
    files: expect.arrayContaining([
      expect.objectContaining({ file: 'executable', isTruncated: true }),
    ]),
  })
})

test('a process that is gone leaves no folder', async () => {
  await using context = await openTestContext()
  await using victim = await startVictim(['sleep', '1000'])
  process.kill(victim.pid, 'SIGKILL')
  await until(() => !readdirSync('/proc').includes(String(victim.pid)))
  expect(await executeVerdict(order('capture_snapshot', victim.identity), context)).toMatchObject({
    status: 'target_gone',
  })
  expect(readdirSync(context.dataDir)).not.toContain('evidence')
})

test('addresses of the kernel tables are read in words', () => {
  expect(address('0100007F:1F90')).toBe('127.0.0.1:8080')
  expect(address('00000000000000000000000001000000:0016')).toBe('[0:0:0:0:0:0:0:1]:22')
})
