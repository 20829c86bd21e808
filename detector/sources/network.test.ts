import { expect } from '@jest/globals'
import { needs } from '../../scripts/needs.ts'
import { callsOf } from './observe.ts'

const kernelTest = needs('root', 'ebpf', 'compiler')

const loopback = `struct sockaddr_in a = {AF_INET, 0, {htonl(INADDR_LOOPBACK)}}; socklen_t l = sizeof a;`

kernelTest('a TCP connection is told from both its ends, by the kernel’s own socket', () => {
  const { calls } = callsOf(
    ['socket', 'bind', 'listen', 'connect', 'accept4', 'accept'],
    `${loopback} int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
     bind(s, &a, sizeof a); listen(s, 5); getsockname(s, &a, &l);
     int c = socket(AF_INET, SOCK_STREAM, 0); connect(c, &a, l); accept4(s, 0, 0, SOCK_CLOEXEC);
     int d = socket(AF_INET, SOCK_STREAM, 0); connect(d, &a, l); accept(s, 0, 0)`,
  )
  const [socket, bind, listen, , connect, accept4, , , accept] = calls
  expect(socket).toMatchObject({ name: 'socket', domain: 2, type: 1, proto: 0, flags: 0o2000000 })
  expect(bind).toMatchObject({
    res: 0,
    addr: { family: 'ipv4', localIp: '127.0.0.1', localPort: 0 },
  })
  const { tuple } = listen as unknown as { tuple: { localPort: number } }
  expect(listen).toMatchObject({ res: 0, backlog: 5, tuple: { localIp: '127.0.0.1' } })
  expect(connect).toMatchObject({
    res: 0,
    addr: { remoteIp: '127.0.0.1', remotePort: tuple.localPort },
    tuple: {
      family: 'ipv4',
      protocol: 'tcp',
      role: 'client',
      localIp: '127.0.0.1',
      remotePort: tuple.localPort,
    },
  })
  const server = {
    protocol: 'tcp',
    role: 'server',
    localPort: tuple.localPort,
    remoteIp: '127.0.0.1',
  }
  expect(accept4).toMatchObject({ tuple: server, queuemax: 5, queuelen: 0, flags: 0o2000000 })
  expect(accept).toMatchObject({ tuple: server, queuepct: 0 })
})

kernelTest('a connection that fails still names where it was to go', () => {
  const { calls } = callsOf(
    ['connect'],
    `struct sockaddr_in6 a = {AF_INET6, htons(1)}; inet_pton(AF_INET6, "::1", &a.sin6_addr);
     connect(socket(AF_INET6, SOCK_STREAM, 0), &a, sizeof a);
     struct sockaddr_un u = {AF_UNIX, "/no/such.sock"}; connect(socket(AF_UNIX, SOCK_STREAM, 0), &u, sizeof u);
     connect(0, &u, sizeof u)`,
  )
  expect(calls[0]).toMatchObject({
    res: -111,
    tuple: { family: 'ipv6', protocol: 'tcp', role: 'client', remoteIp: '::1', remotePort: 1 },
  })
  expect(calls[1]).toMatchObject({ res: -2, tuple: { family: 'unix', path: '/no/such.sock' } })
  expect(calls[2]).toMatchObject({ res: -88, addr: { path: '/no/such.sock' } })
})

kernelTest('datagrams name where they go and where they come from', () => {
  const { calls } = callsOf(
    ['sendto', 'sendmsg', 'recvfrom', 'recvmsg'],
    `${loopback} int s = socket(AF_INET, SOCK_DGRAM, 0); bind(s, &a, sizeof a); getsockname(s, &a, &l);
     int c = socket(AF_INET, SOCK_DGRAM, 0); sendto(c, "hello", 5, 0, &a, sizeof a);
     char b[500]; struct sockaddr_in from; socklen_t n = sizeof from; recvfrom(s, b, sizeof b, 0, &from, &n);
     memset(b, 'x', 300); struct iovec v = {b, 300}; struct msghdr m = {&a, sizeof a, &v, 1};
     sendmsg(c, &m, 0); struct msghdr r = {&from, sizeof from, &v, 1}; recvmsg(s, &r, 0);
     connect(c, &a, l); send(c, "tied", 4, 0)`,
  )
  const [sendto, recvfrom, sendmsg, recvmsg, send] = calls as unknown as Record<string, unknown>[]
  const remote = { family: 'ipv4', protocol: 'udp', remoteIp: '127.0.0.1' }
  expect(sendto).toMatchObject({ res: 5, size: 5, tuple: remote })
  expect(Buffer.from(sendto?.['data'] as Uint8Array).toString()).toBe('hello')
  expect(recvfrom).toMatchObject({ res: 5, size: 500, tuple: remote })
  expect(sendmsg).toMatchObject({ res: 300, size: 300, tuple: remote })
  expect(sendmsg?.['data']).toHaveLength(128)
  expect(recvmsg).toMatchObject({ res: 300, tuple: remote })
  expect(send).toMatchObject({
    res: 4,
    tuple: { ...remote, remotePort: expect.any(Number) },
  })
})

kernelTest('a unix socket has its path, also an abstract one, and a duplicate keeps it', () => {
  const { calls, directory } = callsOf(
    ['bind', 'dup', 'dup2', 'dup3'],
    `struct sockaddr_un u = {AF_UNIX, "s"}; int s = socket(AF_UNIX, SOCK_STREAM, 0); bind(s, &u, sizeof u);
     struct sockaddr_un h = {AF_UNIX, "\\0hidden"}; bind(socket(AF_UNIX, SOCK_DGRAM, 0), &h, 9);
     dup(s); dup2(s, 50); int f = open("/etc/hostname", 0); dup3(f, 51, O_CLOEXEC)`,
  )
  expect(calls[0]).toMatchObject({
    res: 0,
    addr: { family: 'unix', path: 's' },
    tuple: { path: 's' },
  })
  expect(calls[1]).toMatchObject({ addr: { path: '@hidden' }, tuple: { path: '@hidden' } })
  expect(calls[2]).toMatchObject({
    name: 'dup',
    tuple: { path: 's' },
    inode_mode: 0o140777,
  })
  expect(calls[3]).toMatchObject({ name: 'dup2', res: 50, newfd: 50, tuple: { path: 's' } })
  expect(calls[4]).toMatchObject({
    res: 51,
    flags: 0o2000000,
    path: '/etc/hostname',
    tuple: undefined,
  })
  expect(directory).not.toBe('')
})
