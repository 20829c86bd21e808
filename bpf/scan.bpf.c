/*
 * The processes that already run when the detector starts: one exec record each, marked as scanned,
 * written to the reader of the iterator. An object of its own, for kernels that cannot sleep in an
 * iterator refuse it (before 5.18).
 */
#define FS_OF(r) ((r)->fs)
#include "image.h"

char LICENSE[] SEC("license") = "GPL";

/* Copies at most TEXT_BYTES of another process' memory to `to`; how many. */
static __always_inline u32 copy_from(u8 *to, struct task_struct *task, u64 start, u64 end)
{
	u64 length = end > start ? end - start : 0;

	if (length > TEXT_BYTES)
		length = TEXT_BYTES;
	length = BOUNDED(length, 2 * TEXT_BYTES - 1);
	if (!start || !length || length > TEXT_BYTES ||
		bpf_copy_from_user_task(to, length, (void *)start, task, 0))
		return 0;
	return length;
}

/* exe and args; the area is copied whole, then parted at its first NUL. */
static __always_inline void scan_arguments(
	struct record *r, struct task_struct *task, struct mm_struct *mm)
{
	u32 length = mm ? copy_from(r->walk, task, mm->arg_start, mm->arg_end) : 0;
	long first = length ? bpf_probe_read_kernel_str(record__end(r), TEXT_BYTES, r->walk) : 0;
	u32 rest;

	if (first <= 0) {
		record__none(r);
		record__none(r);
		return;
	}
	record__take(r, first - 1, false);
	rest = length > first + 1 ? length - first - 1 : 0; /* without the last NUL */
	rest = BOUNDED(rest, TEXT_BYTES - 1);
	bpf_probe_read_kernel(record__end(r), rest, &r->walk[BOUNDED(first, TEXT_BYTES - 1)]);
	record__take(r, rest, mm->arg_end - mm->arg_start > TEXT_BYTES);
}

static __always_inline void scan_environment(
	struct record *r, struct task_struct *task, struct mm_struct *mm)
{
	u32 length = mm ? copy_from(record__end(r), task, mm->env_start, mm->env_end) : 0;

	if (length)
		record__take(r, length - 1, mm->env_end - mm->env_start > TEXT_BYTES);
	else
		record__none(r);
}

/* is_in_scope() of another task than the current one. */
static __always_inline bool is_task_in_scope(struct task_struct *task)
{
	struct kernfs_node *node = task->cgroups->dfl_cgrp->kn;

	if (!scope_level)
		return true;
	for (int i = 0; i < CGROUP_DEPTH && node; i++) {
		if (READ(struct kernfs_node, node, id) == scope_cgroup)
			return true;
		node = parent_of(node);
	}
	return false;
}

SEC("iter.s/task") int scan_task(struct bpf_iter__task *ctx)
{
	struct task_struct *trusted = ctx->task, *task;
	struct seq_file *seq = ctx->meta->seq;
	struct record *r;

	if (!trusted || trusted->pid != trusted->tgid)
		return 0;
	task = CAST(struct task_struct, trusted);
	if (!is_task_in_scope(task))
		return 0;
	r = record__begin_in(0, task, EVENT_EXECVE, SLOTS_OF_EXECVE);
	if (!r)
		return 0;
	HEADER_U16(r, AT_FLAGS) |= RECORD_SCANNED;
	r->fs = (u64)PROBE(struct task_struct, task, fs);
	record__s64(r, 0);
	scan_arguments(r, trusted, task->mm);
	record__identity(r, task);
	if (task->fs)
		record__cwd(r, task);
	else
		record__none(r);
	record__usage(r, task);
	record__place(r, task);
	scan_environment(r, trusted, task->mm);
	record__image(r, task);
	record__none(r); /* filename */
	record__lineage(r, task);
	u32 length = BOUNDED((r->end + 7) & ~7u, RECORD_BYTES - 1);
	HEADER_U32(r, AT_LENGTH) = length;
	bpf_seq_write(seq, r->bytes, length);
	return 0;
}
