/** Tells people. The case's own messages (approvals, outcomes) take the same notifiers; this one is what a policy asks for. */
import { z } from 'zod'
import { action, type Call, type Message } from './action.ts'

/** `deliveryId` names step and notifier, so a retry after half of them were reached is recognised by the other half. */
export const notify = action({
  name: 'notify',
  summary: 'Tells the named notifiers what happened, with the alert.',
  risk: 'notify',
  target: 'case',
  parameters: z.strictObject({
    to: z
      .array(z.string().min(1))
      .min(1)
      .default(['log'])
      .describe('notifiers of the configuration; log is always there'),
    text: z
      .string()
      .max(2000)
      .default('')
      .describe('a sentence to put before the alert, such as what to do about it'),
  }),
  capabilities: [],
  rbac: [],
  undoes: null,
  plan: ({ parameters }) =>
    Promise.resolve({
      kind: 'change',
      detail: `tell ${parameters.to.join(', ')}`,
      effect: { notifiers: parameters.to },
    }),
  async run(call) {
    const message = messageOf(call)
    const tried = await Promise.allSettled(
      call.parameters.to.map((notifier) =>
        call.notify(notifier, message, `${call.stepId}/${notifier}`),
      ),
    )
    const failed = tried.find((result) => result.status === 'rejected')
    if (failed !== undefined) throw failed.reason
    return {
      detail: `told ${call.parameters.to.join(', ')}`,
      effect: { notifiers: call.parameters.to },
    }
  },
})

function messageOf({ alert, caseId, link, parameters }: Call<{ text: string }>): Message {
  const text = parameters.text === '' ? alert.output : `${parameters.text}\n${alert.output}`
  return { title: alert.rule, text, severity: alert.priority, caseId, alert, link }
}
