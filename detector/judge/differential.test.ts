import { expect } from '@jest/globals'
import { readFileSync, readdirSync } from 'node:fs'
import { needs } from '../../scripts/needs.ts'
import { sharedData } from '../../scripts/shared-data.ts'
import { loadRules } from '../engine/load/load.ts'
import { createRuleset } from '../engine/ruleset.ts'
import { createEvent, type LiveEvent } from '../events/event.ts'
import { fileName, hasTwoNames } from '../fields/subject.ts'
import { syscallSource } from '../rule-sources.ts'
import { startKernel } from '../sources/kernel.ts'
import { program, runC } from '../sources/observe.ts'
import { apply, isFollowed } from '../state/apply.ts'
import { createState } from '../state/state.ts'
import { Judge } from './judge.ts'

const kernelTest = needs('root', 'ebpf', 'compiler')
const { eventNames } = syscallSource
const ours = new URL('../../rules/', import.meta.url).pathname
const stock = sharedData('falco-rules')
const stockFiles = ['falco_rules.yaml', 'falco-incubating_rules.yaml', 'falco-sandbox_rules.yaml']

function load(directory: string, names: readonly string[]) {
  const files = names.map((name) => ({ name, text: readFileSync(directory + name, 'utf8') }))
  const { rules } = loadRules(files, { sources: [syscallSource] })
  const ruleset = createRuleset(rules, {
    matching: 'all',
    source: syscallSource,
    selection: [{ operation: 'enable', by: 'rule', pattern: '*' }],
    minPriority: 'Debug',
  })
  return { rules: ruleset.rules, ruleset }
}

/** A detector of its own: its hooks, its state, what matched and how much it had to look at. */
function watch({ rules, ruleset }: ReturnType<typeof load>, isFiltering: boolean) {
  const state = createState()
  const matches: string[] = []
  const judged = new Map<number, number>()
  let event: LiveEvent | undefined
  const source = startKernel({
    events: ['open', 'openat', 'openat2', 'creat', 'dup2', 'dup3', 'memfd_create', 'ptrace'],
    compat: 'never',
    isScanWanted: true,
    ringBytes: { file: 32 << 20, process: 16 << 20 },
    onLost: ({ count }) => {
      throw new Error(`${count} records lost`)
    },
    onEvent(view) {
      const current = (event ??= createEvent(view, state))
      current.view = view
      if (!apply(current)) return
      judged.set(view.pid, (judged.get(view.pid) ?? 0) + 1)
      const spoken = new Set<string>()
      const onMatch = ({ name }: { readonly name: string }) => spoken.add(name)
      ruleset.evaluate(current, onMatch)
      if (hasTwoNames(current)) {
        current.nameInUse = 'passed'
        ruleset.evaluate(current, onMatch)
        current.nameInUse = 'kernel'
      }
      const about = fileName(current) ?? ''
      for (const name of spoken)
        matches.push(`${view.pid} ${eventNames[view.eventId]} ${name} ${about}`)
    },
  })
  state.endScan()
  const judge = new Judge({
    eventNames,
    isKept: isFollowed,
    isFiltering,
    guardedPrograms: [],
    hostMounts: 0,
    ownPids: () => [],
  })
  judge.learn(state.processes.live())
  judge.setRules(rules)
  judge.bind(source.object)
  return {
    source,
    matchesOf: (pid: number) => matches.filter((one) => one.startsWith(`${pid} `)),
    judgedOf: (pid: number) => judged.get(pid) ?? 0,
  }
}

const act = program(`
  symlink("/etc/shadow", "link"); mkdir(".ssh", 0700); mkdir("a", 0700); symlink("/etc", "a/etc");
  const char *names[] = {"/etc/shadow", "link", "./link", "a/../link", "a/etc/shadow", "a/etc/../etc/shadow", "/etc//shadow",
    "../../../../etc/shadow", "/proc/self/environ", "/proc/1/environ", "/proc/self/root/etc/shadow", "/etc/passwd", "/etc/hostname",
    "/usr/lib/os-release", "/dev/null", "/", ".", "..", "", "/no/such", "/etc/ssh", "/root/.ssh", "/root/.bashrc", "/dev/shm", ".ssh/id_rsa",
    "/proc/self/mem", "/var/log/wtmp", "/etc/cron.d", "/etc/pam.d/login", "/host/x", 0};
  int flags[] = {O_RDONLY, O_RDWR, O_RDONLY | O_DIRECTORY, O_PATH, 3};
  for (int round = 0; round < 3; round++)
    for (int i = 0; names[i]; i++)
      for (int k = 0; k < 5; k++) {
        int f = open(names[i], flags[k]); if (f >= 0) close(f);
        f = syscall(SYS_open, names[i], flags[k]); if (f >= 0) close(f);
        struct open_how how = {.flags = flags[k] & ~3};
        f = syscall(SYS_openat2, AT_FDCWD, names[i], &how, sizeof how); if (f >= 0) close(f);
      }
  int d = open("/etc", O_DIRECTORY); openat(d, "shadow", O_RDONLY); openat(d, "../etc/shadow", O_RDONLY);
  open(".ssh/authorized_keys", O_CREAT | O_WRONLY | O_TRUNC, 0755); open(".bash_history", O_CREAT | O_RDWR | O_TRUNC, 0600);
  for (int i = 0; i < 2000; i++) close(open("/usr/lib/os-release", O_RDONLY));
  dup2(0, 9); memfd_create("x", 0)`)

function compare(loaded: ReturnType<typeof load>): void {
  const filtered = watch(loaded, true)
  const whole = watch(loaded, false)
  try {
    filtered.source.drain()
    const { pid } = runC(act)
    filtered.source.drain()
    whole.source.drain()
    expect(filtered.matchesOf(pid).length).toBeGreaterThan(10)
    expect(filtered.matchesOf(pid)).toEqual(whole.matchesOf(pid))
    expect(filtered.judgedOf(pid)).toBeLessThan(whole.judgedOf(pid) / 2)
  } finally {
    filtered.source.close()
    whole.source.close()
  }
}

kernelTest('with and without the filter our rules give the same alerts', () => {
  compare(
    load(
      ours,
      readdirSync(ours)
        .toSorted()
        .filter((name) => name.endsWith('.yaml')),
    ),
  )
})

needs(
  'root',
  'ebpf',
  'compiler',
  'shared',
)('with and without the filter all stock rules give the same alerts', () => {
  compare(load(`${stock}/`, stockFiles))
})
