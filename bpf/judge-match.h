/* Can a rule match at all? By the profile of the flags first, then clause by clause. */
#pragma once
#include "judge-flags.h"

enum judgement { KEEP, DROP };

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
