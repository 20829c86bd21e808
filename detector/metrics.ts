/** One page of Prometheus text (0.0.4): Falco's names where they mean the same, ours under riposte_. */
import { arch, availableParallelism, release } from 'node:os'
import { priorities, type Priority } from '../contract/alert.ts'
import type { OutputStatus } from './outputs/output.ts'

export interface RuleCount {
  readonly rule: string
  readonly priority: Priority
  readonly source: string
  readonly tags: readonly string[]
  readonly matches: number
}

export interface DetectorMetrics {
  readonly version: string
  readonly scope: string
  readonly hostname: string
  readonly startedMs: number
  readonly reloadedMs: number
  readonly nowMs: number
  readonly ruleFiles: readonly { readonly name: string; readonly sha256: string }[]
  readonly judged: number
  /** By record class, since start. */
  readonly lost: ReadonlyMap<string, number>
  readonly rules: readonly RuleCount[]
  readonly outputs: ReadonlyMap<string, OutputStatus>
  readonly liveProcesses: number
  /** Records that waited for their container's name, containers that were judged without, and what became of that. */
  readonly held: {
    readonly records: number
    readonly late: number
    readonly suspended: number
    readonly judgedAgain: number
    readonly dropped: number
  }
  readonly degraded: readonly string[]
  readonly residentBytes: number
  readonly cpuSeconds: number
}

type Labels = Readonly<Record<string, string>>
type Sample = readonly [labels: Labels, value: number]

export function printMetrics(metrics: DetectorMetrics): string {
  const page: string[] = []
  const add = (
    kind: 'counter' | 'gauge',
    name: string,
    help: string,
    samples: readonly Sample[],
  ) => {
    if (samples.length === 0) return
    page.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${kind}`)
    for (const [labels, value] of samples) page.push(`${name}${printLabels(labels)} ${value}`)
  }
  const counter = add.bind(undefined, 'counter')
  const gauge = add.bind(undefined, 'gauge')
  addFalco(metrics, counter, gauge)
  addOurs(metrics, counter, gauge)
  return `${page.join('\n')}\n`
}

type Add = (name: string, help: string, samples: readonly Sample[]) => void

function addFalco(metrics: DetectorMetrics, counter: Add, gauge: Add) {
  const lost = [...metrics.lost.values()].reduce((sum, count) => sum + count, 0)
  const dropped = [...metrics.outputs.values()].reduce((sum, output) => sum + output.dropped, 0)
  const falco = 'falcosecurity_falco_'
  gauge(`${falco}version_info`, 'Version.', [[{ version: metrics.version }, 1]])
  gauge(`${falco}kernel_release_info`, 'Kernel.', [[{ kernel_release: release() }, 1]])
  gauge(`${falco}hostname_info`, 'Host.', [[{ hostname: metrics.hostname }, 1]])
  gauge(
    `${falco}sha256_rules_files_info`,
    'Rule files in force.',
    metrics.ruleFiles.map(({ name, sha256 }) => [{ file_name: name, sha256 }, 1]),
  )
  gauge(`${falco}start_timestamp_nanoseconds`, 'Start.', [[{}, metrics.startedMs * 1e6]])
  gauge(`${falco}reload_timestamp_nanoseconds`, 'Rules last loaded.', [
    [{}, metrics.reloadedMs * 1e6],
  ])
  gauge(`${falco}host_num_cpus_total`, 'CPUs.', [[{}, availableParallelism()]])
  counter(`${falco}duration_seconds_total`, 'Time since start.', [
    [{}, (metrics.nowMs - metrics.startedMs) / 1000],
  ])
  counter(`${falco}outputs_queue_num_drops_total`, 'Alerts that an output lost.', [[{}, dropped]])
  gauge(`${falco}memory_rss_bytes`, 'Resident memory.', [[{}, metrics.residentBytes]])
  counter(
    `${falco}rules_matches_total`,
    'Alerts by rule.',
    metrics.rules.map((rule) => [ruleLabels(rule), rule.matches]),
  )
  gauge('falcosecurity_scap_engine_name_info', 'Source.', [
    [{ engine_name: 'modern_bpf', evt_source: 'syscall' }, 1],
  ])
  counter('falcosecurity_scap_n_evts_total', 'Records, lost ones included.', [
    [{}, metrics.judged + lost],
  ])
  counter('falcosecurity_scap_n_drops_total', 'Records lost.', [[{}, lost]])
  counter(
    'falcosecurity_scap_n_drops_buffer_total',
    'Records lost by class.',
    [...metrics.lost].map(([name, count]) => [{ drop: name, dir: 'exit' }, count]),
  )
}

function addOurs(metrics: DetectorMetrics, counter: Add, gauge: Add) {
  gauge('riposte_detector_degraded', 'Things that are not as they should be.', [
    [{}, metrics.degraded.length],
  ])
  gauge('riposte_detector_processes', 'Live processes in the table.', [[{}, metrics.liveProcesses]])
  counter('riposte_detector_records_held_total', "Records that waited for a container's name.", [
    [{}, metrics.held.records],
  ])
  counter('riposte_detector_containers_late_total', 'Containers that were judged without a name.', [
    [{}, metrics.held.late],
  ])
  counter(
    'riposte_detector_judgements_suspended_total',
    'Events whose rules hung on what was not known of their container.',
    [[{}, metrics.held.suspended]],
  )
  counter('riposte_detector_judgements_repeated_total', 'Of these, judged again once it was.', [
    [{}, metrics.held.judgedAgain],
  ])
  counter('riposte_detector_judgements_dropped_total', 'Of these, not judged with it.', [
    [{}, metrics.held.dropped],
  ])
  gauge('riposte_detector_info', 'Build.', [
    [{ version: metrics.version, arch: arch(), scope: metrics.scope }, 1],
  ])
  counter('riposte_detector_cpu_seconds_total', 'CPU time.', [[{}, metrics.cpuSeconds]])
  const outputs = [...metrics.outputs]
  counter(
    'riposte_detector_output_written_total',
    'Alerts that an output has passed on.',
    outputs.map(([name, { written }]) => [{ output: name }, written]),
  )
  counter(
    'riposte_detector_output_dropped_total',
    'Alerts that an output lost.',
    outputs.map(([name, { dropped }]) => [{ output: name }, dropped]),
  )
  gauge(
    'riposte_detector_output_pending',
    'Alerts that wait in memory or on disk.',
    outputs.map(([name, { pending }]) => [{ output: name }, pending]),
  )
}

/** As Falco labels them: the priority's number, and each tag as a label of its own. */
function ruleLabels({ rule, priority, source, tags }: RuleCount): Labels {
  return Object.fromEntries([
    ['rule_name', rule],
    ['priority', String(priorities.indexOf(priority))],
    ['source', source],
    ...tags.map((tag) => [`tag_${tag.replaceAll(/\W/g, '_')}`, 'true']),
  ])
}

function printLabels(labels: Labels): string {
  const pairs = Object.entries(labels)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}="${escaped(value)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

const escaped = (value: string) =>
  value
    .replaceAll('\\', String.raw`\\`)
    .replaceAll('"', String.raw`\"`)
    .replaceAll('\n', String.raw`\n`)
