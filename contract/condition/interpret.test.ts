import { expect, test } from '@jest/globals'
import { checkCondition } from './check.ts'
import { interpret } from './interpret.ts'
import { parseCondition } from './parser.ts'
import {
  type Arity,
  fieldText,
  type FieldTable,
  type FieldType,
  type FieldValue,
} from './values.ts'

type Subject = Readonly<Record<string, FieldValue>>

const types: Readonly<Record<string, readonly [FieldType, Arity?]>> = {
  'proc.name': ['string'],
  'proc.pname': ['string'],
  'proc.aname': ['string', 'any'],
  'proc.cmdargs': ['string', 'list'],
  'fd.name': ['path'],
  'fd.num': ['fd'],
  'evt.num': ['uint'],
  'evt.time': ['abstime'],
  'evt.failed': ['bool'],
  'evt.buffer': ['bytes'],
  'fd.ip': ['ip', 'endpoints'],
  'fd.sip': ['ip'],
  'fd.net': ['net', 'endpoints'],
  'fd.snet': ['net'],
  'fd.sport': ['port'],
  'fd.port': ['port', 'endpoints'],
}

const table: FieldTable<Subject> = {
  fields: [],
  find(name, argument) {
    const known = types[name]
    if (known === undefined) return { problem: '' }
    const [type, values = 'one'] = known
    const isPlain = values === 'any' || values === 'endpoints'
    const read = (subject: Subject) => subject[name]
    const field = {
      name, type, help: '', values, argument: 'optional' as const, isFilterOnly: false, isPlain,
      isDeprecated: false, source: 'any' as const, bind: () => read,
    } // prettier-ignore
    return { field, text: fieldText(name, argument), argument, read }
  },
}

function judge(text: string, subject: Subject): boolean | string {
  const parsed = parseCondition(text)
  if ('problem' in parsed) return parsed.problem.message
  const { condition, problems } = checkCondition(parsed.node, table)
  return condition === undefined
    ? problems.map(({ message }) => message).join('\n')
    : interpret(condition, subject)
}

const subject: Subject = {
  'proc.name': 'bash',
  'proc.aname': ['sh', 'sshd'],
  'proc.cmdargs': ['-c', '-nfoo', 'bar'],
  'fd.name': '/etc/ssh/sshd_config',
  'fd.num': -2,
  'evt.num': 5,
  'evt.time': 1_700_000_000_000_000_001n,
  'evt.failed': true,
  'evt.buffer': new Uint8Array([1, 2, 0xca, 0xfe]),
  'fd.ip': ['10.1.2.3', '192.168.0.1'],
  'fd.sip': '10.1.2.3',
  'fd.net': ['10.1.2.3', '2001:db8::7'],
  'fd.snet': '10.1.2.3',
  'fd.sport': 443,
  'fd.port': [443, 50_000],
}

