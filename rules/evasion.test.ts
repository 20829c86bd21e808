import { expect } from '@jest/globals'
import { liveDetector, liveTest } from './live-detector.ts'

const act = liveDetector()
const container = 'c'.repeat(64)
const dpkg = { '/usr/bin/dpkg': '/usr/bin/tee' }

liveTest('Log files cleared: cut, removed or replaced', async () => {
  const files = { '/var/log/auth.log': 'x', '/var/log/syslog': 'x', '/var/log/wtmp': 'x' }
  const script = 'cd /var/log; : > auth.log; rm syslog; touch /var/log/x; mv x wtmp'
  expect(await act(script, { files })).toMatchObject([
    { rule: 'Log files cleared', 'fs.path.name': '/var/log/auth.log', 'proc.name': 'bash' },
    { rule: 'Log files cleared', 'fs.path.name': '/var/log/syslog', 'proc.name': 'rm' },
    { rule: 'Log files cleared', 'fs.path.target': '/var/log/wtmp', 'proc.name': 'mv' },
  ])
  const programs = { '/usr/sbin/logrotate': '/usr/bin/tee' }
  const near = 'cd /var/log; echo x >> auth.log; echo | logrotate syslog; touch y; rm y'
  expect(await act(near, { files, programs })).toEqual([])
})

liveTest('Shell history erased: cut, removed or linked to nothing', async () => {
  const files = { '/root/.bash_history': 'x' }
  const script = 'cd /root; : > .bash_history; rm .bash_history; ln -s /dev/null .bash_history'
  expect(await act(script, { files })).toMatchObject([
    { rule: 'Shell history erased', 'evt.type': expect.stringMatching(/^open/) },
    { rule: 'Shell history erased', 'evt.type': expect.stringMatching(/^unlink/) },
    { rule: 'Shell history erased', 'evt.type': expect.stringMatching(/^symlink/) },
  ])
  expect(await act('cd /root; echo ls >> .bash_history; cat .bash_history', { files })).toEqual([])
})

liveTest('Data destroyed in bulk', async () => {
  expect(await act('touch x; shred x')).toMatchObject([
    { rule: 'Data destroyed in bulk', 'proc.cmdline': 'shred x' },
  ])
  expect(await act('dd if=/dev/zero of=/dev/null count=1; rm -f x')).toEqual([])
})

liveTest('Security service stopped', async () => {
  const programs = {
    '/usr/bin/systemctl': '/bin/true',
    '/usr/bin/pkill': '/bin/true',
    '/usr/sbin/auditctl': '/bin/true',
  }
  expect(
    await act('systemctl stop auditd; pkill -9 falco; auditctl -e 0', { programs }),
  ).toMatchObject([
    { rule: 'Security service stopped', 'proc.name': 'systemctl' },
    { rule: 'Security service stopped', 'proc.name': 'pkill' },
    { rule: 'Security service stopped', 'proc.name': 'auditctl' },
  ])
  const near = 'systemctl status auditd; systemctl stop nginx; pkill x; auditctl -l'
  expect(await act(near, { programs })).toEqual([])
})

liveTest('Firewall rules removed', async () => {
  const programs = { '/usr/sbin/iptables': '/bin/true', '/usr/sbin/nft': '/bin/true' }
  expect(await act('iptables -F; nft flush ruleset', { programs })).toMatchObject([
    { rule: 'Firewall rules removed', 'proc.cmdline': 'iptables -F' },
    { rule: 'Firewall rules removed', 'proc.cmdline': 'nft flush ruleset' },
  ])
  expect(await act('iptables -L; nft list ruleset', { programs })).toEqual([])
})

liveTest('Another namespace entered', async () => {
  expect(await act('acts setns /proc/self/ns/uts')).toMatchObject([
    { rule: 'Another namespace entered', 'proc.name': 'acts' },
  ])
  const programs = { '/usr/bin/machinectl': 'acts' }
  expect(await act('machinectl setns /proc/self/ns/uts; unshare --uts true', { programs })).toEqual(
    [],
  )
})

