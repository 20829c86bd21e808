/** Secrets live in files of mode 0600, never in the environment or in arguments (they would show in /proc). */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs'

class SecretFileError extends Error {
  override readonly name = 'SecretFileError'
  readonly code = 'secret_file'
  readonly retryable = false
}

/** The secret in `path`, made at the first start. Refuses a file that others can read. */
export function readOrCreateSecret(path: string): string {
  try {
    writeFileSync(path, `${randomBytes(32).toString('base64url')}\n`, { flag: 'wx', mode: 0o600 })
    chmodSync(path, 0o600)
  } catch (error) {
    if (!isCode(error, 'EEXIST')) throw error
  }
  return readSecret(path)
}

export function readSecret(path: string): string {
  const { mode: bits, uid } = statSync(path)
  const mode = bits & 0o777
  // Kubernetes mounts a Secret as root's, and lets the pod read it by its group.
  const othersMay = uid === process.getuid?.() ? 0o077 : 0o037
  if ((mode & othersMay) !== 0)
    throw new SecretFileError(`${path} has mode ${mode.toString(8)}: others can read it; chmod 600`)
  const secret = readFileSync(path, 'utf8').trim()
  if (secret.length < 16)
    throw new SecretFileError(`${path} holds fewer than 16 characters: too short for a secret`)
  return secret
}

/** Not `instanceof Error`: Node's own errors belong to another realm where code runs in a vm. */
const isCode = (error: unknown, code: string) =>
  typeof error === 'object' && error !== null && 'code' in error && error.code === code

const digest = (text: string) => createHash('sha256').update(text).digest()

/** Takes the same time whatever the difference, and whatever the lengths. */
export const isSameSecret = (given: string, expected: string) =>
  timingSafeEqual(digest(given), digest(expected))

/** What is kept of a secret that somebody else holds. */
export const secretHash = (secret: string) => digest(secret).toString('hex')
