/** user.* and group.*: as whom the event happened, by the credentials of its own time. */
import type { Event } from '../events/event.ts'
import { UNKNOWN_NAME } from '../state/users.ts'
import type { Field } from './index.ts'
import { processRow, row } from './row.ts'

const nobody = -1

export const userFields: readonly Field[] = [
  row('user.uid', 'uint', 'user id, effective at the time of the event', ({ view }) => view.userId),
  row('user.name', 'string', 'name of that user, <NA> when nobody knows it', (event: Event) =>
    event.state.users.userName(event.process, event.view.userId),
  ),
  row('user.homedir', 'string', 'home of that user', (event) =>
    event.state.users.homeOf(event.process, event.view.userId),
  ),
  row('user.shell', 'string', 'shell of that user', (event) =>
    event.state.users.shellOf(event.process, event.view.userId),
  ),
  processRow(
    'user.loginuid',
    'int',
    'user that logged in, -1 for nobody',
    (process) => process.loginUserId,
  ),
  processRow(
    'user.loginname',
    'string',
    'name of the user that logged in',
    (process, { state }) => {
      const user = process.loginUserId
      if (user === undefined || user === nobody) return UNKNOWN_NAME
      return state.users.userName(process, user)
    },
  ),
  processRow('group.gid', 'uint', 'group id', (process) => process.groupId),
  processRow('group.name', 'string', 'name of that group', (process, { state }) =>
    process.groupId === undefined ? undefined : state.users.groupName(process, process.groupId),
  ),
]
