import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import type { Verdict } from '../../contract/verdict.ts'
import { sampleAlert } from '../../responder/policy/alert.sample.ts'
import { SampleNode, startSample, until, type Sample } from '../../responder/start.sample.ts'
import { main } from '../main.ts'

const policy = (name: string, rule: string, spec: string) =>
  `apiVersion: riposte.dev/v1alpha1\nkind: ClusterResponsePolicy\nmetadata: { name: ${name} }
spec: { match: { rules: { names: [${rule}] } }, ${spec} }\n`

const files = {
  'a.yaml': policy(
    'shadow',
    'Read sensitive file untrusted',
    'ladder: [{ name: strike, do: [kill_process] }]',
  ),
  'b.yaml': policy(
    'ask',
    'Reverse shell',
    'mode: enforce, ladder: [{ name: stop, do: [freeze], undo: { ttl: 1h }, approve: { reason: required, quorum: 2, from: [{ user: bob }, { group: on-call }] } }]',
  ),
}

let sample: Sample
let node: SampleNode
beforeAll(async () => {
  sample = await startSample(files, { groups: { 'on-call': ['alice', 'carol'] } })
  node = new SampleNode(sample)
  node.start(carryOut)
  await node.alerts(sampleAlert(), sampleAlert({ id: 'b'.repeat(32), rule: 'Reverse shell' }))
})
afterAll(async () => {
  await node[Symbol.asyncDispose]()
  await sample[Symbol.asyncDispose]()
})

const carryOut = ({ operation }: Verdict) =>
  ({ status: operation === 'plan' ? 'planned' : 'done', detail: 'stop cat (812)' }) as const

async function riposte(...argv: string[]) {
  const printed: string[] = []
  const said: string[] = []
  const code = await main(argv, {
    print: (line) => void printed.push(line),
    say: (line) => void said.push(line),
    environment: { RIPOSTE_DATA: join(sample.directory, 'data'), SUDO_USER: 'alice' },
    directory: '/',
    isRoot: true,
    paint: (_, text) => text,
  })
  return { code, printed: printed.join('\n'), said: said.join('\n') }
}

/** What one command prints, once it prints what is looked for. */
const printedWith = (pattern: RegExp, ...argv: string[]) =>
  until(async () => {
    const { printed } = await riposte(...argv)
    return pattern.test(printed) ? printed : undefined
  })

test('alerts list shows what was decided, explain why and which gate said what', async () => {
  const listed = await printedWith(/audit: would/, 'alerts', 'list')
  expect(listed).toMatch(/^ID +AGE +PRIORITY +RULE +DECIDED$/m)
  const { printed } = await riposte('alerts', 'explain', sampleAlert().id)
  expect(printed).toMatch(/^ {2}shadow +audit +yes +selected by rule name$/m)
  expect(printed).toMatch(
    /^ {2}ask +enforce +no +rule Read sensitive file untrusted is not named$/m,
  )
  expect(printed).toMatch(/audit: would stop cat \(812\)\n {4}gate mode: pass, planned in audit/)
})

test('policies list shows the mode that holds and who set it; file takes it back', async () => {
  expect((await riposte('policies', 'list')).printed).toMatch(/^shadow +audit +file +kill_process/m)
  expect(await riposte('policies', 'set-mode', 'shadow', 'enforce', '--reason', 'x')).toMatchObject(
    {
      code: 0,
      printed: 'shadow: enforce',
    },
  )
  expect((await riposte('policies', 'list')).printed).toMatch(
    /^shadow +enforce +alice \(file: audit\)/m,
  )
  await riposte('policies', 'set-mode', 'shadow', 'file')
  expect((await riposte('policies', 'list')).printed).toMatch(/^shadow +audit +file/m)
  expect(await riposte('policies', 'set-mode', 'shadow', 'enforced')).toMatchObject({ code: 2 })
  expect((await riposte('policies', 'set-mode', 'shaddow', 'off')).said).toMatch(
    'did you mean shadow?',
  )
})

