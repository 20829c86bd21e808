/** The list of commands, in the order of `riposte --help`. */
import type { AddCommand } from '../command.ts'
import { completion } from './completion.ts'
import { doctor } from './doctor.ts'

export const commands: readonly AddCommand[] = [doctor, completion]
