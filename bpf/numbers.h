/*
 * Numbers of processes, as the detector's own pid namespace has them: those of /proc. Mostly that
 * is the kernel's first; where nodes are containers (kind) it is the node's.
 */
#pragma once
#include "read.h"

/* The detector's namespace: its level, 0 for the first, and its inode. */
const volatile u32 pid_level;
const volatile u32 pid_namespace_inode;

static __always_inline u64 upid_at(struct pid *pid, u32 level)
{
	return (u64)pid + bpf_core_field_offset(struct pid, numbers) +
	       level * bpf_core_type_size(struct upid);
}

static __always_inline int number_at(struct pid *pid, u32 level)
{
	int number = 0;

	bpf_core_read(&number, sizeof(number),
		(char *)upid_at(pid, level) + bpf_core_field_offset(struct upid, nr));
	return number;
}

static __always_inline struct pid_namespace *namespace_at(struct pid *pid, u32 level)
{
	struct pid_namespace *namespace = 0;

	bpf_core_read(&namespace, sizeof(namespace),
		(char *)upid_at(pid, level) + bpf_core_field_offset(struct upid, ns));
	return namespace;
}

/* 0 for what /proc does not show. */
static __always_inline u32 number_of(struct pid *pid)
{
	struct pid_namespace *namespace;

	if (!pid_level)
		return number_at(pid, 0);
	if (READ(struct pid, pid, level) < pid_level)
		return 0;
	namespace = namespace_at(pid, pid_level);
	if (!namespace || READ(struct pid_namespace, namespace, ns.inum) != pid_namespace_inode)
		return 0;
	return number_at(pid, pid_level);
}

static __always_inline u32 process_number(struct task_struct *task)
{
	return pid_level ? number_of(task->signal->pids[PIDTYPE_TGID]) : (u32)task->tgid;
}

static __always_inline u32 thread_number(struct task_struct *task)
{
	return pid_level ? number_of(task->thread_pid) : (u32)task->pid;
}
