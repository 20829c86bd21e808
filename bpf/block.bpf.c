// SPDX-License-Identifier: Apache-2.0
/*
 * Cuts cgroups off the network. Attached at the root of the unified tree only while something is
 * blocked. A cgroup is blocked with everything below it. New connections and datagrams are refused
 * with EPERM where they are asked for; what is open already loses its packets both ways.
 *
 * A socket belongs for ever to the cgroup that made it, also when its process is moved. So for a
 * process that was moved into a blocked cgroup, the sweep marks each socket that it holds.
 *
 * Not covered, because no cgroup hook sees it: AF_PACKET, AF_VSOCK and AF_UNIX.
 */
#include <linux/bpf.h>
#include <linux/in.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <stdbool.h>

#define CUT 0
#define PASS 1
#define AF_INET 2
#define AF_INET6 10
#define ETH_P_IP 0x0800
/* Deeper than any service manager or runtime nests; a blocked cgroup below this is refused. */
#define LEVELS 24

/* Members that we read, relocated to the running kernel. */
struct kernfs_node {
	__u64 id;
} __attribute__((preserve_access_index));

struct cgroup_subsys_state {
	struct cgroup_subsys_state *parent;
} __attribute__((preserve_access_index));

struct cgroup {
	struct cgroup_subsys_state self;
	struct kernfs_node *kn;
} __attribute__((preserve_access_index));

struct css_set {
	struct cgroup *dfl_cgrp;
} __attribute__((preserve_access_index));

struct task_struct {
	struct css_set *cgroups;
} __attribute__((preserve_access_index));

struct sock_common {
	unsigned short skc_family;
} __attribute__((preserve_access_index));

struct sock {
	struct sock_common __sk_common;
} __attribute__((preserve_access_index));

struct socket {
	struct sock *sk;
} __attribute__((preserve_access_index));

struct file;

struct bpf_iter_meta;

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	__u32 fd;
	struct file *file;
} __attribute__((preserve_access_index));

struct address {
	__u8 bytes[16];
};

struct hole {
	/* Bits that count: 64 of the cgroup and those of the network. */
	__u32 bits;
	__u64 cgroup;
	struct address network;
} __attribute__((packed));

struct port_hole {
	/* Bits that count: 96 of the first four members and those of the network. */
	__u32 bits;
	__u64 cgroup;
	__u16 port;
	__u8 protocol;
	__u8 zero;
	struct address network;
} __attribute__((packed));

/* The other end; port 0: not known, or the protocol has none. */
struct remote {
	struct address address;
	__u16 port;
	__u8 protocol;
	__u8 is_packet;
};

/* A cgroup that is cut off, and what was kept from it or it from others. */
struct cut {
	__u64 packets;
	__u64 calls;
	__u64 first_ns; /* boot clock; 0: nothing yet */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64); /* cgroup id */
	__type(value, struct cut);
} blocked SEC(".maps");

/* What a blocked cgroup may still reach; IPv4 as ::ffff:a.b.c.d. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 32768);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct hole);
	__type(value, __u8);
} holes SEC(".maps");

/* Ports that it may still reach. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 32768);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct port_hole);
	__type(value, __u8);
} port_holes SEC(".maps");

/* Sockets that a process brought into a blocked cgroup, by cookie, with that cgroup. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);
	__type(value, __u64);
} sockets SEC(".maps");

static __always_inline void count(struct cut *cut, bool is_packet)
{
	__u64 now = bpf_ktime_get_boot_ns();

	__sync_fetch_and_add(is_packet ? &cut->packets : &cut->calls, 1);
	if (!cut->first_ns)
		cut->first_ns = now;
}

/* A function of its own to the verifier, which looks at it once and not once a level. */
__attribute__((noinline)) int is_cut(__u64 cgroup, const struct remote *remote)
{
	struct cut *cut = bpf_map_lookup_elem(&blocked, &cgroup);
	struct hole hole = {.bits = 192, .cgroup = cgroup};
	struct port_hole port = {.bits = 224, .cgroup = cgroup};

	if (!remote || !cut)
		return 0;
	__builtin_memcpy(&hole.network, &remote->address, sizeof(hole.network));
	if (bpf_map_lookup_elem(&holes, &hole))
		return 0;
	port.port = remote->port;
	port.protocol = remote->protocol;
	port.network = hole.network;
	if (port.port && bpf_map_lookup_elem(&port_holes, &port))
		return 0;
	count(cut, remote->is_packet);
	return 1;
}

static __always_inline void map_ipv4(struct address *to, __u32 ip)
{
	__builtin_memset(to, 0, sizeof(*to));
	to->bytes[10] = to->bytes[11] = 0xff;
	__builtin_memcpy(&to->bytes[12], &ip, sizeof(ip));
}

/* Who asks, by the cgroup that the task is in now. */
static __always_inline int judge_task(const struct remote *remote)
{
	for (int level = 1; level < LEVELS; level++) {
		__u64 cgroup = bpf_get_current_ancestor_cgroup_id(level);

		if (!cgroup)
			break;
		if (is_cut(cgroup, remote))
			return CUT;
	}
	return PASS;
}

static __always_inline int judge_ipv4(struct bpf_sock_addr *ctx)
{
	struct remote remote = {.port = bpf_ntohs(ctx->user_port), .protocol = ctx->protocol};

	map_ipv4(&remote.address, ctx->user_ip4);
	return judge_task(&remote);
}

