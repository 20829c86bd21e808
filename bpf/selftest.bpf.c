/* A small object for the addon's own tests: one of each thing that detector/native.ts can handle.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

const volatile __u32 wanted_pid;
__u64 seen;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 8);
} table SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 1);
} counters SEC(".maps");

SEC("raw_tp/sys_exit")
int on_syscall(void *ctx)
{
	__u64 *record;

	if (bpf_get_current_pid_tgid() >> 32 != wanted_pid)
		return 0;
	__sync_fetch_and_add(&seen, 1);
	record = bpf_ringbuf_reserve(&ring, sizeof(*record), 0);
	if (!record)
		return 0;
	*record = seen;
	bpf_ringbuf_submit(record, 0);
	return 0;
}

SEC("cgroup/sock_create")
int no_packet_sockets(struct bpf_sock *socket)
{
	return socket->family != 17; /* AF_PACKET */
}

SEC("tp/syscalls/sys_enter_getppid")
int on_getppid(void *ctx)
{
	__sync_fetch_and_add(&seen, 1);
	return 0;
}
