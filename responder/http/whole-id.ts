/** Ids as people type them: the first characters are enough when they name one thing. */
import type { Ledger } from '../ledger/open.ts'
import { idParams, read, Refused } from './reply.ts'

/** Fewer would name another thing tomorrow. */
const leastCharacters = 4

/** The id in the path, made whole; as given when nothing begins with it. Throws Refused when several do. */
export async function wholeId(
  { rows }: Pick<Ledger, 'rows'>,
  table: 'alerts' | 'cases' | 'steps' | 'approvals' | 'containments',
  params: unknown,
): Promise<string> {
  const { id } = read(idParams, params)
  if (id.length < leastCharacters || !/^[a-z]?[\da-f]+$/.test(id)) return id
  const found = await rows
    .selectFrom(table)
    .select('id')
    .where('id', '>=', id)
    // What follows is hexadecimal, so everything that begins with it comes before this.
    .where('id', '<', `${id}g`)
    .orderBy('id')
    .limit(3)
    .execute()
  const ids = found.map((row) => row.id)
  if (ids.length < 2) return ids[0] ?? id
  throw new Refused(
    409,
    'ambiguous',
    `${id} begins more than one of the ${table}: ${ids.join(', ')}; write more of it`,
  )
}
