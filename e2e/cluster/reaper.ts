/** Waits for the end of its standard input, which the kernel brings about when the owner dies, and sweeps the run. */
import { once } from 'node:events'
import { exclusively } from './lock.ts'
import { sweep } from './sweep.ts'

const [, , runId] = process.argv
if (runId === undefined) throw new Error('usage: reaper.ts RUN')
process.stdin.resume()
await once(process.stdin, 'end')
await exclusively('cluster-lease', () => sweep(runId))
