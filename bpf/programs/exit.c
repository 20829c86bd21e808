/* The end of a task, in Falco's terms: the raw status, and what it says taken apart. */
SEC("tp_btf/sched_process_exit") int on_exit(u64 *ctx)
{
	struct task_struct *task = current_task();
	struct record *r = record__begin(PROCEXIT);
	u32 status = task->exit_code;

	if (!r)
		return 0;
	record__s64(r, status);
	record__s64(r, status >> 8 & 0xff);
	record__s64(r, status & 0x7f);
	record__s64(r, status >> 7 & 1);
	record__missing(
		r); /* reaper_tid: who inherits the children is told by their own records' parent */
	judge_exit(task);
	return record__send_class(r, CLASS_PROCESS);
}
