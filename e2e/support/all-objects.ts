/** Every object that the API server lists, but for what comes and goes by itself. */
import type { ControlPlane } from '../cluster/control-plane.ts'

/** A line each: kind, namespace, name. */
export async function allObjects({ kubectl }: ControlPlane): Promise<Set<string>> {
  const kinds = await kubectl(['api-resources', '--verbs=list', '-oname'])
  const wanted = kinds
    .split('\n')
    .filter((kind) => !/^(?:events|leases|componentstatuses|$)/.test(kind))
  const listed = await kubectl([
    'get',
    wanted.join(','),
    '-A',
    '--ignore-not-found',
    '-ocustom-columns=K:.kind,S:.metadata.namespace,N:.metadata.name',
    '--no-headers',
  ])
  return new Set(
    listed
      .split('\n')
      .map((line) => line.trim().replaceAll(/\s+/g, ' '))
      .filter((line) => line !== ''),
  )
}
