/**
 * The folder that a file is moved to and put back from. Every step can be repeated after a crash: the record is written
 * first, then the file leaves its name for one beside it (a name that was swapped meanwhile is put back), then it comes home.
 */
import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  renameSync,
  rmSync,
  unlinkSync,
  type BigIntStats,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { gone, refused } from './action.ts'
import { readJson, syncDirectory, writeDurably } from './durable-file.ts'
import { orMissing } from './cgroups.ts'
import { errorCode } from './proc.ts'
import type { HeldPlace } from './safe-path.ts'

/** What the store must know of the file; the effect holds more. */
export interface Taken {
  readonly path: string
  /** identityOf() the file. */
  readonly file: string
  readonly folder: string
}

const home = (folder: string): string => join(folder, 'file')

/** What an earlier try of the same step wrote down. */
export const takenBefore = (folder: string): unknown => readJson(join(folder, 'record.json'))

export const isHome = ({ folder }: Taken): boolean => existsSync(home(folder))

/** Still (or again) under its name. */
export const isInPlace = (place: HeldPlace, { file }: Taken): boolean => identity(place.at) === file

export async function takeAway(place: HeldPlace, taken: Taken): Promise<void> {
  mkdirSync(taken.folder, { recursive: true, mode: 0o700 })
  await writeDurably(join(taken.folder, 'record.json'), JSON.stringify(taken, undefined, 2))
  const aside = place.beside(`.riposte-${basename(taken.folder)}`)
  if (!isHome(taken)) {
    if (identity(aside) !== taken.file) moveAside(place, aside, taken)
    await bringHome(place, aside, taken)
  }
  if (identity(aside) === taken.file || existsSync(aside)) unlinkSync(aside)
}

function moveAside(place: HeldPlace, aside: string, taken: Taken): void {
  if (!isInPlace(place, taken)) throw gone(`${taken.path} is not the file that was judged any more`)
  renameSync(place.at, aside)
  if (identity(aside) === taken.file) return
  // The name was given to another file between the look and the rename: that one goes back.
  linkSync(aside, place.at)
  unlinkSync(aside)
  throw gone(`${taken.path} was swapped while it was being taken away`)
}

/** A copy that cannot be made (a full disk) leaves the file where it was. */
async function bringHome(place: HeldPlace, aside: string, taken: Taken): Promise<void> {
  try {
    await moveAcross(aside, home(taken.folder))
    await syncDirectory(taken.folder)
  } catch (error) {
    rmSync(taken.folder, { recursive: true })
    linkSync(aside, place.at)
    unlinkSync(aside)
    throw error
  }
}

/** Refused when something is there now. Owner, mode, times and attributes are the file's own and were never changed. */
export async function putBack(place: HeldPlace, taken: Taken): Promise<void> {
  if (!isHome(taken)) throw gone(`${taken.folder} holds no file`)
  const from = home(taken.folder)
  try {
    linkSync(from, place.at)
  } catch (error) {
    if (errorCode(error) === 'EEXIST') throw refused(`something else is at ${taken.path} now`)
    if (errorCode(error) !== 'EXDEV') throw error
    await copyBack(from, place, taken)
  }
  await syncDirectory(dirname(place.at))
  rmSync(taken.folder, { recursive: true })
}

/** A copy under a name nobody can guess, then a link, which never replaces. */
async function copyBack(from: string, place: HeldPlace, taken: Taken): Promise<void> {
  const copy = place.beside(`.riposte-${randomUUID()}`)
  try {
    await copyWhole(from, copy)
    linkSync(copy, place.at)
  } catch (error) {
    if (errorCode(error) === 'EEXIST') throw refused(`something else is at ${taken.path} now`)
    throw error
  } finally {
    rmSync(copy, { force: true })
  }
}

async function moveAcross(from: string, to: string): Promise<void> {
  try {
    renameSync(from, to)
  } catch (error) {
    if (errorCode(error) !== 'EXDEV') throw error
    await copyWhole(from, `${to}.part`)
    renameSync(`${to}.part`, to)
  }
}

/** cp keeps what Node cannot: extended attributes, ACLs, nanoseconds. Both ends are durable after it. */
async function copyWhole(from: string, to: string): Promise<void> {
  const run = promisify(execFile)
  await run('cp', ['--preserve=all', '--no-dereference', '--no-target-directory', '--', from, to])
  await run('sync', ['--', to])
}

/** An inode's number is given away again once it is free; the time of birth tells those apart that a plan lies between. */
export const identityOf = ({ dev, ino, birthtimeNs }: BigIntStats): string =>
  `${dev}:${ino}:${birthtimeNs}`

function identity(path: string): string | undefined {
  const stats = orMissing(() => lstatSync(path, { bigint: true }))
  return stats?.isFile() === true ? identityOf(stats) : undefined
}
