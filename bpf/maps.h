/* Rings by class, the place where a record is built, what was lost, and what user space decides
 * before loading. */
#pragma once
#include "numbers.h"
#include "schema.h"

/* A record's most: eight variable parameters of a page each. Masks below need powers of two. */
#define RECORD_BYTES 32768
#define TEXT_BYTES 4096

struct record {
	u32 slot;		 /* the next parameter's */
	u32 end;		 /* where the next variable bytes go */
	u64 truth;		 /* for the judge: the flags of the call, */
	u32 names;		 /* the places of its names, 0 where none is looked at, */
	u32 class;		 /* and the ring that is to have it */
	u64 fs;			 /* for the scan: the task's fs_struct */
	u8 walk[2 * TEXT_BYTES]; /* a path is found from its end */
	u8 bytes[RECORD_BYTES + 2 * TEXT_BYTES];
};

/* One a CPU, not a per-CPU map: those end at 32 KiB. Programs of tracepoints do not interrupt each
 * other. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, u32);
	__type(value, struct record);
	__uint(max_entries, 1);
} records SEC(".maps");

#define RING(name)                                                                                 \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_RINGBUF);                                                \
		__uint(max_entries, 4096);                                                         \
	} name SEC(".maps")
RING(process_ring);
RING(file_ring);
RING(network_ring);

/* Programs that decode a call for the one hook that sees all of them (any_call); the second half is
 * 32-bit calls. */
#define CALL_NUMBERS 512
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(key_size, sizeof(u32));
	__uint(value_size, sizeof(u32));
	__uint(max_entries, 2 * CALL_NUMBERS + 1);
} calls SEC(".maps");

/* The last stage of every call's program: behind `calls`, and for tracepoints of single calls,
 * which are programs of another kind. */
#define LAST_STAGE (2 * CALL_NUMBERS)
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(key_size, sizeof(u32));
	__uint(value_size, sizeof(u32));
	__uint(max_entries, 1);
} last_stage SEC(".maps");

struct loser {
	u64 cgroup_id;
	u64 class;
};

/* Who lost how much, for as long as the table remembers; the sums in `lost` are exact. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__type(key, struct loser);
	__type(value, u64);
	__uint(max_entries, 1024);
} lost_by_cgroup SEC(".maps");

u64 lost[CLASSES]; /* read through memory, without a system call */

/* The cgroup of the node that this detector speaks for, and how deep below the root it is; level 0
 * is the whole machine. Constant before loading, so there the verifier takes the question out. */
const volatile u32 scope_level;
const volatile u64 scope_cgroup;

/* Nodes may share a kernel: what the current task does is told and judged by its own node alone. */
static __always_inline bool is_in_scope(void)
{
	return !scope_level || bpf_get_current_ancestor_cgroup_id(scope_level) == scope_cgroup;
}

const volatile u32 own_pid; /* whose records are not wanted: the detector's own; 0 for none */
const volatile u64 wanted_calls[CALL_NUMBERS / 64]; /* a bit a number that any_call looks at */
