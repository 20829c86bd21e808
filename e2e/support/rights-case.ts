/** An action carried out with given rights: what the table of responder/actions/rbac.test.ts is made of. */
import type { z } from 'zod'
import type { Alert } from '../../contract/alert.ts'
import type { Action, Effect } from '../../responder/actions/action.ts'
import { kindOf } from '../../responder/errors.ts'
import type { Kubernetes } from '../../responder/kubernetes/kubernetes.ts'
import { callOf, planned, stored, undoing } from './calls.ts'

/** Does everything that the action can do, with parameters that ask for all of it. */
export interface RightsCase {
  readonly action: Pick<Action, 'name' | 'rbac'>
  readonly act: (kubernetes: Kubernetes, name: string) => Promise<void>
}

export const does = <Parameters extends z.ZodType<Effect>>(
  action: Action<Parameters>,
  alertFor: (name: string) => Promise<Alert>,
  parameters?: z.input<Parameters>,
): RightsCase => ({
  action,
  act: async (kubernetes, name) => {
    const alert = await alertFor(name)
    const given = parameters === undefined ? {} : { parameters }
    const call = callOf(action, { alert, kubernetes, ...given })
    const { effect } = await action.run(call, await planned(action, call))
    await action.verify?.(call, stored(effect))
    await action.undo?.(undoing(call), stored(effect))
  },
})

/** For an action that needs other rights for other alerts: one after the other, each `name` with its own ending. */
export const doesAll = ([first, ...others]: readonly [
  RightsCase,
  ...(readonly RightsCase[]),
]): RightsCase => ({
  action: first.action,
  act: async (kubernetes, name) => {
    for (const [index, { act }] of [first, ...others].entries())
      await act(kubernetes, `${name}-${index}`)
  },
})

/** For an action that goes as far as an API server without any kubelet lets it: to an error of this code. */
export const doesUntil = (code: string, { action, act }: RightsCase): RightsCase => ({
  action,
  act: async (kubernetes, name) => {
    const reached = await act(kubernetes, name).then(
      () => 'done',
      (error: unknown) => {
        if (kindOf(error).code !== code) throw error
        return code
      },
    )
    if (reached !== code) throw new Error(`it went further than ${code}`)
  },
})
