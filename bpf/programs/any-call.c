/*
 * Every system call's return: where there is no tracefs, and for 32-bit calls, which no per-call
 * tracepoint sees. It costs every call in the system about as much as all per-call tracepoints
 * together, so it is attached only when one of the two reasons holds.
 */
SEC("tp_btf/sys_exit") int any_call(u64 *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	bool is_compat = is_compat_call(task);
	u32 number;

	if (!is_compat && !is_native_wanted)
		return 0;
	number = call_number(task);
	if (number < CALL_NUMBERS)
		bpf_tail_call(ctx, &calls, number + (is_compat ? CALL_NUMBERS : 0));
	return 0;
}
