/** Whether a TCP connection from here to the pod comes about: before the cut it must, after it must not. */
import { connect } from 'node:net'
import type { PodParts } from '../kubernetes/pods.ts'

export interface Probe {
  readonly host: string
  readonly port: number
}

/** Within a cluster a connection takes a millisecond or two; a route that is not there is not waited for. */
const beforeMs = 40
const afterMs = 1000
const maxPorts = 4

/** The first declared port that answers now; null: none does, so nothing can be proven by silence later. */
export async function findProbe({ spec, status }: PodParts): Promise<Probe | null> {
  const { podIP } = status
  if (podIP === null) return null
  const ports = spec.containers
    .flatMap(({ ports: declared }) => declared)
    .filter(({ protocol }) => protocol === 'TCP')
    .slice(0, maxPorts)
  const probes = ports.map(({ containerPort }) => ({ host: podIP, port: containerPort }))
  const answers = await Promise.all(probes.map((probe) => tryConnect(probe, beforeMs)))
  return probes.find((_probe, index) => answers[index] === 'connected') ?? null
}

/**
 * silent: nothing came back, as when packets are dropped · refused: somebody said no, which happens too when the pod's
 * program has ended or its route is gone.
 */
export const probeAgain = (probe: Probe) => tryConnect(probe, afterMs)

function tryConnect(
  { host, port }: Probe,
  ms: number,
): Promise<'connected' | 'refused' | 'silent'> {
  return new Promise((resolve) => {
    const socket = connect({ host, port })
    const done = (result: 'connected' | 'refused' | 'silent') => {
      clearTimeout(timer)
      socket.destroy()
      resolve(result)
    }
    const timer = setTimeout(done, ms, 'silent')
    socket.once('connect', () => {
      done('connected')
    })
    socket.once('error', () => {
      done('refused')
    })
  })
}