static __always_inline int judge_ipv6(struct bpf_sock_addr *ctx)
{
	__u32 words[4] = {ctx->user_ip6[0], ctx->user_ip6[1], ctx->user_ip6[2], ctx->user_ip6[3]};
	struct remote remote = {.port = bpf_ntohs(ctx->user_port), .protocol = ctx->protocol};

	__builtin_memcpy(&remote.address, words, sizeof(remote.address));
	return judge_task(&remote);
}

SEC("cgroup/connect4")
int block_connect4(struct bpf_sock_addr *ctx)
{
	return judge_ipv4(ctx);
}

SEC("cgroup/connect6")
int block_connect6(struct bpf_sock_addr *ctx)
{
	return judge_ipv6(ctx);
}

SEC("cgroup/sendmsg4")
int block_sendmsg4(struct bpf_sock_addr *ctx)
{
	return judge_ipv4(ctx);
}

SEC("cgroup/sendmsg6")
int block_sendmsg6(struct bpf_sock_addr *ctx)
{
	return judge_ipv6(ctx);
}

#define FRAGMENT_OFFSET 0x1fff

/* The port of the other end: of what has no header for it (a later fragment, an extension header)
 * none. */
static __always_inline void read_port(
	struct __sk_buff *skb, bool is_egress, __u32 header, struct remote *remote)
{
	__u16 port = 0;

	if (remote->protocol != IPPROTO_TCP && remote->protocol != IPPROTO_UDP)
		return;
	if (!bpf_skb_load_bytes(skb, header + (is_egress ? 2 : 0), &port, sizeof(port)))
		remote->port = bpf_ntohs(port);
}

static __always_inline int remote_of(struct __sk_buff *skb, bool is_egress, struct remote *remote)
{
	__u8 length;
	__u16 fragment;
	__u32 ip;

	remote->is_packet = 1;
	if (skb->protocol != bpf_htons(ETH_P_IP)) {
		if (bpf_skb_load_bytes(
			    skb, is_egress ? 24 : 8, &remote->address, sizeof(remote->address)) ||
			bpf_skb_load_bytes(skb, 6, &remote->protocol, 1))
			return -1;
		read_port(skb, is_egress, 40, remote);
		return 0;
	}
	if (bpf_skb_load_bytes(skb, 0, &length, 1) ||
		bpf_skb_load_bytes(skb, 6, &fragment, sizeof(fragment)) ||
		bpf_skb_load_bytes(skb, 9, &remote->protocol, 1) ||
		bpf_skb_load_bytes(skb, is_egress ? 16 : 12, &ip, sizeof(ip)))
		return -1;
	map_ipv4(&remote->address, ip);
	if (!(bpf_ntohs(fragment) & FRAGMENT_OFFSET))
		read_port(skb, is_egress, (length & 15) * 4, remote);
	return 0;
}

/* Whose packet, by the cgroups that its socket was made in or was brought into. Mostly nobody's who
 * is blocked: only then is it looked into. */
static __always_inline int judge_packet(struct __sk_buff *skb, bool is_egress)
{
	__u64 cookie = bpf_get_socket_cookie(skb);
	__u64 *brought = bpf_map_lookup_elem(&sockets, &cookie);
	struct remote remote = {};

	if (brought) {
		if (remote_of(skb, is_egress, &remote))
			return PASS;
		if (is_cut(*brought, &remote))
			return CUT;
	}
	for (int level = 1; level < LEVELS; level++) {
		__u64 cgroup = bpf_skb_ancestor_cgroup_id(skb, level);

		if (!cgroup)
			break;
		if (!bpf_map_lookup_elem(&blocked, &cgroup))
			continue;
		if (!remote.is_packet && remote_of(skb, is_egress, &remote))
			return PASS;
		if (is_cut(cgroup, &remote))
			return CUT;
	}
	return PASS;
}

SEC("cgroup_skb/ingress")
int block_ingress(struct __sk_buff *skb)
{
	return judge_packet(skb, false);
}

SEC("cgroup_skb/egress")
int block_egress(struct __sk_buff *skb)
{
	return judge_packet(skb, true);
}

static __always_inline __u64 blocked_cgroup_of(struct task_struct *task)
{
	struct cgroup *cgroup = BPF_CORE_READ(task, cgroups, dfl_cgrp);

	for (int level = 0; level < LEVELS && cgroup; level++) {
		__u64 id = BPF_CORE_READ(cgroup, kn, id);

		if (bpf_map_lookup_elem(&blocked, &id))
			return id;
		/* A cgroup begins with its css, so the parent's css is the parent. */
		cgroup = (struct cgroup *)BPF_CORE_READ(cgroup, self.parent);
	}
	return 0;
}

/* Marks what the processes of blocked cgroups hold. */
SEC("iter/task_file")
int block_sweep(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct socket *socket;
	struct sock *sk;
	__u64 cgroup;
	__u64 cookie;
	__u16 family;

	if (!task || !file)
		return 0;
	socket = bpf_sock_from_file(file);
	if (!socket)
		return 0;
	sk = socket->sk;
	if (!sk)
		return 0;
	family = sk->__sk_common.skc_family;
	if (family != AF_INET && family != AF_INET6)
		return 0;
	cgroup = blocked_cgroup_of(task);
	if (!cgroup)
		return 0;
	cookie = bpf_get_socket_cookie(sk);
	bpf_map_update_elem(&sockets, &cookie, &cgroup, BPF_ANY);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
