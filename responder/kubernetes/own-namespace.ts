/** The namespace that this process runs in, from its service account's files; null outside a pod. */
import { readFileSync } from 'node:fs'

export const serviceAccountDirectory = '/var/run/secrets/kubernetes.io/serviceaccount'

export function ownNamespace(directory = serviceAccountDirectory): string | null {
  try {
    return readFileSync(`${directory}/namespace`, 'utf8').trim()
  } catch (error) {
    // jest gives its own Error to what it loads, so that this one may be an instance of none.
    const isMissing = typeof error === 'object' && error !== null && 'code' in error
    if (isMissing && error.code === 'ENOENT') return null
    throw error
  }
}
