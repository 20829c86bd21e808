import { expect } from '@jest/globals'
import { liveDetector, liveTest } from './live-detector.ts'

const act = liveDetector()

liveTest('Reverse shell: a standard stream becomes a connection', async () => {
  expect(await act('acts dup 0; acts dup 2')).toMatchObject([
    { rule: 'Reverse shell', 'evt.rawres': 0, 'fd.name': expect.stringContaining('127.0.0.1:9') },
    { rule: 'Reverse shell', 'evt.rawres': 2, 'proc.name': 'acts' },
  ])
  const bash = 'bash -c "exec 3<>/dev/udp/127.0.0.1/9; exec 0<&3 1>&3"'
  expect(await act(bash)).toMatchObject([
    { rule: 'Reverse shell', 'proc.name': 'bash' },
    { rule: 'Reverse shell', 'proc.name': 'bash' },
  ])
  const programs = { '/usr/sbin/xinetd': 'acts', '/home/x/xinetd': 'acts' }
  expect(await act('acts dup 9; acts dup-unix 0; xinetd dup 0', { programs })).toEqual([])
  expect(await act('/home/x/xinetd dup 0', { programs })).toMatchObject([{ rule: 'Reverse shell' }])
})

liveTest('Shell spawned by a server', async () => {
  const programs = { '/usr/sbin/nginx': 'acts' }
  expect(await act('nginx run sh -c true', { programs })).toMatchObject([
    { rule: 'Shell spawned by a server', 'proc.cmdline': 'sh -c true', 'proc.pname': 'nginx' },
  ])
  expect(
    await act('nginx run true; acts run sh -c true; nginx run sh -c "locale -a"', { programs }),
  ).toEqual([])
})

liveTest('Drop and execute', async () => {
  expect(await act('cp /bin/true dropped; ./dropped')).toMatchObject([
    {
      rule: 'Drop and execute',
      'proc.name': 'dropped',
      'proc.exepath': expect.stringMatching(/\/dropped$/),
    },
  ])
  const programs = { '/home/x/dropped': '/bin/true', '/usr/bin/make': 'acts' }
  expect(await act('/home/x/dropped; cp /bin/true built; make run ./built', { programs })).toEqual(
    [],
  )
})

liveTest('Fileless execution via memfd_create', async () => {
  expect(await act('acts memfd /bin/true')).toMatchObject([
    {
      rule: 'Fileless execution via memfd_create',
      'proc.exepath': expect.stringContaining('memfd:'),
    },
  ])
  const programs = { '/usr/bin/runc': 'acts' }
  expect(await act('/usr/bin/runc run acts memfd /bin/true; acts run true', { programs })).toEqual(
    [],
  )
})

liveTest('Program started from a descriptor: its file is gone', async () => {
  const home = 'mkdir -p /home/x; cd /home/x; '
  expect(await act(`${home} acts deleted /bin/true`)).toMatchObject([
    {
      rule: 'Program started from a descriptor',
      'proc.exepath': '/home/x/gone',
    },
  ])
  expect(await act(`${home} cp /bin/true x; ./x; rm x`)).toEqual([])
})

liveTest('Program started through the dynamic loader', async () => {
  const loader = '$(ls /lib*/ld-linux*.so.* | head -n 1)'
  expect(await act(`${loader} /bin/true`)).toMatchObject([
    {
      rule: 'Program started through the dynamic loader',
      'proc.cmdline': expect.stringMatching(/^ld-linux\S* \/bin\/true$/),
    },
  ])
  expect(await act(`${loader} --verify /bin/true; ldd /bin/true; true`)).toEqual([])
})

liveTest('Library preloaded from a temporary directory', async () => {
  expect(
    await act('LD_PRELOAD=/tmp/none.so true; LD_PRELOAD=/tmp/none.so /bin/true 2> /dev/null'),
  ).toMatchObject([
    {
      rule: 'Library preloaded from a temporary directory',
      'proc.env[LD_PRELOAD]': '/tmp/none.so',
    },
  ])
  expect(await act('LD_PRELOAD=/usr/lib/none.so /bin/true 2> /dev/null')).toEqual([])
})

