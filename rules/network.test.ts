import { expect } from '@jest/globals'
import { liveDetector, liveTest } from './live-detector.ts'

const act = liveDetector()

liveTest('Packet socket opened', async () => {
  expect(await act('acts packets')).toMatchObject([
    { rule: 'Packet socket opened', 'evt.arg.domain': 'AF_PACKET', 'proc.name': 'acts' },
  ])
  const programs = { '/usr/bin/tcpdump': '/bin/true', '/usr/sbin/arping': 'acts' }
  expect(await act('arping packets; acts connect 127.0.0.1 9', { programs })).toEqual([])
})

liveTest('Network tool started', async () => {
  const programs = { '/usr/bin/nmap': '/bin/true' }
  expect(await act('nmap -sS 127.0.0.1', { programs })).toMatchObject([
    { rule: 'Network tool started', 'proc.cmdline': 'nmap -sS 127.0.0.1' },
  ])
  expect(await act('ls /usr/bin/nmap; ip address show', { programs })).toEqual([])
})

liveTest('Tunnel started', async () => {
  const programs = { '/usr/bin/ssh': '/bin/true', '/opt/x/chisel': '/bin/true' }
  expect(
    await act('ssh -N -R 8080:localhost:80 host; /opt/x/chisel client x', { programs }),
  ).toMatchObject([
    { rule: 'Tunnel started', 'proc.name': 'ssh' },
    { rule: 'Tunnel started', 'proc.name': 'chisel' },
  ])
  expect(await act('ssh -L 1:h:1 host; ssh host grep -r x', { programs })).toEqual([])
})

liveTest('Port opened by a shell or interpreter one-liner', async () => {
  const programs = { '/usr/bin/ncat': 'acts', '/usr/bin/bash5': 'acts', '/usr/sbin/nginx': 'acts' }
  const [started, opened, ...more] = await act('ncat listen', { programs })
  expect(started).toMatchObject({ rule: 'Network tool started' })
  expect(opened).toMatchObject({
    rule: 'Port opened by a shell or interpreter one-liner',
    'proc.name': 'ncat',
    'fd.name': expect.stringContaining('0.0.0.0:'),
  })
  expect(more).toEqual([])
  expect(await act('nginx listen', { programs })).toEqual([])
})

liveTest("Connection to a mining pool's port", async () => {
  const network = 'ip address add 203.0.113.7/32 dev lo; '
  expect(await act(`${network} acts connect 203.0.113.7 14444`)).toMatchObject([
    { rule: "Connection to a mining pool's port", 'fd.name': expect.stringContaining(':14444') },
  ])
  const near = 'acts connect 203.0.113.7 443; acts connect 127.0.0.1 14444'
  expect(await act(network + near)).toEqual([])
})

liveTest('Asynchronous input and output set up by a shell or interpreter', async () => {
  const programs = { '/usr/bin/perl5.36': 'acts' }
  expect(await act('perl5.36 uring', { programs })).toMatchObject([
    {
      rule: 'Asynchronous input and output set up by a shell or interpreter',
      'proc.name': 'perl5.36',
    },
  ])
  expect(await act('acts uring')).toEqual([])
})
