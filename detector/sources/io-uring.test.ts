import { expect } from '@jest/globals'
import { existsSync, readFileSync } from 'node:fs'
import { needs } from '../../scripts/needs.ts'
import { recordFlags } from '../events/schema.ts'
import { observe, runC } from './observe.ts'

const kernelTest = needs('root', 'ebpf', 'compiler')

/** The ring by hand (no liburing): `submit` makes one request; exit status 3 where the kernel refuses rings. */
const source = `
#include <fcntl.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
static struct io_uring_params p;
static char *sq; static struct io_uring_sqe *sqes; static int ring;
static void submit(struct io_uring_sqe sqe) {
  unsigned *tail = (unsigned *)(sq + p.sq_off.tail), at = *tail & 7;
  sqes[at] = sqe; ((unsigned *)(sq + p.sq_off.array))[at] = at;
  __atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
  syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, 0, 0);
}
int main(void) {
  ring = syscall(SYS_io_uring_setup, 8, &p);
  if (ring < 0) return 3;
  sq = mmap(0, p.sq_off.array + 64, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQ_RING);
  sqes = mmap(0, 8 * sizeof *sqes, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQES);
  submit((struct io_uring_sqe){.opcode = IORING_OP_OPENAT, .fd = AT_FDCWD, .addr = (long)"/etc/hostname"});
  submit((struct io_uring_sqe){.opcode = IORING_OP_UNLINKAT, .fd = AT_FDCWD, .addr = (long)"/no/such"});
  struct sockaddr_in to = {AF_INET, htons(1), {htonl(INADDR_LOOPBACK)}};
  int s = socket(AF_INET, SOCK_DGRAM, 0);
  connect(s, (void *)&to, sizeof to);
  submit((struct io_uring_sqe){.opcode = IORING_OP_SEND, .fd = s, .addr = (long)"x", .len = 1});
  return 0;
}`

const disabled = '/proc/sys/kernel/io_uring_disabled'
const isRefused = existsSync(disabled) && readFileSync(disabled, 'utf8').trim() === '2'

kernelTest(
  `what io_uring is asked to do is told${isRefused ? ', or that it is refused' : ''}`,
  () => {
    let ran: { pid: number; status: number | null } = { pid: 0, status: 0 }
    const seen = observe(['io_uring_setup', 'io_uring_submit'], () => {
      ran = runC(source)
    }).filter(({ pid, name }) => pid === ran.pid && name.startsWith('io_uring'))
    const [setup, ...submitted] = seen.map(({ parameters }) => parameters)
    expect(setup).toMatchObject({ entries: 8 })
    expect(Number(setup?.['res']) < 0).toBe(ran.status === 3)
    if (ran.status === 3) return
    expect(submitted).toMatchObject([
      { opcode: 18, fd: undefined, path: '/etc/hostname', tuple: undefined },
      { opcode: 36, path: '/no/such' },
      {
        opcode: 26,
        path: undefined,
        tuple: { protocol: 'udp', remoteIp: '127.0.0.1', remotePort: 1 },
      },
    ])
    expect(seen.at(-1)?.flags).toBe(recordFlags.ioUring)
  },
)
