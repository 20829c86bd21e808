/** A process's environment for evidence: every name, and the values of those that never hold a secret. */
import { readProc } from '../proc.ts'

const harmless = new Set([
  'HOME',
  'HOSTNAME',
  'LANG',
  'LANGUAGE',
  'LD_LIBRARY_PATH',
  'LD_PRELOAD',
  'LOGNAME',
  'PATH',
  'PWD',
  'OLDPWD',
  'SHELL',
  'SHLVL',
  'TERM',
  'TMPDIR',
  'TZ',
  'USER',
  '_',
])

interface Entry {
  readonly name: string
  readonly value: string | null
  readonly bytes: number
}

/** Undefined when it cannot be read. */
export function environment(pid: number): readonly Entry[] | undefined {
  const text = readProc(pid, 'environ')
  if (text === undefined) return undefined
  const entries = text.split('\0').filter((entry) => entry !== '')
  return entries.map((entry) => {
    const at = entry.indexOf('=')
    // A process may write anything here: without a name, the whole of it may be the secret.
    const name = at < 0 ? '' : entry.slice(0, at)
    const value = entry.slice(at + 1)
    const isShown = at > 0 && (harmless.has(name) || /^LC_[A-Z]+$/.test(name))
    return { name, value: isShown ? value : null, bytes: Buffer.byteLength(value) }
  })
}
