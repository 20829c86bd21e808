/* Does a policy want the process dead, and may it be: strikes that surely match, guards, fuses. */
#pragma once
#include "judge-match.h"

struct ns_common___mounts {
	u32 inum;
} __attribute__((preserve_access_index));
struct mnt_namespace___mounts {
	struct ns_common___mounts ns;
} __attribute__((preserve_access_index));
struct nsproxy___mounts {
	struct mnt_namespace___mounts *mnt_ns;
} __attribute__((preserve_access_index));
struct task_struct___mounts {
	struct nsproxy___mounts *nsproxy;
} __attribute__((preserve_access_index));

#define PF_KTHREAD 0x00200000
#define SIGKILL 9

#define ANY_LEVEL (JUDGE_LEVELS - 1)
#define ALL_LEVELS ((1 << JUDGE_LEVELS) - 1)

struct judge_lineage {
	u64 words[JUDGE_LEVELS];
	u32 unknown; /* bit a level */
};

struct judge_sure {
	u64 strikes;
	struct judge_lineage lineage;
};

/* Who forked whom, upwards. Exited ancestors count: a double fork hides nothing. */
__noinline int judge__read_lineage(struct judge_lineage *lineage)
{
	struct judge_process_key key = process_key(current_task());

	if (!lineage)
		return 0;
	__builtin_memset(lineage, 0, sizeof(*lineage));
	lineage->unknown = ALL_LEVELS;
	for (u32 i = 0; i < 24; i++) {
		struct judge_process *known;
		u64 word;

		if (!key.pid) {
			/* Above the first process there is nobody, and that is known. */
			lineage->unknown = 0;
			return 0;
		}
		known = bpf_map_lookup_elem(&judge_processes, &key);
		if (!known)
			return 0;
		word = word_of(known);
		if (i < ANY_LEVEL) {
			lineage->words[i] = word;
			lineage->unknown &= ~(1 << i);
		}
		if (i)
			lineage->words[ANY_LEVEL] |= word;
		key = known->parent;
	}
	return 0;
}

/* A container cannot earn protection by the path of its miner. */
static __always_inline bool is_of_host(struct task_struct *task)
{
	struct task_struct___mounts *owner = (void *)task;

	return !judge_host_mounts ||
	       BPF_CORE_READ(owner, nsproxy, mnt_ns, ns.inum) == judge_host_mounts;
}

static __always_inline bool is_protected(struct task_struct *task, u64 own)
{
	u32 pid = process_number(task);
	u64 *start = bpf_map_lookup_elem(&judge_protected, &pid);

	if (pid == 1 || task->flags & PF_KTHREAD)
		return true;
	if (own & TRAIT_GUARDED && is_of_host(task))
		return true;
	return start && *start == task->group_leader->start_boottime;
}

#define DEEPEST_POD 16

/* The kernel knows no namespaces: what it was told of the task's pod; of a container that it was
 * told nothing about it leaves the kill to the verdict, which comes when its pod is known. */
__noinline int judge__is_spared(void)
{
	if (!judge_awaits_pods)
		return 0;
	for (u32 level = 1; level <= DEEPEST_POD; level++) {
		u64 id = bpf_get_current_ancestor_cgroup_id(level);
		u8 *told = id ? bpf_map_lookup_elem(&judge_pods, &id) : 0;

		if (told)
			return *told == POD_SPARED;
		if (!id)
			break;
	}
	return !is_of_host(current_task());
}

/* True while the window's count has not reached the fuse. */
static __always_inline bool fuse_holds(struct judge_order *order)
{
	u64 now = bpf_ktime_get_boot_ns();

	if (now - order->window_start_ns > order->fuse_window_ns) {
		order->window_start_ns = now;
		order->window_count = 0;
	}
	return __sync_fetch_and_add(&order->window_count, 1) < order->fuse_max;
}

/* The flag that the record gets: 0 where a guard stood before it. */
__noinline int judge__carry_out(u32 place, u64 own)
{
	struct task_struct *task = current_task();
	struct judge_order *order = bpf_map_lookup_elem(&judge_orders, &place);

	if (!order)
		return 0;
	if (judge_kill_switch || is_protected(task, own)) {
		__sync_fetch_and_add(&order->guarded, 1);
		return 0;
	}
	if (order->mode == MODE_ENFORCE && !fuse_holds(order))
		__sync_fetch_and_add(&order->blown, 1);
	else if (order->mode == MODE_ENFORCE && !bpf_send_signal(SIGKILL)) {
		__sync_fetch_and_add(&order->killed, 1);
		return RECORD_STRUCK;
	}
	__sync_fetch_and_add(&order->would, 1);
	return RECORD_WOULD_STRIKE;
}

static __always_inline u64 against_lineage(
	const struct judge_strike_clause *clause, const struct judge_lineage *lineage)
{
	u64 reasons = clause->levels & lineage->unknown;

#pragma unroll
	for (u32 level = 0; level < JUDGE_LEVELS; level++)
		reasons |= against(&clause->programs[level], lineage->words[level]);
	return reasons;
}

/* The strikes that surely match, a bit each. */
__noinline int judge__sure(u32 vocabulary, u64 survivors, u64 truth, struct judge_sure *sure)
{
	struct judge_vocabulary *v = bpf_map_lookup_elem(&judge_vocabularies, &vocabulary);

	if (!v || !sure)
		return 0;
	judge__read_lineage(&sure->lineage);
	for (u32 i = 0; i < JUDGE_CLAUSES; i++) {
		struct judge_strike_clause *clause = &v->strikes[i];
		u64 reasons;

		if (i >= v->strike_count)
			break;
		reasons = ~survivors >> i & 1;
		reasons |= against(&clause->event, truth);
		reasons |= against_lineage(clause, &sure->lineage);
		if (!reasons)
			sure->strikes |= 1ULL << (clause->strike & 63);
	}
	return 0;
}

/* Each sure strike leaves its bit in the record, an enforced one the signal. */
__noinline int judge__strike(struct record *r, u32 vocabulary, u64 survivors, u64 truth)
{
	u32 half = vocabulary >= JUDGE_VOCABULARIES, flags = 0;
	struct judge_sure sure = {};

	if (!r)
		return 0;
	judge__sure(vocabulary, survivors, truth, &sure);
	if (!sure.strikes || judge__is_spared())
		return 0;
	for (u32 i = 0; i < JUDGE_STRIKES; i++)
		if (sure.strikes >> i & 1)
			flags |= judge__carry_out(half * JUDGE_STRIKES + i, sure.lineage.words[0]);
	if (flags & RECORD_STRUCK)
		flags &= ~RECORD_WOULD_STRIKE;
	HEADER_U64(r, AT_STRIKES) = sure.strikes;
	HEADER_U32(r, AT_SPARE) = judge_generation;
	HEADER_U16(r, AT_FLAGS) |= flags;
	return 1;
}
