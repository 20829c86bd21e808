/** What detectors asked of the API server about pods, by its own audit log. */
import { readFile } from 'node:fs/promises'
import { z } from 'zod'

const entrySchema = z.object({
  auditID: z.string(),
  verb: z.string(),
  requestURI: z.string(),
  userAgent: z.string().default(''),
  objectRef: z.object({ resource: z.string().default('') }).optional(),
})

export interface PodRequest {
  readonly verb: 'list' | 'watch'
  readonly uri: string
  /** It names one node: `fieldSelector=spec.nodeName=…`. */
  readonly isOfOneNode: boolean
}

/** Each list and watch of pods once, though a watch stands twice in the log: when it begins and when it ends. */
export async function podRequestsOf(
  auditLogPath: string,
  userAgent = 'riposte-detector',
): Promise<readonly PodRequest[]> {
  const found = new Map<string, PodRequest>()
  for (const line of (await readFile(auditLogPath, 'utf8')).split('\n')) {
    // What is being written while it is read ends in the middle.
    if (!line.endsWith('}') || !line.includes(userAgent)) continue
    const entry = entrySchema.parse(JSON.parse(line))
    const { auditID, verb, requestURI: uri } = entry
    if (entry.objectRef?.resource !== 'pods' || !entry.userAgent.startsWith(userAgent)) continue
    if (verb === 'list' || verb === 'watch')
      found.set(auditID, { verb, uri, isOfOneNode: isOfOneNode(uri) })
  }
  return [...found.values()]
}

function isOfOneNode(uri: string): boolean {
  const selector = new URL(uri, 'https://localhost').searchParams.get('fieldSelector') ?? ''
  return selector.split(',').some((part) => /^spec\.nodeName=[^=]/.test(part))
}
