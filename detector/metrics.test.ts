import { expect, test } from '@jest/globals'
import { printMetrics } from './metrics.ts'

const page = printMetrics({
  version: '1.2.3',
  scope: 'host',
  hostname: 'node-a',
  startedMs: 1_000,
  reloadedMs: 2_000,
  nowMs: 11_000,
  ruleFiles: [{ name: 'a.yaml', sha256: 'ab' }],
  judged: 90,
  lost: new Map([['file', 10]]),
  rules: [
    {
      rule: 'Say "hi"',
      priority: 'Warning',
      source: 'syscall',
      tags: ['T1555', 'a-b'],
      matches: 3,
    },
  ],
  outputs: new Map([['http', { written: 1, dropped: 2, pending: 3, problem: undefined }]]),
  liveProcesses: 5,
  held: { records: 6, late: 1, suspended: 4, judgedAgain: 3, dropped: 1 },
  degraded: [],
  residentBytes: 100,
  cpuSeconds: 0.5,
})

test('rules are counted under the name and the labels of Falco', () => {
  expect(page).toContain(
    'falcosecurity_falco_rules_matches_total{priority="4",rule_name="Say \\"hi\\"",source="syscall",' +
      'tag_T1555="true",tag_a_b="true"} 3\n',
  )
})

test('lost records count as events too, as with Falco', () => {
  expect(page).toContain('falcosecurity_scap_n_evts_total 100\n')
  expect(page).toContain('falcosecurity_scap_n_drops_buffer_total{dir="exit",drop="file"} 10\n')
  expect(page).toContain('falcosecurity_falco_outputs_queue_num_drops_total 2\n')
})

test('every line is a comment, or a name with labels and a number', () => {
  for (const line of page.trimEnd().split('\n'))
    expect(line).toMatch(
      /^(# (HELP|TYPE) \S+ .+|[a-z_0-9]+(\{([a-zA-Z_0-9]+="(\\.|[^"\\])*",?)+\})? [\d.e+]+)$/,
    )
})
