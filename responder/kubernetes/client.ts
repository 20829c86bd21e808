/** Kubernetes over HTTP: what actions get. One for the process; `within` binds it to an attempt's time. */
import { ActionFailed, Forbidden } from '../actions/errors.ts'
import { errorOf, refusalBehind } from './api-error.ts'
import { execQuery, execute, NotOpened } from './exec.ts'
import { canSchema, rightBody } from './rights.ts'
import type {
  DeleteOptions,
  Executed,
  ExecRequest,
  Kubernetes,
  KubernetesObject,
  ListOptions,
  ObjectReference,
  OwnPlace,
  PatchOperation,
  RequestOptions,
  Right,
  WriteOptions,
} from './kubernetes.ts'
import { listSchema, nameOf, objectSchema } from './objects.ts'
import { isTestFailure, refuseAnother } from './preconditions.ts'
import { rootOf, type Resources } from './resources.ts'
import type { ApiCall, Caller } from './transport.ts'
import { part, queryOf } from './urls.ts'

export interface ClientParts {
  readonly transport: Caller
  readonly resources: Resources
  readonly own: OwnPlace
}

const fieldManager = 'riposte'
const pageItems = 500
/** More objects than this are no answer to work with. */
const maxItems = 20_000

export const within = (parts: ClientParts, signal: AbortSignal): Kubernetes =>
  new BoundClient(parts, signal)

class BoundClient implements Kubernetes {
  readonly own: OwnPlace
  readonly #transport: Caller
  readonly #resources: Resources
  readonly #signal: AbortSignal

  constructor({ transport, resources, own }: ClientParts, signal: AbortSignal) {
    this.own = own
    this.#transport = transport
    this.#resources = resources
    this.#signal = signal
  }

  async get(reference: ObjectReference): Promise<KubernetesObject> {
    const what = `get ${nameOf(reference)}`
    const path = await this.pathOf(reference)
    const body = await this.#json({ verb: 'get', method: 'GET', path, what })
    const object = objectSchema.parse(body)
    refuseAnother(reference, object)
    return object
  }

  async list(
    of: { readonly apiVersion: string; readonly kind: string; readonly namespace: string | null },
    { labels, fields, mayLag = false }: ListOptions = {},
  ): Promise<readonly KubernetesObject[]> {
    const { apiVersion, kind } = of
    const what = `list ${kind} in ${of.namespace ?? 'all namespaces'}`
    const base = await this.#collection(of)
    const found: KubernetesObject[] = []
    let next = ''
    do {
      const query = queryOf({
        labelSelector: labels,
        fieldSelector: fields,
        resourceVersion: mayLag ? '0' : undefined,
        limit: String(pageItems),
        continue: next === '' ? undefined : next,
      })
      const page = listSchema.parse(
        await this.#json({ verb: 'list', method: 'GET', path: `${base}${query}`, what }),
      )
      for (const item of page.items) found.push(objectSchema.parse({ apiVersion, kind, ...item }))
      next = page.metadata.continue
    } while (next !== '' && found.length < maxItems)
    if (next === '') return found
    throw errorOf(
      { code: 413, reason: '', message: `there are too many`, isNamed: false, causes: [] },
      what,
    )
  }

