/** Our vocabulary offers macros and lists to rules that are yet to be written: that one is unused is no news. */
import { join, resolve } from 'node:path'
import type { Problem } from '../../contract/problem.ts'
import { defaultRules } from './configuration.ts'

const vocabularies = defaultRules.map((directory) => join(directory, '10-vocabulary.yaml'))

/** All problems but those; `riposte rules validate` tells them too, as Falco does. */
export const withoutOwnWords = (problems: readonly Problem[]): readonly Problem[] =>
  problems.filter(
    ({ code, file }) => !(code.startsWith('LOAD_UNUSED_') && vocabularies.includes(resolve(file))),
  )
