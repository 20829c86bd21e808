/*
 * The end of a process, in Falco's terms: the raw status, and what it says taken apart. Told once,
 * when its last thread goes (the kernel has counted that one down already), under the process' own
 * number. Two that go at the same moment may both find none left: then it is told twice.
 */
#define SIGNAL_GROUP_EXIT 4

/* What its parent is told by wait (wait_task_zombie in kernel/exit.c). */
static __always_inline u32 wait_status(struct task_struct *task)
{
	struct signal_struct *signal = task->signal;

	return signal->flags & SIGNAL_GROUP_EXIT ? signal->group_exit_code
						 : task->group_leader->exit_code;
}

SEC("tp_btf/sched_process_exit") int on_exit(u64 *ctx)
{
	struct task_struct *task = current_task();
	struct record *r;
	u32 status;

	if (task->signal->live.counter)
		return 0;
	if (!is_in_scope()) {
		judge_exit(task); /* it may have been moved out since */
		return 0;
	}
	r = record__begin(PROCEXIT);
	if (!r)
		return 0;
	HEADER_U32(r, AT_TID) = process_number(task);
	status = wait_status(task);
	record__s64(r, status);
	record__s64(r, status >> 8 & 0xff);
	record__s64(r, status & 0x7f);
	record__s64(r, status >> 7 & 1);
	record__missing(
		r); /* reaper_tid: who inherits the children is told by their own records' parent */
	judge_exit(task);
	return record__send_class(r, CLASS_PROCESS);
}
