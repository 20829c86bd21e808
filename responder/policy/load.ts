/** Policy files → what is in force, or every problem there is. */
import type { Problem } from '../../contract/problem.ts'
import type { Action } from '../actions/action.ts'
import { combineGuards } from './ceiling.ts'
import { checkPolicy, checkRoughly, contentHash } from './check.ts'
import { readPolicyFile, type Placed, type PolicyFile } from './documents.ts'
import { problemAt } from './places.ts'
import type { PolicySet } from './policy.ts'

export type Loaded =
  | { readonly set: PolicySet; readonly problems: readonly [] }
  | { readonly set: null; readonly problems: readonly Problem[] }

/** All or nothing: one mistake and none of the files comes into force, so that no half of a change does. */
export function loadPolicies(files: readonly PolicyFile[], actions: readonly Action[]): Loaded {
  const read = files.map(readPolicyFile)
  const placed = read.flatMap(({ policies }) => policies)
  const guards = read.flatMap((file) => file.guards)
  const checked = placed.map((document) => checkPolicy(document, actions))
  const problems = [
    ...read.flatMap((file) => file.problems),
    ...read.flatMap(({ broken }) => broken.flatMap((document) => checkRoughly(document, actions))),
    ...checked.flatMap((policy) => policy.problems),
    ...repeatedNames(placed),
    ...repeatedNames(guards),
  ].toSorted(
    (a, b) =>
      files.findIndex(({ name }) => name === a.file) -
        files.findIndex(({ name }) => name === b.file) ||
      a.line - b.line ||
      a.column - b.column,
  )
  if (problems.length > 0) return { set: null, problems }
  const documents = guards.map(({ document }) => document)
  return {
    set: {
      policies: checked.map(({ policy }) => policy),
      guard: combineGuards(documents),
      generation: contentHash([checked.map(({ policy }) => policy.generation), documents]),
    },
    problems: [],
  }
}

function repeatedNames(
  documents: readonly Placed<{
    readonly kind: string
    readonly metadata: { readonly name: string; readonly namespace?: string | undefined }
  }>[],
): readonly Problem[] {
  const first = new Map<string, string>()
  return documents.flatMap(({ file, document, places }) => {
    const { name, namespace = '' } = document.metadata
    const key = `${namespace}/${name}`
    const earlier = first.get(key)
    first.set(key, earlier ?? file)
    return earlier === undefined
      ? []
      : [
          problemAt(
            file,
            places.value(['metadata', 'name']),
            'duplicate_name',
            `${name} is already in ${earlier}`,
          ),
        ]
  })
}
