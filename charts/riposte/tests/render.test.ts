import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from '@jest/globals'
import { parse, parseAllDocuments } from 'yaml'
import { z } from 'zod'
import { clusterTools } from '../../../e2e/cluster/tools.ts'
import { actions } from '../../../responder/actions/index.ts'
import { variants } from '../../../responder/actions/variants.ts'
import { ownRights } from '../../../responder/kubernetes/own-rights.ts'
import { loadPolicies } from '../../../responder/policy/load.ts'
import { needs } from '../../../scripts/needs.ts'
import { chart, find, idOf, refusal, render, type Rendered } from './render.ts'

const live = needs('cluster')
const ci = join(chart, 'ci')
const sets = readdirSync(ci).filter((name) => name.endsWith('-values.yaml'))
let helm = ''
let helm3 = ''

beforeAll(async () => {
  if (live !== test) return
  const tools = await clusterTools()
  helm = tools.path('helm')
  helm3 = tools.path('helm3')
}, 1_200_000)

const withEveryAction = {
  actions: { enabled: actions.map(({ name }) => name), variants: Object.keys(variants) },
}

/** Policies are others' work and tested by themselves. */
const withoutPolicies = ({ text }: Rendered): string =>
  text.replace(/(^  name: riposte-policies\n[\s\S]*?^data:\n)[\s\S]*?^---$/m, '$1---')

describe.each(sets)('%s', (name) => {
  live('is linted and rendered alike by helm 3 and 4', () => {
    const file = join(ci, name)
    for (const each of [helm, helm3])
      expect(
        execFileSync(each, ['lint', '--strict', chart, `--values=${file}`], { encoding: 'utf8' }),
      ).toContain('1 chart(s) linted, 0 chart(s) failed')
    expect(render(helm3, file).objects.map(idOf).toSorted()).toEqual(
      render(helm, file).objects.map(idOf).toSorted(),
    )
    expect(render(helm3, file).objects).toEqual(
      expect.arrayContaining([...render(helm, file).objects]),
    )
  })

  live('is rendered as it was', () => {
    expect(withoutPolicies(render(helm, join(ci, name)))).toMatchSnapshot()
  })
})

const podSchema = z.looseObject({
  spec: z.looseObject({
    template: z.looseObject({
      spec: z.looseObject({
        hostNetwork: z.boolean().default(false),
        hostPID: z.boolean().default(false),
        securityContext: z.looseObject({}),
        containers: z.array(
          z.looseObject({
            env: z.array(z.looseObject({ value: z.string().optional() })).default([]),
            securityContext: z.looseObject({
              privileged: z.boolean().default(false),
              allowPrivilegeEscalation: z.boolean(),
              readOnlyRootFilesystem: z.boolean(),
              capabilities: z.strictObject({
                drop: z.array(z.string()),
                add: z.array(z.string()).default([]),
              }),
            }),
          }),
        ),
      }),
    }),
  }),
})

const podOf = (rendered: Rendered, kind: string, name: string) =>
  podSchema.parse(find(rendered, kind, name)).spec.template.spec

const capabilitiesOf = (rendered: Rendered): readonly string[] =>
  podOf(rendered, 'DaemonSet', 'riposte-detector').containers[0]?.securityContext.capabilities
    .add ?? []

live(
  'no container is privileged, may become so, writes to its root or keeps a capability that it did not ask for',
  () => {
    const all = render(helm, withEveryAction)
    for (const [kind, name] of [
      ['DaemonSet', 'riposte-detector'],
      ['Deployment', 'riposte-responder'],
      ['StatefulSet', 'riposte-redis'],
    ] as const)
      for (const { securityContext } of podOf(all, kind, name).containers)
        expect([name, securityContext]).toEqual([
          name,
          expect.objectContaining({
            privileged: false,
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: expect.objectContaining({ drop: ['ALL'] }),
          }),
        ])
    expect(all.text).not.toMatch(/hostNetwork|hostIPC|SYS_ADMIN|SYS_RESOURCE|SYS_MODULE/)
  },
)

