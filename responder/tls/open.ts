/** TLS of the TCP door, by configuration; null: none. */
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { ResponderConfig } from '../config.ts'
import { FileTls } from './file-tls.ts'
import { OwnAuthority } from './own-authority.ts'
import { OwnTls } from './own-tls.ts'
import { publishTo, type CaPublication } from './publish-ca.ts'
import type { TlsSource } from './tls-source.ts'

type TlsConfig = Pick<ResponderConfig, 'data' | 'listen' | 'tls' | 'nodes'>

/** Throws TlsFilesWrong. */
export function openTls(
  { data, listen, tls, nodes }: TlsConfig,
  kubernetes: CaPublication['kubernetes'],
): TlsSource | null {
  const { mode, certificateFile, keyFile, names, caConfigMap } = tls
  const { clientCaFile } = nodes
  const nowMs = Date.now
  if (mode === 'none') return null
  if (mode === 'files' && certificateFile !== null && keyFile !== null)
    return new FileTls({ certificateFile, keyFile, clientCaFile }, nowMs)
  const host = hostname()
  const own = new OwnTls({
    authority: new OwnAuthority(join(data, 'tls'), host, nowMs),
    names: [...new Set([...names, host, listen.host, 'localhost', '127.0.0.1', '::1'])],
    clientCaFile,
    publish:
      caConfigMap === null ? null : publishTo({ kubernetes, configMap: caConfigMap, host, nowMs }),
    nowMs,
  })
  own.start()
  return own
}
