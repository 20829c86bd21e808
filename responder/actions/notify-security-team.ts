import { z } from 'zod'
import { action } from './action.ts'
import { notify } from './notify.ts'

/** What a rule writes without knowing this estate's notifiers: `notify` with the one that is called security_team. */
export const notifySecurityTeam = action({
  ...notify,
  name: 'notify_security_team',
  summary: 'Tells the notifier called security_team, or those that are named instead.',
  parameters: notify.parameters.extend({
    to: z
      .array(z.string().min(1))
      .min(1)
      .default(['security_team'])
      .describe('notifiers of the configuration; security_team is log until it is configured'),
  }),
})
