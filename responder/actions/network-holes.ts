/** What a cut-off target may still reach, by name or address: people write names, a node gets addresses and ports. */
import { z } from 'zod'
import { addressSchema, type OpenPort } from '../../contract/node-actions.ts'
import type { Kubernetes } from '../kubernetes/kubernetes.ts'
import { addressesOfPods, selectorOf } from '../kubernetes/pods.ts'
import { ActionRefused } from './errors.ts'

/** `dns`: port 53 of any address, UDP and TCP · `responders`: Riposte's own pods, by their addresses now. */
export const holeNames = ['dns', 'responders'] as const

export const allowSchema = z
  .array(z.union([z.enum(holeNames), addressSchema]))
  .max(32)
  .default([])
  .describe(
    'what stays reachable: dns (port 53 anywhere), responders (the pods of Riposte), addresses and networks',
  )

export interface NodeHoles {
  readonly allow: readonly string[]
  readonly allowPorts: readonly OpenPort[]
}

/** Throws ActionRefused where a name cannot be resolved: a hole that was meant to be there and is not is no small thing. */
export async function resolveHoles(
  allow: readonly string[],
  allowPorts: readonly OpenPort[],
  kubernetes: Pick<Kubernetes, 'own' | 'list'>,
): Promise<NodeHoles> {
  const addresses = allow.filter((one) => !isName(one))
  const dns: OpenPort[] = allow.includes('dns') ? [{ port: 53, protocol: 'any', to: [] }] : []
  const responders = allow.includes('responders') ? await addressesOfOwnPods(kubernetes) : []
  return { allow: [...addresses, ...responders], allowPorts: [...allowPorts, ...dns] }
}

const isName = (text: string): boolean => holeNames.some((name) => name === text)

async function addressesOfOwnPods(kubernetes: Pick<Kubernetes, 'own' | 'list'>) {
  const { own } = kubernetes
  if (own.namespace === null)
    throw new ActionRefused('`responders` is known in a cluster only; write addresses instead')
  const addresses = await addressesOfPods(kubernetes, own.namespace, own.labels)
  if (addresses.length > 0) return addresses
  throw new ActionRefused(
    `no pod of ${own.namespace} with ${selectorOf(own.labels)} has an address`,
  )
}
