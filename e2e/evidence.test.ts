import { expect, test } from '@jest/globals'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ResponderLink } from '../detector/responder-link.ts'
import { executeVerdict } from '../detector/verdicts/execute.ts'
import { openTestContext, order, startVictim } from '../detector/verdicts/testing.ts'
import { readSecret } from '../responder/http/secret-file.ts'
import { sampleAlert } from '../responder/policy/alert.sample.ts'
import { startSample, until } from '../responder/start.sample.ts'

const policy = `apiVersion: riposte.dev/v1alpha1
kind: ClusterResponsePolicy
metadata: { name: shadow }
spec:
  mode: enforce
  match: { rules: { names: [Read sensitive file untrusted] } }
  ladder: [{ name: preserve, do: [capture_snapshot] }]
`

test('what a node captures arrives at the responder by its own link, and leaves the node', async () => {
  await using sample = await startSample({ 'p.yaml': policy })
  await using context = await openTestContext()
  await using victim = await startVictim(['sleep', '1000'])
  const link = await ResponderLink.open({
    endpoint: {
      url: `unix:${sample.responder.socketPath}`,
      keepAlive: true,
      isInsecure: false,
    },
    node: 'node-a',
    token: () => readSecret(sample.responder.nodeTokenFile),
    spool: { directory: join(context.dataDir, 'spool'), maxBytes: 1 << 20, syncMs: 10 },
    random: () => 0.5,
    heartbeat: () => ({
      node: 'node-a',
      bootId: context.bootId,
      version: '0',
      startedMs: 0,
      sentMs: 0,
      isReady: true,
      rules: { loaded: 0, enabled: 0, sha256: '' },
      events: { judged: 0, lost: {} },
      scope: 'host',
      degraded: [],
      strikes: { generation: '', active: [], unavailable: [] },
      residentBytes: 0,
    }),
    execute: (verdict, handOver) => executeVerdict(verdict, context, handOver),
    onOrders: () => undefined,
  })
  link.start()
  try {
    const { bootId, process } = order('capture_snapshot', victim.identity)
    const alert = sampleAlert({ bootId, process })
    link.alert(alert)
    const kept = await until(async () => {
      const { body } = await sample.call('GET', '/v1/evidence')
      const [found] = body.evidence
      const { body: step } =
        found === undefined ? { body: {} } : await sample.call('GET', `/v1/steps/${found.stepId}`)
      return step.outcome?.status === 'done' ? { ...found, step } : undefined
    })
    const names = kept.files.map(({ name }: { name: string }) => name)
    expect(names).toContain('process-tree.json')
    expect(names).toContain('node-manifest.json')
    const tree = readFileSync(join(dirname(kept.where), 'process-tree.json'), 'utf8')
    expect(tree).toContain(`"pid": ${victim.pid}`)
    expect(kept.step.outcome).toMatchObject({
      code: 'verified',
      detail: expect.stringContaining(`kept at ${kept.where}`),
    })
  } finally {
    await link.stop(1000)
  }
}, 60_000)
