/*
 * Decides inside the call: can a rule match at all (else the record is dropped), and does a policy
 * want the process dead. Both ask one truth vector (docs/decisions/20261121-one-truth-vector.md):
 * a word of the event's atoms, a word of each process's.
 */
#pragma once
#include "judge-processes.h"

enum judgement { KEEP, DROP };

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

#define O_WRONLY 01
#define O_CREAT 0100
#define O_TRUNC 01000
#define O_TMPFILE 020000000 /* without O_DIRECTORY, which goes with it */

static __always_inline u64 open_flags(u64 flags, u64 mode)
{
	u64 access = flags & 3;
	u64 truth = 0;

	if (access == 0 || access == 2)
		truth |= FLAG_READ;
	if (access == 1 || access == 2)
		truth |= FLAG_WRITE;
	if (flags & O_TRUNC)
		truth |= FLAG_TRUNCATE;
	if (flags & O_CREAT)
		truth |= FLAG_CREATE;
	if (mode & 0111 && flags & (O_CREAT | O_TMPFILE))
		truth |= FLAG_EXEC;
	return truth;
}

/* Of a file that no directory has: anonymous memory, or a file that was removed? */
static __always_inline bool is_named_memfd(struct file *file)
{
	struct dentry *dentry = READ(struct file, file, f_path.dentry);
	char name[6] = {};

	bpf_probe_read_kernel(name, sizeof(name), READ(struct dentry, dentry, d_name.name));
	return name[0] == 'm' && name[1] == 'e' && name[2] == 'm' && name[3] == 'f' &&
	       name[4] == 'd' && name[5] == ':';
}

/* As user space takes st_mode: devices are files too, a memfd is none. */
static __always_inline u64 file_flags(struct file *file)
{
	struct inode *inode = file ? READ(struct file, file, f_inode) : 0;
	u32 type = inode ? READ(struct inode, inode, i_mode) & S_IFMT : 0;

	if (inode && READ(struct inode, inode, i_nlink) == 0 && is_named_memfd(file))
		return 0;

	if (type == 0100000 || type == 0020000 || type == 0060000)
		return FLAG_FILE;
	return type == 0040000 ? FLAG_IS_DIRECTORY : 0;
}

static __always_inline u64 result_flags(s64 result)
{
	u64 truth = 0;

	if (result >= 0)
		truth |= FLAG_SUCCEEDED;
	if (result == 0)
		truth |= FLAG_ZERO;
	if (result >= 0 && result <= 2)
		truth |= FLAG_STANDARD_STREAM;
	return truth;
}

/* A vocabulary, the profile of what is known before any name is read, and what survives it. */
struct judge_case {
	u32 half;
	u32 vocabulary;
	u64 flags;
	struct judge_profile *profile;
};

/* KEEP or DROP when nothing has to be looked at, else -1. */
static __always_inline int judge_begin(struct judge_case *at, u32 event, u64 flags)
{
	u32 half = judge_generation & 1, entry, place;

	at->half = half;
	at->flags = flags;
	entry = judge_events[half][event & (JUDGE_EVENTS - 1)];
	if ((entry & 0xff) == VERDICT_KEEP)
		return KEEP;
	if ((entry & 0xff) == VERDICT_DROP)
		return DROP;
	at->vocabulary = half * JUDGE_VOCABULARIES + (entry >> 8 & (JUDGE_VOCABULARIES - 1));
	place = at->vocabulary * JUDGE_PROFILES + (flags & (JUDGE_PROFILES - 1));
	at->profile = bpf_map_lookup_elem(&judge_profiles, &place);
	if (!at->profile)
		return KEEP;
	if (at->profile->strikes)
		return -1;
	if (at->profile->is_always)
		return KEEP;
	return at->profile->clauses ? -1 : DROP;
}

/* Before a record is built: nothing can come of a call with these flags. */
static __always_inline bool judge_is_idle(u32 event, u64 flags)
{
	struct judge_case at;

	return judge_begin(&at, event, flags) == DROP;
}

/* What speaks against it: 0 when it holds. Without branches, which the verifier would all follow.
 */
static __always_inline u64 against(const struct judge_bits *bits, u64 word)
{
	return (bits->need & ~word) | (bits->forbid & word);
}

