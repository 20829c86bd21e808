/** For tests: the real detector with our rules, and acts that it sees but that leave this host as it was. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, jest, test } from '@jest/globals'
import { Riposte } from '../cli/riposte.sample.ts'
import { needs } from '../scripts/needs.ts'

const here = fileURLToPath(new URL('.', import.meta.url))
const requirements = ['root', 'ebpf', 'compiler'] as const
/** A test of a rule; skipped with the reason where the kernel cannot be watched. */
export const liveTest: typeof test = needs(...requirements)
const isLive = liveTest === test

/** `rule` and the fields of the alert's output. */
type SeenAlert = Readonly<Record<string, unknown>>

interface Surroundings {
  /** Text by absolute path, below one of the copied directories. */
  readonly files?: Readonly<Record<string, string>>
  /** Program by absolute path: what it is a copy of. */
  readonly programs?: Readonly<Record<string, string>>
  /** 64 hexadecimal digits: the act runs in the cgroup of such a container. */
  readonly container?: string
}

/**
 * Does the act in bash and answers the alerts that it set off, oldest first. It runs in a session, a mount namespace
 * and a network namespace of its own; in its /etc, /usr, … whatever it writes is gone with it. `acts` is the program
 * of acts.c, `$PWD` an empty temporary directory. Throws when the act fails.
 */
export type Act = (script: string, surroundings?: Surroundings) => Promise<SeenAlert[]>

/** One detector for all tests of a file. */
export function liveDetector(): Act {
  let detector: Riposte | undefined
  let directory = ''
  let count = 0
  // An act starts a dozen processes, on a machine that may be busy with other tests.
  jest.setTimeout(60_000)
  beforeAll(async () => {
    if (!isLive) return
    directory = mkdtempSync(join(tmpdir(), 'riposte-rules-'))
    compile(join(directory, 'acts'))
    detector = await startRiposte(directory)
  }, 60_000)
  afterAll(async () => {
    await detector?.end('SIGTERM')
    if (directory !== '') rmSync(directory, { recursive: true })
  }, 30_000)

  return async (script, surroundings = {}) => {
    if (detector === undefined) throw new Error('the detector does not run')
    const place = join(directory, `act-${++count}`)
    prepare(place, join(directory, 'acts'), surroundings)
    const session = await runAct(place, script, surroundings.container)
    const fence = join(directory, `fence-${count}`)
    writeFileSync(fence, '')
    const running = detector
    const alerts = () => running.stdout.slice(0, running.stdout.lastIndexOf('\n') + 1)
    await running.until(() => alerts().includes(`"fd.name":"${fence}"`))
    return alerts()
      .split('\n')
      .filter((line) => line !== '')
      .map(readAlert)
      .filter((alert) => alert['proc.sid'] === session)
  }
}

function compile(program: string): void {
  const built = spawnSync('gcc', ['-O1', '-o', program, join(here, 'acts.c')], { encoding: 'utf8' })
  if (built.status !== 0) throw new Error(built.stderr)
}

/** Every alert tells the session that it is of; one more rule tells when all before it was judged. */
async function startRiposte(directory: string): Promise<Riposte> {
  const fence = join(directory, 'fence.yaml')
  writeFileSync(
    fence,
    `- rule: Fence
  desc: What came before this open has been judged.
  condition: open_write and fd.name startswith ${directory}/fence-
  output: Fence | file=%fd.name
  priority: INFO
`,
  )
  // No runtime knows the acts' containers, and what is held for its name would come after the fence.
  const settings =
    '-o json_output=true -o riposte.identity.hold_ms=0 -o append_output=[{"extra_output":"session=%proc.sid"}]'
  const detector = new Riposte(['detect', '-r', here, '-r', fence, ...settings.split(' ')])
  await detector.until(() => detector.stderr.includes('ready\n'))
  return detector
}

function readAlert(line: string): SeenAlert {
  const { rule, output_fields: fields }: { rule: string; output_fields: SeenAlert } =
    JSON.parse(line)
  return { rule, ...fields }
}

const copied = ['etc', 'usr', 'var', 'root', 'home', 'opt', 'boot', 'run', 'dev']

/** What the act finds in its directories besides the host's own files. */
function prepare(place: string, acts: string, { files = {}, programs = {} }: Surroundings): void {
  for (const name of [...copied, 'opt/acts'])
    mkdirSync(join(place, 'files', name), { recursive: true })
  for (const name of ['layers', 'empty']) mkdirSync(join(place, name))
  for (const [path, text] of Object.entries(files)) {
    const file = join(place, 'files', path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  }
  for (const [path, of] of Object.entries({ '/opt/acts/acts': acts, ...programs })) {
    const file = join(place, 'files', path)
    mkdirSync(dirname(file), { recursive: true })
    cpSync(of === 'acts' ? acts : of, file, { dereference: true })
    chmodSync(file, 0o755)
  }
}

/** Layers of a file system in memory over the host's directories, in a namespace that ends with its last process. */
const surround = `
  mount -t tmpfs none "$1/layers"
  for name in ${copied.join(' ')}; do
    [ -d /$name ] || continue
    mkdir -p "$1/layers/$name/up" "$1/layers/$name/work"
    mount -t overlay none -o "lowerdir=$1/files/$name:/$name,upperdir=$1/layers/$name/up,workdir=$1/layers/$name/work" /$name
  done
  ip link set lo up
  cd "$1/empty"
  PATH=/opt/acts:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin exec bash -e "$1/act"
`

/** Its session's id. Scripts are files, so that no command line but the act's own tells what it does. */
async function runAct(place: string, script: string, container?: string): Promise<number> {
  using cgroup = container === undefined ? undefined : containerCgroup(container)
  const enter = cgroup === undefined ? '' : `echo $$ > ${cgroup.procs}\n`
  const surroundings = join(place, 'surround')
  writeFileSync(surroundings, surround)
  writeFileSync(join(place, 'act'), script)
  writeFileSync(
    join(place, 'start'),
    `${enter}exec unshare --mount --net --propagation private bash -e ${surroundings} ${place}`,
  )
  const child = spawn('bash', ['-e', join(place, 'start')], {
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  child.stderr.on('data', (bytes) => (said += String(bytes)))
  await once(child, 'close')
  if (child.exitCode !== 0) throw new Error(`the act failed (${child.exitCode}): ${said}`)
  return child.pid ?? 0
}

/** A cgroup by the name that container runtimes give theirs; that is what a container is to the detector. */
function containerCgroup(id: string) {
  const mounts = readFileSync('/proc/self/mounts', 'utf8')
  const root = /^\S+ (\S+) cgroup2 /m.exec(mounts)?.[1]
  if (root === undefined) throw new Error('there is no unified cgroup hierarchy')
  const path = join(root, `docker-${id}.scope`)
  mkdirSync(path)
  return {
    procs: join(path, 'cgroup.procs'),
    [Symbol.dispose]: () => rmdirSync(path),
  }
}
