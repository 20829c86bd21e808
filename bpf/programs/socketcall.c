/* 32-bit programs may make every socket call through this one: its number, then its arguments in
 * memory. */
const volatile u32 socket_calls; /* bit per sub-call that is wanted */

static __always_inline void unpack(struct call *call, u64 array)
{
	u32 arguments[6] = {};

	bpf_probe_read_user(arguments, sizeof(arguments), (void *)array);
	for (int i = 0; i < 6; i++)
		call->arguments[i] = arguments[i];
}

static __always_inline int dispatch(struct call *call, u32 number)
{
	switch (number) {
	case 1:
		return emit_socket(call);
	case 2:
		return emit_bind(call);
	case 3:
		return emit_connect(call);
	case 4:
		return emit_listen(call);
	case 5:
		return emit_accept(call);
	case 9: /* send: sendto without an address */
		call->arguments[4] = 0;
		return emit_sendto(call);
	case 10: /* recv */
		call->arguments[4] = call->arguments[5] = 0;
		return emit_recvfrom(call);
	case 11:
		return emit_sendto(call);
	case 12:
		return emit_recvfrom(call);
	case 16:
		return emit_sendmsg(call);
	case 17:
		return emit_recvmsg(call);
	case 18:
		return emit_accept4(call);
	}
	return 0;
}

SEC("tp_btf/sys_exit") int raw_socketcall(u64 *ctx)
{
	struct call call;
	u32 number;

	if (!call__begin(&call, ctx[1]))
		return 0;
	number = call.arguments[0];
	if (number > 31 || !(socket_calls & 1u << number))
		return 0;
	unpack(&call, call.arguments[1]);
	return dispatch(&call, number) ? FINISH(ctx, &calls, LAST_STAGE) : 0;
}
