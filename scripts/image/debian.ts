/** Programs of the Debian that this runs on, with their libraries and what scanners and licences want beside them. */
import { execFileSync, spawnSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  realpathSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'

const output = (command: string, ...args: string[]): string =>
  execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })

/** What the dynamic linker would load; a static program has none. */
function librariesOf(file: string): string[] {
  return output('ldd', file)
    .split('\n')
    .flatMap((line) => {
      if (line.includes('not found')) throw new Error(`${file}: ${line.trim()}`)
      return /(?:=> )?(\/\S+) \(0x/.exec(line)?.slice(1) ?? []
    })
}

/** Debian has /lib and /usr/lib as one; the linker's own path must hold as it is written into programs. */
const underUsr = (path: string): string => (path.startsWith('/usr/') ? path : `/usr${path}`)

function copy(from: string, root: string, to: string): void {
  const path = join(root, to)
  mkdirSync(dirname(path), { recursive: true })
  copyFileSync(realpathSync(from), path)
  chmodSync(path, /\.so(?:\.|$)/.test(to) ? 0o644 : 0o755)
}

/** `programs` go where they are on this machine; `others` have been copied already and bring only their libraries. */
export function copyPrograms(
  root: string,
  programs: readonly string[],
  others: readonly string[],
): void {
  const libraries = new Set([...programs, ...others].flatMap(librariesOf))
  for (const program of programs) copy(program, root, underUsr(program))
  for (const library of libraries) copy(library, root, underUsr(library))
  // The linker is executed by some tools, and Debian has it so.
  for (const library of libraries)
    if (library.includes('/ld-linux')) chmodSync(join(root, underUsr(library)), 0o755)
  const owners = new Set([...programs, ...libraries].flatMap(packageOf))
  for (const name of [...owners, 'ca-certificates']) describe(root, name)
}

/** dpkg knows a file by the path that its package used, which may be either side of the merge. */
function packageOf(path: string): string[] {
  const real = realpathSync(path)
  for (const each of [path, real, real.replace(/^\/usr/, ''), underUsr(path)]) {
    const { status, stdout } = spawnSync('dpkg-query', ['--search', each], { encoding: 'utf8' })
    if (status === 0) return [stdout.split(':')[0] ?? '']
  }
  throw new Error(`${path} belongs to no Debian package`)
}

/** As distroless images do: a file a package, so that scanners know versions, and its licence. */
function describe(root: string, name: string): void {
  const states = join(root, 'var/lib/dpkg/status.d')
  mkdirSync(states, { recursive: true })
  writeFileSync(join(states, name), output('dpkg-query', '--status', name))
  const licence = `/usr/share/doc/${name}/copyright`
  if (existsSync(licence)) {
    copy(licence, root, licence)
    chmodSync(join(root, licence), 0o644)
  }
}
