/** Stands where no API server is configured: every question is refused with what to do. */
import { ActionRefused } from '../actions/errors.ts'
import type { Kubernetes } from './kubernetes.ts'

const refuse = () =>
  Promise.reject(
    new ActionRefused(
      'no Kubernetes API is configured here; set kubernetes.kubeconfig, or run in a pod',
    ),
  )

export const noKubernetes: Kubernetes = {
  own: { namespace: null, labels: {} },
  get: refuse,
  list: refuse,
  patch: refuse,
  create: refuse,
  delete: refuse,
  request: refuse,
  exec: refuse,
  pathOf: refuse,
  serves: refuse,
  can: refuse,
}
