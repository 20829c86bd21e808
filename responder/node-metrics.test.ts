import { expect, test } from '@jest/globals'
import { Registry } from 'prom-client'
import type { Heartbeat } from '../contract/verdict.ts'
import type { SeenNode } from './http/node-hub.ts'
import { addNodeMetrics } from './node-metrics.ts'

const heartbeat = (lost: Record<string, number>): Heartbeat => ({
  node: 'node-a',
  bootId: 'b',
  version: '0.1.0',
  startedMs: 0,
  sentMs: 0,
  isReady: true,
  rules: { loaded: 1, enabled: 1, sha256: '' },
  events: { judged: 41, lost },
  scope: 'host',
  degraded: ['one thing'],
  strikes: { generation: '', active: [], unavailable: [] },
  residentBytes: 1000,
})

function pageOf(seen: () => readonly SeenNode[]): Registry {
  const registry = new Registry()
  addNodeMetrics(registry, seen, () => 10_000)
  return registry
}

test('the page says of each node what its heartbeat said, and how long it has been silent', async () => {
  const beat = heartbeat({ file: 3 })
  const page = pageOf(() => [
    { node: 'node-a', heartbeat: beat, seenMs: 8000, waiting: 0 },
    { node: 'node-b', heartbeat: null, seenMs: 9000, waiting: 0 },
  ])
  await page.metrics()
  const text = await page.metrics()
  expect(text).toContain('riposte_nodes 2')
  expect(text).toContain('riposte_node_silent_seconds{node="node-a"} 2')
  expect(text).toContain('riposte_node_silent_seconds{node="node-b"} 1')
  // Asked twice and still 41: a heartbeat holds totals, not what was added.
  expect(text).toContain('riposte_node_records_judged_total{node="node-a"} 41')
  expect(text).toContain('riposte_node_records_lost_total{node="node-a",class="file"} 3')
  expect(text).toContain('riposte_node_degraded{node="node-a"} 1')
  expect(text).not.toContain('riposte_node_ready{node="node-b"}')
})

test('a node that is not heard of any more leaves the page', async () => {
  let seen: readonly SeenNode[] = [
    { node: 'node-a', heartbeat: heartbeat({}), seenMs: 8000, waiting: 0 },
  ]
  const page = pageOf(() => seen)
  await page.metrics()
  seen = []
  expect(await page.metrics()).not.toContain('node-a')
})

test('a heartbeat that names many classes makes few series', async () => {
  const many = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`class${index}`, 1]))
  const page = pageOf(() => [
    { node: 'node-a', heartbeat: heartbeat(many), seenMs: 8000, waiting: 0 },
  ])
  const lines = (await page.metrics()).split('\n')
  expect(lines.filter((line) => line.startsWith('riposte_node_records_lost_total{'))).toHaveLength(
    16,
  )
})
