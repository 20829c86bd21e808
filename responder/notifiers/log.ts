import { z } from 'zod'
import { notifier } from './notifier.ts'

export const log = notifier({
  kind: 'log',
  summary: "a line in the responder's own log",
  settings: z.strictObject({}),
  open:
    (_settings, services) =>
    ({ message: { title, text, severity, caseId, link, alert }, deliveryId }) => {
      const fields = { deliveryId, caseId, severity, link, alertId: alert.id, node: alert.node }
      services.log(fields, `${title}: ${text}`)
      return Promise.resolve()
    },
})
