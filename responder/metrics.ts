/** Counters and gauges for Prometheus. Labels are rule, priority, policy, action and outcome: nothing that attackers write. */
import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client'
import type { Alert } from '../contract/alert.ts'
import type { SeenNode } from './http/node-hub.ts'
import type { Ledger } from './ledger/open.ts'
import { addNodeMetrics } from './node-metrics.ts'
import type { Step } from './step.ts'

export interface Metrics {
  readonly text: () => Promise<string>
  readonly countAlerts: (alerts: readonly Alert[]) => void
  readonly countStep: (step: Step) => void
  /** A request in the name of a node that was not believed. */
  readonly countRefusal: (code: string) => void
  readonly countApiCall: (verb: string, code: string) => void
}

/** Rules have names that people gave; more than this many are counted together. */
const maxRules = 2000

export interface Measured {
  readonly ledger: Ledger
  readonly degraded: () => readonly string[]
  readonly nodes: () => readonly SeenNode[]
}

export function createMetrics({ ledger, degraded, nodes }: Measured): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry, prefix: 'riposte_' })
  const registers = [registry]
  const alerts = new Counter({
    name: 'riposte_alerts_total',
    help: 'Alerts that nodes sent, repeats included',
    labelNames: ['rule', 'priority'],
    registers,
  })
  const refusals = new Counter({
    name: 'riposte_node_refusals_total',
    help: 'Requests of nodes that were refused, by why',
    labelNames: ['code'],
    registers,
  })
  const steps = new Counter({
    name: 'riposte_steps_total',
    help: 'Steps that ended, by how',
    labelNames: ['policy', 'action', 'outcome'],
    registers,
  })
  const apiCalls = new Counter({
    name: 'riposte_kubernetes_requests_total',
    help: 'Calls of the Kubernetes API, by verb and HTTP status; error: there was no answer',
    labelNames: ['verb', 'code'],
    registers,
  })
  gauge(registers, 'riposte_approvals_pending', 'Approvals that wait for people', () =>
    count(
      ledger.rows
        .selectFrom('approvals')
        .select((eb) => eb.fn.countAll<number>().as('count'))
        .where('status', '=', 'pending')
        .executeTakeFirst(),
    ),
  )
  gauge(registers, 'riposte_containments_live', 'Effects that are live and can be undone', () =>
    count(
      ledger.rows
        .selectFrom('containments')
        .select((eb) => eb.fn.countAll<number>().as('count'))
        .where('status', 'not in', ['undone', 'gone'])
        .executeTakeFirst(),
    ),
  )
  gauge(
    registers,
    'riposte_degraded',
    'Things that are not as they should be',
    () => degraded().length,
  )
  addNodeMetrics(registry, nodes, Date.now)
  const rules = new Set<string>()
  return {
    text: () => registry.metrics(),
    countAlerts: (batch) => {
      for (const { rule, priority } of batch) {
        if (rules.size < maxRules) rules.add(rule)
        alerts.inc({ rule: rules.has(rule) ? rule : 'other', priority })
      }
    },
    countApiCall: (verb, code) => {
      apiCalls.inc({ verb, code })
    },
    countRefusal: (code) => {
      refusals.inc({ code })
    },
    countStep: ({ policy, action, outcome }) => {
      steps.inc({ policy, action, outcome: outcome?.status ?? 'none' })
    },
  }
}

const count = async (query: Promise<{ count: number } | undefined>) => (await query)?.count ?? 0

function gauge(
  registers: Registry[],
  name: string,
  help: string,
  read: () => number | Promise<number>,
): void {
  const made: Gauge = new Gauge({
    name,
    help,
    registers,
    collect: async () => {
      made.set(await read())
    },
  })
}
