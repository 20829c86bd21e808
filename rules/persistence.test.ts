import { expect } from '@jest/globals'
import { liveDetector, liveTest } from './live-detector.ts'

const act = liveDetector()
const dpkg = { '/usr/bin/dpkg': '/usr/bin/tee' }

liveTest('Shared library preload changed: written or put in place', async () => {
  const script =
    'echo x >> /etc/ld.so.preload; touch /etc/x; mv /etc/x /etc/ld.so.preload; rm /etc/ld.so.preload'
  expect(await act(`cd /etc; ${script}; true`)).toMatchObject([
    { rule: 'Shared library preload changed', 'fs.path.name': '/etc/ld.so.preload' },
    { rule: 'Shared library preload changed', 'fs.path.target': '/etc/ld.so.preload' },
  ])
  expect(await act('test -e /etc/ld.so.preload || echo x > /etc/ld.so.other')).toEqual([])
})

liveTest('Library search path changed', async () => {
  expect(await act('echo /tmp > /etc/ld.so.conf.d/x.conf')).toMatchObject([
    { rule: 'Library search path changed', 'fs.path.name': '/etc/ld.so.conf.d/x.conf' },
  ])
  const near = 'echo x | dpkg /etc/ld.so.conf.d/y.conf; cat /etc/ld.so.conf.d/*'
  expect(await act(near, { programs: dpkg })).toEqual([])
})

liveTest('Scheduled task written: written, moved or linked', async () => {
  const script =
    'echo x > /etc/cron.d/x; mv /etc/cron.d/x /etc/cron.d/y; ln -s /tmp/x /etc/cron.hourly/x'
  expect(await act(`mkdir -p /etc/cron.d /etc/cron.hourly; ${script}`)).toMatchObject([
    { rule: 'Scheduled task written', 'fs.path.name': '/etc/cron.d/x', 'proc.name': 'bash' },
    { rule: 'Scheduled task written', 'fs.path.target': '/etc/cron.d/y', 'proc.name': 'mv' },
    { rule: 'Scheduled task written', 'fs.path.source': '/etc/cron.hourly/x', 'proc.name': 'ln' },
  ])
  const programs = { '/usr/bin/crontab': '/usr/bin/tee', '/home/x/crontab': '/usr/bin/tee' }
  const spool = 'mkdir -p /var/spool/cron/crontabs; echo x |'
  expect(await act(`${spool} crontab /var/spool/cron/crontabs/root`, { programs })).toEqual([])
  expect(
    await act(`${spool} /home/x/crontab /var/spool/cron/crontabs/root`, { programs }),
  ).toMatchObject([{ rule: 'Scheduled task written', 'proc.exepath': '/home/x/crontab' }])
})

liveTest('System service written', async () => {
  const script = 'mkdir -p /etc/systemd/system; echo x > /etc/systemd/system/x.service'
  const user =
    'mkdir -p /root/.config/systemd/user; touch /root/x; mv /root/x /root/.config/systemd/user/x.timer'
  expect(await act(`${script}; ${user}`)).toMatchObject([
    { rule: 'System service written', 'fs.path.name': '/etc/systemd/system/x.service' },
    { rule: 'System service written', 'fs.path.target': '/root/.config/systemd/user/x.timer' },
  ])
  const near = 'mkdir -p /etc/systemd/system; echo x | dpkg /etc/systemd/system/x.service'
  expect(await act(near, { programs: dpkg })).toEqual([])
})

liveTest('Start-up hook written', async () => {
  expect(
    await act('mkdir -p /etc/udev/rules.d; echo x > /etc/rc.local; echo x > /etc/udev/rules.d/x'),
  ).toMatchObject([
    { rule: 'Start-up hook written', 'fs.path.name': '/etc/rc.local' },
    { rule: 'Start-up hook written', 'fs.path.name': '/etc/udev/rules.d/x' },
  ])
  const near = 'mkdir -p /etc/udev/rules.d; echo x | dpkg /etc/udev/rules.d/x; echo x > /etc/udev/y'
  expect(await act(near, { programs: dpkg })).toEqual([])
})

liveTest('Shell start-up file changed', async () => {
  expect(
    await act('echo x >> /root/.bashrc; touch /home/x; mv /home/x /home/.profile'),
  ).toMatchObject([
    { rule: 'Shell start-up file changed', 'fs.path.name': '/root/.bashrc' },
    { rule: 'Shell start-up file changed', 'fs.path.target': '/home/.profile' },
  ])
  const programs = { '/usr/sbin/useradd': '/bin/cp' }
  expect(await act('useradd /etc/profile /home/.bashrc; cat /home/.bashrc', { programs })).toEqual(
    [],
  )
})

