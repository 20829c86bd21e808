/** What the responder itself does with the API, beside its actions; the chart gives it these rights. */
import type { Right } from './kubernetes.ts'

export const ownRights: readonly Omit<Right, 'namespace'>[] = []
