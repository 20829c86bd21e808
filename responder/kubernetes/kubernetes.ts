/**
 * The API server as actions see it: plain JSON objects by reference, every write with its precondition. The UID is
 * checked on each read and sent as a precondition with each write, so that no other object is ever touched (I3).
 *
 * Throws: TargetGone (404, or another UID) · Conflict (409, or a `test` that failed: somebody changed it) · Forbidden
 * (403) · ActionRefused (what the API server does not take: 400, 422, an API that it does not serve) · ActionFailed,
 * retryable (429, 5xx, timeouts, the server is away). All of actions/errors.ts.
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
  readonly namespace?: string | undefined
  readonly uid: string
  readonly resourceVersion: string
  readonly creationTimestamp: string | null
  readonly generation?: number | undefined
  readonly deletionTimestamp?: string | undefined
  readonly labels?: Readonly<Record<string, string>> | undefined
  readonly annotations?: Readonly<Record<string, string>> | undefined
  readonly ownerReferences?: readonly OwnerReference[] | undefined
}

export interface OwnerReference {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
  readonly uid: string
  readonly controller?: boolean | undefined
}

/** As the API server sends it; parts that an action reads it parses itself. */
export interface KubernetesObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: ObjectMeta
  readonly [part: string]: unknown
}

/** RFC 6902; `test` operations are the preconditions ("nobody changed it since"). A `test` for null: there is none. */
export interface PatchOperation {
  readonly op: 'add' | 'remove' | 'replace' | 'test'
  readonly path: string
  readonly value?: unknown
}

export interface WriteOptions {
  /** Asks the API server whether it would do it: admission, RBAC and preconditions included; nothing changes. */
  readonly isDryRun?: boolean
}

export interface DeleteOptions extends WriteOptions {
  readonly graceSeconds?: number
  readonly resourceVersion?: string
  readonly propagation?: 'Background' | 'Foreground' | 'Orphan'
}

export interface ListOptions {
  /** Selectors as queries take them. */
  readonly labels?: string
  readonly fields?: string
  /**
   * What the API server has in memory, which may lag behind by moments (resourceVersion=0). For the newest it waits until
   * its memory has caught up with etcd: 40 ms and more while other objects are being changed.
   */
  readonly mayLag?: boolean
}

export interface RequestOptions {
  /** Answers the body as text. */
  readonly isText?: boolean
  /** Beyond it the request fails; 16 MiB unless told. */
  readonly maxBytes?: number
  /** 10 s unless told; never longer than the attempt. */
  readonly timeoutMs?: number
}

export interface ExecRequest {
  readonly container: string
  readonly argv: readonly string[]
  /** What is kept of both streams together. */
  readonly maxBytes: number
  readonly timeoutMs: number
}

export interface Executed {
  readonly stdout: string
  readonly stderr: string
  /** There was more than `maxBytes`. */
  readonly isCut: boolean
  readonly exitCode: number
}

/** Verb and resource as RBAC names them; `pods/eviction` is a resource too. */
export interface Right {
  readonly verb: string
  readonly apiGroup: string
  readonly resource: string
  /** Null: in every namespace. */
  readonly namespace: string | null
}

/** Where Riposte itself runs: its pods are spared, and stay reachable for what it isolates. */
export interface OwnPlace {
  /** Null outside a cluster. */
  readonly namespace: string | null
  readonly labels: Readonly<Record<string, string>>
}

export interface Kubernetes {
  readonly own: OwnPlace
  get(reference: ObjectReference): Promise<KubernetesObject>
  list(
    of: { readonly apiVersion: string; readonly kind: string; readonly namespace: string | null },
    options?: ListOptions,
  ): Promise<readonly KubernetesObject[]>
  /** `subresource`: `scale`, `status`, … `test` operations that fail are a Conflict. */
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
  delete(reference: ObjectReference, options?: DeleteOptions): Promise<void>
  /** Any other request below the API server's root, such as `/api/v1/namespaces/x/pods/y/eviction` or `…/log`. */
  request(
    method: 'GET' | 'POST' | 'PUT',
    path: string,
    body?: unknown,
    options?: RequestOptions,
  ): Promise<unknown>
  /**
   * Runs a program in a container of the pod. The API knows no precondition here: the pod is asked for by its UID before
   * and after, so that it is known whose output it is. What may have run fails for good.
   */
  exec(pod: ObjectReference, request: ExecRequest): Promise<Executed>
  /** Path of an object below the root, for `request`; each part escaped. */
  pathOf(reference: ObjectReference, subresource?: string): Promise<string>
  /** Whether the API server knows this kind. */
  serves(apiVersion: string, kind: string): Promise<boolean>
  /** Whether this responder may. */
  can(right: Right): Promise<boolean>
}
