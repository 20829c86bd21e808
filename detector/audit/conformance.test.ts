/** Falco's own black-box cases for Kubernetes audit: the same files give the same alerts. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { parse } from 'yaml'
import { z } from 'zod'
import type { Alert } from '../../contract/alert.ts'
import { sharedData } from '../../scripts/shared-data.ts'
import { parseAudit } from './parse.ts'
import { judging } from './testing.ts'

const caseSchema = z.object({
  detect: z.boolean(),
  detect_level: z.union([z.string(), z.array(z.string())]).optional(),
  detect_counts: z.array(z.record(z.string(), z.number())).default([]),
  enable_source: z.literal('k8s_audit'),
  rules_file: z.union([z.string(), z.array(z.string())]),
  addl_cmdline_opts: z.string(),
  stderr_contains: z.string().optional(),
})
type Case = z.infer<typeof caseSchema>

const regression = sharedData('falco-regression')
const rules = sharedData('falco-rules')
const events = sharedData('k8s-audit')

/**
 * The cases are of 2022, the stock rules and the language of today: what was renamed since is renamed in the cases'
 * own rule files. The lists were in the syscall rules then; list fields do not take `contains` any more.
 */
const renamed: readonly (readonly [RegExp, string])[] = [
  [/falco_(sensitive_mount|privileged|hostnetwork)_images/g, 'k8s_audit_$1_images'],
  [/contains "pods\/exec"/, 'intersects ("pods/exec")'],
]
const lists = ['sensitive_mount', 'privileged', 'hostnetwork']
  .map((name) => `- list: k8s_audit_${name}_images\n  items: []\n`)
  .join('')
/** One rule then, two now. */
const split: Readonly<Record<string, readonly string[]>> = {
  'K8s Role/Clusterrole Created': ['K8s Role Created', 'K8s ClusterRole Created'],
  'K8s Role/Clusterrole Deleted': ['K8s Role Deleted', 'K8s ClusterRole Deleted'],
  'K8s Role/Clusterrolebinding Created': [
    'K8s RoleBinding Created',
    'K8s ClusterRoleBinding Created',
  ],
  'K8s Role/Clusterrolebinding Deleted': [
    'K8s RoleBinding Deleted',
    'K8s ClusterRoleBinding Deleted',
  ],
}

function readCases(): [string, Case][] {
  if (regression === undefined || rules === undefined || events === undefined) return []
  const text = readFileSync(join(regression, 'falco_k8s_audit_tests.yaml'), 'utf8')
  const { trace_files: found } = parse(text.replace('!mux', ''))
  return Object.entries(z.record(z.string(), caseSchema).parse(found))
}

let directory = ''
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'audit-conformance-'))
  writeFileSync(join(directory, 'lists.yaml'), lists)
})
afterAll(() => {
  rmSync(directory, { recursive: true })
})

/** The cases name the files of a build; ours lie beside them. */
function ruleFile(path: string): string {
  if (path.startsWith('BUILD_DIR/')) return join(rules ?? '', basename(path))
  let text = readFileSync(join(regression ?? '', path), 'utf8')
  for (const [pattern, now] of renamed) text = text.replaceAll(new RegExp(pattern, 'g'), now)
  const copy = join(directory, path.replaceAll('/', '-'))
  writeFileSync(copy, text)
  return copy
}

const openParams = (given: Case) => /open_params=(\S+)/.exec(given.addl_cmdline_opts)?.[1] ?? ''

async function run(given: Case) {
  const paths = [join(directory, 'lists.yaml'), ...[given.rules_file].flat().map(ruleFile)]
  using judged = judging(paths, 'first')
  const text = readFileSync(join(events ?? '', basename(openParams(given))), 'utf8')
  for (const line of text.split('\n').filter(Boolean))
    // oxlint-disable-next-line no-await-in-loop -- in order
    await judged.pipeline.take(parseAudit(line, 262_144))
  return judged
}

const countOf = (alerts: readonly Alert[], rule: string) =>
  alerts.filter((alert) => (split[rule] ?? [rule]).includes(alert.rule)).length

/** Falco's short names of priorities, in capitals. */
const levelOf = ({ priority }: Alert) =>
  priority === 'Informational' ? 'INFO' : priority.toUpperCase()

const cases = readCases()

if (cases.length === 0) {
  const { skip } = test
  skip("Falco's audit cases: skipped, data/falco-regression is not on this machine", () => {
    expect(regression).toBeUndefined()
  })
} else {
  test('the cases are there', () => {
    expect(cases).toHaveLength(66)
  })

  test.each(cases)('%s', async (_name, given) => {
    const { alerts, refused } = await run(given)
    expect(alerts.length > 0).toBe(given.detect)
    const levels = given.detect ? [given.detect_level ?? []].flat() : []
    expect(alerts.map(levelOf)).toEqual(expect.arrayContaining(levels))
    for (const counts of given.detect_counts)
      for (const [rule, count] of Object.entries(counts))
        expect([rule, countOf(alerts, rule)]).toEqual([rule, count])
    expect(refused.join('\n')).toContain(given.stderr_contains ?? '')
  })
}