  async patch(
    reference: ObjectReference,
    operations: readonly PatchOperation[],
    options: WriteOptions & { readonly subresource?: string } = {},
  ): Promise<KubernetesObject> {
    const what = `patch ${nameOf(reference)}`
    const path = await this.pathOf(reference, options.subresource)
    const isOurs: PatchOperation = { op: 'test', path: '/metadata/uid', value: reference.uid }
    const body = reference.uid === null ? operations : [isOurs, ...operations]
    const call: ApiCall = {
      verb: 'patch',
      method: 'PATCH',
      path: `${path}${queryOf({ fieldManager, ...dryRun(options) })}`,
      body,
      contentType: 'application/json-patch+json',
      what,
    }
    try {
      return objectSchema.parse(await this.#json(call))
    } catch (error) {
      throw await this.#whyNot(error, reference, what, body)
    }
  }

  async create(
    object: Readonly<Record<string, unknown>>,
    options: WriteOptions = {},
  ): Promise<KubernetesObject | null> {
    const { apiVersion, kind, metadata } = createdSchema.parse(object)
    const base = await this.#collection({ apiVersion, kind, namespace: metadata.namespace ?? null })
    const query = queryOf({ fieldManager, fieldValidation: 'Strict', ...dryRun(options) })
    const what = `create ${nameOf({ kind, ...metadata })}`
    try {
      return objectSchema.parse(
        await this.#json({
          verb: 'create',
          method: 'POST',
          path: `${base}${query}`,
          body: object,
          what,
        }),
      )
    } catch (error) {
      if (refusalBehind(error)?.reason === 'AlreadyExists') return null
      throw error
    }
  }

  async delete(reference: ObjectReference, options: DeleteOptions = {}): Promise<void> {
    const { graceSeconds, resourceVersion, propagation, isDryRun } = options
    const { uid } = reference
    const what = `delete ${nameOf(reference)}`
    const call: ApiCall = {
      verb: 'delete',
      method: 'DELETE',
      path: await this.pathOf(reference),
      body: {
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        preconditions: {
          ...(uid === null ? {} : { uid }),
          ...(resourceVersion === undefined ? {} : { resourceVersion }),
        },
        ...(graceSeconds === undefined ? {} : { gracePeriodSeconds: graceSeconds }),
        ...(propagation === undefined ? {} : { propagationPolicy: propagation }),
        ...(isDryRun === true ? { dryRun: ['All'] } : {}),
      },
      what,
    }
    try {
      await this.#transport.send(call, this.#signal)
    } catch (error) {
      throw await this.#whyNot(error, reference, what, [])
    }
  }

  async request(
    method: 'GET' | 'POST' | 'PUT',
    path: string,
    body?: unknown,
    { isText = false, maxBytes, timeoutMs }: RequestOptions = {},
  ): Promise<unknown> {
    const verb = { GET: 'get', POST: 'create', PUT: 'update' }[method]
    const what = `${verb} ${path.split('?')[0] ?? ''}`
    const call: ApiCall = { verb, method, path, body, what, maxBytes, timeoutMs }
    return isText ? this.#transport.send(call, this.#signal) : this.#json(call)
  }

  async exec(pod: ObjectReference, request: ExecRequest): Promise<Executed> {
    await this.get(pod)
    const path = `${await this.pathOf(pod, 'exec')}${execQuery(request)}`
    try {
      const access = await this.#transport.access(this.#signal)
      const executed = await execute(access, path, request, this.#signal)
      await this.get(pod)
      return executed
    } catch (error) {
      if (!(error instanceof NotOpened)) throw error
      throw await this.#whyNotOpened(pod, error)
    }
  }

  async pathOf(
    { apiVersion, kind, namespace, name }: ObjectReference,
    subresource?: string,
  ): Promise<string> {
    const base = await this.#collection({ apiVersion, kind, namespace })
    const rest = subresource === undefined ? '' : `/${subresource}`
    return `${base}/${part(name)}${rest}`
  }

  serves(apiVersion: string, kind: string): Promise<boolean> {
    return this.#resources.serves(apiVersion, kind, () => this.#discover(apiVersion))
  }

  async can(right: Right): Promise<boolean> {
    const path = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews'
    return canSchema.parse(await this.request('POST', path, rightBody(right))).status.allowed
  }

  async #collection(of: {
    readonly apiVersion: string
    readonly kind: string
    readonly namespace: string | null
  }): Promise<string> {
    const { apiVersion, kind, namespace } = of
    const { plural, isNamespaced } = await this.#resources.of(apiVersion, kind, () =>
      this.#discover(apiVersion),
    )
    const place = isNamespaced && namespace !== null ? `/namespaces/${part(namespace)}` : ''
    return `${rootOf(apiVersion)}${place}/${plural}`
  }

  async #discover(apiVersion: string): Promise<unknown> {
    const what = `discover ${apiVersion}`
    try {
      return await this.#json({ verb: 'get', method: 'GET', path: rootOf(apiVersion), what })
    } catch (error) {
      if (refusalBehind(error)?.code === 404) return null
      throw error
    }
  }

  /** A WebSocket that is refused does not say why. */
  async #whyNotOpened({ namespace, ...pod }: ObjectReference, cause: Error): Promise<Error> {
    const what = `cannot run a program in ${nameOf({ ...pod, namespace })}`
    // Older API servers ask for the first, newer ones for the second as well.
    for (const verb of ['get', 'create'])
      if (!(await this.can({ verb, apiGroup: '', resource: 'pods/exec', namespace })))
        return new Forbidden(`${what}: no right to ${verb} pods/exec`, { cause })
    return new ActionFailed(`${what}: ${cause.message}`, true, { cause })
  }

  /** A precondition that failed says neither which nor why: the object itself tells whether it is another now. */
  async #whyNot(
    error: unknown,
    reference: ObjectReference,
    what: string,
    operations: readonly PatchOperation[],
  ): Promise<unknown> {
    const refusal = refusalBehind(error)
    if (refusal === undefined) return error
    const isPrecondition =
      refusal.code === 409 || (refusal.code === 422 && operations.some(({ op }) => op === 'test'))
    if (!isPrecondition) return error
    // Throws TargetGone where it is another.
    await this.get(reference)
    if (refusal.code === 422 && !isTestFailure(refusal.message)) return error
    return errorOf({ ...refusal, code: 409, message: 'somebody changed it meanwhile' }, what)
  }

  async #json(call: ApiCall): Promise<unknown> {
    const body = await this.#transport.send(call, this.#signal)
    return body === '' ? null : JSON.parse(body)
  }
}

const dryRun = ({ isDryRun }: WriteOptions) => (isDryRun === true ? { dryRun: 'All' } : {})

const createdSchema = objectSchema.pick({ apiVersion: true, kind: true, metadata: true })
