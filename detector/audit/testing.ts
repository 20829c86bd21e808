/** For tests: audit events of our own, and a pipeline over rules given as text. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Alert } from '../../contract/alert.ts'
import type { AlertRule } from '../alerts/alert-rule.ts'
import { loadConfig } from '../config.ts'
import { printOptions } from '../connect.ts'
import { k8sAuditSource } from '../rule-sources.ts'
import { loadInForce } from '../rules-in-force.ts'
import { compileAuditAlert } from './alert.ts'
import { AuditPipeline } from './pipeline.ts'

export type Document = Record<string, unknown>

/** A finished, allowed request by alice; `more` says what it was about. */
export const auditEvent = (more: Document): Document => ({
  kind: 'Event',
  apiVersion: 'audit.k8s.io/v1',
  level: 'RequestResponse',
  auditID: '0d8dd4c5-7a3f-4a35-9b62-0b0d7c2a7c11',
  stage: 'ResponseComplete',
  stageTimestamp: '2026-11-21T10:13:07.001002Z',
  requestReceivedTimestamp: '2026-11-21T10:13:07.000900Z',
  verb: 'get',
  user: { username: 'alice', groups: ['system:authenticated'] },
  sourceIPs: ['192.0.2.7'],
  userAgent: 'kubectl/v1.36.3',
  responseStatus: { code: 200 },
  annotations: { 'authorization.k8s.io/decision': 'allow' },
  ...more,
})

export interface Judging extends Disposable {
  readonly pipeline: AuditPipeline
  readonly alerts: Alert[]
  readonly refused: string[]
  /** Whether alerts can be kept: a full disk otherwise. */
  isKept: boolean
}

/** Rules as files, or as text. */
export function judging(
  rules: string | readonly string[],
  matching: 'all' | 'first' = 'all',
): Judging {
  const directory = mkdtempSync(join(tmpdir(), 'audit-'))
  const paths = typeof rules === 'string' ? [join(directory, 'rules.yaml')] : rules
  if (typeof rules === 'string') writeFileSync(join(directory, 'rules.yaml'), rules)
  const { config } = loadConfig({
    file: undefined,
    overrides: [`rule_matching=${matching}`],
    environment: {},
  })
  if (config === undefined) throw new Error('the defaults are a configuration')
  const printing = {
    ...printOptions(config),
    table: k8sAuditSource.fields,
    identity: { node: 'audit-0', bootId: 'boot' },
  }
  const judge = {
    source: k8sAuditSource,
    compileAlert: (rule: AlertRule) => compileAuditAlert(rule, printing),
  }
  const loaded = loadInForce(paths, config, judge, 0)
  const [problem] = loaded.problems.filter(({ severity }) => severity === 'error')
  if (loaded.rules === undefined) throw new Error(problem?.message)
  const alerts: Alert[] = []
  const refused: string[] = []
  const judged: Judging = {
    alerts,
    refused,
    isKept: true,
    pipeline: new AuditPipeline({
      rules: loaded.rules,
      hostname: 'audit-0',
      emit: ({ alert }) => alerts.push(alert) > 0,
      kept: () => Promise.resolve(judged.isKept),
      onRefused: (reason) => refused.push(reason),
    }),
    [Symbol.dispose]: () => {
      rmSync(directory, { recursive: true })
    },
  }
  return judged
}
