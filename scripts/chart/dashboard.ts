/** The Grafana dashboard, from a list of what to ask: files/dashboards/riposte.json. */
interface Panel {
  readonly title: string
  readonly kind: 'stat' | 'timeseries'
  /** What Prometheus is asked. */
  readonly expr: string
  readonly legend: string
  readonly unit?: string
}

const rows: readonly { readonly title: string; readonly panels: readonly Panel[] }[] = [
  {
    title: 'Events',
    panels: [
      { title: 'Alerts by priority', kind: 'timeseries', expr: 'sum by (priority) (rate(riposte_alerts_total{namespace=~"$namespace"}[5m]))', legend: '{{priority}}' },
      { title: 'Alerts by rule', kind: 'timeseries', expr: 'topk(10, sum by (rule) (rate(riposte_alerts_total{namespace=~"$namespace"}[5m])))', legend: '{{rule}}' },
    ],
  },
  {
    title: 'Actions',
    panels: [
      { title: 'Waiting for people', kind: 'stat', expr: 'max(riposte_approvals_pending{namespace=~"$namespace"})', legend: 'approvals' },
      { title: 'Live containments', kind: 'stat', expr: 'max(riposte_containments_live{namespace=~"$namespace"})', legend: 'containments' },
      { title: 'Steps by outcome', kind: 'timeseries', expr: 'sum by (outcome) (rate(riposte_steps_total{namespace=~"$namespace"}[5m]))', legend: '{{outcome}}' },
      { title: 'Steps by action', kind: 'timeseries', expr: 'sum by (action) (rate(riposte_steps_total{namespace=~"$namespace"}[5m]))', legend: '{{action}}' },
    ],
  },
  {
    title: 'Fleet',
    panels: [
      { title: 'Nodes', kind: 'stat', expr: 'max(riposte_nodes{namespace=~"$namespace"})', legend: 'nodes' },
      { title: 'Silent nodes', kind: 'stat', expr: 'count(riposte_node_silent_seconds{namespace=~"$namespace"} > 60) or vector(0)', legend: 'nodes' },
      { title: 'Degraded nodes', kind: 'stat', expr: 'count(riposte_node_degraded{namespace=~"$namespace"} > 0) or vector(0)', legend: 'nodes' },
    ],
  },
  {
    title: 'Performance',
    panels: [
      { title: 'Records judged by node', kind: 'timeseries', expr: 'sum by (node) (rate(riposte_node_records_judged_total{namespace=~"$namespace"}[5m]))', legend: '{{node}}' },
      { title: 'Records lost', kind: 'timeseries', expr: 'sum by (node, class) (rate(riposte_node_records_lost_total{namespace=~"$namespace"}[5m]))', legend: '{{node}} {{class}}' },
      { title: 'Memory of detectors', kind: 'timeseries', expr: 'riposte_node_resident_bytes{namespace=~"$namespace"}', legend: '{{node}}', unit: 'bytes' },
      { title: 'Memory of responders', kind: 'timeseries', expr: 'riposte_process_resident_memory_bytes{namespace=~"$namespace"}', legend: '{{pod}}', unit: 'bytes' },
      { title: 'What is wrong', kind: 'stat', expr: 'max(riposte_degraded{namespace=~"$namespace"})', legend: 'things' },
    ],
  },
] // prettier-ignore

const source = { type: 'prometheus', uid: '${datasource}' }
const columns = 24
const width = 6
const height = 8

export function printDashboard(): string {
  const panels: object[] = []
  let y = 0
  for (const row of rows) {
    panels.push({
      type: 'row',
      title: row.title,
      gridPos: { x: 0, y, w: columns, h: 1 },
      panels: [],
    })
    y++
    for (const [index, panel] of row.panels.entries())
      panels.push(
        shown(panel, (index * width) % columns, y + Math.floor((index * width) / columns) * height),
      )
    y += Math.ceil((row.panels.length * width) / columns) * height
  }
  const variable = { query: 'label_values(riposte_degraded, namespace)', refId: 'namespace' }
  const dashboard = {
    uid: 'riposte',
    title: 'Riposte',
    tags: ['riposte', 'security'],
    schemaVersion: 40,
    editable: true,
    time: { from: 'now-6h', to: 'now' },
    refresh: '30s',
    templating: {
      list: [
        { name: 'datasource', type: 'datasource', query: 'prometheus' },
        {
          name: 'namespace',
          type: 'query',
          datasource: source,
          query: variable,
          includeAll: true,
          allValue: '.*',
          current: { text: 'All', value: '$__all' },
          refresh: 2,
        },
      ],
    },
    panels: panels.map((panel, index) => ({ id: index + 1, ...panel })),
  }
  return `${JSON.stringify(dashboard, undefined, 2)}\n`
}

const shown = ({ title, kind, expr, legend, unit = 'short' }: Panel, x: number, y: number) => ({
  type: kind,
  title,
  datasource: source,
  gridPos: { x, y, w: width, h: height },
  fieldConfig: { defaults: { unit, noValue: '0' }, overrides: [] },
  targets: [{ refId: 'A', datasource: source, expr, legendFormat: legend }],
})
