// SPDX-License-Identifier: Apache-2.0
/*
 * Copies the beginning of each packet of one cgroup, both ways, as its sockets see it: from the
 * network header on. Loaded and attached for one capture. It lets everything pass.
 *
 * Not covered, because no cgroup hook sees it: AF_PACKET, AF_VSOCK and AF_UNIX, and packets that
 * belong to no socket of the cgroup (a reset to a closed port).
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <stdbool.h>

#define PASS 1
/* A record takes one of these sizes: the ring wants a constant. */
#define SMALL 240
#define MEDIUM 2032
#define LARGE 16368

struct header {
	__u64 time_ns; /* monotonic clock */
	__u32 length;  /* of the packet */
	__u32 copied;
};

/* Set before it is loaded. */
const volatile __u32 snaplen = 256;
const volatile __u64 max_bytes = 1 << 20;

/* Packets seen, copied, without room in the ring, and after max_bytes. */
__u64 seen = 0;
__u64 copied = 0;
__u64 lost = 0;
__u64 beyond = 0;
/* Bytes copied so far. */
__u64 bytes = 0;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 22);
} packets SEC(".maps");

#define COPY(size)                                                                                 \
	static __always_inline bool copy_##size(                                                   \
		struct __sk_buff *skb, const struct header *header, __u32 length)                  \
	{                                                                                          \
		struct header *to = bpf_ringbuf_reserve(&packets, sizeof(*to) + size, 0);          \
                                                                                                   \
		if (!to)                                                                           \
			return false;                                                              \
		*to = *header;                                                                     \
		if (length > size)                                                                 \
			length = size;                                                             \
		if (length == 0 || bpf_skb_load_bytes(skb, 0, to + 1, length))                     \
			to->copied = 0;                                                            \
		bpf_ringbuf_submit(to, 0);                                                         \
		return true;                                                                       \
	}
COPY(SMALL)
COPY(MEDIUM)
COPY(LARGE)

static __always_inline int capture(struct __sk_buff *skb)
{
	__u32 length = skb->len;
	struct header header = {.length = length};
	bool has_room;

	__sync_fetch_and_add(&seen, 1);
	if (length > snaplen)
		length = snaplen;
	if (length > LARGE)
		length = LARGE;
	if (bytes + length > max_bytes) {
		__sync_fetch_and_add(&beyond, 1);
		return PASS;
	}
	header.time_ns = bpf_ktime_get_ns();
	header.copied = length;
	if (length <= SMALL)
		has_room = copy_SMALL(skb, &header, length);
	else if (length <= MEDIUM)
		has_room = copy_MEDIUM(skb, &header, length);
	else
		has_room = copy_LARGE(skb, &header, length);
	__sync_fetch_and_add(has_room ? &copied : &lost, 1);
	if (has_room)
		__sync_fetch_and_add(&bytes, length);
	return PASS;
}

SEC("cgroup_skb/ingress")
int capture_ingress(struct __sk_buff *skb)
{
	return capture(skb);
}

SEC("cgroup_skb/egress")
int capture_egress(struct __sk_buff *skb)
{
	return capture(skb);
}

char LICENSE[] SEC("license") = "GPL";
