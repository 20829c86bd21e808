import { expect } from '@jest/globals'
import { liveDetector, liveTest } from './live-detector.ts'

const act = liveDetector()
const key = '-----BEGIN OPENSSH PRIVATE KEY-----\n'

liveTest(
  'Read sensitive file untrusted: an untrusted program opens it, by any of its names',
  async () => {
    expect(await act('cat /etc/shadow')).toMatchObject([
      {
        rule: 'Read sensitive file untrusted',
        'fd.name': '/etc/shadow',
        'proc.name': 'cat',
        'proc.exepath': '/usr/bin/cat',
        'user.uid': 0,
      },
    ])
    const ways = [
      'ln -s "$PWD" "$PWD/self"; cat self/../../../../../etc/shadow',
      'cat /proc/self/root/etc/shadow',
      'cd /etc; cat /proc/self/cwd/gshadow',
      'cat < /etc/sudoers.d/x',
    ]
    for (const way of ways)
      // oxlint-disable-next-line no-await-in-loop
      expect(await act(way, { files: { '/etc/sudoers.d/x': '' } })).toMatchObject([
        { rule: 'Read sensitive file untrusted' },
      ])
    const copy = { programs: { '/opt/sudo-copy/sudo': '/bin/cat', '/home/x/sudo': '/bin/cat' } }
    expect(await act('/opt/sudo-copy/sudo /etc/shadow', copy)).toEqual([])
    expect(await act('/home/x/sudo /etc/shadow', copy)).toMatchObject([
      { rule: 'Read sensitive file untrusted', 'proc.name': 'sudo' },
    ])
    expect(await act('cat /etc/passwd; ls -l /etc/shadow')).toEqual([])
  },
)

liveTest('Sensitive file reached through a link: also by a program whose work it is', async () => {
  const programs = { '/usr/sbin/sshd': '/bin/cat' }
  expect(await act('ln -s / root; sshd root/etc/shadow', { programs })).toMatchObject([
    {
      rule: 'Sensitive file reached through a link',
      'fd.name': '/etc/shadow',
      'fd.nameraw': 'root/etc/shadow',
    },
  ])
  expect(await act('sshd /etc/shadow; cd /etc; sshd shadow', { programs })).toEqual([])
})

liveTest('Link to a sensitive file created: symbolic, hard, or a mount of it', async () => {
  const script = 'ln -s /etc/shadow a; ln /etc/gshadow /etc/b; touch c; mount --bind /etc/shadow c'
  expect(await act(script)).toMatchObject([
    { rule: 'Link to a sensitive file created', 'evt.type': 'symlinkat' },
    { rule: 'Link to a sensitive file created', 'evt.type': 'linkat' },
    { rule: 'Link to a sensitive file created', 'evt.type': 'mount' },
  ])
  expect(await act('ln -s /etc/passwd a; ln /etc/passwd /etc/b')).toEqual([])
})

liveTest('Private SSH key read', async () => {
  const files = { '/root/.ssh/id_ed25519': key, '/root/.ssh/id_ed25519.pub': 'x' }
  const programs = { '/usr/bin/ssh-add': '/bin/cat' }
  expect(await act('cat /root/.ssh/id_ed25519', { files })).toMatchObject([
    { rule: 'Private SSH key read', 'fd.name': '/root/.ssh/id_ed25519', 'proc.name': 'cat' },
  ])
  const near = 'ssh-add /root/.ssh/id_ed25519; cat /root/.ssh/id_ed25519.pub'
  expect(await act(near, { files, programs })).toEqual([])
})

liveTest('Cloud or cluster credentials read', async () => {
  const files = { '/root/.aws/credentials': 'x', '/root/.aws/config': 'x' }
  const programs = { '/usr/local/bin/aws': '/bin/cat' }
  expect(await act('cat /root/.aws/credentials', { files })).toMatchObject([
    { rule: 'Cloud or cluster credentials read', 'fd.name': '/root/.aws/credentials' },
  ])
  const near = 'aws /root/.aws/credentials; cat /root/.aws/config'
  expect(await act(near, { files, programs })).toEqual([])
})

liveTest('Credential files searched', async () => {
  expect(await act('find . -name id_rsa; grep -ri password= /opt/acts || true')).toMatchObject([
    { rule: 'Credential files searched', 'proc.cmdline': 'find . -name id_rsa' },
    { rule: 'Credential files searched', 'proc.name': 'grep' },
  ])
  expect(await act('echo password | grep password;  find . -name keyboard')).toEqual([])
})

liveTest('Memory of another process opened', async () => {
  const victim = 'sleep 60 & trap "kill $!" EXIT; '
  expect(await act(`${victim} acts open /proc/$!/mem 0`)).toMatchObject([
    {
      rule: 'Memory of another process opened',
      'fd.name': expect.stringMatching(/^\/proc\/\d+\/mem$/),
    },
  ])
  expect(await act(`${victim} cat /proc/$!/maps; acts open /proc/self/mem 0`)).toEqual([])
})

