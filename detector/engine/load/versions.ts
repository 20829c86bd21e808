/** What rule files may ask of the engine and of plugins, and what this engine answers. */
import type { EngineVersion, PluginVersions } from './items.ts'
import type { Report } from './places.ts'

/** Falco 0.44.1 is 0.62.0; 0.63.0 has the additions after it that we have too (falco-compat, head). */
export const ENGINE_VERSION = '0.63.0'

/** What Falco has as plugins and this engine has built in. */
export const builtInPlugins: ReadonlyMap<string, string> = new Map([
  ['container', '0.7.4'],
  ['k8saudit', '0.18.0'],
  ['json', '0.7.4'],
])

export interface Semver {
  readonly major: number
  readonly minor: number
  readonly patch: number
}

export function asSemver(text: string): Semver | undefined {
  const found = /^(\d{1,9})\.(\d{1,9})\.(\d{1,9})(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?$/.exec(
    text,
  )
  if (found === null) return undefined
  return { major: Number(found[1]), minor: Number(found[2]), patch: Number(found[3]) }
}

/** Same major, and not newer than what is there. */
export function isServedBy(wanted: Semver, offered: Semver): boolean {
  if (wanted.major !== offered.major) return false
  return wanted.minor === offered.minor
    ? wanted.patch <= offered.patch
    : wanted.minor < offered.minor
}

export function checkEngineVersion({ version, context }: EngineVersion, report: Report): void {
  const wanted = asSemver(version)
  const offered = asSemver(ENGINE_VERSION)
  if (wanted !== undefined && offered !== undefined && !isServedBy(wanted, offered))
    report(
      'LOAD_ERR_VALIDATE',
      `Rules require engine version ${version}, but engine version is ${ENGINE_VERSION}`,
      context,
    )
}

/** The first alternative that is there by name decides. */
export function checkPluginVersions(
  { alternatives, context }: PluginVersions,
  offered: ReadonlyMap<string, string>,
  report: Report,
): void {
  const names = new Set<string>()
  for (const { name, version } of alternatives) {
    if (asSemver(version) === undefined)
      report(
        'LOAD_ERR_VALIDATE',
        `Invalid required version '${version}' for plugin '${name}'`,
        context,
      )
    if (names.has(name))
      report(
        'LOAD_ERR_VALIDATE',
        `Defined multiple alternative version requirements for plugin '${name}'`,
        context,
      )
    names.add(name)
  }
  const present = alternatives.find(({ name }) => offered.has(name))
  const wanted = asSemver(present?.version ?? '')
  const has = asSemver(offered.get(present?.name ?? '') ?? '')
  if (wanted !== undefined && has !== undefined && isServedBy(wanted, has)) return
  const listed = alternatives.map(({ name, version }) => `${name} (>= ${version})`).join(', ')
  report(
    'LOAD_ERR_VALIDATE',
    `Plugin requirement not satisfied, must load one of: ${listed}`,
    context,
  )
}
