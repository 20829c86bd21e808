/* What a process is, read from its task: the parameters that exec, fork and scan records share. */
#pragma once
#include "call.h"

#define RLIMIT_NOFILE 7

static __always_inline struct pid *pid_of(struct task_struct *task, enum pid_type type)
{
	return type == PIDTYPE_PID ? task->thread_pid : task->signal->pids[type];
}

static __always_inline int pid_number(struct task_struct *task, enum pid_type type)
{
	return number_of(pid_of(task, type));
}

static __always_inline int own_number(struct task_struct *task, enum pid_type type)
{
	return number_at(pid_of(task, type), task->thread_pid->level);
}

/* A thread that made its namespace's first process sees that namespace begin. */
static __always_inline u64 namespace_start(struct task_struct *task)
{
	u32 level = task->thread_pid->level;
	struct pid_namespace *namespace = namespace_at(task->thread_pid, level);
	struct task_struct *first;

	first = namespace ? READ(struct pid_namespace, namespace, child_reaper) : 0;
	return first ? READ(struct task_struct, first, start_boottime) : 0;
}

static __always_inline s64 terminal_number(struct task_struct *task)
{
	struct tty_struct *tty = task->signal->tty;
	u32 minor;

	if (!tty)
		return 0;
	minor = tty->driver->minor_start + tty->index;
	return (minor & 0xff) | (u32)tty->driver->major << 8 | (minor & ~0xffu) << 12;
}

/* The kernel's argument and environment areas: items end in NUL; the last NUL is left out. */
static __always_inline void record__area(struct record *r, u64 start, u64 end)
{
	if (start && end > start + 1)
		record__user_bytes(r, start, end - start - 1, TEXT_BYTES);
	else if (start)
		record__take(r, 0, false);
	else
		record__none(r);
}

/* exe (the first argument) and args (the others). */
static __always_inline void record__arguments(struct record *r, struct mm_struct *mm)
{
	u64 start = mm ? mm->arg_start : 0, end = mm ? mm->arg_end : 0;
	long first =
		start ? bpf_probe_read_user_str(record__end(r), TEXT_BYTES + 1, (void *)start) : 0;

	if (first <= 0) {
		record__none(r);
		record__none(r);
		return;
	}
	record__take(r, first - 1, first > TEXT_BYTES);
	record__area(r, start + first, end);
}

/* fdlimit pgft_maj pgft_min vm_size vm_rss vm_swap (KiB), comm. */
static __always_inline void record__usage(struct record *r, struct task_struct *task)
{
	struct mm_struct *mm = task->mm;

	record__s64(r, task->signal->rlim[RLIMIT_NOFILE].rlim_cur);
	record__s64(r, task->maj_flt);
	record__s64(r, task->min_flt);
	record__s64(r, mm ? mm->total_vm * 4 : 0);
	if (mm && bpf_core_type_exists(struct percpu_counter) &&
		bpf_core_field_exists(mm->rss_stat)) {
		record__s64(
			r, (mm->rss_stat[0].count + mm->rss_stat[1].count + mm->rss_stat[3].count) *
				   4);
		record__s64(r, mm->rss_stat[2].count * 4);
	} else {
		record__missing(r);
		record__missing(r);
	}
	record__kernel_text(r, task->comm);
}

#define CGROUP_DEPTH 64
#define CGROUP_DEPTH_UNROLLED 16 /* before 5.17, as in path.h */

static __always_inline struct kernfs_node *parent_of(struct kernfs_node *node)
{
	struct kernfs_node___before_6_15 *older = (void *)node;

	if (bpf_core_field_exists(older->parent))
		return READ(struct kernfs_node___before_6_15, older, parent);
	return READ(struct kernfs_node, node, __parent);
}

struct climb {
	struct record *r;
	u64 node;
	u32 start;
};

/* Puts "/name" of a cgroup before what walk holds; 1 at the root, or when there is no room. */
static long climb_step(u32 index, struct climb *climb)
{
	struct record *r = climb->r;
	struct kernfs_node *node = (struct kernfs_node *)climb->node;
	u64 parent = node ? (u64)parent_of(node) : 0;
	u32 at = climb->start;
	u8 *text;
	long length;

	if (!r || !parent)
		return 1;
	text = &r->walk[TEXT_BYTES];
	length =
		bpf_probe_read_kernel_str(text, NAME_MAX, READ(struct kernfs_node, node, name)) - 1;
	if (length < 0 || length > NAME_MAX || at < length + 1)
		return 1;
	at -= length;
	bpf_probe_read_kernel(
		&r->walk[BOUNDED(at, TEXT_BYTES - 1)], BOUNDED(length, NAME_MAX), text);
	at -= 1;
	r->walk[BOUNDED(at, TEXT_BYTES - 1)] = '/';
	climb->start = BOUNDED(at, TEXT_BYTES - 1); /* one range for the verifier */
	climb->node = parent;
	return 0;
}

/* Prepends a cgroup's path to what walk holds, from `at` on; the new start. */
static __always_inline u32 prepend_cgroup(struct record *r, u32 at, struct kernfs_node *node)
{
	struct climb climb = {.r = r, .node = (u64)node, .start = BOUNDED(at, TEXT_BYTES - 1)};

	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_loop)) {
		bpf_loop(CGROUP_DEPTH, climb_step, &climb, 0);
	} else {
		for (int i = 0; i < CGROUP_DEPTH_UNROLLED; i++)
			if (climb_step(i, &climb))
				break;
	}
	return climb.start;
}

/*
 * The process' place in the unified tree as "=/path", and then in the first hierarchy of its own
 * that is not that (a v1 controller's): runtimes on a host without the unified tree can only be
 * seen there.
 */
__noinline int record__cgroups(struct record *r, u64 pointer)
{
	struct css_set *set = (struct css_set *)pointer;
	u32 start = TEXT_BYTES - 1, kept;

	if (!r)
		return 0;
	for (int i = 0; i < 2; i++) {
		struct cgroup *cgroup = 0;
		u32 before = start;

		if (i == 0) {
			struct cgroup_subsys_state *first = READ(struct css_set, set, subsys[0]);
			cgroup = first ? READ(struct cgroup_subsys_state, first, cgroup) : 0;
			if (cgroup == READ(struct css_set, set, dfl_cgrp))
				continue;
		} else {
			cgroup = READ(struct css_set, set, dfl_cgrp);
		}
		if (!cgroup)
			continue;
		if (start != TEXT_BYTES - 1) {
			start -= 1;
			r->walk[BOUNDED(start, TEXT_BYTES - 1)] = 0;
			before = start;
		}
		start = prepend_cgroup(r, start, READ(struct cgroup, cgroup, kn));
		if (start == before) {
			start -= 1;
			r->walk[BOUNDED(start, TEXT_BYTES - 1)] = '/';
		}
		start -= 1;
		r->walk[BOUNDED(start, TEXT_BYTES - 1)] = '=';
	}
	kept = BOUNDED(TEXT_BYTES - 1 - start, TEXT_BYTES - 1);
	bpf_probe_read_kernel(record__end(r), kept, &r->walk[BOUNDED(start, TEXT_BYTES - 1)]);
	record__take(r, kept, false);
	return 0;
}

static __always_inline void record__place(struct record *r, struct task_struct *task)
{
	record__cgroups(r, (u64)PROBE(struct task_struct, task, cgroups)); /* as a number */
}

static __always_inline void record__cwd(struct record *r, struct task_struct *task)
{
	record__path(r, &task->fs->pwd);
}