liveTest('Environment of another process read', async () => {
  const victim = 'sleep 60 & trap "kill $!" EXIT; '
  expect(await act(`${victim} cat /proc/$!/environ`)).toMatchObject([
    { rule: 'Environment of another process read', 'proc.name': 'cat' },
  ])
  expect(await act(`${victim} cat /proc/self/environ; ps e -p $!`)).toEqual([])
})

liveTest('Memory of the kernel opened', async () => {
  const files = { '/dev/mem': '' }
  expect(await act('acts open /dev/mem 0', { files })).toMatchObject([
    { rule: 'Memory of the kernel opened', 'fd.name': '/dev/mem', 'proc.name': 'acts' },
  ])
  expect(await act('cat /proc/meminfo; ls -l /dev/mem', { files })).toEqual([])
})

liveTest('Disk of the host opened', async () => {
  const files = { '/dev/sda': 'x' }
  expect(await act('head -c 1 /dev/sda', { files })).toMatchObject([
    { rule: 'Disk of the host opened', 'fd.name': '/dev/sda', 'proc.name': 'head' },
  ])
  const programs = { '/usr/sbin/blkid': '/bin/cat' }
  expect(await act('blkid /dev/sda; ls -l /dev/sda', { files, programs })).toEqual([])
})

liveTest('Account files changed: written, or put in place by a rename', async () => {
  expect(
    await act('echo x >> /etc/passwd; touch x; cp x /etc/x; mv /etc/x /etc/group'),
  ).toMatchObject([
    { rule: 'Account files changed', 'fs.path.name': '/etc/passwd', 'proc.name': 'bash' },
    { rule: 'Account files changed', 'fs.path.target': '/etc/group', 'proc.name': 'mv' },
  ])
  const programs = { '/usr/sbin/usermod': '/usr/bin/tee' }
  expect(await act('usermod -a /etc/passwd < /dev/null; cat /etc/passwd', { programs })).toEqual([])
})

liveTest('Account with the rights of root made', async () => {
  const programs = { '/usr/sbin/useradd': '/bin/true', '/usr/sbin/usermod': '/bin/true' }
  expect(await act('useradd -o -u 0 toor; usermod -aG sudo someone', { programs })).toMatchObject([
    { rule: 'Account with the rights of root made', 'proc.cmdline': 'useradd -o -u 0 toor' },
    { rule: 'Account with the rights of root made', 'proc.name': 'usermod' },
  ])
  expect(await act('useradd -u 1000 someone; usermod -aG audio x', { programs })).toEqual([])
})

liveTest('Authorized SSH keys changed', async () => {
  const files = { '/root/.ssh/authorized_keys': '', '/root/.ssh/new': '' }
  const script = 'cd /root/.ssh; echo key >> authorized_keys; mv new authorized_keys'
  expect(await act(script, { files })).toMatchObject([
    { rule: 'Authorized SSH keys changed', 'fs.path.name': '/root/.ssh/authorized_keys' },
    { rule: 'Authorized SSH keys changed', 'fs.path.target': '/root/.ssh/authorized_keys' },
  ])
  const programs = { '/usr/bin/ssh-copy-id': '/usr/bin/tee' }
  const near =
    'ssh-copy-id -a /root/.ssh/authorized_keys < /dev/null; cat /root/.ssh/authorized_keys'
  expect(await act(near, { files, programs })).toEqual([])
})

liveTest('Metadata service contacted', async () => {
  const network = 'ip address add 169.254.169.254/32 dev lo; ip address add 169.254.1.1/32 dev lo; '
  expect(await act(`${network} acts connect 169.254.169.254 80`)).toMatchObject([
    {
      rule: 'Metadata service contacted',
      'fd.name': expect.stringContaining('->169.254.169.254:80'),
    },
  ])
  const programs = { '/usr/bin/cloud-init': 'acts' }
  const near = 'cloud-init connect 169.254.169.254 80; acts connect 169.254.1.1 80'
  expect(await act(network + near, { programs })).toEqual([])
})

liveTest('Sensitive file asked for through io_uring', async () => {
  expect(await act('acts uring /etc/shadow')).toMatchObject([
    { rule: 'Sensitive file asked for through io_uring', 'proc.name': 'acts' },
  ])
  expect(await act('acts uring /etc/hostname')).toEqual([])
})

liveTest('Service account token read by a tool', async () => {
  const token = '/run/secrets/kubernetes.io/serviceaccount/token'
  const container = 'd'.repeat(64)
  const files = { [token]: 'eyJ' }
  expect(await act(`cat ${token}`, { files, container })).toMatchObject([
    {
      rule: 'Service account token read by a tool',
      'fd.name': token,
    },
  ])
  expect(await act(`acts open ${token} 0`, { files, container })).toEqual([])
  expect(await act(`cat ${token}`, { files })).toEqual([])
})
