/* What user space compiled from the rules and the policies (detector/judge/tables.ts writes it),
 * and what the judge knows of processes. Two halves: the one of the generation in force, and the
 * next. */
#pragma once
#include "maps.h"

#define JUDGE_EVENTS 128
#define JUDGE_VOCABULARIES 32
#define JUDGE_CLAUSES 32
#define JUDGE_PROFILES 256
#define JUDGE_STRIKES 64
#define JUDGE_LEVELS 5
#define JUDGE_SLOTS 16384
/* Texts that are looked up are no longer, and paths that are looked at: others keep their record.
 */
#define JUDGE_TEXT 112
#define JUDGE_PATH 256

enum judge_kind { /* entryKinds in detector/judge/atoms.ts, from 1 */
	KIND_PATH = 1,
	KIND_UNDER,
	KIND_DIRECTORY,
	KIND_FILENAME,
	KIND_INNER,
	KIND_NAME,
	KIND_NAME_START,
	KIND_EXE,
	KIND_EXE_START,
};
#define SCOPE_PROGRAMS 255

#define FLAG_SUCCEEDED (1 << 0)
#define FLAG_READ (1 << 1)
#define FLAG_WRITE (1 << 2)
#define FLAG_TRUNCATE (1 << 3)
#define FLAG_CREATE (1 << 4)
#define FLAG_FILE (1 << 5)
#define FLAG_EXEC (1 << 6)
#define FLAG_ZERO (1 << 7)
#define FLAG_STANDARD_STREAM (1 << 8)
#define FLAG_DOT_DOT (1 << 9)
#define FLAG_ROOT (1 << 10)
#define FLAG_IS_DIRECTORY (1 << 14)
#define FLAG_NAMED (1 << 15)

#define TRAIT_EXISTS (1 << 0)
#define TRAIT_MEMFD (1 << 1)
#define TRAIT_UPPER_LAYER (1 << 2)
#define TRAIT_GUARDED (1 << 3)

enum judge_verdict { VERDICT_KEEP, VERDICT_DROP, VERDICT_JUDGE };

struct judge_profile {
	u64 clauses; /* those that can still hold */
	u64 strikes;
	u32 is_always;
	u32 needs_names;
};

struct judge_bits {
	u64 need;
	u64 forbid;
};

struct judge_clause {
	struct judge_bits event;
	struct judge_bits own;
};

struct judge_strike_clause {
	struct judge_bits event;
	struct judge_bits programs[JUDGE_LEVELS]; /* itself, parent, two above, any */
	u32 strike;
	u32 levels; /* bit a level that is asked about */
};

struct judge_vocabulary {
	u32 clause_count;
	u32 strike_count;
	u64 ask_own; /* clauses that ask about the process, a bit each */
	struct judge_clause clauses[JUDGE_CLAUSES];
	struct judge_strike_clause strikes[JUDGE_CLAUSES];
};

struct judge_text_key {
	u8 half;
	u8 scope;
	u8 kind;
	u8 length;
	u8 text[JUDGE_TEXT];
};

struct judge_process_key {
	u64 start_ns;
	u32 pid;
	u32 zero;
};

/* What a process runs. Texts and not only atoms, so that new rules need nobody to visit them all.
 */
struct judge_process {
	u64 own; /* the atoms that the texts below make true under `generation` */
	u32 generation;
	u8 traits;
	u8 name_length;
	u8 path_length; /* 255: longer than `path`, whose beginning it is */
	u8 has_children;
	struct judge_process_key parent; /* who forked it; pid 0: nobody */
	u8 name[16];
	u8 path[JUDGE_TEXT];
	u64 has_exited;
};

enum judge_mode { MODE_OFF, MODE_AUDIT, MODE_ENFORCE };

/* A strike: what is done, and what came of it. */
struct judge_order {
	u32 mode;
	u32 fuse_max;
	u64 fuse_window_ns;
	u64 window_start_ns;
	u32 window_count;
	u32 spare;
	u64 killed;
	u64 would;   /* audit, or its fuse had blown */
	u64 guarded; /* a protected process, or the kill switch */
	u64 blown;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, u32);
	__type(value, struct judge_profile);
	__uint(max_entries, 2 * JUDGE_VOCABULARIES * JUDGE_PROFILES);
} judge_profiles SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, u32);
	__type(value, struct judge_vocabulary);
	__uint(max_entries, 2 * JUDGE_VOCABULARIES);
} judge_vocabularies SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, struct judge_text_key);
	__type(value, u64);
	__uint(max_entries, 8192);
} judge_texts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, struct judge_process_key);
	__type(value, struct judge_process);
	__uint(max_entries, 16384);
} judge_processes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, u32);
	__type(value, struct judge_order);
	__uint(max_entries, 2 * JUDGE_STRIKES);
} judge_orders SEC(".maps");

/* Processes that are never struck, by pid; the value is the start that the pid must have. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, u32);
	__type(value, u64);
	__uint(max_entries, 256);
} judge_protected SEC(".maps");

enum judge_pod { POD_FREE = 1, POD_SPARED };

/* Pods that user space told of, by cgroup: may their processes be struck? */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, u64);
	__type(value, u8);
	__uint(max_entries, 4096);
} judge_pods SEC(".maps");

struct judge_space {
	struct judge_text_key key;
	struct judge_process process;
};
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, u32);
	__type(value, struct judge_space);
	__uint(max_entries, 1);
} judge_spaces SEC(".maps");

u32 judge_generation; /* its lowest bit chooses the half */
u32 judge_kill_switch;
u32 judge_events[2][JUDGE_EVENTS];   /* verdict | vocabulary << 8 */
u16 judge_kinds[2][JUDGE_SLOTS];     /* by a text's hash: kinds under which it may be known */
u8 judge_ends[2][2][JUDGE_PATH + 1]; /* lengths of `under` [0] and of the program kinds [1] */
u64 judge_unknown_processes;  /* no room for them: their records are kept, they are never struck */
u64 judge_powers[JUDGE_PATH]; /* of judge_seed */
u32 judge_host_mounts; /* the host's mount namespace: guarded programs are those of the host */
u32 judge_awaits_pods; /* in Kubernetes: a container that nobody told of is not struck */
u64 judge_seed;	       /* drawn at start: nobody can prepare texts that meet in the table */
