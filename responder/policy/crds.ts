/**
 * The CustomResourceDefinitions: policies and guards with the schemas that policy files are read by, and the views of
 * containments and approvals. Strict reading, defaults and the actions' parameters stay the responder's.
 */
import { documentSchemas } from './schema.ts'
import { structuralSchema } from './structural.ts'

export const group = 'riposte.dev'
export const version = 'v1alpha1'

interface Definition {
  readonly kind: string
  readonly plural: string
  readonly shortNames: readonly string[]
  readonly scope: 'Namespaced' | 'Cluster'
  readonly spec: object
  readonly status: object
  readonly columns: readonly Column[]
}

interface Column {
  readonly name: string
  readonly type: 'string' | 'integer' | 'date'
  readonly jsonPath: string
  readonly priority?: number
}

const text = { type: 'string' }
const moment = { type: 'string', format: 'date-time' }
const object = (properties: Readonly<Record<string, object>>) => ({ type: 'object', properties })

const conditions = {
  type: 'array',
  items: object({
    type: text,
    status: text,
    reason: text,
    message: text,
    lastTransitionTime: moment,
    observedGeneration: { type: 'integer', format: 'int64' },
  }),
}

/** What the responder says of a policy: `state` is Enforced, Audit, Off, Degraded or Invalid, `message` why. */
const policyStatus = object({
  state: text,
  mode: text,
  message: text,
  observedGeneration: { type: 'integer', format: 'int64' },
  conditions,
})

const column = (name: string, jsonPath: string, priority = 0): Column => ({
  name,
  type: 'string',
  jsonPath,
  ...(priority === 0 ? {} : { priority }),
})
const age: Column = { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' }
const policyColumns = [
  column('Mode', '.spec.mode'),
  column('State', '.status.state'),
  column('Message', '.status.message', 1),
  age,
]

const viewColumns = [
  column('Action', '.spec.action'),
  column('Target', '.spec.target'),
  column('Status', '.status.state'),
]

const definitions: readonly Definition[] = [
  {
    kind: 'ResponsePolicy',
    plural: 'responsepolicies',
    shortNames: ['rpol'],
    scope: 'Namespaced',
    spec: structuralSchema(documentSchemas.ResponsePolicy.shape.spec),
    status: policyStatus,
    columns: policyColumns,
  },
  {
    kind: 'ClusterResponsePolicy',
    plural: 'clusterresponsepolicies',
    shortNames: ['crpol'],
    scope: 'Cluster',
    spec: structuralSchema(documentSchemas.ClusterResponsePolicy.shape.spec),
    status: policyStatus,
    columns: policyColumns,
  },
  {
    kind: 'ResponseGuard',
    plural: 'responseguards',
    shortNames: ['rguard'],
    scope: 'Cluster',
    spec: structuralSchema(documentSchemas.ResponseGuard.shape.spec),
    status: policyStatus,
    columns: policyColumns.slice(1),
  },
  {
    kind: 'Containment',
    plural: 'containments',
    shortNames: [],
    scope: 'Namespaced',
    spec: object({ action: text, target: text, policy: text, case: text, detail: text }),
    status: object({ state: text, since: moment, expires: moment, onExpiry: text }),
    columns: [
      ...viewColumns,
      { name: 'Expires', type: 'string', jsonPath: '.status.expires' },
      column('Policy', '.spec.policy', 1),
      age,
    ],
  },
  {
    kind: 'Approval',
    plural: 'approvals',
    shortNames: [],
    scope: 'Namespaced',
    spec: object({ action: text, target: text, policy: text, case: text, detail: text }),
    status: object({
      state: text,
      votes: text,
      from: { type: 'array', items: text },
      expires: moment,
    }),
    columns: [
      ...viewColumns,
      column('Votes', '.status.votes'),
      { name: 'Expires', type: 'string', jsonPath: '.status.expires' },
      column('Detail', '.spec.detail', 1),
      age,
    ],
  },
]

/** Views are written by Riposte alone; a decision goes through `riposte approvals`, which knows who decides. */
export const viewKinds = ['Containment', 'Approval'] as const

export const customResourceDefinitions = () => definitions.map(definitionOf)

const definitionOf = ({ kind, plural, shortNames, scope, spec, status, columns }: Definition) => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${plural}.${group}` },
  spec: {
    group,
    scope,
    names: {
      kind,
      listKind: `${kind}List`,
      plural,
      singular: kind.toLowerCase(),
      categories: ['riposte'],
      ...(shortNames.length === 0 ? {} : { shortNames }),
    },
    versions: [
      {
        name: version,
        served: true,
        storage: true,
        subresources: { status: {} },
        additionalPrinterColumns: columns,
        schema: {
          openAPIV3Schema: {
            type: 'object',
            required: ['spec'],
            properties: {
              apiVersion: text,
              kind: text,
              metadata: { type: 'object' },
              spec,
              status,
            },
          },
        },
      },
    ],
  },
})
