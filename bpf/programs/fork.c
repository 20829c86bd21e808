/* A new task, told by its parent: parent and child in one record, so that the child is known before
 * it acts. */
#if defined(__TARGET_ARCH_x86)
#define NR_CLONE 56
#define NR_FORK 57
#define NR_VFORK 58
#else
#define NR_CLONE 220
#define NR_FORK (-1u)
#define NR_VFORK (-1u)
#endif
#define NR_CLONE3 435

static __always_inline u64 clone_flags(struct call *call, u32 number)
{
	u64 flags = 0;

	if (number == NR_CLONE)
		return (u32)ARG(0);
	if (number == NR_CLONE3)
		bpf_probe_read_user(&flags, sizeof(flags), (void *)ARG(0));
	return flags;
}

static __always_inline u32 fork_event(u32 number)
{
	if (number == NR_FORK)
		return EVENT_FORK;
	if (number == NR_VFORK)
		return EVENT_VFORK;
	return number == NR_CLONE3 ? EVENT_CLONE3 : EVENT_CLONE;
}

SEC("tp_btf/sched_process_fork") int on_fork(u64 *ctx)
{
	struct task_struct *task = CAST(struct task_struct, ctx[0]);
	struct task_struct *child = CAST(struct task_struct, ctx[1]);
	u32 number = call_number();
	struct record *r =
		is_in_scope() ? record__begin_for(task, fork_event(number), SLOTS_OF_CLONE) : 0;
	struct call call = {};

	if (!r)
		return 0;
	call__read(&call, 0);
	record__s64(r, own_number(child, PIDTYPE_PID));
	record__arguments(r, task->mm);
	record__identity(r, task);
	record__cwd(r, task);
	record__usage(r, task);
	record__place(r, task);
	record__s64(r, call.is_compat ? 0 : clone_flags(&call, number));
	record__s64(r, task->cred->euid.val);
	record__s64(r, task->cred->egid.val);
	record__s64(r, own_number(task, PIDTYPE_PID));
	record__s64(r, own_number(task, PIDTYPE_TGID));
	record__s64(r, namespace_start(task));
	record__s64(r, process_number(child));
	record__s64(r, thread_number(child));
	record__s64(r, child->group_leader->start_boottime);
	record__s64(r, pid_number(child, PIDTYPE_SID));
	record__s64(r, pid_number(child, PIDTYPE_PGID));
	record__s64(r, own_number(child, PIDTYPE_PGID));
	judge_fork(task, child);
	return record__send_class(r, CLASS_PROCESS);
}
