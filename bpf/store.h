/* Builds a record as detector/events/schema.ts defines it: header, slots, then the bytes of
 * variable parameters. */
#pragma once
#include "maps.h"

#define TRUNCATED_BIT 0x80000000u
#define MISSING_SCALAR (-0x7fffffffffffffffLL - 1)

/* Keeps the compiler from proving a bound that the verifier then cannot see. */
#define BOUNDED(value, mask)                                                                       \
	({                                                                                         \
		u64 bounded_ = (value);                                                            \
		asm volatile("%0 &= %1" : "+r"(bounded_) : "i"(mask));                             \
		bounded_;                                                                          \
	})

/* Functions, for behind a cast of &bytes[at] the compiler sees bytes and stores eight of them one
 * by one: every record would take four times the instructions. */
static __always_inline u16 *halfword_at(struct record *r, u32 at)
{
	return (u16 *)&r->bytes[at];
}
static __always_inline u32 *word_at(struct record *r, u32 at)
{
	return (u32 *)&r->bytes[at];
}
static __always_inline u64 *long_at(struct record *r, u32 at)
{
	return (u64 *)&r->bytes[at];
}
#define HEADER_U16(r, at) (*halfword_at(r, at))
#define HEADER_U32(r, at) (*word_at(r, at))
#define HEADER_U64(r, at) (*long_at(r, at))

/* `place`: whose of `records` is used; a CPU's own, or one that nobody else writes. */
static __always_inline struct record *record__begin_in(
	u32 place, struct task_struct *task, u32 event, u32 slots)
{
	struct record *r = bpf_map_lookup_elem(&records, &place);

	if (!r)
		return 0;
	r->slot = 0;
	r->end = HEADER_BYTES + 8 * slots;
	HEADER_U64(r, AT_TIME_NS) = bpf_ktime_get_boot_ns();
	HEADER_U32(r, AT_PID) = process_number(task);
	HEADER_U32(r, AT_TID) = thread_number(task);
	HEADER_U64(r, AT_CGROUP_ID) = task->cgroups->dfl_cgrp->kn->id;
	HEADER_U64(r, AT_START_TIME_NS) = task->group_leader->start_boottime;
	HEADER_U16(r, AT_EVENT_ID) = event;
	HEADER_U16(r, AT_FLAGS) = 0;
	HEADER_U16(r, AT_CPU) = place;
	HEADER_U16(r, AT_SLOTS) = slots;
	HEADER_U32(r, AT_USER_ID) = task->cred->uid.val;
	HEADER_U32(r, AT_PARENT_PID) = process_number(task->real_parent);
	HEADER_U64(r, AT_STRIKES) = 0;
	HEADER_U64(r, AT_LENGTH) = 0;
	return r;
}

static __always_inline struct record *record__begin_for(
	struct task_struct *task, u32 event, u32 slots)
{
	return record__begin_in(bpf_get_smp_processor_id(), task, event, slots);
}

#define record__begin(EVENT) record__begin_for(current_task(), EVENT_##EVENT, SLOTS_OF_##EVENT)

static __always_inline void record__s64(struct record *r, s64 value)
{
	*long_at(r, BOUNDED(HEADER_BYTES + 8 * r->slot, 0x3f8)) = value;
	r->slot++;
}

static __always_inline void record__missing(struct record *r)
{
	record__s64(r, MISSING_SCALAR);
}

/* A variable parameter that could not be had: offset 0. */
static __always_inline void record__none(struct record *r)
{
	record__s64(r, 0);
}

static __always_inline u8 *record__end(struct record *r)
{
	return &r->bytes[BOUNDED(r->end, RECORD_BYTES - 1)];
}

/* Makes the bytes that were put at the end a parameter; no room left counts as cut. */
static __always_inline void record__take(struct record *r, u32 length, bool is_cut)
{
	u32 offset = r->end;

	if (offset + length >= RECORD_BYTES) {
		length = 0;
		is_cut = true;
	}
	if (is_cut)
		HEADER_U16(r, AT_FLAGS) |= RECORD_TRUNCATED;
	record__s64(r, offset | (u64)(length | (is_cut ? TRUNCATED_BIT : 0)) << 32);
	r->end = (offset + length + 7) & ~7u; /* aligned: the reader hashes words */
}

/* Text of the caller; one byte more than fits tells a cut one from one that fits exactly. */
static __always_inline void record__user_text(struct record *r, u64 pointer)
{
	long length = bpf_probe_read_user_str(record__end(r), TEXT_BYTES + 1, (void *)pointer);

	if (length <= 0)
		record__none(r);
	else
		record__take(r, length - 1, length > TEXT_BYTES);
}

static __always_inline void record__kernel_text(struct record *r, const void *pointer)
{
	long length = bpf_probe_read_kernel_str(record__end(r), TEXT_BYTES + 1, pointer);

	if (length <= 0)
		record__none(r);
	else
		record__take(r, length - 1, length > TEXT_BYTES);
}

/* Bytes of the caller, at most `most` of them (a power of two, at most TEXT_BYTES). */
static __always_inline void record__user_bytes(struct record *r, u64 pointer, u64 length, u32 most)
{
	u64 kept = length > most ? most : length;

	kept = BOUNDED(kept, 2 * most - 1);
	if (!pointer || kept > most || bpf_probe_read_user(record__end(r), kept, (void *)pointer))
		record__none(r);
	else
		record__take(r, kept, length > most);
}

static __always_inline void count_lost(struct record *r, u32 class)
{
	struct loser loser = {HEADER_U64(r, AT_CGROUP_ID), class};
	u64 *known = bpf_map_lookup_elem(&lost_by_cgroup, &loser);
	u64 first = 1;

	__sync_fetch_and_add(&lost[class], 1);
	if (known)
		__sync_fetch_and_add(known, 1);
	else
		bpf_map_update_elem(&lost_by_cgroup, &loser, &first, BPF_ANY);
}

static __always_inline int record__send_to(struct record *r, void *ring, u32 class)
{
	u32 length = BOUNDED((r->end + 7) & ~7u, 2 * RECORD_BYTES - 1);

	if (length > RECORD_BYTES)
		return 0;
	HEADER_U32(r, AT_LENGTH) = length;
	/* Wakes the reader only when it had read everything: a busy ring costs no wake-ups. */
	if (bpf_ringbuf_output(ring, r->bytes, length, 0))
		count_lost(r, class);
	return 0;
}

static __always_inline int record__send_class(struct record *r, u32 class)
{
	if (class == CLASS_PROCESS)
		return record__send_to(r, &process_ring, CLASS_PROCESS);
	if (class == CLASS_FILE)
		return record__send_to(r, &file_ring, CLASS_FILE);
	return record__send_to(r, &network_ring, CLASS_NETWORK);
}
