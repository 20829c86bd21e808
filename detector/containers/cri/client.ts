/** gRPC to a runtime's CRI socket. Loaded only where there is such a socket: the library takes 21 MB of memory. */
import { connect } from 'node:net'
import {
  type Client,
  Code,
  ConnectError,
  type Interceptor,
  createClient,
} from '@connectrpc/connect'
import { Http2SessionManager, createGrpcTransport } from '@connectrpc/connect-node'
import { RuntimeAway } from '../runtime.ts'
import { RuntimeService } from './generated/runtime_pb.js'

export interface CriClient {
  readonly calls: Client<typeof RuntimeService>
  close(): void
}

const BASE = 'http://localhost'
/** An answer takes a few milliseconds; one that takes so long comes from a runtime that hangs. */
const TIMEOUT_MS = 5000
/** A list of thousands of containers; a container's verbose status is some 20 KB. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024

export function openCri(socketPath: string): CriClient {
  const sessionManager = new Http2SessionManager(
    BASE,
    {},
    { createConnection: () => connect(socketPath) },
  )
  const transport = createGrpcTransport({
    baseUrl: BASE,
    sessionManager,
    defaultTimeoutMs: TIMEOUT_MS,
    readMaxBytes: MAX_ANSWER_BYTES,
    acceptCompression: [],
    interceptors: [asGrpc],
  })
  return {
    calls: createClient(RuntimeService, transport),
    close: () => sessionManager.abort(),
  }
}

/** CRI-O knows gRPC by exactly this content type, and resets a connection with the library's `application/grpc+proto`. */
const asGrpc: Interceptor = (next) => (request) => {
  request.header.set('content-type', 'application/grpc')
  return next(request)
}

/** What is not there is an answer; everything else means that the runtime cannot be asked. */
export async function ifThere<Answer>(call: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await call
  } catch (cause) {
    const error = ConnectError.from(cause)
    if (error.code === Code.NotFound) return undefined
    throw new RuntimeAway(error.rawMessage, { cause })
  }
}
