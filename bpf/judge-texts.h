/* Texts → atoms: a path or a name is walked once; what ends at a slash, or at a length that some
 * rule's prefix has, is looked up if its hash may be known. */
#pragma once
#include "judge-maps.h"
#include "store.h"

struct judge_text {
	u8 bytes[2 * JUDGE_PATH];
};

/* What a walk found; the first two go in. What it remembers is here and not in registers, or the
 * verifier would follow every value that it can have. */
struct judge_walk {
	u32 scope; /* vocabulary, or SCOPE_PROGRAMS */
	u32 is_directory;
	u64 truth;
	u32 has_dot_dot;
	u32 is_odd; /* `//`, `.`, `..` or a slash at the end: not the path that user space compares
		     */
	u32 begin;  /* of the component */
	u32 slash;  /* the last one */
	u64 at_begin; /* hash of what is before the component, before that slash, and of all */
	u64 at_slash;
	u64 hash;
};

/* A polynomial: the hash of a part follows from those of what ends at its two ends. */
static __always_inline u64 judge_step(u64 hash, u8 byte)
{
	return hash * judge_seed + byte + 1;
}

static __always_inline u64 judge_part(u64 before, u64 hash, u32 length)
{
	return hash - before * judge_powers[length & (JUDGE_PATH - 1)];
}

/* Two places of one table, both have to know the kind. */
static __always_inline u32 judge_may_know(u64 hash)
{
	u32 half = judge_generation & 1;
	u64 mixed = (hash ^ judge_seed) * 0x9e3779b97f4a7c15ULL;

	return judge_kinds[half][mixed >> 50] &
	       judge_kinds[half][(mixed >> 36) & (JUDGE_SLOTS - 1)];
}

/* One exact look-up; the key holds the text itself, so a hash cannot be mistaken. */
static __always_inline void judge_look(
	const u8 *text, u32 length, u32 kind, struct judge_walk *walk)
{
	u32 zero = 0, size = BOUNDED(length, 127);
	struct judge_space *space = bpf_map_lookup_elem(&judge_spaces, &zero);
	u64 *mask;

	if (!space || length > JUDGE_TEXT || size > JUDGE_TEXT)
		return;
	__builtin_memset(&space->key, 0, sizeof(space->key));
	space->key.half = judge_generation & 1;
	space->key.scope = walk->scope;
	space->key.kind = kind;
	space->key.length = size;
	bpf_probe_read_kernel(space->key.text, size, text);
	mask = bpf_map_lookup_elem(&judge_texts, &space->key);
	if (mask)
		walk->truth |= *mask;
}

__noinline int judge__find(
	struct judge_text *text, u32 from, u32 length, u32 kind, struct judge_walk *walk)
{
	if (text && walk)
		judge_look(&text->bytes[BOUNDED(from, JUDGE_PATH - 1)], length, kind, walk);
	return 0;
}

#define JUDGE_FIND(hash, kind, from, length)                                                       \
	do {                                                                                       \
		if (judge_may_know(hash) & 1 << (kind))                                            \
			judge__find(text, from, length, kind, walk);                               \
	} while (0)

static __always_inline bool is_dots(struct judge_text *text, u32 begin, u32 length)
{
	if (length > 2 || text->bytes[BOUNDED(begin, JUDGE_PATH - 1)] != '.')
		return length == 0;
	return length == 1 || text->bytes[BOUNDED(begin + 1, JUDGE_PATH - 1)] == '.';
}

/* The byte at `i` is a slash, and `hash` is of what is before it. */
__noinline int judge__slash(struct judge_text *text, u32 i, u64 hash, struct judge_walk *walk)
{
	u32 begin, length;

	if (!text || !walk || i >= JUDGE_PATH)
		return 0;
	begin = walk->begin;
	length = i - begin;
	if (i) {
		if (is_dots(text, begin, length))
			walk->is_odd = 1;
		if (i > 1 && text->bytes[BOUNDED(i - 1, JUDGE_PATH - 1)] == '.' &&
			text->bytes[BOUNDED(i - 2, JUDGE_PATH - 1)] == '.')
			walk->has_dot_dot = 1;
		JUDGE_FIND(judge_part(walk->at_begin, hash, length), KIND_INNER, begin, length);
	}
	walk->at_slash = hash;
	walk->at_begin = judge_step(hash, '/');
	walk->slash = i;
	walk->begin = i + 1;
	return 0;
}