/* The word of the current process; false when nobody told what it runs. */
static __always_inline bool own_word(u64 *word)
{
	struct judge_process_key key = process_key(current_task());
	struct judge_process *known = bpf_map_lookup_elem(&judge_processes, &key);

	if (!known)
		return false;
	if (known->generation != judge_generation)
		settle(known);
	*word = known->own;
	return true;
}

/* Does a clause of the filter hold for this event word? What is not known may be anything. */
__noinline int judge__may_match(u32 vocabulary, u64 survivors, u64 truth)
{
	struct judge_vocabulary *v = bpf_map_lookup_elem(&judge_vocabularies, &vocabulary);
	u64 held = 0, own = 0;

	if (!v)
		return 1;
	for (u32 i = 0; i < JUDGE_CLAUSES; i++) {
		if (i >= v->clause_count)
			break;
		held |= (u64)!against(&v->clauses[i].event, truth) << i;
	}
	held &= survivors;
	if (!held)
		return 0;
	if (held & ~v->ask_own || !own_word(&own))
		return 1;
	for (u32 i = 0; i < JUDGE_CLAUSES; i++) {
		if (i >= v->clause_count)
			break;
		held &= ~((u64) !!against(&v->clauses[i].own, own) << i);
	}
	return held != 0;
}

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

static __always_inline u64 user_flag(struct record *r)
{
	return HEADER_U32(r, AT_USER_ID) == 0 ? FLAG_ROOT : 0;
}

/* A call without names that are looked at, or an exec (after judge__exec). */
__noinline int judge__call(struct record *r, u64 flags)
{
	struct judge_case at;
	int decided;

	if (!r)
		return KEEP;
	decided = judge_begin(&at, HEADER_U16(r, AT_EVENT_ID), flags | user_flag(r));
	if (decided >= 0)
		return decided;
	if (at.profile->strikes && judge__strike(r, at.vocabulary, at.profile->strikes, at.flags))
		return KEEP;
	if (at.profile->is_always)
		return KEEP;
	return judge__may_match(at.vocabulary, at.profile->clauses, at.flags) ? KEEP : DROP;
}

/* A name of the opened file in the record → its atoms; false when it cannot be told. */
static __always_inline bool path_truth(
	struct judge_case *at, struct judge_text *text, u32 length, u64 *truth, u32 *is_odd)
{
	struct judge_walk walk = {
		.scope = at->vocabulary % JUDGE_VOCABULARIES,
		.is_directory = !!(at->flags & FLAG_IS_DIRECTORY),
	};

	if (judge__walk_path(text, length, &walk))
		return false;
	*truth = at->flags | FLAG_NAMED | walk.truth | (walk.has_dot_dot ? FLAG_DOT_DOT : 0);
	*is_odd = walk.is_odd;
	return true;
}

#define NO_SLOT 63
#define NAMES(name, path, directory) ((name) | (path) << 8 | (directory) << 16)

/* The passed name as user space joins it: an absolute one is itself, a relative one follows its
 * directory. Null where a part is missing or it gets too long. */
static __always_inline struct judge_text *passed_name(
	struct record *r, u32 name_slot, u32 directory_slot, u32 *length)
{
	u32 name = slot_offset(r, name_slot), size = slot_length(r, name_slot);
	u32 start = slot_offset(r, directory_slot), before = slot_length(r, directory_slot);

	if (!name || !size || size > JUDGE_PATH)
		return 0;
	*length = size;
	if (text_at(r, name)->bytes[0] == '/')
		return text_at(r, name);
	if (!start || !before || before + size + 1 > JUDGE_PATH)
		return 0;
	if (before == 1)
		before = 0; /* the root: its slash is the one between */
	bpf_probe_read_kernel(r->walk, BOUNDED(before, 511), text_at(r, start));
	r->walk[BOUNDED(before, 511)] = '/';
	bpf_probe_read_kernel(
		&r->walk[BOUNDED(before + 1, 511)], BOUNDED(size, 511), text_at(r, name));
	*length = before + 1 + size;
	return (struct judge_text *)r->walk;
}

