/** The list of commands, in the order of `riposte --help`. */
import type { AddCommand } from '../command.ts'
import { completion } from './completion.ts'
import { detect } from './detect.ts'
import { doctor } from './doctor.ts'
import { fields } from './fields.ts'
import { rules } from './rules.ts'

export const commands: readonly AddCommand[] = [detect, rules, fields, doctor, completion]
