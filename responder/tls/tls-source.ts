/** Where the TCP door's certificate comes from, and when there is another one. */
import type { SecureContextOptions } from 'node:tls'

export interface TlsSource extends AsyncDisposable {
  readonly context: () => SecureContextOptions
  /** Asks callers for a certificate of `context().ca`; who has none may still come in as a person. */
  readonly isAskingClients: boolean
  /** Called with each new context; connections that stand keep the old one. */
  onChange(listener: () => void): void
  readonly degraded: () => readonly string[]
}
