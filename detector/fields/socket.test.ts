import { expect, test } from '@jest/globals'
import type { RecordSource } from '../events/encode.ts'
import type { SocketTuple } from '../events/view.ts'
import { eventFrom, testState, valueOf } from './testing.ts'

const tcp: SocketTuple = {
  family: 'ipv4',
  protocol: 'tcp',
  role: 'client',
  localIp: '10.0.0.1',
  localPort: 4711,
  remoteIp: '93.184.216.34',
  remotePort: 443,
  path: '',
}
const connect = (tuple: SocketTuple, res = 0): RecordSource => ({
  event: 'connect',
  pid: 10,
  parameters: { res, tuple, fd: 5, addr: tuple },
})
const send = (remoteIp: string): RecordSource => ({
  event: 'sendto',
  pid: 10,
  parameters: {
    res: 3,
    data: Uint8Array.of(0x61, 0x00, 0x62),
    fd: 6,
    size: 3,
    tuple: { ...tcp, protocol: 'udp', role: 'unknown', remoteIp },
  },
})
const event = eventFrom(testState(), connect(tcp))

test.each([
  ['fd.name', '10.0.0.1:4711->93.184.216.34:443'],
  ['fd.type', 'ipv4'],
  ['fd.typechar', '4'],
  ['fd.num', 5],
  ['fd.sockfamily', 'ip'],
  ['fd.l4proto', 'tcp'],
  ['fd.is_server', false],
  ['fd.connected', true],
  ['fd.name_changed', true],
  ['fd.ip', ['10.0.0.1', '93.184.216.34']],
  ['fd.port', [4711, 443]],
  ['fd.proto', [4711, 443]],
  ['fd.net', ['10.0.0.1', '93.184.216.34']],
  ['fd.cip', '10.0.0.1'],
  ['fd.sip', '93.184.216.34'],
  ['fd.lip', '10.0.0.1'],
  ['fd.rip', '93.184.216.34'],
  ['fd.cport', 4711],
  ['fd.sport', 443],
  ['fd.lport', 4711],
  ['fd.rport', 443],
  ['fd.cproto', '4711'],
  ['fd.sproto', '443'],
  ['fd.lproto', '4711'],
  ['fd.rproto', '443'],
  ['fd.cnet', '10.0.0.1'],
  ['fd.snet', '93.184.216.34'],
  ['fd.lnet', '10.0.0.1'],
  ['fd.rnet', '93.184.216.34'],
  ['fd.cip.name', '10.0.0.1'],
  ['fd.sip.name', '93.184.216.34'],
  ['fd.lip.name', '10.0.0.1'],
  ['fd.rip.name', '93.184.216.34'],
  ['fd.directory', undefined],
  ['fd.filename', undefined],
  [
    'evt.args',
    'res=0 tuple=10.0.0.1:4711->93.184.216.34:443 fd=5(<4t>10.0.0.1:4711->93.184.216.34:443) ' +
      'addr=93.184.216.34:443',
  ],
])('%s of a connection is %j', (field, expected) => {
  expect(valueOf(event, field)).toEqual(expected)
})

test('of an accepted connection the process is the server', () => {
  const accepted = eventFrom(testState(), {
    event: 'accept4',
    pid: 10,
    parameters: {
      fd: 9,
      tuple: { ...tcp, family: 'ipv6', role: 'server', localIp: '::1', remoteIp: 'fe80::2' },
    },
  })
  expect(valueOf(accepted, 'fd.name')).toBe('fe80::2:443->::1:4711')
  expect(valueOf(accepted, 'fd.sip')).toBe('::1')
  expect(valueOf(accepted, 'fd.cip')).toBe('fe80::2')
  expect(valueOf(accepted, 'fd.rip')).toBe('fe80::2')
  expect(valueOf(accepted, 'fd.is_server')).toBe(true)
  expect(valueOf(accepted, 'fd.typechar')).toBe('6')
  expect(valueOf(accepted, 'evt.rawres')).toBe(9)
})

