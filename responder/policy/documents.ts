/** Text of a policy file → documents with their places; every mistake of form is a Problem. */
import { LineCounter, parseAllDocuments, type Document } from 'yaml'
import type { z } from 'zod'
import { unknownName, type Problem } from '../../contract/problem.ts'
import { placesOf, problemAt, type Path, type Places } from './places.ts'
import { documentSchemas, kinds, type GuardDocument, type PolicyDocument } from './schema.ts'

/** One YAML file as it was found: `name` is what problems call it. */
export interface PolicyFile {
  readonly name: string
  readonly text: string
}

export interface Placed<Shape> {
  readonly file: string
  readonly document: Shape
  readonly places: Places
}

export interface ReadFile {
  readonly policies: readonly Placed<PolicyDocument>[]
  readonly guards: readonly Placed<GuardDocument>[]
  /** Documents that are wrong in form, for what else can be said about them. */
  readonly broken: readonly Placed<unknown>[]
  readonly problems: readonly Problem[]
}

export function readPolicyFile({ name, text }: PolicyFile): ReadFile {
  const lines = new LineCounter()
  const parsed = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false })
  const policies: Placed<PolicyDocument>[] = []
  const guards: Placed<GuardDocument>[] = []
  const rough: Placed<unknown>[] = []
  const problems: Problem[] = []
  for (const document of 'empty' in parsed ? [] : parsed) {
    if (document.contents === null && document.errors.length === 0) continue
    const places = placesOf(document, lines)
    const read = readDocument(name, document, places, lines)
    if ('problems' in read) {
      problems.push(...read.problems)
      rough.push({ file: name, document: read.content, places })
    } else if (read.document.kind === 'ResponseGuard')
      guards.push({ file: name, document: read.document, places })
    else policies.push({ file: name, document: read.document, places })
  }
  return { policies, guards, broken: rough, problems }
}

type Read =
  | { readonly document: PolicyDocument | GuardDocument }
  | { readonly problems: readonly Problem[]; readonly content: unknown }

function readDocument(file: string, document: Document, places: Places, lines: LineCounter): Read {
  if (document.errors.length > 0)
    return broken(document.errors.map((error) => syntaxProblem(file, error, lines)))
  const content = contentOf(document)
  if (content instanceof Error)
    return broken([problemAt(file, places.value([]), 'yaml', content.message)])
  const kind = kinds.find((known) => known === kindOf(content))
  if (kind === undefined) return broken([wrongKind(file, content, places)], content)
  const result = documentSchemas[kind].safeParse(content)
  if (result.success) return { document: result.data }
  return broken(
    result.error.issues.flatMap((issue) => issueProblems(file, issue, content, places)),
    content,
  )
}

const broken = (problems: readonly Problem[], content: unknown = null): Read => ({
  problems,
  content,
})

/** Aliases are expanded at most a hundredfold: a small file cannot become a large object. */
function contentOf(document: Document): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 })
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

const kindOf = (content: unknown): unknown =>
  typeof content === 'object' && content !== null && 'kind' in content ? content.kind : undefined

function wrongKind(file: string, content: unknown, places: Places): Problem {
  const given = kindOf(content)
  const message =
    typeof given === 'string'
      ? unknownName('kind', given, kinds)
      : `kind is missing; known: ${kinds.join(', ')}`
  return problemAt(file, places.value(['kind']), 'unknown_kind', message)
}

export function syntaxProblem(
  file: string,
  error: { readonly message: string; readonly pos: readonly [number, number] },
  lines: LineCounter,
): Problem {
  const { line, col } = lines.linePos(error.pos[0])
  const place = { line, column: col, length: Math.max(1, error.pos[1] - error.pos[0]) }
  return problemAt(file, place, 'yaml', error.message)
}

/** One problem for each unknown key; one for every other issue, in words of our own. */
export function issueProblems(
  file: string,
  issue: z.core.$ZodIssue,
  content: unknown,
  places: Places,
): Problem[] {
  if (issue.code === 'unrecognized_keys') {
    const messages = issue.message.split('\n')
    return issue.keys.map((key, index) =>
      problemAt(
        file,
        places.key([...issue.path, key]),
        'unknown_key',
        messages[index] ?? issue.message,
      ),
    )
  }
  if (issue.code === 'invalid_union') {
    const [nested] = issue.errors.find((errors) => errors.some(({ path }) => path.length > 0)) ?? []
    if (nested !== undefined)
      return issueProblems(
        file,
        { ...nested, path: [...issue.path, ...nested.path] },
        content,
        places,
      )
  }
  const place = places.value(issue.path)
  if (issue.path.length > 0 && isMissing(content, issue.path))
    return [problemAt(file, place, 'missing', `${lastName(issue.path)} is missing`)]
  if (issue.message.startsWith('unknown '))
    return [problemAt(file, place, 'unknown_word', issue.message)]
  return [problemAt(file, place, 'invalid', `${lastName(issue.path)} ${remark(issue)}`)]
}

function remark(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type') return `must be ${article(issue.expected)}`
  if (issue.code === 'too_small')
    return `must be at least ${issue.minimum}${issue.origin === 'array' ? ' long' : ''}`
  return issue.message
}

const article = (expected: string) =>
  ({
    string: 'text',
    array: 'a list',
    object: 'a map',
    record: 'a map',
    int: 'a whole number',
    number: 'a number',
    boolean: 'true or false',
  })[expected] ?? expected

function isMissing(content: unknown, path: Path): boolean {
  let at = content
  for (const step of path) {
    if (typeof at !== 'object' || at === null || !(step in at)) return true
    at = Reflect.get(at, step)
  }
  return at === undefined
}

/** `spec.ladder[2].do`: the last two names are enough beside the line. */
const lastName = (path: Path) => {
  const last = path.at(-1)
  return typeof last === 'number'
    ? `item ${last + 1} of ${String(path.at(-2) ?? 'the list')}`
    : String(last ?? 'the document')
}