live('only the detector runs as root, and only it sees the host', () => {
  const { objects, text } = render(helm, {})
  const rooted = objects.filter((each) => JSON.stringify(each).includes('"runAsUser":0'))
  expect(rooted.map(idOf)).toEqual(['DaemonSet riposte/riposte-detector'])
  const host = objects.filter((each) => /"hostP(?:ath|ID)":/.test(JSON.stringify(each)))
  expect(host.map(idOf)).toEqual(['DaemonSet riposte/riposte-detector'])
  expect(text).toContain('runAsNonRoot: true')
})

live('the detector gets a capability only with an action that needs it', () => {
  expect(capabilitiesOf(render(helm, { actions: { enabled: ['notify'] } }))).toEqual([
    'BPF',
    'PERFMON',
    'SYS_PTRACE',
  ])
  expect(capabilitiesOf(render(helm, { actions: { enabled: ['kill_process'] } }))).toContain('KILL')
})

const roleSchema = z.looseObject({
  kind: z.string(),
  metadata: z.looseObject({ name: z.string(), namespace: z.string().optional() }),
  rules: z.array(
    z.looseObject({
      apiGroups: z.array(z.string()),
      resources: z.array(z.string()),
      verbs: z.array(z.string()),
      resourceNames: z.array(z.string()).optional(),
    }),
  ),
})

const rolesOf = ({ objects }: Rendered) =>
  objects.filter(({ kind }) => kind.endsWith('Role')).map((each) => roleSchema.parse(each))

live('nobody may read secrets, whatever is enabled, and no right is a star', () => {
  const rules = rolesOf(render(helm, withEveryAction)).flatMap((role) => role.rules)
  for (const { apiGroups, resources, verbs } of rules) {
    expect([...apiGroups, ...resources, ...verbs]).not.toContain('*')
    expect(resources).not.toContain('secrets')
  }
})

live(
  'without an action that needs the API the responder has only what it needs to know its callers',
  () => {
    const roles = rolesOf(render(helm, { actions: { enabled: ['notify'] } }))
    const names = roles.map(({ kind, metadata }) => `${kind} ${metadata.name}`)
    expect(names.toSorted()).toEqual([
      'ClusterRole riposte-riposte-detector',
      'ClusterRole riposte-riposte-responder',
      'Role riposte-detector',
      'Role riposte-responder',
    ])
    const named = ({ resources, verbs, resourceNames }: (typeof roles)[number]['rules'][number]) =>
      `${resources.join()}:${verbs.join()}:${resourceNames?.join() ?? ''}`
    const rights = roles
      .filter(({ metadata }) => metadata.name !== 'riposte-riposte-responder')
      .flatMap(({ rules }) => rules.map(named))
    expect(rights.toSorted()).toEqual([
      'configmaps:get,patch,update:riposte-ca',
      'configmaps:get:riposte-ca',
      'pods:get,list,watch:',
    ])
    const own = roles.find(({ metadata }) => metadata.name === 'riposte-riposte-responder')
    const granted = own?.rules.flatMap(({ apiGroups, resources, verbs }) =>
      apiGroups.flatMap((group) =>
        resources.flatMap((resource) => verbs.map((verb) => `${verb} ${group}/${resource}`)),
      ),
    )
    expect(granted?.toSorted()).toEqual(
      [
        ...ownRights.map(({ verb, apiGroup, resource }) => `${verb} ${apiGroup}/${resource}`),
        'create authorization.k8s.io/selfsubjectaccessreviews',
        'create authorization.k8s.io/selfsubjectrulesreviews',
      ].toSorted(),
    )
  },
)

const rulesOf = (values: object) => JSON.stringify(rolesOf(render(helm, values)))

live('what a variant needs is granted where it is named, by default what is harmless', () => {
  const enabled = ['isolate_pod', 'evict_pod', 'delete_resource']
  const least = rulesOf({ actions: { enabled, variants: [] } })
  expect(least).not.toMatch(/cilium|calico|services|rolebindings|onlyWith/)
  expect(rulesOf({ actions: { enabled, variants: ['cilium'] } })).toContain('ciliumnetworkpolicies')
  expect(rulesOf({ actions: { enabled, variants: ['rbac-kinds'] } })).toContain('rolebindings')
  const usual = rulesOf({ actions: { enabled } })
  expect(usual).toContain('services')
  expect(usual).not.toMatch(
    /cilium|calico|rolebindings|replicasets","statefulsets","daemonsets"\],"verbs":\["get"\]/,
  )
})

