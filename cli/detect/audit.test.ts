import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { auditEvent } from '../../detector/audit/testing.ts'
import { Riposte } from '../riposte.sample.ts'

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'detect-audit-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

function write(name: string, text: string): string {
  const path = join(directory, name)
  writeFileSync(path, text)
  return path
}

const NOBODY = 65_534

const rules = `
- rule: Pod deleted
  desc: d
  condition: ka.verb = delete and ka.target.resource = pods
  output: "%ka.user.name deleted %ka.target.name"
  priority: INFO
  source: k8s_audit
- rule: Open
  desc: of another source, so it is checked and does not run
  condition: evt.type = open and fd.name = /x
  output: o
  priority: INFO
`

test('detect --disable-source syscall reads a file of audit events to its end, without a privilege, and counts as Falco does', async () => {
  const events = [1, 2, 2].map((id) =>
    auditEvent({
      auditID: String(id),
      verb: 'delete',
      objectRef: { resource: 'pods', name: `p${id}` },
    }),
  )
  const log = write('audit.jsonl', events.map((event) => JSON.stringify(event)).join('\n'))
  const plugins = [{ name: 'k8saudit', library_path: 'x.so', open_params: log }, { name: 'json' }]
  const config = write(
    'falco.yaml',
    JSON.stringify({ plugins, load_plugins: ['k8saudit', 'json'] }),
  )
  const argv = ['detect', '-c', config, '-r', write('r.yaml', rules), '--data', directory]

  chmodSync(directory, 0o755)
  const flags = ['--disable-source', 'syscall', '-o', 'json_output=true']
  await using audit = new Riposte(
    [...argv, ...flags],
    process.geteuid?.() === 0 ? { uid: NOBODY } : {},
  )
  expect(await audit.end()).toBe(0)
  const lines = audit.stdout.trim().split('\n')
  expect(lines.slice(0, 2).map((line) => JSON.parse(line))).toMatchObject([
    { rule: 'Pod deleted', source: 'k8s_audit', output_fields: { 'ka.target.name': 'p1' } },
    { rule: 'Pod deleted', source: 'k8s_audit', output_fields: { 'ka.target.name': 'p2' } },
  ])
  expect(lines.slice(2)).toEqual([
    'Events detected: 2',
    'Rule counts by severity:',
    '   INFO: 2',
    'Triggered rules by rule name:',
    '   Pod deleted: 2',
  ])

  await using both = new Riposte(argv)
  expect(await both.end()).toBe(1)
  expect(both.stderr).toContain('start one with --disable-source syscall')
}, 60_000)