/* Mostly the caller passes the very path that the kernel has: then one walk is enough. Word by
 * word, the last one over again; shorter texts are not worth it. */
__noinline int judge__is_same(struct judge_text *left, struct judge_text *right, u32 length)
{
	u32 last = BOUNDED(length - 8, JUDGE_PATH - 1);

	if (!left || !right || length < 8 || length > JUDGE_PATH)
		return 0;
	for (u32 i = 0; i < JUDGE_PATH; i += 8) {
		if (i + 8 > length)
			break;
		if (*(u64 *)&left->bytes[i] != *(u64 *)&right->bytes[i])
			return 0;
	}
	return *(u64 *)&left->bytes[last] == *(u64 *)&right->bytes[last];
}

/* A memfd's path looks like one of the root; user space does not take it for a file. */
static __always_inline bool is_memfd_path(const struct judge_text *text)
{
	return text->bytes[1] == 'm' && text->bytes[2] == 'e' && text->bytes[3] == 'm' &&
	       text->bytes[4] == 'f' && text->bytes[5] == 'd' && text->bytes[6] == ':';
}

/*
 * The open family: slots are name, path and directory of the record, a byte each. A strike goes by
 * the kernel's own path alone; a record is kept if either name could match, or cannot be told.
 */
__noinline int judge__open(struct record *r, u64 flags, u32 slots)
{
	u32 name_slot = slots & 63, path_slot = slots >> 8 & 63, directory_slot = slots >> 16 & 63;
	u32 path, path_length, passed_length = 0, is_odd = 0;
	struct judge_text *passed;
	struct judge_case at;
	u64 truth = 0, passed_truth = 0;
	bool is_path_known = false;
	int decided;

	if (!r)
		return KEEP;
	decided = judge_begin(&at, HEADER_U16(r, AT_EVENT_ID), flags | user_flag(r));
	if (decided >= 0)
		return decided;
	if (!at.profile->needs_names)
		return judge__call(r, flags);
	path = slot_offset(r, path_slot);
	path_length = slot_length(r, path_slot);
	if (path) {
		if (text_at(r, path)->bytes[0] != '/' || is_memfd_path(text_at(r, path)) ||
			!path_truth(&at, text_at(r, path), path_length, &truth, &is_odd))
			return KEEP;
		is_path_known = true;
		if (at.profile->strikes &&
			judge__strike(r, at.vocabulary, at.profile->strikes, truth))
			return KEEP;
	}
	if (at.profile->is_always)
		return KEEP;
	if (name_slot == NO_SLOT && !is_path_known)
		return KEEP;
	if (name_slot == NO_SLOT)
		return judge__may_match(at.vocabulary, at.profile->clauses, truth) ? KEEP : DROP;
	passed = passed_name(r, name_slot, directory_slot, &passed_length);
	if (!passed)
		return KEEP;
	if (is_path_known && passed_length == path_length &&
		judge__is_same(passed, text_at(r, path), path_length))
		return judge__may_match(at.vocabulary, at.profile->clauses, truth) ? KEEP : DROP;
	if (!path_truth(&at, passed, passed_length, &passed_truth, &is_odd) || is_odd)
		return KEEP;
	if (judge__may_match(at.vocabulary, at.profile->clauses, passed_truth))
		return KEEP;
	truth |= passed_truth & FLAG_DOT_DOT;
	if (!is_path_known || truth == passed_truth)
		return DROP;
	return judge__may_match(at.vocabulary, at.profile->clauses, truth) ? KEEP : DROP;
}

/* The last stage of every call: judge, then send. */
static __always_inline int record__judge_and_send(struct record *r)
{
	int decided = r->names ? judge__open(r, r->truth, r->names) : judge__call(r, r->truth);

	return decided == DROP ? 0 : record__send_class(r, r->class);
}

/* What the last stage goes by; always true. */
static __always_inline int record__finish(struct record *r, u32 class, u64 truth, u32 names)
{
	r->class = class;
	r->truth = truth;
	r->names = names;
	return 1;
}

/* The first parameter of every call is its result. */
#define record__send(r, EVENT)                                                                     \
	record__finish(r, CLASS_OF_##EVENT, result_flags(HEADER_U64(r, HEADER_BYTES)), 0)
