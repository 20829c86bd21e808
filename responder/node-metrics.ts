/** What nodes say of themselves in their heartbeats, on the responder's page: detectors open no port to be scraped. */
import { Counter, Gauge, type Registry } from 'prom-client'
import type { SeenNode } from './http/node-hub.ts'

/** A heartbeat names few classes of records; what names more does not fill our memory. */
const maxClasses = 16

export function addNodeMetrics(
  registry: Registry,
  seen: () => readonly SeenNode[],
  nowMs: () => number,
): void {
  const registers = [registry]
  const labelNames = ['node'] as const
  // First on the page, so that what it fills in is read after it.
  const nodes: Gauge = new Gauge({
    name: 'riposte_nodes',
    help: 'Nodes that were heard of',
    registers,
    collect() {
      for (const each of all) each.reset()
      const found = seen()
      nodes.set(found.length)
      for (const { node, heartbeat, seenMs } of found) {
        if (seenMs > 0) silent.set({ node }, Math.max(0, nowMs() - seenMs) / 1000)
        if (heartbeat === null) continue
        ready.set({ node }, heartbeat.isReady ? 1 : 0)
        degraded.set({ node }, heartbeat.degraded.length)
        resident.set({ node }, heartbeat.residentBytes)
        judged.inc({ node }, heartbeat.events.judged)
        for (const [name, count] of Object.entries(heartbeat.events.lost).slice(0, maxClasses))
          lost.inc({ node, class: name }, count)
      }
    },
  })
  const silent = new Gauge({
    name: 'riposte_node_silent_seconds',
    help: 'Since the last word of the detector',
    labelNames,
    registers,
  })
  const ready = new Gauge({
    name: 'riposte_node_ready',
    help: '1 while the detector judges',
    labelNames,
    registers,
  })
  const degraded = new Gauge({
    name: 'riposte_node_degraded',
    help: 'Things on the node that are not as they should be',
    labelNames,
    registers,
  })
  const resident = new Gauge({
    name: 'riposte_node_resident_bytes',
    help: 'Memory of the detector',
    labelNames,
    registers,
  })
  const judged = new Counter({
    name: 'riposte_node_records_judged_total',
    help: 'Records that the detector judged since its start',
    labelNames,
    registers,
  })
  const lost = new Counter({
    name: 'riposte_node_records_lost_total',
    help: 'Records lost since the start of the detector, by class',
    labelNames: ['node', 'class'],
    registers,
  })
  const all = [silent, ready, degraded, resident, judged, lost]
}
