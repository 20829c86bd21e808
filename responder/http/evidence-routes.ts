/** Evidence for people: what is kept, and each file as it was kept, to be saved and never to be shown by a browser. */
import { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { manifestName, safeName } from '../evidence/names.ts'
import { findStep } from '../ledger/steps.ts'
import type { Office } from './office.ts'
import { limitQuery, notFound, read, Refused } from './reply.ts'
import { wholeId } from './whole-id.ts'

const fileParams = z.strictObject({ id: z.string().min(1).max(253), file: z.string().max(200) })
const listQuery = limitQuery.extend({ case: z.string().max(253).optional() })

export function evidenceRoutes(app: FastifyInstance, { ledger, evidence }: Office): void {
  const store = () => {
    if (evidence !== null) return evidence
    throw new Refused(409, 'no_store', 'no store is configured here: evidence.store is none')
  }
  const ownerOf = async (params: unknown) => {
    const stepId = await wholeId(ledger, 'steps', params)
    const step = await findStep(ledger, stepId)
    // The ledger forgets earlier than the store.
    const kept = step ?? (await store().store.list()).find((each) => each.stepId === stepId)
    if (kept === undefined) throw notFound(`evidence of step ${stepId}`)
    return { stepId, caseId: kept.caseId }
  }

  app.get('/v1/evidence', async (request) => {
    const { limit, case: caseId } = read(listQuery, request.query)
    const { store: kept, custody } = store()
    const steps = (await kept.list())
      .filter((step) => caseId === undefined || step.caseId === caseId)
      .slice(0, limit)
    return {
      evidence: await Promise.all(
        steps.map(async (step) => ({ ...step, ...(await custody.manifestOf(step)) })),
      ),
    }
  })

  app.get('/v1/evidence/:id', async (request) => {
    const owner = await ownerOf(request.params)
    const manifest = await store().custody.manifestOf(owner)
    if (manifest === null) throw notFound(`evidence of step ${owner.stepId}`)
    return { ...owner, ...manifest }
  })

  app.get('/v1/evidence/:id/:file', async (request, reply) => {
    const { id, file } = read(fileParams, request.params)
    const owner = await ownerOf({ id })
    if (file !== manifestName && file !== safeName(file)) throw notFound(`file ${file}`)
    const content = await store().store.get({
      caseId: safeName(owner.caseId),
      stepId: safeName(owner.stepId),
      name: file,
    })
    if (content === undefined) throw notFound(`file ${file} of step ${owner.stepId}`)
    return reply
      .header('content-disposition', `attachment; filename="${file}"`)
      .header('x-content-type-options', 'nosniff')
      .type('application/octet-stream')
      .send(Readable.from(content))
  })
}
