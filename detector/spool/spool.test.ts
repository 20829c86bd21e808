import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { Spool, type SpoolOptions } from './spool.ts'

let directory = ''
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'spool-'))
})
afterEach(() => rm(directory, { recursive: true }))

const open = (more: Partial<SpoolOptions> = {}) =>
  Spool.open({ directory, maxBytes: 64 * 1024 * 1024, syncMs: 50, ...more })

const segments = async () =>
  (await readdir(directory)).filter((name) => name.endsWith('.segment')).toSorted()

async function drain(spool: Spool): Promise<string[]> {
  const texts: string[] = []
  while (spool.pending > 0) {
    const batch = await spool.next(100, 1024 * 1024)
    texts.push(...batch.map(({ payload }) => payload.toString()))
    await spool.acknowledge(batch.at(-1)?.sequence ?? 0)
  }
  return texts
}

test('records come out in order and leave nothing on disk once they are acknowledged', async () => {
  const spool = await open()
  for (const text of ['a', 'b', 'c']) spool.append(Buffer.from(text))
  const batch = await spool.next(2, 1024)
  expect(batch.map(({ payload }) => payload.toString())).toEqual(['a', 'b'])
  expect(await drain(spool)).toEqual(['a', 'b', 'c'])
  expect(spool.pending).toBe(0)
  await spool.close()
  expect(await segments()).toEqual([])
})

test('what was not acknowledged is there after a restart, and nothing twice', async () => {
  const first = await open()
  for (let i = 0; i < 10; i++) first.append(Buffer.from(`alert ${i}`))
  const batch = await first.next(4, 1024)
  await first.acknowledge(batch.at(-1)?.sequence ?? 0)
  await first.close()

  const second = await open()
  expect(second.pending).toBe(6)
  second.append(Buffer.from('later'))
  expect(await drain(second)).toEqual([4, 5, 6, 7, 8, 9].map((i) => `alert ${i}`).concat('later'))
  await second.close()
})

test('far more than fits in memory comes back from disk, whole and in order', async () => {
  const spool = await open()
  const expected: string[] = []
  for (let i = 0; i < 600; i++) {
    const text = `${i}:${'x'.repeat(40_000)}`
    spool.append(Buffer.from(text))
    expected.push(text)
    if (i % 50 === 49) await new Promise((resolve) => setImmediate(resolve))
    // The disk is given its turn: what it has not taken is bounded too.
    if (i % 100 === 99) await spool.next(1, 1)
    if (i % 100 === 99) await untilOnDisk((i + 1) * 40_000)
  }
  expect(spool.dropped).toBe(0)
  expect(await drain(spool)).toEqual(expected)
  await spool.close()
})

async function untilOnDisk(bytes: number) {
  while ((await onDisk()) < bytes) await turn()
}

async function onDisk(): Promise<number> {
  const names = await segments()
  const sizes = await Promise.all(
    names.map(async (name) => (await readFile(join(directory, name))).length),
  )
  return sizes.reduce((sum, size) => sum + size, 0)
}
const turn = () => new Promise((resolve) => setImmediate(resolve))

test('at the bound the oldest records go, are counted, and the disk holds no more', async () => {
  const first = await open({ maxBytes: 80_000 })
  for (let i = 0; i < 200; i++) first.append(Buffer.from(`${i}:${'x'.repeat(1000)}`))
  await first.close()
  expect(await onDisk()).toBeLessThanOrEqual(80_000)
  expect(first.dropped).toBeGreaterThan(100)

  const second = await open({ maxBytes: 80_000 })
  const left = await drain(second)
  expect(first.dropped + left.length).toBe(200)
  expect(left.at(-1)).toMatch(/^199:/)
  await second.close()
})

test('a close waits for the acknowledgement under way, and one that comes too late changes nothing', async () => {
  const first = await open()
  for (const text of ['a', 'b']) first.append(Buffer.from(text))
  await first.next(2, 1024)
  const noted = first.acknowledge(1)
  await Promise.all([noted, first.close()])
  await first.acknowledge(2)

  const second = await open()
  expect(await drain(second)).toEqual(['b'])
  await second.close()
})

test('a torn tail is cut and a damaged record hides only what follows it in its segment', async () => {
  const first = await open()
  for (const text of ['one', 'two', 'three']) first.append(Buffer.from(text))
  await first.close()
  const [name = ''] = await segments()
  await appendFile(join(directory, name), Buffer.from([200, 0, 0, 0, 1, 2, 3]))

  const second = await open()
  expect(second.cutBytes).toBe(7)
  second.append(Buffer.from('four'))
  await second.close()

  const bytes = await readFile(join(directory, name))
  bytes[bytes.indexOf('two')] = 0
  await writeFile(join(directory, name), bytes)
  const third = await open()
  expect(await drain(third)).toEqual(['one', 'four'])
  expect(third.dropped).toBe(2)
  await third.close()
})

test('kill -9 in the middle of spooling loses nothing that was reported as written', async () => {
  const script = `
    import { Spool } from ${JSON.stringify(new URL('spool.ts', import.meta.url).href)}
    const spool = await Spool.open({ directory: ${JSON.stringify(directory)}, maxBytes: 1 << 24, syncMs: 0 })
    for (let i = 0; ; i++) {
      spool.append(Buffer.from('alert ' + i + ' ' + 'x'.repeat(500)))
      if (i % 20 === 0) await new Promise((resolve) => setImmediate(resolve))
      if (i % 100 === 99) { await spool.flush(); process.stdout.write(i + '\\n') }
    }`
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  let written = 0
  for await (const line of createInterface({ input: child.stdout })) {
    written = Number(line)
    if (written >= 1000) break
  }
  child.kill('SIGKILL')
  await exited

  const spool = await open()
  const texts = await drain(spool)
  expect(texts.length).toBeGreaterThan(written)
  expect(texts.map((text) => Number(text.split(' ')[1]))).toEqual(texts.map((_, index) => index))
  await spool.close()
})
