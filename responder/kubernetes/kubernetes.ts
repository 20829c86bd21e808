/**
 * The API server as actions see it: plain JSON objects by reference, every write with its precondition. The UID is
 * checked on each read and sent as a precondition with each write, so that no other object is ever touched (I3).
 *
 * Throws: TargetGone (404, or another UID) · ActionRefused (403, 409 after a change by somebody else, 422 invalid) ·
 * ActionFailed, retryable (429, 5xx, timeouts, the server is away).
 */
export interface ObjectReference {
  /** `v1`, `apps/v1`. */
  readonly apiVersion: string
  /** `Pod`, `Deployment`. */
  readonly kind: string
  readonly namespace: string | null
  readonly name: string
  /** Null where it is not known: then the object that has the name now is meant, and its UID is in what `get` answers. */
  readonly uid: string | null
}

export interface ObjectMeta {
  readonly name: string
  readonly namespace?: string
  readonly uid: string
  readonly resourceVersion: string
  readonly creationTimestamp: string
  readonly deletionTimestamp?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly ownerReferences?: readonly OwnerReference[]
}

export interface OwnerReference {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
  readonly uid: string
  readonly controller?: boolean
}

/** As the API server sends it; parts that an action reads it parses itself. */
export interface KubernetesObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: ObjectMeta
  readonly [part: string]: unknown
}

/** RFC 6902; `test` operations are the preconditions ("nobody changed it since"). */
export interface PatchOperation {
  readonly op: 'add' | 'remove' | 'replace' | 'test'
  readonly path: string
  readonly value?: unknown
}

export interface WriteOptions {
  /** Asks the API server whether it would do it: admission, RBAC and preconditions included; nothing changes. */
  readonly isDryRun?: boolean
}

export interface Kubernetes {
  get(reference: ObjectReference): Promise<KubernetesObject>
  list(
    of: { readonly apiVersion: string; readonly kind: string; readonly namespace: string | null },
    selectors?: { readonly labels?: string; readonly fields?: string },
  ): Promise<readonly KubernetesObject[]>
  /** `subresource`: `scale`, `status`, … `test` operations that fail are a conflict: ActionRefused. */
  patch(
    reference: ObjectReference,
    operations: readonly PatchOperation[],
    options?: WriteOptions & { readonly subresource?: string },
  ): Promise<KubernetesObject>
  /** Null: an object of that name exists already (compare it, then). */
  create(
    object: Readonly<Record<string, unknown>>,
    options?: WriteOptions,
  ): Promise<KubernetesObject | null>
  delete(
    reference: ObjectReference,
    options?: WriteOptions & { readonly graceSeconds?: number; readonly resourceVersion?: string },
  ): Promise<void>
  /** Any other request below the API server's root, such as `/api/v1/namespaces/x/pods/y/eviction` or `…/log`. */
  request(
    method: 'GET' | 'POST' | 'PUT',
    path: string,
    body?: unknown,
    options?: { readonly isText?: boolean; readonly maxBytes?: number },
  ): Promise<unknown>
}