liveTest('Crypto miner started', async () => {
  const programs = { '/opt/x/xmrig': '/bin/true', '/opt/x/harmless': '/bin/true' }
  expect(
    await act('/opt/x/xmrig; /opt/x/harmless -o stratum+tcp://pool:3333', { programs }),
  ).toMatchObject([
    { rule: 'Crypto miner started', 'proc.name': 'xmrig' },
    { rule: 'Crypto miner started', 'proc.name': 'harmless' },
  ])
  expect(await act('/opt/x/harmless --help', { programs })).toEqual([])
})

liveTest('Encoded command executed', async () => {
  expect(await act('bash -c "echo dHJ1ZQ== | base64 -d | cat"; true')).toMatchObject([
    { rule: 'Encoded command executed', 'proc.name': 'bash' },
  ])
  expect(await act('echo dHJ1ZQ== | base64 -d; bash -c "echo x | base64"')).toMatchObject([])
})

liveTest('Download piped into a shell', async () => {
  expect(await act('sh -c "curl -s file:///dev/null | sh"')).toMatchObject([
    { rule: 'Download piped into a shell', 'proc.name': 'sh' },
  ])
  expect(await act('sh -c "curl -s file:///dev/null > x"')).toEqual([])
})

liveTest('Interpreter opens a connection from its command line', async () => {
  const programs = { '/usr/local/bin/python3': '/bin/true' }
  const shell = `python3 -c 'import socket,os;s=socket.socket();os.dup2(s.fileno(),0)'`
  expect(await act(shell, { programs })).toMatchObject([
    { rule: 'Interpreter opens a connection from its command line', 'proc.name': 'python3' },
  ])
  expect(
    await act(`python3 -c 'import socket; print(socket.gethostname())'`, { programs }),
  ).toEqual([])
})

liveTest('Process traced or injected', async () => {
  expect(await act('acts trace')).toMatchObject([
    { rule: 'Process traced or injected', 'evt.arg.request': 'PTRACE_ATTACH', 'proc.name': 'acts' },
  ])
  const programs = { '/usr/bin/gdb': 'acts' }
  expect(await act('acts traceme; gdb trace', { programs })).toEqual([])
})

liveTest('Setuid or setgid bit set', async () => {
  expect(await act('touch x; chmod 4755 x; chmod g+s x')).toMatchObject([
    { rule: 'Setuid or setgid bit set', 'fs.path.name': expect.stringMatching(/\/x$/) },
    { rule: 'Setuid or setgid bit set', 'evt.arg.mode': expect.stringContaining('S_ISGID') },
  ])
  const programs = { '/usr/bin/dpkg': '/bin/chmod' }
  expect(await act('touch x; chmod 0755 x; dpkg 4755 x', { programs })).toEqual([])
})

liveTest('File capability granted', async () => {
  const programs = { '/usr/sbin/setcap': '/bin/true', '/usr/sbin/getcap': '/bin/true' }
  expect(await act('setcap cap_setuid+ep /opt/acts/acts', { programs })).toMatchObject([
    { rule: 'File capability granted', 'proc.name': 'setcap' },
  ])
  expect(await act('getcap /opt/acts/acts; setcap -r /opt/acts/acts', { programs })).toEqual([])
})

liveTest('Page faults handled by an unprivileged program', async () => {
  expect(await act('acts userfaultfd')).toMatchObject([
    { rule: 'Page faults handled by an unprivileged program', 'user.uid': 65_534 },
  ])
  expect(await act('acts userfaultfd-root')).toEqual([])
})

liveTest('Program that is not of the image started', async () => {
  const container = 'e'.repeat(64)
  const brought = 'cp /bin/true /opt/brought; /opt/brought'
  expect(await act(brought, { container })).toMatchObject([
    {
      rule: 'Program that is not of the image started',
      'proc.exepath': '/opt/brought',
    },
  ])
  expect(await act('true', { container })).toEqual([])
  expect(await act(brought)).toEqual([])
})