/* What is known once the end is reached: the whole, the last component, the directory. */
__noinline int judge__end(struct judge_text *text, u32 length, struct judge_walk *walk)
{
	u32 begin, size;

	if (!text || !walk)
		return 0;
	begin = walk->begin;
	size = length - begin;
	if (length > 1 && is_dots(text, begin, size))
		walk->is_odd = 1;
	JUDGE_FIND(walk->hash, KIND_PATH, 0, length);
	JUDGE_FIND(judge_part(walk->at_begin, walk->hash, size), KIND_FILENAME, begin, size);
	if (walk->is_directory)
		JUDGE_FIND(walk->hash, KIND_DIRECTORY, 0, length);
	else if (walk->slash == 0)
		JUDGE_FIND(judge_step(0, '/'), KIND_DIRECTORY, 0, 1);
	else
		JUDGE_FIND(walk->at_slash, KIND_DIRECTORY, 0, walk->slash);
	return 0;
}

/* Negative: too long to be looked at. */
__noinline int judge__walk_path(struct judge_text *text, u32 length, struct judge_walk *walk)
{
	u32 half = judge_generation & 1;
	u64 hash = 0;

	if (!text || !walk || length == 0 || length > JUDGE_PATH)
		return -1;
	for (u32 i = 0; i < JUDGE_PATH; i++) {
		u8 byte;

		if (i >= length)
			break;
		byte = text->bytes[i];
		if (byte == '/')
			judge__slash(text, i, hash, walk);
		hash = judge_step(hash, byte);
		if (judge_ends[half][0][i + 1])
			JUDGE_FIND(hash, KIND_UNDER, 0, i + 1);
	}
	walk->hash = hash;
	judge__end(text, length, walk);
	return 0;
}

struct judge_program_text {
	u8 bytes[JUDGE_TEXT];
};

__noinline int judge__find_program(
	struct judge_program_text *text, u32 length, u32 kind, struct judge_walk *walk)
{
	if (text && walk)
		judge_look(text->bytes, length, kind, walk);
	return 0;
}

#define JUDGE_PROGRAM(hash, kind, length)                                                          \
	do {                                                                                       \
		if (judge_may_know(hash) & 1 << (kind))                                            \
			judge__find_program(text, length, kind, walk);                             \
	} while (0)

/* A program's path: only the whole and its beginnings. */
__noinline int judge__walk_program(
	struct judge_program_text *text, u32 length, struct judge_walk *walk)
{
	u32 half = judge_generation & 1;
	u64 hash = 0;

	if (!text || !walk)
		return 0;
	for (u32 i = 0; i < JUDGE_TEXT; i++) {
		if (i >= length)
			break;
		hash = judge_step(hash, text->bytes[i]);
		if (judge_ends[half][1][i + 1])
			JUDGE_PROGRAM(hash, KIND_EXE_START, i + 1);
	}
	if (length <= JUDGE_TEXT)
		JUDGE_PROGRAM(hash, KIND_EXE, length);
	return 0;
}

/* The same of its name. */
__noinline int judge__walk_name(
	struct judge_program_text *text, u32 length, struct judge_walk *walk)
{
	u32 half = judge_generation & 1;
	u64 hash = 0;

	if (!text || !walk)
		return 0;
	for (u32 i = 0; i < 16; i++) {
		if (i >= length)
			break;
		hash = judge_step(hash, text->bytes[i]);
		if (judge_ends[half][1][i + 1])
			JUDGE_PROGRAM(hash, KIND_NAME_START, i + 1);
	}
	JUDGE_PROGRAM(hash, KIND_NAME, length);
	return 0;
}
