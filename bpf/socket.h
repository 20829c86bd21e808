/* Both ends of a connection from the kernel's socket, laid out as SOCKET_LAYOUT of
 * detector/events/view.ts says. */
#pragma once
#include "call.h"

#define ROLE_CLIENT 1
#define ROLE_SERVER 2
#define UNIX_PATH 108

/* What an address that the caller passed is good for. */
enum address_use {
	ADDRESS_FILLS, /* the other side, if the socket has none (a failed connect) */
	ADDRESS_WINS,  /* the other side: where this datagram goes, whatever the socket is connected
			  to */
	ADDRESS_IS_LOCAL, /* bind */
};

static __always_inline struct sock *sock_of(s64 fd)
{
	struct file *file = file_of(fd);
	struct inode *inode = file ? READ(struct file, file, f_inode) : 0;
	struct socket *socket;

	if (!inode || (READ(struct inode, inode, i_mode) & S_IFMT) != S_IFSOCK)
		return 0;
	socket = READ(struct file, file, private_data);
	return socket ? PROBE(struct socket, socket, sk) : 0; /* as a number, for record__ends */
}

/* The bound name, or that of the socket at the other end; its length. */
static __always_inline u32 unix_name(u8 *to, struct unix_sock *socket)
{
	struct unix_address *address = PROBE(struct unix_sock, socket, addr);
	struct unix_sock *peer = (struct unix_sock *)PROBE(struct unix_sock, socket, peer);
	u32 length;

	if (!address && peer)
		address = PROBE(struct unix_sock, peer, addr);
	if (!address)
		return 0;
	length = PROBE(struct unix_address, address, len) - sizeof(u16);
	if (length > UNIX_PATH)
		return 0;
	bpf_probe_read_kernel(to, BOUNDED(length, 127),
		(char *)address + bpf_core_field_offset(struct unix_address, name) + sizeof(u16));
	return length;
}

static __always_inline u32 fill_from_sock(u8 *to, struct sock *sk)
{
	struct sock_common *common = &sk->__sk_common;
	u16 family = READ(struct sock, sk, __sk_common.skc_family);

	to[SOCKET_FAMILY] = family;
	to[SOCKET_PROTOCOL] = READ(struct sock, sk, sk_protocol);
	if (family == AF_UNIX)
		return unix_name(to + SOCKET_PATH, (struct unix_sock *)sk);
	*(u16 *)(to + SOCKET_LOCAL_PORT) = READ(struct sock, sk, __sk_common.skc_num);
	*(u16 *)(to + SOCKET_REMOTE_PORT) =
		__builtin_bswap16(READ(struct sock, sk, __sk_common.skc_dport));
	if (family == AF_INET) {
		bpf_core_read(to + SOCKET_LOCAL_ADDRESS, 4, &common->skc_rcv_saddr);
		bpf_core_read(to + SOCKET_REMOTE_ADDRESS, 4, &common->skc_daddr);
	} else if (family == AF_INET6) {
		bpf_core_read(to + SOCKET_LOCAL_ADDRESS, 16, &common->skc_v6_rcv_saddr);
		bpf_core_read(to + SOCKET_REMOTE_ADDRESS, 16, &common->skc_v6_daddr);
	}
	return 0;
}

/* From the caller's sockaddr; a unix path's length, for the others 0. */
static __always_inline u32 fill_from_address(u8 *to, u64 address, u32 length, bool is_local)
{
	u8 *ip = to + (is_local ? SOCKET_LOCAL_ADDRESS : SOCKET_REMOTE_ADDRESS);
	u16 *port = (u16 *)(to + (is_local ? SOCKET_LOCAL_PORT : SOCKET_REMOTE_PORT));
	u16 family = 0, network_port = 0;

	bpf_probe_read_user(&family, sizeof(family), (void *)address);
	to[SOCKET_FAMILY] = family;
	if (family == AF_UNIX) {
		u32 path = length > sizeof(u16) ? length - sizeof(u16) : 0;

		if (path > UNIX_PATH)
			path = UNIX_PATH;
		bpf_probe_read_user(to + SOCKET_PATH, BOUNDED(path, 127), (void *)(address + 2));
		return path;
	}
	bpf_probe_read_user(&network_port, sizeof(network_port), (void *)(address + 2));
	*port = __builtin_bswap16(network_port);
	if (family == AF_INET)
		bpf_probe_read_user(ip, 4, (void *)(address + 4));
	else if (family == AF_INET6)
		bpf_probe_read_user(ip, 16, (void *)(address + 8));
	return 0;
}

/* A path that is no abstract name ends at its first NUL. */
static __always_inline u32 path_length(struct record *r, const u8 *path, u32 length)
{
	long text;

	if (!length || !path[0])
		return length;
	text = bpf_probe_read_kernel_str(r->walk, UNIX_PATH + 1, path) - 1;
	return text >= 0 && text < length ? text : length;
}

/* `how`: role, then the address' use << 8, then its length << 16. A function of its own: verified
 * once a program. */
__noinline int record__ends(struct record *r, u64 sock, u64 address, u32 how)
{
	struct sock *sk = (struct sock *)sock;
	u32 use = how >> 8 & 0xff, length = how >> 16, path = 0;
	u8 *to;

	if (!r)
		return 0;
	if (!sk && !address) {
		record__none(r);
		return 0;
	}
	to = record__end(r);
	__builtin_memset(to, 0, SOCKET_PATH);
	if (sk)
		path = fill_from_sock(to, sk);
	if (address && use == ADDRESS_IS_LOCAL)
		path = fill_from_address(to, address, length, true);
	else if (address && (use == ADDRESS_WINS || (!path && !*(u16 *)(to + SOCKET_REMOTE_PORT))))
		path = fill_from_address(to, address, length, false);
	to[SOCKET_ROLE] = how & 0xff;
	path = path_length(r, to + SOCKET_PATH, path);
	record__take(r, SOCKET_PATH + path, false);
	return 0;
}

static __always_inline void record__tuple(struct record *r, struct sock *sk, u32 role)
{
	record__ends(r, (u64)sk, 0, role);
}

static __always_inline void record__tuple_to(
	struct record *r, struct sock *sk, u32 role, enum address_use use, u64 address, u32 length)
{
	record__ends(r, (u64)sk, address, role | use << 8 | length << 16);
}

/* The caller's address alone. */
static __always_inline void record__address(
	struct record *r, enum address_use use, u64 address, u32 length)
{
	record__ends(r, 0, address, use << 8 | length << 16);
}
