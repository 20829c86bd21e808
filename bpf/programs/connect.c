/* Making connections: socket, bind, listen, connect, accept. */
#define TYPE_MASK 0xf /* SOCK_NONBLOCK and SOCK_CLOEXEC are above */

static __always_inline u32 short_length(u64 length)
{
	return length > 0xffff ? 0xffff : length;
}

CALL(socket)
{
	struct record *r = begin(SOCKET);

	record__s64(r, call->result);
	record__s64(r, (u32)ARG(0));
	record__s64(r, (u32)ARG(1) & TYPE_MASK);
	record__s64(r, (u32)ARG(2));
	record__s64(r, (u32)ARG(1) & ~TYPE_MASK);
	return record__send(r, SOCKET);
}

CALL(connect)
{
	struct record *r = begin(CONNECT);
	u32 length = short_length(ARG(2));

	record__s64(r, call->result);
	record__tuple_to(r, sock_of((int)ARG(0)), ROLE_CLIENT, ADDRESS_FILLS, ARG(1), length);
	record__s64(r, (int)ARG(0));
	record__address(r, ADDRESS_WINS, ARG(1), length);
	return record__send(r, CONNECT);
}

CALL(bind)
{
	struct record *r = begin(BIND);

	record__s64(r, call->result);
	record__address(r, ADDRESS_IS_LOCAL, ARG(1), short_length(ARG(2)));
	record__s64(r, (int)ARG(0));
	record__tuple(r, sock_of((int)ARG(0)), ROLE_SERVER);
	return record__send(r, BIND);
}

CALL(listen)
{
	struct record *r = begin(LISTEN);

	record__s64(r, call->result);
	record__s64(r, (int)ARG(0));
	record__s64(r, (int)ARG(1));
	record__tuple(r, sock_of((int)ARG(0)), ROLE_SERVER);
	return record__send(r, LISTEN);
}

/* fd tuple queuepct queuelen queuemax: how full the listener's queue is. */
static __always_inline void record__accepted(struct record *r, struct call *call)
{
	struct sock *listener = sock_of((int)ARG(0));
	u32 length = listener ? READ(struct sock, listener, sk_ack_backlog) : 0;
	u32 most = listener ? READ(struct sock, listener, sk_max_ack_backlog) : 0;

	record__s64(r, call->result);
	record__tuple(r, sock_of(call->result), ROLE_SERVER);
	record__s64(r, most ? length * 100ULL / most : 0);
	record__s64(r, length);
	record__s64(r, most);
}

CALL(accept)
{
	struct record *r = begin(ACCEPT);

	record__accepted(r, call);
	return record__send(r, ACCEPT);
}

CALL(accept4)
{
	struct record *r = begin(ACCEPT4);

	record__accepted(r, call);
	record__s64(r, (u32)ARG(3));
	return record__send(r, ACCEPT4);
}
