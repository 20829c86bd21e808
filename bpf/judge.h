/*
 * Decides inside the call: can a rule match at all (else the record is dropped), and does a policy
 * want the process dead. Both ask one truth vector (docs/decisions/20261121-one-truth-vector.md):
 * a word of the event's atoms, a word of each process's.
 */
#pragma once
#include "judge-strike.h"

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