const holding = [
  'proc.name = bash', 'proc.name != zsh', 'proc.name in (zsh, bash)', 'proc.name intersects (zsh, bash)',
  'proc.name contains as', 'proc.name icontains "AS"', 'proc.name startswith ba', 'proc.name endswith sh',
  'proc.name glob "b?[a-s]h"', 'proc.name iglob "B*H"', 'fd.name glob "/etc/*"', 'proc.name regex "b.*h"',
  'proc.name regex "[[:alpha:]]+"', 'not proc.name regex as', 'not proc.name = BASH', 'proc.name > 10',
  'proc.name exists', 'not proc.pname exists', 'not proc.pname = bash', 'not proc.pname != bash',
  'not proc.name = val(proc.pname)', 'not proc.name != val(proc.pname)', 'not proc.pname in (a)',
  'proc.aname = sshd', 'proc.aname != sshd', 'not proc.aname = cron', 'proc.aname in (cron, sh)',
  'proc.cmdargs in (-c, -nfoo, bar, baz)', 'not proc.cmdargs in (-c)', 'proc.cmdargs intersects (-c)',
  'len(proc.cmdargs) = 3', 'len(proc.name) = 4', 'join(" ", proc.cmdargs) = "-c -nfoo bar"',
  'join("-", (proc.name, "x", fd.name)) startswith "bash-x-/etc"',
  'concat(proc.name, "-", toupper(proc.name)) = bash-BASH',
  'getopt(proc.cmdargs, "cn:")[n] = foo', 'getopt(proc.cmdargs, "cn:")[c] = c', 'not getopt(proc.cmdargs, "cx")[x] exists',
  'getopt(proc.cmdargs, "c") intersects ("?")', 'basename(fd.name) = sshd_config', 'tolower(proc.cmdargs) intersects (bar)',
  'b64(proc.name) exists', 'not b64(fd.name) exists', 'proc.name = val(proc.name)', 'proc.name in val(proc.name)',
  'fd.name contains tolower(toupper(basename(fd.name)))',
  'fd.name pmatch (/etc)', 'fd.name pmatch (/etc/ssh/sshd_config)', 'fd.name pmatch (/etc//ssh/)', 'fd.name pmatch (/*/ssh)',
  'not fd.name pmatch (/et)', 'not fd.name pmatch (/)', 'not fd.name pmatch (/etc/ssh/sshd_config/x)',
  'fd.num = -2', 'fd.num < 0', 'fd.num >= -2', 'fd.num in (-2, 3)', 'evt.num > 4', 'evt.num <= 5',
  'evt.time = 1700000000000000001', 'not evt.time = 1700000000000000000', 'evt.time > 0',
  'evt.failed = true', 'evt.failed != false', 'not evt.failed in (false)',
  'evt.buffer bcontains cafe', 'evt.buffer bstartswith 0102', 'not evt.buffer bcontains feca', 'evt.buffer contains "\\x01\\x02"',
  'fd.ip = 10.1.2.3', 'fd.ip = 192.168.0.1', 'not fd.ip = 10.0.0.1', 'fd.ip != 10.0.0.1', 'not fd.ip != 10.1.2.3',
  'fd.ip in (1.1.1.1, 10.1.2.3)', 'fd.sip = "::ffff:10.1.2.3"', 'fd.sip != "2001:db8::1"', 'not fd.sip = "::1"',
  'fd.net = 10.0.0.0/8', 'fd.net = "2001:db8::/32"', 'fd.net in (172.16.0.0/12, 10.0.0.0/8)', 'not fd.net != 10.0.0.0/8',
  'fd.net != 172.16.0.0/12', 'fd.snet in (172.16.0.0/12, 10.0.0.0/8)', 'fd.snet != "::/0"', 'fd.snet = 0.0.0.0/0',
  'fd.sport = https', 'fd.sport in (ssh, https)', 'fd.port = 50000', 'fd.port >= 49152', 'fd.port != 22', 'not fd.port != 443',
  'proc.name startswith oneof (ba, zs)', 'not proc.name startswith oneof (ba, b)', 'proc.name contains allof (a, s)',
  'not proc.name contains allof (a, z)', 'proc.name endswith anyof (x, h)', 'proc.name = anyof (zsh, bash)',
  'not proc.name in ()',
] // prettier-ignore

test.each(holding)('%s', (text) => {
  expect(judge(text, subject)).toBe(true)
})

const refused: readonly (readonly [string, string])[] = [
  ['proc.nme = a', 'filter_check called with nonexistent field proc.nme'],
  ['fd.num = 0x10', "'0x10' is not a decimal number"],
  ['fd.num contains 1', "'contains' operator not supported for type 'fd'"],
  ['fd.num = anyof (1, 2)', 'with modifier not supported'],
  ['evt.failed = yes', 'unrecognized boolean'],
  ['evt.failed > 1', "'>' operator not supported for type 'bool'"],
  ['proc.cmdargs = a', 'not supported for list'],
  ['fd.net = 10.0.0.1', 'unrecognized IP network'],
  ['fd.sip = 10.0.0.0/8', 'unrecognized IP address'],
  ['fd.sip = 10.0.0.256', 'unrecognized IP address'],
  ['fd.ip > 1', "'>' operator not supported"],
  ['fd.sport = nosuch', 'unrecognized port'],
  ['fd.sport = 65536', 'unrecognized port'],
  ['evt.buffer bcontains xyz', 'hex strings only'],
  ['proc.name bcontains 00', "'bcontains' operator not supported for type 'string'"],
  ['proc.name regex "("', 'invalid regular expression'],
  ['proc.name regex "\\\\d+"', 'not POSIX'],
  ['proc.name regex "(?i)a"', 'not POSIX'],
  ['proc.name = val(proc.aname)', 'cannot stand on the right side'],
  ['tolower(proc.aname) = a', 'no transformer can be applied to proc.aname'],
  ['proc.name = val(fd.num)', 'differ in type'],
  ['fd.name pmatch val(proc.name)', 'cannot compare with a field'],
  ['tolower(fd.num) = a', 'cannot be applied to a field of type fd'],
  ['concat(proc.name) = a', 'at least 2'],
  ['proc.nme = a and not fd.nme exists', 'proc.nme\nfilter_check called with nonexistent field fd.nme'],
] // prettier-ignore

test.each(refused)('%s is refused: %s', (text, message) => {
  expect(judge(text, subject)).toContain(message)
})

test('b64 decodes with and without padding and keeps bytes that are no text', () => {
  expect(judge('b64(proc.name) = hello', { 'proc.name': 'aGVsbG8=' })).toBe(true)
  expect(judge('b64(proc.name) = hello', { 'proc.name': 'aGVsbG8' })).toBe(true)
  expect(judge('b64(proc.name) = "\\xff\\xfe"', { 'proc.name': '//4' })).toBe(true)
  expect(judge('len(proc.name) = 3', { 'proc.name': '\udcffé' })).toBe(true)
})
