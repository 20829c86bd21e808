/*
 * Every system call's return, 32-bit ones included, which no tracepoint of a single call sees. It
 * is run for every call in the system, so it looks at as little as it can: a bit a number, of
 * either width. `calls` has the programs; a number that is wanted in the other width only finds its
 * place empty.
 */
SEC("tp_btf/sys_exit") int any_call(u64 *ctx)
{
	struct pt_regs *registers = (struct pt_regs *)ctx[0];
	u32 number = number_in(registers);

	if (number >= CALL_NUMBERS || !(wanted_calls[number / 64] >> number % 64 & 1))
		return 0;
	if (is_compat_call(current_task()))
		number += CALL_NUMBERS;
	bpf_tail_call(ctx, &calls, number);
	return 0;
}

SEC("tp_btf/sys_exit") int raw_last(u64 *ctx)
{
	return finish_here();
}

SEC("tp/syscalls/sys_exit_openat") int exit_last(struct sys_exit *ctx)
{
	return finish_here();
}
