/** One secret for all nodes, for hosts without Kubernetes; a client certificate, where asked for, binds it to one. */
import type { PeerCertificate } from 'node:tls'
import { TLSSocket } from 'node:tls'
import type { FastifyRequest } from 'fastify'
import { bearerOf } from '../http/bearer.ts'
import { Refused } from '../http/reply.ts'
import { isSameSecret } from '../http/secret-file.ts'
import { claimedNode, refuseOther, type NodeTrust } from './trust.ts'

export interface SharedToken {
  readonly token: () => string
  /** Nodes that come by TCP need a certificate of nodes.clientCaFile with their name in it. */
  readonly needsCertificate: boolean
}

export const sharedTokenTrust = ({ token, needsCertificate }: SharedToken): NodeTrust => ({
  identify(request) {
    const bearer = bearerOf(request)
    if (bearer === null || !isSameSecret(bearer, token()))
      throw new Refused(401, 'no_node_token', 'the node token is missing or wrong')
    const node = claimedNode(request)
    if (needsCertificate) checkCertificate(request, node)
    return Promise.resolve({ kind: 'node', node })
  },
  vouch(caller, alerts) {
    for (const alert of alerts) refuseOther(caller, alert.node)
    return Promise.resolve(alerts)
  },
  vouchAmendments(caller, amendments) {
    for (const amendment of amendments) refuseOther(caller, amendment.node)
    return Promise.resolve(amendments)
  },
  degraded: () => [],
})

/** Who opened the unix socket owns the machine that the responder is on, and needs none. */
function checkCertificate({ raw: { socket } }: FastifyRequest, node: string): void {
  if (socket.remoteAddress === undefined) return
  if (!(socket instanceof TLSSocket) || !socket.authorized)
    throw new Refused(
      401,
      'no_node_certificate',
      'a client certificate of nodes.clientCaFile is needed: set riposte.responder.certificate_file and key_file',
    )
  const names = namesIn(socket.getPeerCertificate())
  if (!names.includes(node))
    throw new Refused(
      403,
      'other_node',
      `the certificate is for ${names.join(', ') || 'nobody'}, not for ${node}`,
    )
}

/** Common name and DNS names. */
export function namesIn({ subject, subjectaltname }: Partial<PeerCertificate>): readonly string[] {
  const alternatives = (subjectaltname ?? '')
    .split(', ')
    .filter((name) => name.startsWith('DNS:'))
    .map((name) => name.slice('DNS:'.length))
  return [...new Set([subject?.CN ?? [], alternatives].flat())]
}
