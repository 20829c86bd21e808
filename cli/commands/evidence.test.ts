import { appendFileSync, readFileSync, readdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { sampleAlert } from '../../responder/policy/alert.sample.ts'
import { SampleNode, startSample, until, type Sample } from '../../responder/start.sample.ts'
import { main } from '../main.ts'

const files = {
  'a.yaml': `apiVersion: riposte.dev/v1alpha1\nkind: ClusterResponsePolicy\nmetadata: { name: shadow }
spec:
  mode: enforce
  match: { rules: { names: [Read sensitive file untrusted] } }
  ladder: [{ name: preserve, do: [capture_snapshot] }]\n`,
}
/** No text: what comes out must be what went in, byte by byte. */
const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, index) => index % 256))

let sample: Sample
let node: SampleNode
let step = ''
beforeAll(async () => {
  sample = await startSample(files)
  node = new SampleNode(sample)
  node.start(async ({ id, operation }) => {
    if (operation === 'plan') return { status: 'planned', detail: 'capture' }
    if (operation === 'run') await node.handOver(id, 'packets.pcap', bytes)
    step = id
    return { status: 'done', detail: 'captured' }
  })
  await node.alerts(sampleAlert())
  await until(() => node.verdicts.find(({ operation }) => operation === 'verify'))
})
afterAll(async () => {
  await node[Symbol.asyncDispose]()
  await sample[Symbol.asyncDispose]()
})

async function riposte(...argv: string[]) {
  const printed: string[] = []
  const said: string[] = []
  const code = await main(argv, {
    print: (line) => void printed.push(line),
    say: (line) => void said.push(line),
    environment: { RIPOSTE_DATA: join(sample.directory, 'data') },
    directory: '/',
    isRoot: true,
    paint: (_, text) => text,
  })
  return { code, printed: printed.join('\n'), said: said.join('\n') }
}

test('what was kept is listed, saved byte by byte, and verified against the audit', async () => {
  expect((await riposte('evidence', 'list')).printed).toMatch(
    new RegExp(`^${step} +\\S+ +1 +70000 +`, 'm'),
  )
  const folder = join(sample.directory, 'saved')
  expect(await riposte('evidence', 'get', step.slice(0, 8), '--to', folder)).toMatchObject({
    code: 0,
  })
  expect(readdirSync(folder).toSorted()).toEqual(['manifest.json', 'packets.pcap'])
  expect(readFileSync(join(folder, 'packets.pcap')).equals(bytes)).toBe(true)
  expect(statSync(join(folder, 'packets.pcap')).mode & 0o77).toBe(0)
  expect(await riposte('evidence', 'verify', step)).toMatchObject({
    code: 0,
    printed: expect.stringContaining('1 files are as they were kept'),
  })
})

test('a file or a manifest that was changed is found', async () => {
  const { body } = await sample.call('GET', `/v1/evidence/${step}`)
  appendFileSync(join(dirname(body.where), 'packets.pcap'), 'x')
  expect(await riposte('evidence', 'verify', step)).toMatchObject({
    code: 1,
    said: expect.stringContaining('packets.pcap was changed'),
  })
  appendFileSync(body.where, '\n')
  expect(await riposte('evidence', 'verify', step)).toMatchObject({
    code: 1,
    said: expect.stringContaining('was changed: audit record'),
  })
})
