/** A certificate that somebody else provides: read again when its files change, as when a Secret's mount is swapped. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync, watch, type FSWatcher } from 'node:fs'
import { dirname } from 'node:path'
import type { SecureContextOptions } from 'node:tls'
import { messageOf, WorldError } from '../errors.ts'
import type { TlsSource } from './tls-source.ts'

export class TlsFilesWrong extends WorldError {
  constructor(message: string, options?: ErrorOptions) {
    super('tls_files', message, false, options)
  }
}

export interface TlsFiles {
  readonly certificateFile: string
  readonly keyFile: string
  /** CA of the nodes' client certificates. */
  readonly clientCaFile: string | null
}

/** A tool that writes two files makes several events. */
const settleMs = 200
/** Warned of this long before. */
const expiryMs = 7 * 86_400_000

export class FileTls implements TlsSource {
  readonly isAskingClients: boolean
  readonly #files: TlsFiles
  readonly #nowMs: () => number
  readonly #watchers: readonly FSWatcher[]
  readonly #listeners: (() => void)[] = []
  #context: SecureContextOptions
  #problem: string | null = null
  #timer: NodeJS.Timeout | undefined

  /** Throws TlsFilesWrong. */
  constructor(files: TlsFiles, nowMs: () => number) {
    this.#files = files
    this.#nowMs = nowMs
    this.isAskingClients = files.clientCaFile !== null
    this.#context = read(files)
    const paths = [files.certificateFile, files.keyFile, files.clientCaFile ?? files.keyFile]
    // The directory, not the file: who replaces a file, or a symbolic link beside it, makes another one.
    this.#watchers = [...new Set(paths.map(dirname))].map((directory) =>
      watch(directory, { persistent: false }, () => {
        clearTimeout(this.#timer)
        this.#timer = setTimeout(() => {
          this.#reload()
        }, settleMs)
      }),
    )
  }

  readonly context = () => this.#context

  onChange(listener: () => void): void {
    this.#listeners.push(listener)
  }

  readonly degraded = () => {
    const { validTo, validToDate } = new X509Certificate(String(this.#context.cert))
    const isEnding = validToDate.getTime() - this.#nowMs() < expiryMs
    return [
      ...(this.#problem === null ? [] : [`${this.#problem}: the certificate before it is used`]),
      ...(isEnding ? [`${this.#files.certificateFile} expires ${validTo}: renew it`] : []),
    ]
  }

  /** What is wrong is shown and looked at again with the next change. */
  #reload(): void {
    try {
      this.#context = read(this.#files)
      this.#problem = null
    } catch (error) {
      this.#problem = messageOf(error)
      return
    }
    for (const listener of this.#listeners) listener()
  }

  [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#timer)
    for (const watcher of this.#watchers) watcher.close()
    return Promise.resolve()
  }
}

function read({ certificateFile, keyFile, clientCaFile }: TlsFiles): SecureContextOptions {
  try {
    const cert = readFileSync(certificateFile, 'utf8')
    const key = readFileSync(keyFile, 'utf8')
    if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key)))
      throw new TlsFilesWrong('they do not belong together')
    return clientCaFile === null
      ? { cert, key }
      : { cert, key, ca: readFileSync(clientCaFile, 'utf8') }
  } catch (cause) {
    throw new TlsFilesWrong(
      `${certificateFile} and ${keyFile} cannot be used: ${messageOf(cause)}`,
      {
        cause,
      },
    )
  }
}
