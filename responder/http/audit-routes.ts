/** The audit: reading it, proving it, taking it away. */
import { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { auditPages } from '../ledger/archive.ts'
import { listAudit, verifyAudit } from '../ledger/audit.ts'
import { readCheckpoints } from '../ledger/checkpoints.ts'
import type { Ledger } from '../ledger/open.ts'
import type { Office } from './office.ts'
import { limitQuery, read } from './reply.ts'

const auditQuery = limitQuery.extend({ subject: z.string().max(253).optional() })

export function auditRoutes(app: FastifyInstance, { core, ledger }: Office): void {
  app.get('/v1/audit', async (request) => {
    const { limit, subject } = read(auditQuery, request.query)
    const filter = subject === undefined ? { limit } : { limit, subject }
    return { records: await listAudit(ledger, filter) }
  })

  app.get('/v1/audit/verify', async () =>
    verifyAudit(ledger, await readCheckpoints(core.checkpointFile())),
  )

  /** Every record as it is chained, oldest first, one JSON object a line: enough to verify it elsewhere. */
  app.get('/v1/audit/export', (_request, reply) =>
    reply.type('application/x-ndjson').send(Readable.from(exportLines(ledger))),
  )
}

async function* exportLines(ledger: Ledger): AsyncGenerator<string> {
  for await (const rows of auditPages(ledger))
    for (const row of rows) yield `${JSON.stringify(row)}\n`
}