live('every variant that an action has may be named, and no other', () => {
  const said = refusal(helm, { actions: { variants: ['none-such'] } })
  for (const name of Object.keys(variants)) expect(said).toContain(`'${name}'`)
})

const bindingSchema = z.looseObject({
  roleRef: z.looseObject({ name: z.string() }),
  subjects: z.array(z.looseObject({ name: z.string() })),
})
const holdersOf = ({ objects }: Rendered): Record<string, string[]> =>
  Object.fromEntries(
    objects
      .filter(({ kind }) => kind.endsWith('RoleBinding'))
      .map((each) => bindingSchema.parse(each))
      .map(({ roleRef, subjects }) => [roleRef.name, subjects.map(({ name }) => name)]),
  )

live('each class has an account of its own, and the responder may act as exactly these', () => {
  const all = render(helm, withEveryAction)
  const classes = [
    ...new Set(actions.filter(({ rbac }) => rbac.length > 0).map(({ risk }) => risk)),
  ]
  const holders = holdersOf(all)
  for (const risk of classes) {
    expect(holders[`riposte-riposte-${risk}`]).toEqual([`riposte-${risk}`])
    expect(find(all, 'ServiceAccount', `riposte-${risk}`)).toMatchObject({
      automountServiceAccountToken: false,
    })
  }
  const may = roleSchema.parse(find(all, 'Role', 'riposte-act'))
  expect(may.metadata.namespace).toBe('riposte')
  expect(may.rules).toEqual([
    {
      apiGroups: [''],
      resources: ['serviceaccounts'],
      resourceNames: classes.map((risk) => `riposte-${risk}`).toSorted(),
      verbs: ['impersonate'],
    },
  ])
  expect(holders['riposte-act']).toEqual(['riposte-responder'])
})

live('one account for all is a choice, and then nobody is impersonated', () => {
  const single = render(helm, { ...withEveryAction, rbac: { accountPerClass: false } })
  expect(holdersOf(single)['riposte-riposte-destroy']).toEqual(['riposte-responder'])
  expect(single.text).not.toMatch(/impersonate|accounts: /)
})

live('with namespaces named, what lives in a namespace is granted in those alone', () => {
  const all = render(helm, { ...withEveryAction, responder: { namespaces: ['shop'] } })
  const everywhere = rolesOf(all).filter(
    ({ kind, metadata }) =>
      kind === 'ClusterRole' && !/-(?:detector|responder)$/.test(metadata.name),
  )
  for (const { rules } of everywhere)
    for (const { resources } of rules)
      for (const resource of resources)
        expect(resource).toMatch(
          /^(?:nodes|namespaces|persistentvolumes|globalnetworkpolicies|cilium|cluster)/,
        )
  const namespaces = new Set(
    rolesOf(all)
      .filter(({ kind }) => kind === 'Role')
      .map(({ metadata }) => metadata.namespace),
  )
  expect([...namespaces].filter((name) => name !== 'riposte' && name !== 'shop')).toEqual([])
})

live('the mode of the shipped policies is the value, and what is rendered loads', () => {
  for (const mode of ['audit', 'enforce']) {
    const { data } = z
      .looseObject({ data: z.record(z.string(), z.string()) })
      .parse(find(render(helm, { mode }), 'ConfigMap', 'riposte-policies'))
    const { set, problems } = loadPolicies(
      Object.entries(data).map(([name, text]) => ({ name, text })),
      actions,
    )
    expect(problems).toEqual([])
    expect(new Set(set?.policies.map((policy) => policy.mode))).toEqual(new Set([mode]))
    expect(parseAllDocuments(data['90-guard.yaml'] ?? '')).toHaveLength(1)
  }
})

