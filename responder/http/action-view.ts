/** An action as the API and `riposte actions` show it: everything but its functions. */
import { z } from 'zod'
import type { Action } from '../actions/action.ts'

export const viewAction = ({
  name,
  summary,
  risk,
  target,
  undoes,
  capabilities,
  rbac,
  parameters,
}: Action) => ({
  name,
  summary,
  risk,
  target,
  undoes,
  capabilities,
  rbac,
  parameters: z.toJSONSchema(parameters, { io: 'input', unrepresentable: 'any' }),
})
