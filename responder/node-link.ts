/** One order to the node that an alert came from, and its answer. */
import type { NodeLink } from './actions/action.ts'
import type { NodeHub } from './http/node-hub.ts'
import type { Order } from './run-parts.ts'

export const linkTo =
  (hub: NodeHub) =>
  ({ step, alert, leftMs, signal }: Order): NodeLink => ({
    ask: (operation, action, parameters, effect) =>
      hub.ask(
        alert.node,
        {
          id: step.id,
          operation,
          action,
          parameters,
          bootId: alert.bootId,
          process: alert.process,
          place: alert.place,
          fields: alert.outputFields,
          effect,
          deadlineMs: Math.round(Date.now() + leftMs),
        },
        signal,
      ),
  })
