/**
 * From just before an alert is posted to its effect as a watch of the bench's own sees it: the real responder in a
 * process of its own, a real API server, real pods (which no scheduler takes). Deletions always ask: there from the vote.
 * `--profile FOLDER` writes the responder's CPU profile there; `--only label` leaves the other effects out.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { actions } from '../../responder/actions/index.ts'
import { clusterReason } from '../../scripts/cluster-reason.ts'
import { startControlPlane, type ControlPlane } from '../cluster/control-plane.ts'
import { scratch } from './detector.ts'
import type { Report } from './kubernetes-child.ts'
import { alertOf, PodDoor } from './pod-door.ts'
import { effectNames, Effects, makePods, markLabel, now, type BenchPod, type EffectName } from './pod-effects.ts' // prettier-ignore
import { printMachine, printTable, quantile } from './table.ts'

/** Back to back: the next as soon as the effect of the one before is seen, as the peer was measured. */
const goals = {
  'one at a time': 'p50 ≤ 8 ms, p99 ≤ 25 ms',
  'back to back': '≥ 50/s, p99 < 250 ms',
  'all at once': '< 20 s',
} as const
type Shape = keyof typeof goals

/** Falco Talon (main of 2026-08) against the same API server: measured before, its figures written down. */
const peer: Readonly<Record<EffectName, Readonly<Record<Shape, string>>>> = {
  label: { 'one at a time': '11.1 / 21.6 ms', 'back to back': '1.3/s', 'all at once': '799 s' },
  isolate: { 'one at a time': '10.9 / 14.6 ms', 'back to back': '2.6/s', 'all at once': '-' },
  delete: { 'one at a time': '9.6 / 16.4 ms', 'back to back': '1.7/s', 'all at once': '-' },
}

/** Each effect has a rule and a policy; their limits count as everybody's do, and are far away. */
const actionOf: Readonly<Record<EffectName, object>> = {
  label: { label_pod: { labels: { [markLabel]: 'seen' } } },
  isolate: { isolate_pod: { nodeCut: false, provider: 'networkpolicy', verify: 'policy' } },
  delete: { delete_pod: {} },
}
const ruleOf = (effect: EffectName) => `Bench: ${effect} it`
const cap = { actions: 5000, per: '1m', classes: ['mark', 'contain', 'disrupt', 'destroy'] }
const policyOf = (effect: EffectName) => ({
  apiVersion: 'riposte.dev/v1alpha1',
  kind: 'ClusterResponsePolicy',
  metadata: { name: `bench-${effect}` },
  spec: {
    mode: 'enforce',
    match: { rules: { names: [ruleOf(effect)] } },
    correlate: { by: ['pod', 'rule'], cooldown: '1s' },
    limits: { perTarget: { ...cap, actions: 5 }, perNode: cap, global: cap },
    ladder: [{ name: 'only', do: [actionOf[effect]] }],
  },
})

const counts = { warm: 20, idle: 100, many: 100, thousand: 1000 }
const patienceMs = 180_000
/** Between two alerts of an idle responder. */
const pauseMs = 25

interface Run {
  readonly door: PodDoor
  readonly effects: Effects
  readonly rows: string[][]
  readonly costs: string[][]
  readonly paths: string[][]
}
/** Milliseconds of the epoch at which a pod's alert was posted, or its vote cast. */
type Began = ReadonlyMap<BenchPod, number>

const ms = (value: number) => value.toFixed(value < 100 ? 1 : 0)

/** Posts them as this shape does; for what asks people, votes: the time begins at the vote. */
async function ask(door: PodDoor, effect: EffectName, pods: readonly BenchPod[], shape: Shape) {
  const began = new Map<BenchPod, number>()
  const posted = pods.map((pod) => alertOf(pod, ruleOf(effect)))
  for (const pod of pods) began.set(pod, now())
  if (shape === 'all at once')
    await Promise.all([door.post(posted.slice(0, 500)), door.post(posted.slice(500))])
  else await Promise.all(posted.map((alert) => door.post([alert])))
  if (effect !== 'delete') return began
  let pending = await door.pending()
  for (; pending.length < pods.length; pending = await door.pending())
    await sleep(shape === 'all at once' ? 10 * pauseMs : 5)
  const byName = new Map(pods.map((pod) => [`pod default/${pod.name}`, pod]))
  const vote = async ({ id, targetName }: (typeof pending)[number]) => {
    const pod = byName.get(targetName)
    if (pod === undefined) throw new Error(`an approval is asked for ${targetName}`)
    began.set(pod, now())
    await door.approve(id)
  }
  await Promise.all(pending.map(vote))
  return began
}

async function inTurn(
  { door, effects }: Run,
  effect: EffectName,
  pods: readonly BenchPod[],
  shape: Shape,
) {
  const began = new Map<BenchPod, number>()
  for (const pod of pods) {
    for (const [, at] of await ask(door, effect, [pod], shape)) began.set(pod, at)
    await effects.until(effect, [pod], patienceMs)
    if (shape === 'one at a time') await sleep(pauseMs)
  }
  return began
}