test('an approval is listed, refused without its reason, given by two who may, and its containment undone', async () => {
  const id = await printedWith(/^a[0-9a-f]{32}$/, 'approvals', 'list', '-o', 'name')
  expect((await riposte('approvals', 'list')).printed).toMatch(
    /pending +0\/2 +\d+s +14m\d+s +ask +freeze: stop cat/,
  )
  expect(await riposte('approvals', 'approve', id)).toMatchObject({
    code: 1,
    said: expect.stringContaining('say why: the policy asks for a reason'),
  })
  const approve = (...more: string[]) =>
    riposte('approvals', 'approve', id, '--reason', 'seen it', ...more)
  expect((await approve('--as', 'mallory')).said).toContain('only bob, group:on-call may vote')
  expect((await approve()).printed).toBe('1 of 2 to approve')
  expect((await approve()).said).toContain('alice has voted')
  expect((await approve('--as', 'carol')).printed).toBe('approved by alice, carol')
  const containment = await printedWith(/^s[0-9a-f]{32}$/, 'containments', 'list', '-o', 'name')
  expect((await riposte('containments', 'extend', containment, '--by', '2h')).printed).toMatch(
    /^stays until 20/,
  )
  expect((await riposte('containments', 'undo', containment)).code).toBe(0)
  await printedWith(/nothing is contained/, 'containments', 'list')
})

test('the audit verifies, is exported line by line, and names who did what', async () => {
  expect((await riposte('audit', 'verify')).printed).toMatch(/^the chain holds: \d+ records/)
  const { printed } = await riposte('audit', 'export')
  const records = printed.split('\n').map((line) => JSON.parse(line))
  expect(records.map(({ seq }) => seq)).toEqual(records.map((_, index) => index + 1))
  expect((await riposte('audit', 'tail', '--subject', 'shadow')).printed).toMatch(
    /policy_mode +shadow +\{.*"by":"alice"/,
  )
})

test('the kill switch is turned and asked', async () => {
  expect((await riposte('kill-switch', 'on', '--reason', 'drill')).printed).toBe(
    'on: turned on by alice: drill',
  )
  expect((await riposte('kill-switch', 'status')).printed).toMatch(/^on: /)
  expect((await riposte('kill-switch', 'off')).printed).toBe('off')
})

test('login prints a link for one browser', async () => {
  expect((await riposte('login')).printed).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/login#[\w-]{43}$/)
})

test('without a responder the exit code is 3, and what to do is said', async () => {
  const { code, said } = await riposte('approvals', 'list', '--data', '/nonexistent')
  expect(code).toBe(3)
  expect(said).toMatch('riposte run')
})

test('lint prints every problem with its line; test says what the files would do', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'riposte-'))
  try {
    writeFileSync(join(directory, 'a.yaml'), files['a.yaml'].replace('kill_process', 'kill-proces'))
    const wrong = await riposte('policies', 'lint', directory)
    expect(wrong.code).toBe(1)
    expect(wrong.said).toMatch(
      'unknown action "kill-proces"; did you mean kill_process?\n    4 | spec',
    )
    writeFileSync(join(directory, 'a.yaml'), files['a.yaml'])
    expect((await riposte('policies', 'lint', directory)).printed).toBe('1 policy, no problems')
    const alert = join(directory, 'alert.json')
    writeFileSync(alert, JSON.stringify(sampleAlert()))
    expect((await riposte('policies', 'test', directory, '--alert', alert)).printed).toMatch(
      'shadow/strike: would kill_process cat (812) on node-a',
    )
    expect(readdirSync(directory)).toHaveLength(2)
  } finally {
    rmSync(directory, { recursive: true })
  }
})

test('actions are listed with their risk, and shown with their parameters', async () => {
  expect((await riposte('actions', 'list')).printed).toMatch(/^kill_process +contain +process +no/m)
  expect((await riposte('actions', 'show', 'freeze')).printed).toMatch('scope:')
  expect((await riposte('actions', 'show', 'freze')).said).toMatch('did you mean freeze?')
})
