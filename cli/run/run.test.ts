import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect } from '@jest/globals'
import { needs } from '../../scripts/needs.ts'
import { Riposte, childrenOf, nameOf } from '../riposte.sample.ts'

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'run-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

/** A host of its own: data, rules about one file, no policies. */
function start() {
  const secret = join(directory, 'secret')
  const policies = join(directory, 'policies')
  writeFileSync(secret, 'x')
  writeFileSync(
    join(directory, 'rules.yaml'),
    `
- rule: Open the test's file
  desc: d
  condition: evt.type in (open, openat, openat2) and fd.name = ${secret}
  output: "%proc.name opened %fd.name"
  priority: WARNING
`,
  )
  spawnSync('mkdir', [policies])
  const riposte = new Riposte([
    'run', '--data', join(directory, 'data'), '--listen', '127.0.0.1:0',
    '-r', join(directory, 'rules.yaml'), '--policies', policies,
  ]) // prettier-ignore
  const pid = riposte.child.pid ?? 0
  const detector = () => childrenOf(pid).find((child) => nameOf(child) !== 'redis-server') ?? 0
  const seen = async () => {
    const before = riposte.stdout.length
    spawnSync('cat', [secret])
    await riposte.until(() => riposte.stdout.indexOf('opened', before) > 0)
  }
  return { riposte, pid, detector, seen, data: join(directory, 'data') }
}

const isAlive = (pid: number) => existsSync(`/proc/${pid}`)
const live = needs('root', 'ebpf', 'redis')

live(
  'alerts come on stdout once it said ready, and nothing is left when it ends',
  async () => {
    const { riposte, pid, seen, data } = start()
    await using _ = riposte
    await riposte.until(() => riposte.stderr.includes('\nready\n'))
    expect(riposte.stderr).toMatch(/web UI: http:\/\/127\.0\.0\.1:\d+/)
    expect(statSync(data).mode & 0o777).toBe(0o700)
    await seen()
    expect(riposte.stdout).toMatch(/^\d\d:\d\d:\d\d\.\d{9}: Warning cat opened /)
    const children = childrenOf(pid)
    expect(children.length).toBe(2)
    expect(await riposte.end('SIGTERM')).toBe(0)
    expect(children.filter(isAlive)).toEqual([])
  },
  90_000,
)

live(
  'a detector that is killed is started again, and judges again',
  async () => {
    const { riposte, detector, seen } = start()
    await using _ = riposte
    await riposte.until(() => riposte.stderr.includes('\nready\n'))
    const first = detector()
    process.kill(first, 'SIGKILL')
    await riposte.until(() => riposte.stderr.includes('the detector judges events again'))
    expect(detector()).not.toBe(first)
    await seen()
  },
  90_000,
)

live(
  'when it is killed itself, its detector does not stay behind',
  async () => {
    const { riposte, pid, detector } = start()
    await riposte.until(() => riposte.stderr.includes('\nready\n'))
    const orphan = detector()
    const redis = childrenOf(pid).filter((child) => nameOf(child) === 'redis-server')
    await riposte.end('SIGKILL')
    for (const server of redis) process.kill(server, 'SIGTERM')
    while (isAlive(orphan)) await new Promise((resolve) => setTimeout(resolve, 20))
    expect(isAlive(orphan)).toBe(false)
  },
  90_000,
)