async function measure(run: Run, effect: EffectName, shape: Shape, pods: readonly BenchPod[]) {
  const { door, effects, rows, costs, paths } = run
  const before = await door.report()
  const began: Began =
    shape === 'all at once'
      ? await ask(door, effect, pods, shape)
      : await inTurn(run, effect, pods, shape)
  await effects.until(effect, pods, patienceMs).catch(async (cause: unknown) => {
    throw new Error((await door.notDone()).join('\n'), { cause })
  })
  const seen = pods.map((pod) => effects.seenMs(effect, pod) ?? Number.NaN)
  const starts = pods.map((pod) => began.get(pod) ?? Number.NaN)
  const took = seen.map((at, index) => at - (starts[index] ?? Number.NaN))
  const wholeMs = Math.max(...seen) - Math.min(...starts)
  // What follows an effect (verify, outcome) is the responder's cost too.
  await sleep(500)
  const after = await door.report()
  const rate = shape === 'one at a time' ? '-' : ((pods.length / wholeMs) * 1000).toFixed(0)
  const spread = [0.5, 0.99, 1].map((share) => ms(quantile(took, share)))
  const name = [effect, `${shape}, ${pods.length}`]
  rows.push([...name, ...spread, rate, `${(wholeMs / 1000).toFixed(1)} s`, goals[shape], peer[effect][shape]]) // prettier-ignore
  const spent = (key: keyof Report['spent']) => after.spent[key] - before.spent[key]
  const each = [spent('cpuMs'), spent('apiCalls')].map((sum) => (sum / pods.length).toFixed(1))
  costs.push([...name, ...each, String(spent('waits'))])
  if (shape === 'one at a time') paths.push([effect, ...pathOf(after, pods, starts), ms(quantile(took, 0.5))]) // prettier-ignore
}

const points = ['claimed', 'planned', 'intent', 'acted', 'ended'] as const

/** When a step came to each point, after its alert or vote: the median. A step that asked is claimed twice. */
function pathOf({ marks }: Report, pods: readonly BenchPod[], starts: readonly number[]) {
  const at = new Map(marks.map(([point, uid, atMs]) => [`${point} ${uid}`, atMs]))
  return points.map((point) => {
    const since = pods.map(({ uid }, index) => {
      return (at.get(`${point} ${uid}`) ?? Number.NaN) - (starts[index] ?? Number.NaN)
    })
    return ms(quantile(since, 0.5))
  })
}

/** What the API server and the watch take by themselves: one PATCH a time of the bench's own. */
async function floor({ api }: ControlPlane, effects: Effects, pods: readonly BenchPod[]) {
  const took: number[] = []
  for (const pod of pods) {
    const began = now()
    await api.request('PATCH', `/api/v1/namespaces/default/pods/${pod.name}`, {
      metadata: { labels: { [markLabel]: 'floor' } },
    })
    await effects.until('label', [pod], patienceMs)
    took.push((effects.seenMs('label', pod) ?? Number.NaN) - began)
    await sleep(pauseMs)
  }
  const [p50, p99] = [0.5, 0.99].map((share) => ms(quantile(took, share)))
  console.log(`one PATCH by the bench itself, to the watch: p50 ${p50} ms, p99 ${p99} ms\n`)
}

async function main() {
  const { values } = parseArgs({ options: { profile: { type: 'string' }, only: { type: 'string' } } }) // prettier-ignore
  const reason = clusterReason()
  if (reason !== undefined) return console.log(`skipped: ${reason}`)
  const offered = effectNames.filter((effect) => {
    const isThere = actions.some(({ name }) => name in actionOf[effect])
    return isThere && (values.only ?? effect) === effect
  })
  printMachine()
  using directory = scratch()
  await using controlPlane = await startControlPlane({
    apiserverArguments: ['--disable-admission-plugins=ServiceAccount'],
  })
  const policies = join(directory.path, 'policies')
  mkdirSync(policies)
  for (const effect of offered)
    writeFileSync(join(policies, `${effect}.yaml`), JSON.stringify(policyOf(effect)))
  const config = join(directory.path, 'responder.yaml')
  const kubernetes = { kubeconfig: controlPlane.kubeconfig.path, namespace: 'riposte' }
  writeFileSync(config, JSON.stringify({ listen: '127.0.0.1:0', kubernetes }))
  const { warm, idle: idleCount, many, thousand } = counts
  const made = await makePods(controlPlane.api, 2 * warm + idleCount + many + thousand)
  const pods = made.slice(warm)
  await using effects = new Effects(controlPlane.kubeconfig.path)
  await effects.start()
  await floor(controlPlane, effects, made.slice(0, warm))
  const profile =
    values.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${values.profile}`]
  const args = [config, join(directory.path, 'data'), policies]
  await using door = await PodDoor.open(args, profile)
  const run: Run = { door, effects, rows: [], costs: [], paths: [] }
  for (const effect of offered) {
    await inTurn(run, effect, pods.slice(0, warm), 'one at a time')
    const parts = { 'one at a time': idleCount, 'back to back': many, 'all at once': thousand }
    let next = warm
    for (const [shape, count] of Object.entries(parts)) {
      await measure(run, effect, shape as Shape, pods.slice(next, next + count))
      next += count
    }
  }
  printMachine()
  console.log('Alert posted (delete: vote cast) → effect on a watch\n')
  printTable(['', '', 'p50 ms', 'p99', 'most', 'effects/s', 'all in', 'goal', 'Falco Talon'], run.rows) // prettier-ignore
  console.log('\nThe responder, an effect\n')
  printTable(['', '', 'CPU ms', 'API calls', 'held back by qps, in all'], run.costs)
  console.log('\nOne at a time: median ms after the alert or vote\n')
  printTable(['', ...points, 'seen'], run.paths)
}

await main()