test('a socket that listens has one end, and it is the server', () => {
  const listening = eventFrom(testState(), {
    event: 'listen',
    pid: 10,
    parameters: {
      res: 0,
      fd: 4,
      backlog: 128,
      tuple: { ...tcp, role: 'server', localIp: '', localPort: 22, remoteIp: '', remotePort: 0 },
    },
  })
  expect(valueOf(listening, 'fd.name')).toBe('0.0.0.0:22')
  expect(valueOf(listening, 'fd.ip')).toEqual(['0.0.0.0'])
  expect(valueOf(listening, 'fd.sport')).toBe(22)
  expect(valueOf(listening, 'fd.cip')).toBeUndefined()
  expect(valueOf(listening, 'fd.lip')).toBeUndefined()
  expect(valueOf(listening, 'fd.connected')).toBe(false)
  expect(valueOf(listening, 'evt.args')).toBe('res=0 fd=4(<4t>0.0.0.0:22) backlog=128')
})

test('an IPv4-mapped address is IPv4', () => {
  const mapped = eventFrom(
    testState(),
    connect({ ...tcp, family: 'ipv6', localIp: '::ffff:10.0.0.1', remoteIp: '::ffff:10.0.0.2' }),
  )
  expect(valueOf(mapped, 'fd.sip')).toBe('10.0.0.2')
})

test('unix sockets go by their path, abstract ones with an @', () => {
  const unix = { ...tcp, family: 'unix', protocol: 'unknown', localIp: '', remoteIp: '' } as const
  const named = eventFrom(testState(), connect({ ...unix, path: '/run/docker.sock' }))
  const abstract = eventFrom(testState(), connect({ ...unix, path: '@dbus' }))
  expect(valueOf(named, 'fd.name')).toBe('/run/docker.sock')
  expect(valueOf(named, 'fd.type')).toBe('unix')
  expect(valueOf(named, 'fd.sockfamily')).toBe('unix')
  expect(valueOf(named, 'fd.ip')).toBeUndefined()
  expect(valueOf(abstract, 'fd.name')).toBe('@dbus')
})

test('a connect that was refused is no connection', () => {
  const refused = eventFrom(testState(), connect(tcp, -111))
  expect(valueOf(refused, 'fd.connected')).toBe(false)
  expect(valueOf(refused, 'evt.res')).toBe('ECONNREFUSED')
})

test('datagrams: who speaks first is the client, and only a new peer changes the name', () => {
  const state = testState()
  const first = eventFrom(state, send('10.0.0.9'))
  expect(valueOf(first, 'fd.sip')).toBe('10.0.0.9')
  expect(valueOf(first, 'fd.connected')).toBe(false)
  expect(valueOf(first, 'fd.l4proto')).toBe('udp')
  expect(valueOf(first, 'fd.name_changed')).toBe(true)
  expect(valueOf(eventFrom(state, send('10.0.0.9')), 'fd.name_changed')).toBe(false)
  expect(valueOf(eventFrom(state, send('10.0.0.8')), 'fd.name_changed')).toBe(true)
  expect(valueOf(first, 'evt.buffer')).toEqual(Uint8Array.of(0x61, 0x00, 0x62))
  expect(valueOf(first, 'evt.arg.data')).toBe('a.b')
  expect(valueOf(first, 'evt.buflen')).toBe(3)
  expect(valueOf(first, 'evt.is_io_write')).toBe(true)
  expect(valueOf(first, 'evt.io_dir')).toBe('write')
})

test.each([
  [1, 'unix', 'AF_LOCAL|AF_UNIX', '<NA>'],
  [2, 'ipv4', 'AF_INET', 'udp'],
  [16, 'netlink', 'AF_ROUTE|AF_NETLINK', '<NA>'],
  [17, undefined, 'AF_PACKET', undefined],
])('socket(2) of domain %s is a descriptor of type %s', (domain, type, name, protocol) => {
  const made = eventFrom(testState(), {
    event: 'socket',
    pid: 10,
    parameters: { fd: 3, domain, type: 2, proto: 0 },
  })
  expect(valueOf(made, 'fd.type')).toBe(type)
  expect(valueOf(made, 'evt.arg.domain')).toBe(name)
  expect(valueOf(made, 'fd.l4proto')).toBe(protocol)
})
