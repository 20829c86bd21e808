/** Jest's transformer: Node's own type stripping, positions kept, so no source maps. */
import { stripTypeScriptTypes } from 'node:module'

export default { process: (source) => ({ code: stripTypeScriptTypes(source) }) }
