/** Evidence in a folder of this host, or of a volume that is mounted there: FOLDER/case/step/file. */
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { messageOf } from '../errors.ts'
import { EvidenceUnkept } from './errors.ts'
import { manifestName } from './names.ts'
import type { Content, EvidenceStore, KeptStep, Place } from './store.ts'

export function localStore(folder: string): EvidenceStore {
  const pathOf = ({ caseId, stepId, name }: Place) => join(folder, caseId, stepId, name)
  return {
    where: pathOf,
    put: (place, content, signal) => put(pathOf(place), content, signal),
    get: (place) => get(pathOf(place)),
    list: () => list(folder),
    removeCase: (caseId) => rm(join(folder, caseId), { recursive: true, force: true }),
  }
}

async function put(path: string, content: Content, signal: AbortSignal): Promise<void> {
  const part = `${path}.part`
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    await pipeline(content, createWriteStream(part, { mode: 0o600, flush: true }), { signal })
    await rename(part, path)
    for (const directory of [dirname(path), dirname(dirname(path))]) await syncDirectory(directory)
  } catch (error) {
    await rm(part, { force: true })
    throw diskError(error, path) ?? error
  }
}

const sentences: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full: make room there, or set evidence.directory to another',
  EDQUOT: 'the quota of the disk is used up: make room there, or set evidence.directory to another',
  EROFS: 'the file system is read-only: mount a volume there',
  EACCES: 'it may not be written by this user: give it to the one that the responder runs as',
  EIO: 'the disk fails',
}

function diskError(error: unknown, path: string): EvidenceUnkept | undefined {
  const sentence = sentences[codeOf(error)]
  if (sentence === undefined) return undefined
  return new EvidenceUnkept(`${path} cannot be written, ${sentence} (${messageOf(error)})`)
}

async function get(path: string): Promise<Content | undefined> {
  const found = await orMissing(() => stat(path))
  return found?.isFile() === true ? createReadStream(path) : undefined
}

async function list(folder: string): Promise<readonly KeptStep[]> {
  const kept: KeptStep[] = []
  for (const caseId of await foldersIn(folder))
    for (const stepId of await foldersIn(join(folder, caseId))) {
      const manifest = await orMissing(() => stat(join(folder, caseId, stepId, manifestName)))
      if (manifest !== undefined) kept.push({ caseId, stepId, atMs: manifest.mtimeMs })
    }
  return kept.toSorted((a, b) => b.atMs - a.atMs)
}

async function foldersIn(path: string): Promise<readonly string[]> {
  const entries = (await orMissing(() => readdir(path, { withFileTypes: true }))) ?? []
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
}

/** A new name is durable only with its directory. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

async function orMissing<Value>(read: () => Promise<Value>): Promise<Value | undefined> {
  try {
    return await read()
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

const codeOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : ''
