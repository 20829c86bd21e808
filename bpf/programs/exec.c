/* exec: what the new image is, told by the kernel once it stands; a failed one is told by the
 * call's return. */
#if defined(__TARGET_ARCH_x86)
#define NR_EXECVEAT 322
#define NR_EXECVEAT_COMPAT 358
#else
#define NR_EXECVEAT 281
#define NR_EXECVEAT_COMPAT 387
#endif

/* The two events differ in where the file's name stands. */
static __always_inline void record__name_and_lineage(
	struct record *r, struct task_struct *task, bool is_at, const char *kernel_name, u64 name)
{
	if (is_at)
		record__lineage(r, task);
	if (kernel_name)
		record__kernel_text(r, kernel_name);
	else
		record__user_text(r, name);
	if (!is_at)
		record__lineage(r, task);
}

/* Place of trusted_exepath among the parameters. */
#define EXEPATH_SLOT 27

SEC("tp_btf/sched_process_exec") int on_exec(u64 *ctx)
{
	struct task_struct *task = current_task();
	struct linux_binprm *program = (struct linux_binprm *)ctx[2];
	struct record *r = is_in_scope() ? record__begin(EXECVE) : 0;
	u32 number = call_number();
	bool is_at = number == (is_compat_call(task) ? NR_EXECVEAT_COMPAT : NR_EXECVEAT);
	struct file *image = task->mm ? task->mm->exe_file : 0;

	if (!r)
		return 0;
	HEADER_U16(r, AT_EVENT_ID) = is_at ? EVENT_EXECVEAT : EVENT_EXECVE;
	record__s64(r, 0);
	record__arguments(r, task->mm);
	record__identity(r, task);
	record__cwd(r, task);
	record__usage(r, task);
	record__place(r, task);
	record__environment(r, task->mm);
	record__image(r, task);
	record__name_and_lineage(r, task, is_at, READ(struct linux_binprm, program, filename), 0);
	judge__exec(r, EXEPATH_SLOT, image ? image_flags(image, task->cred) : 0);
	record__send(r, EXECVE);
	return record__judge_and_send(r);
}

#define FAILED_ARGUMENTS 32
#define FAILED_ARGUMENT_BYTES 512

/* Arguments of an exec that did not happen are still only the caller's: strings by pointers. */
static __always_inline void record__user_list(struct record *r, struct call *call, u64 array)
{
	u32 total = 0;
	bool is_cut = true;

	for (u32 i = 1; i < FAILED_ARGUMENTS && total < TEXT_BYTES; i++) {
		u64 text = user_pointer(call, array, i);
		long length;

		if (!text) {
			is_cut = false;
			break;
		}
		length = bpf_probe_read_user_str(
			&r->bytes[BOUNDED(r->end + total, RECORD_BYTES - 1)], FAILED_ARGUMENT_BYTES,
			(void *)text);
		if (length <= 0)
			break;
		total += length;
	}
	record__take(r, total ? total - 1 : 0, is_cut);
}

/* The process stays what it was; exe, args and filename are what it asked for. */
static __always_inline int emit_failed(
	struct call *call, struct record *r, bool is_at, u64 name, u64 arguments)
{
	struct task_struct *task = current_task();

	record__mark(r, call);
	record__s64(r, call->result);
	record__user_text(r, user_pointer(call, arguments, 0));
	record__user_list(r, call, arguments);
	record__identity(r, task);
	record__cwd(r, task);
	record__usage(r, task);
	record__place(r, task);
	record__environment(r, task->mm);
	record__image(r, task);
	record__name_and_lineage(r, task, is_at, 0, name);
	return record__send(r, EXECVE);
}

CALL(execve)
{
	struct record *r = call->result < 0 ? record__begin(EXECVE) : 0;

	return r ? emit_failed(call, r, false, ARG(0), ARG(1)) : 0;
}

CALL(execveat)
{
	struct record *r = call->result < 0 ? record__begin(EXECVEAT) : 0;

	return r ? emit_failed(call, r, true, ARG(1), ARG(2)) : 0;
}