liveTest('Program directory written: written, moved or linked', async () => {
  const script = 'cp /bin/true /usr/bin/x; mv /usr/bin/x /usr/bin/y; ln -s /tmp/x /usr/local/bin/x'
  expect(await act(script)).toMatchObject([
    { rule: 'Program directory written', 'fs.path.name': '/usr/bin/x', 'proc.name': 'cp' },
    { rule: 'Program directory written', 'fs.path.target': '/usr/bin/y', 'proc.name': 'mv' },
    { rule: 'Program directory written', 'fs.path.source': '/usr/local/bin/x', 'proc.name': 'ln' },
  ])
  expect(await act('echo x | dpkg /usr/bin/x; cp /bin/true /opt/x', { programs: dpkg })).toEqual([])
})

liveTest('Authentication modules changed', async () => {
  expect(await act('echo x >> /etc/pam.d/x; cp /bin/true /usr/lib/pam_x.so')).toMatchObject([
    { rule: 'Authentication modules changed', 'fs.path.name': '/etc/pam.d/x' },
    {
      rule: 'Authentication modules changed',
      'fs.path.name': '/usr/lib/pam_x.so',
    },
  ])
  expect(await act('echo x | dpkg /etc/pam.d/x; cat /etc/pam.d/x', { programs: dpkg })).toEqual([])
})

liveTest('SSH server configuration changed', async () => {
  const script =
    'mkdir -p /etc/ssh; echo x >> /etc/ssh/sshd_config; touch /etc/x; mv /etc/x /etc/ssh/sshd_config'
  expect(await act(script)).toMatchObject([
    { rule: 'SSH server configuration changed', 'fs.path.name': '/etc/ssh/sshd_config' },
    { rule: 'SSH server configuration changed', 'fs.path.target': '/etc/ssh/sshd_config' },
  ])
  const near = 'mkdir -p /etc/ssh; echo x | dpkg /etc/ssh/sshd_config; echo x > /etc/ssh/ssh_config'
  expect(await act(near, { programs: dpkg })).toEqual([])
})

liveTest('Boot files changed', async () => {
  expect(await act('echo x > /boot/vmlinuz-x; mv /boot/vmlinuz-x /boot/vmlinuz-y')).toMatchObject([
    { rule: 'Boot files changed', 'fs.path.name': '/boot/vmlinuz-x' },
    { rule: 'Boot files changed', 'fs.path.target': '/boot/vmlinuz-y' },
  ])
  const programs = { '/usr/sbin/dracut': '/usr/bin/tee' }
  expect(await act('echo x | dracut /boot/initrd; cat /boot/initrd', { programs })).toEqual([])
})

liveTest('Kernel module loaded: asked for by a program that is no loader', async () => {
  expect(await act('acts module')).toMatchObject([
    { rule: 'Kernel module loaded', 'evt.type': 'init_module', 'proc.name': 'acts' },
  ])
  const programs = { '/usr/sbin/modprobe': 'acts', '/home/x/modprobe': 'acts' }
  expect(await act('modprobe module', { programs })).toEqual([])
  expect(await act('/home/x/modprobe module', { programs })).toMatchObject([
    { rule: 'Kernel module loaded', 'evt.res': expect.not.stringMatching('SUCCESS') },
  ])
})

liveTest('Kernel module loaded by hand', async () => {
  const programs = { '/usr/sbin/insmod': '/bin/true', '/usr/sbin/lsmod': '/bin/true' }
  expect(await act('insmod x.ko', { programs })).toMatchObject([
    { rule: 'Kernel module loaded by hand', 'proc.cmdline': 'insmod x.ko' },
  ])
  expect(await act('lsmod', { programs })).toEqual([])
})

liveTest('BPF program loaded', async () => {
  expect(await act('acts bpf')).toMatchObject([{ rule: 'BPF program loaded', 'proc.name': 'acts' }])
  const programs = { '/usr/sbin/bpftool': 'acts' }
  expect(await act('acts bpf-map; bpftool bpf', { programs })).toEqual([])
})

liveTest('Kernel setting changed through proc', async () => {
  const script =
    ': >> /proc/sys/kernel/core_pattern; mkdir /opt/group; : > /opt/group/release_agent'
  expect(await act(script)).toMatchObject([
    { rule: 'Kernel setting changed through proc', 'fd.name': '/proc/sys/kernel/core_pattern' },
    { rule: 'Kernel setting changed through proc', 'fd.name': '/opt/group/release_agent' },
  ])
  expect(await act('cat /proc/sys/kernel/core_pattern; : >> /proc/sys/kernel/hostname')).toEqual([])
})
