/* What each process runs, as atoms: set at the same moments as in user space (fork, exec, a new
 * name), so that the two sides never disagree about a name that a program gave itself. */
#pragma once
#include "judge-texts.h"
#include "path.h"

static __always_inline struct judge_process_key process_key(struct task_struct *task)
{
	struct judge_process_key key = {
		.start_ns = task->group_leader->start_boottime,
		.pid = process_number(task),
	};
	return key;
}

/* Where the record holds its parameter `slot`; the offset may be 0: it could not be had. */
static __always_inline u32 slot_offset(struct record *r, u32 slot)
{
	return HEADER_U32(r, BOUNDED(HEADER_BYTES + 8 * slot, 0x3f8));
}

static __always_inline u32 slot_length(struct record *r, u32 slot)
{
	return HEADER_U32(r, BOUNDED(HEADER_BYTES + 8 * slot + 4, 0x3fc));
}

static __always_inline struct judge_text *text_at(struct record *r, u32 offset)
{
	return (struct judge_text *)&r->bytes[BOUNDED(offset, RECORD_BYTES - 1)];
}

static __always_inline u32 current_half(void)
{
	return judge_generation & 1;
}

/* What the texts of an entry make true now. `name` is followed by `path`, so it is long enough to
 * walk. */
static __always_inline u64 program_atoms(struct judge_process *process)
{
	struct judge_walk walk = {.scope = SCOPE_PROGRAMS};

	judge__walk_name((struct judge_program_text *)process->name, process->name_length, &walk);
	judge__walk_program(
		(struct judge_program_text *)process->path, process->path_length, &walk);
	return walk.truth | process->traits;
}

/* The atoms of an entry: as last seen, or anew when the rules have changed since. */
static __always_inline u64 word_of(struct judge_process *process)
{
	return process->generation == judge_generation ? process->own : program_atoms(process);
}

static __always_inline void set_name(struct judge_process *process, const void *name)
{
	long length = bpf_probe_read_kernel_str(process->name, sizeof(process->name), name);

	process->name_length = length > 0 ? length - 1 : 0;
}

static __always_inline void set_path(struct judge_process *process, struct record *r, u32 slot)
{
	u32 offset = slot_offset(r, slot), length = slot_length(r, slot);

	process->path_length = 0;
	if (!offset)
		return;
	process->path_length = length > JUDGE_TEXT ? 255 : length;
	bpf_probe_read_kernel(process->path, JUDGE_TEXT, text_at(r, offset));
}

static __always_inline void settle(struct judge_process *process)
{
	u32 generation = judge_generation;

	process->own = program_atoms(process);
	process->generation = generation;
}

/* A program begins in this process; its path is a parameter of the record. */
__noinline int judge__exec(struct record *r, u32 path_slot, u32 flags)
{
	struct task_struct *task = current_task();
	struct judge_process_key key = process_key(task);
	struct judge_process *process = bpf_map_lookup_elem(&judge_processes, &key);
	u32 zero = 0;

	if (!r)
		return 0;
	if (!process) {
		struct judge_space *space = bpf_map_lookup_elem(&judge_spaces, &zero);

		if (!space)
			return 0;
		__builtin_memset(&space->process, 0, sizeof(space->process));
		space->process.parent.pid = ~0u; /* nobody told */
		if (bpf_map_update_elem(&judge_processes, &key, &space->process, BPF_ANY))
			__sync_fetch_and_add(&judge_unknown_processes, 1);
		process = bpf_map_lookup_elem(&judge_processes, &key);
		if (!process)
			return 0;
	}
	process->generation = 0;
	process->traits = TRAIT_EXISTS;
	if (flags & 2) /* EXE_UPPER_LAYER */
		process->traits |= TRAIT_UPPER_LAYER;
	if (flags & 4) /* EXE_FROM_MEMFD */
		process->traits |= TRAIT_MEMFD;
	set_name(process, task->comm);
	set_path(process, r, path_slot);
	settle(process);
	return 0;
}

/* prctl(PR_SET_NAME) of the leader: user space follows it too. */
static __always_inline void judge_rename(const void *name)
{
	struct task_struct *task = current_task();
	struct judge_process_key key = process_key(task);
	struct judge_process *process = bpf_map_lookup_elem(&judge_processes, &key);

	if (!process || task->pid != task->tgid)
		return;
	set_name(process, name);
	settle(process);
}

/* A child runs what its parent runs until it executes. Threads share their process's entry. */
static __always_inline void judge_fork(struct task_struct *task, struct task_struct *child)
{
	struct judge_process_key parent_key = process_key(task), key = process_key(child);
	struct judge_process *parent;
	struct judge_space *space;
	u32 zero = 0;

	if (task->tgid == child->tgid)
		return;
	parent = bpf_map_lookup_elem(&judge_processes, &parent_key);
	space = bpf_map_lookup_elem(&judge_spaces, &zero);
	if (!parent || !space)
		return; /* its exec makes it known */
	parent->has_children = 1;
	bpf_probe_read_kernel(&space->process, sizeof(space->process), parent);
	space->process.has_children = 0;
	space->process.parent = parent_key;
	if (bpf_map_update_elem(&judge_processes, &key, &space->process, BPF_ANY))
		__sync_fetch_and_add(&judge_unknown_processes, 1);
}

/* Its children still go by what it was; user space takes away what nobody descends from. */
static __always_inline void judge_exit(struct task_struct *task)
{
	struct judge_process_key key = process_key(task);
	struct judge_process *known;

	known = bpf_map_lookup_elem(&judge_processes, &key);
	if (!known)
		return;
	if (known->has_children)
		known->has_exited = 1;
	else
		bpf_map_delete_elem(&judge_processes, &key);
}