liveTest('Namespace of the host entered from the command line', async () => {
  expect(
    await act('nsenter -t 1 -u x || nsenter --target=1 --uts x || nsenter -ut1 x || true'),
  ).toMatchObject([
    { rule: 'Namespace of the host entered from the command line', 'proc.name': 'nsenter' },
    { rule: 'Namespace of the host entered from the command line' },
    { rule: 'Namespace of the host entered from the command line' },
  ])
  expect(await act('nsenter -t $$ -u true')).toEqual([])
})

liveTest('User namespace made by an unprivileged program', async () => {
  expect(await act('acts user-namespace')).toMatchObject([
    {
      rule: 'User namespace made by an unprivileged program',
      'user.uid': 65_534,
      'evt.arg.flags': 'CLONE_NEWUSER',
    },
  ])
  const programs = { '/usr/bin/bwrap': 'acts' }
  expect(await act('bwrap user-namespace; unshare --user true', { programs })).toEqual([])
})

liveTest('Container escape by mount', async () => {
  const script = 'acts mount /dev/none1 /opt ext4; acts mount none /opt/none cgroup'
  expect(await act(script, { container })).toMatchObject([
    {
      rule: 'Container escape by mount',
      'evt.arg.dev': '/dev/none1',
      'container.id': 'c'.repeat(12),
      'proc.name': 'acts',
    },
    { rule: 'Container escape by mount', 'evt.arg.type': 'cgroup' },
  ])
  expect(await act('acts mount none /opt tmpfs', { container })).toEqual([])
  expect(await act(script)).toEqual([])
})

liveTest('Process hidden by a mount', async () => {
  expect(await act('mkdir /opt/none; mount --bind /opt/none /proc/$$')).toMatchObject([
    { rule: 'Process hidden by a mount', 'fs.path.target': expect.stringMatching(/^\/proc\/\d+$/) },
  ])
  expect(await act('mkdir /opt/none; mount --bind /opt/none /opt/acts')).toEqual([])
})

liveTest('Running program overwritten through proc', async () => {
  expect(await act('acts open /proc/self/exe 1; acts open /proc/$$/exe 2')).toMatchObject([
    { rule: 'Running program overwritten through proc', 'evt.res': 'ETXTBSY' },
    { rule: 'Running program overwritten through proc', 'proc.name': 'acts' },
  ])
  expect(await act('acts open /proc/self/exe 0; echo x > /proc/self/fd/1')).toEqual([])
})

liveTest("Container runtime's socket used", async () => {
  expect(await act('acts unix /run/docker.sock')).toMatchObject([
    { rule: "Container runtime's socket used", 'fd.name': expect.stringMatching(/docker\.sock$/) },
  ])
  const programs = { '/usr/local/bin/docker': 'acts', '/home/x/docker': 'acts' }
  expect(await act('docker unix /run/docker.sock; acts unix /run/x.sock', { programs })).toEqual([])
  expect(await act('/home/x/docker unix /run/docker.sock', { programs })).toMatchObject([
    { rule: "Container runtime's socket used", 'proc.name': 'docker' },
  ])
})

liveTest('Log configuration changed', async () => {
  expect(
    await act('mkdir -p /etc/audit; echo x > /etc/audit/audit.rules; echo x > /etc/rsyslog.conf'),
  ).toMatchObject([
    { rule: 'Log configuration changed', 'fs.path.name': '/etc/audit/audit.rules' },
    { rule: 'Log configuration changed', 'fs.path.name': '/etc/rsyslog.conf' },
  ])
  expect(
    await act('echo x | dpkg /etc/rsyslog.conf; cat /etc/rsyslog.conf', { programs: dpkg }),
  ).toEqual([])
})

liveTest("Riposte's own files touched", async () => {
  const place = 'mkdir -p /etc/riposte /var/lib/riposte; '
  expect(
    await act(`${place} echo x > /etc/riposte/x; echo riposte > /var/lib/riposte/x`),
  ).toMatchObject([
    { rule: "Riposte's own files touched", 'fd.name': '/etc/riposte/x' },
    { rule: "Riposte's own files touched", 'fd.name': '/var/lib/riposte/x' },
  ])
  expect(
    await act(`${place} echo x | dpkg /etc/riposte/x; cat /etc/riposte/x`, { programs: dpkg }),
  ).toEqual([])
})
