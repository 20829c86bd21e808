/** The namespace that this process runs in, from its service account's files; null outside a pod. */
import { readFileSync } from 'node:fs'

export const serviceAccountDirectory = '/var/run/secrets/kubernetes.io/serviceaccount'

export function ownNamespace(directory = serviceAccountDirectory): string | null {
  try {
    return readFileSync(`${directory}/namespace`, 'utf8').trim()
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  }
}