live('a policy of one’s own keeps the mode that it says', () => {
  const text =
    'apiVersion: riposte.dev/v1alpha1\nkind: ClusterResponsePolicy\nmetadata: { name: mine }\nspec: { mode: audit }\n'
  const rendered = render(helm, {
    mode: 'enforce',
    policies: { shipped: false, custom: { '60-mine.yaml': text } },
  })
  expect(
    parse(
      z
        .looseObject({ data: z.record(z.string(), z.string()) })
        .parse(find(rendered, 'ConfigMap', 'riposte-policies')).data['60-mine.yaml'] ?? '',
    ),
  ).toEqual(parse(text))
})

live('no secret is in an environment, and none is made', () => {
  const all = render(helm, join(ci, 'everything-values.yaml'))
  expect(all.objects.filter(({ kind }) => kind === 'Secret')).toEqual([])
  expect(all.text).not.toContain('secretKeyRef')
})

live('rendering twice gives the same, so that Argo CD settles', () => {
  expect(render(helm, withEveryAction).text).toBe(render(helm, withEveryAction).text)
})

live('a misspelt value is refused, at every depth', () => {
  for (const [values, said] of [
    [{ mod: 'audit' }, 'mod'],
    [{ responder: { replcas: 2 } }, 'replcas'],
    [{ collectors: { containerEngine: { engines: { cri: { socket: [] } } } } }, 'socket'],
    [{ mode: 'enforced' }, 'mode'],
  ] as const)
    expect(refusal(helm, values)).toContain(said)
})

live('what cannot work is refused by a sentence, all of it at once', () => {
  const said = refusal(helm, {
    actions: { enabled: ['isolate-pod'] },
    driver: { kind: 'kmod' },
    responder: { replicas: 2 },
    redis: { enabled: false },
    serviceMonitor: { enabled: true },
    httpRoute: { enabled: true },
  })
  for (const start of [
    'actions.enabled: there is no action "isolate-pod"',
    'driver.kind: "kmod"',
    'responder.replicas:',
    'redis.enabled is false',
    'serviceMonitor.enabled:',
    'httpRoute.enabled:',
  ])
    expect(said).toContain(`- ${start}`)
})

const shared = {
  postgresql: { existingSecret: 'ledger' },
  responder: { replicas: 2, persistence: { accessModes: ['ReadWriteMany'] } },
}

live('several responders share the volume of the evidence, and none a data directory', () => {
  const { volumes } = z
    .looseObject({ volumes: z.array(z.looseObject({ name: z.string() })) })
    .parse(podOf(render(helm, shared), 'Deployment', 'riposte-responder'))
  expect(volumes).toEqual(
    expect.arrayContaining([
      { name: 'data', emptyDir: {} },
      { name: 'evidence', persistentVolumeClaim: { claimName: 'riposte-responder' } },
    ]),
  )
})

live.each([
  [{ accessModes: ['ReadWriteOnce'] }, {}, 'ReadWriteMany'],
  [{ enabled: false }, {}, 'evidence would lie about'],
  [{ enabled: false }, { evidence: { store: 'local' } }, 'evidence would lie about'],
])('several responders with %j and %j are refused: %s', (persistence, config, said) => {
  const responder = { replicas: 2, persistence, config }
  expect(refusal(helm, { ...shared, responder })).toContain(said)
})

live('every component has a NetworkPolicy that names both directions', () => {
  const policies = render(helm, {}).objects.filter(({ kind }) => kind === 'NetworkPolicy')
  expect(policies.map(({ metadata }) => metadata.name).toSorted()).toEqual([
    'riposte-detector',
    'riposte-redis',
    'riposte-responder',
  ])
  for (const policy of policies)
    expect(policy).toMatchObject({ spec: { policyTypes: ['Ingress', 'Egress'] } })
})

live('the OpenShift constraints allow what the detector asks for', () => {
  const rendered = render(helm, {}, '--api-versions=security.openshift.io/v1')
  const { allowedCapabilities } = z
    .looseObject({ allowedCapabilities: z.array(z.string()) })
    .parse(rendered.objects.find(({ kind }) => kind === 'SecurityContextConstraints'))
  expect(allowedCapabilities).toEqual(capabilitiesOf(rendered))
})
