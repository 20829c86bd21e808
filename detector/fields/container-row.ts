/** Rows that need nothing of an event but its container: fields of events, and of alerts that learn it later. */
import type { Container, ContainerFacts } from '../state/container.ts'
import type { Field, FieldType, Scalar } from './index.ts'
import { indexed } from './row.ts'

/** Every process is one: `containerId` is `host` outside containers. */
export interface Contained {
  readonly containerId: string | undefined
  readonly container: Container | undefined
}

type Read = (contained: Contained) => Scalar | undefined

export interface ContainerRow {
  readonly name: string
  readonly type: FieldType
  readonly help: string
  readonly takesArgument: boolean
  /** Of a row without an argument it is given the empty text. */
  readonly bind: (argument: string) => Read
}

/** The host is a container of its own to Falco, with these values and empty text for the rest. */
const host: ContainerFacts = {
  id: 'host',
  name: 'host',
  runtime: 'host',
  image: '',
  imageId: '',
  imageRepository: '',
  imageTag: '',
  imageDigest: '',
  isPrivileged: false,
  isHostPid: false,
  isHostNetwork: false,
  isHostIpc: false,
  mounts: [],
  labels: {},
  probes: [],
  ip: '',
  cniResult: '',
  sandboxId: '',
  isSandbox: false,
  pod: undefined,
}

type ReadFacts = (facts: ContainerFacts, container: Container | undefined) => Scalar | undefined

/** Of a container that nobody has told of yet everything is missing. */
const ofFacts =
  (read: ReadFacts): Read =>
  ({ containerId, container }) => {
    const facts = containerId === 'host' ? host : container?.facts
    return facts === undefined ? undefined : read(facts, container)
  }

export const factsRow = (
  name: string,
  type: FieldType,
  help: string,
  read: ReadFacts,
): ContainerRow => ({ name, type, help, takesArgument: false, bind: () => ofFacts(read) })

/** Of what is known of it, whoever told; missing on the host. */
export const containerRow = (
  name: string,
  help: string,
  read: (container: Container) => Scalar | undefined,
): ContainerRow => ({
  name,
  type: 'string',
  help,
  takesArgument: false,
  bind:
    () =>
    ({ container }) =>
      container === undefined ? undefined : read(container),
})

/** With an argument in brackets. */
export const indexedRow = (
  name: string,
  help: string,
  bind: (argument: string) => ReadFacts,
): ContainerRow => ({
  name,
  type: 'string',
  help,
  takesArgument: true,
  bind: (argument) => ofFacts(bind(argument)),
})

export const asField = ({ name, type, help, takesArgument, bind }: ContainerRow): Field =>
  indexed(
    name,
    type,
    help,
    (argument) => {
      const read = bind(argument ?? '')
      return ({ process }) => (process === undefined ? undefined : read(process))
    },
    { argument: takesArgument ? 'required' : 'none' },
  )
