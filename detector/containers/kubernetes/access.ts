/** How the API server is reached: from inside a pod by its service account, elsewhere by a kubeconfig. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'

export interface ApiAccess {
  readonly server: URL
  /** PEM; the machine's own authorities where there is none. */
  readonly ca: string | undefined
  readonly certificate: string | undefined
  readonly key: string | undefined
  readonly isInsecure: boolean
  /** Read anew for each request: the kubelet rotates it. Undefined where a certificate speaks. */
  readonly token: () => string | undefined
}

/** A kubeconfig that cannot be used: not there, not one, or with a plugin that would have to be run. */
export class AccessRefused extends Error {
  readonly code = 'kubernetes_access_refused'
  readonly retryable = false
}

const accountFolder = '/var/run/secrets/kubernetes.io/serviceaccount'

/** Undefined outside a pod, and in one that was given no token. */
export function inCluster(
  environment: NodeJS.ProcessEnv,
  folder = accountFolder,
): ApiAccess | undefined {
  const host = environment['KUBERNETES_SERVICE_HOST']
  const port = environment['KUBERNETES_SERVICE_PORT'] ?? '443'
  const tokenFile = `${folder}/token`
  if (host === undefined || host === '' || !existsSync(tokenFile)) return undefined
  return {
    server: new URL(`https://${host.includes(':') ? `[${host}]` : host}:${port}`),
    ca: readFileSync(`${folder}/ca.crt`, 'utf8'),
    certificate: undefined,
    key: undefined,
    isInsecure: false,
    token: () => readFileSync(tokenFile, 'utf8').trim(),
  }
}

const text = z.string().optional()
const clusterSchema = z.object({
  server: z.url(),
  'certificate-authority': text,
  'certificate-authority-data': text,
  'insecure-skip-tls-verify': z.boolean().optional(),
})
const userSchema = z.object({
  token: text,
  tokenFile: text,
  'client-certificate': text,
  'client-certificate-data': text,
  'client-key': text,
  'client-key-data': text,
  exec: z.unknown().optional(),
})
const contextSchema = z.object({ cluster: z.string(), user: z.string() })
const name = z.string()

/** What is read of a kubeconfig; other tools keep more in theirs. */
const kubeconfigSchema = z.object({
  'current-context': text,
  contexts: z.array(z.object({ name, context: contextSchema })).default([]),
  clusters: z.array(z.object({ name, cluster: clusterSchema })).default([]),
  users: z.array(z.object({ name, user: userSchema })).default([]),
})

/** The current context's. Programs that would make credentials (exec) are not run. */
export function fromKubeconfig(file: string): ApiAccess {
  const { cluster, user } = currentContext(file)
  if (user.exec !== undefined)
    throw new AccessRefused(
      `${file}: its user runs a program for credentials; write a token or key`,
    )
  const folder = dirname(resolve(file))
  /** The data itself, or the file that it names. */
  const pem = (data: string | undefined, path: string | undefined) => {
    if (data !== undefined) return Buffer.from(data, 'base64').toString()
    return path === undefined ? undefined : readFileSync(resolve(folder, path), 'utf8')
  }
  const { token, tokenFile } = user
  return {
    server: new URL(cluster.server),
    ca: pem(cluster['certificate-authority-data'], cluster['certificate-authority']),
    certificate: pem(user['client-certificate-data'], user['client-certificate']),
    key: pem(user['client-key-data'], user['client-key']),
    isInsecure: cluster['insecure-skip-tls-verify'] ?? false,
    token: () =>
      tokenFile === undefined ? token : readFileSync(resolve(folder, tokenFile), 'utf8').trim(),
  }
}

function currentContext(file: string) {
  const found = kubeconfigSchema.safeParse(readYaml(file))
  if (!found.success) throw new AccessRefused(`${file} is no kubeconfig: ${found.error.message}`)
  const { contexts, clusters, users, 'current-context': current } = found.data
  const context = contexts.find((entry) => entry.name === current)?.context
  const cluster = clusters.find((entry) => entry.name === context?.cluster)?.cluster
  const user = users.find((entry) => entry.name === context?.user)?.user
  if (cluster === undefined || user === undefined)
    throw new AccessRefused(
      `${file}: its current context names a cluster or user that is not there`,
    )
  return { cluster, user }
}

function readYaml(file: string): unknown {
  try {
    return parse(readFileSync(file, 'utf8'))
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new AccessRefused(`${file}: ${reason}`, { cause })
  }
}
