/*
 * A system call at its return, whichever hook saw it. CALL(openat, OPENAT) { ... } makes two
 * programs around one body: exit_openat for the call's own tracepoint, raw_openat behind any_call
 * (no tracefs, or a 32-bit call).
 */
#pragma once
#include "judge.h"
#include "path.h"

struct call {
	u64 arguments[6];
	s64 result;
	bool is_compat;
};

#define ARG(n) (call->arguments[n])

static __always_inline bool is_compat_call(struct task_struct *task)
{
#if defined(__TARGET_ARCH_x86)
	return task->thread_info.status & 2; /* TS_COMPAT */
#else
	return task->thread_info.flags & (1 << 22); /* TIF_32BIT */
#endif
}

/* Of the current task's entry into the kernel; the helper takes no pointer that was cast. */
static __always_inline struct pt_regs *entry_registers(void)
{
	return (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
}

static __always_inline u32 number_in(struct pt_regs *regs)
{
#if defined(__TARGET_ARCH_x86)
	return regs->orig_ax & 0x3fffffff; /* x32 sets bit 30 */
#else
	return regs->syscallno;
#endif
}

static __always_inline u32 call_number(void)
{
	return number_in(entry_registers());
}

/* The registers of the entry: at the return only the result's own register differs. */
static __always_inline void call__read(struct call *call, long result)
{
	struct pt_regs *regs = entry_registers();

	call->result = result;
	call->is_compat = is_compat_call(current_task());
#if defined(__TARGET_ARCH_x86)
	if (call->is_compat) {
		call->arguments[0] = (u32)regs->bx;
		call->arguments[1] = (u32)regs->cx;
		call->arguments[2] = (u32)regs->dx;
		call->arguments[3] = (u32)regs->si;
		call->arguments[4] = (u32)regs->di;
		call->arguments[5] = (u32)regs->bp;
		call->result = (int)result;
		return;
	}
	call->arguments[0] = regs->di;
	call->arguments[1] = regs->si;
	call->arguments[2] = regs->dx;
	call->arguments[3] = regs->r10;
	call->arguments[4] = regs->r8;
	call->arguments[5] = regs->r9;
#else
	call->arguments[0] = regs->orig_x0;
	call->arguments[1] = regs->regs[1];
	call->arguments[2] = regs->regs[2];
	call->arguments[3] = regs->regs[3];
	call->arguments[4] = regs->regs[4];
	call->arguments[5] = regs->regs[5];
#endif
}

/* Whether a call is to be told at all: our own are not, nor those of another node. */
static __always_inline bool call__begin(struct call *call, long result)
{
	struct task_struct *task = current_task();

	if (own_pid && process_number(task) == own_pid)
		return false;
	if (!is_in_scope())
		return false;
	call__read(call, result);
	return true;
}

/* A pointer in the caller's memory, as wide as its pointers are. */
static __always_inline u64 user_pointer(struct call *call, u64 array, u32 index)
{
	u64 value = 0;

	if (call->is_compat)
		bpf_probe_read_user(&value, 4, (void *)(array + 4 * index));
	else
		bpf_probe_read_user(&value, 8, (void *)(array + 8 * index));
	return value;
}

/*
 * Judging and sending is a program of its own behind all calls, so that the verifier takes it once
 * and not once a call. On arm64 a program with functions cannot go on to another one before 6.0.
 */
static __always_inline struct record *current_record(void)
{
	u32 place = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&records, &place);
}

static __always_inline int finish_here(void)
{
	struct record *r = current_record();

	return r ? record__judge_and_send(r) : 0;
}

#if defined(__TARGET_ARCH_x86)
#define FINISH(ctx, table, place) (bpf_tail_call(ctx, table, place), 0)
#else
#define FINISH(ctx, table, place) finish_here()
#endif

/* emit_x fills a record and says whether it is to be sent. */
#define TRACED_CALL(name, tracepoint)                                                              \
	static __always_inline int emit_##name(struct call *call);                                 \
	SEC("tp/syscalls/sys_exit_" #tracepoint) int exit_##name(struct sys_exit *ctx)             \
	{                                                                                          \
		struct call call;                                                                  \
		return call__begin(&call, ctx->ret) && emit_##name(&call)                          \
			       ? FINISH(ctx, &last_stage, 0)                                       \
			       : 0;                                                                \
	}                                                                                          \
	SEC("tp_btf/sys_exit") int raw_##name(u64 *ctx)                                            \
	{                                                                                          \
		struct call call;                                                                  \
		return call__begin(&call, ctx[1]) && emit_##name(&call)                            \
			       ? FINISH(ctx, &calls, LAST_STAGE)                                   \
			       : 0;                                                                \
	}                                                                                          \
	static __always_inline int emit_##name(struct call *call)
#define CALL(name) TRACED_CALL(name, name)

static __always_inline void record__mark(struct record *r, struct call *call)
{
	if (call->is_compat)
		HEADER_U16(r, AT_FLAGS) |= RECORD_COMPAT;
}

/* struct record *r = begin(OPENAT); a record lost for want of memory cannot be: the array has one a
 * CPU. */
#define begin(EVENT) begin_as(EVENT, result_flags(call->result))
#define begin_as(EVENT, flags)                                                                     \
	({                                                                                         \
		if (judge_is_idle(EVENT_##EVENT, flags))                                           \
			return 0;                                                                  \
                                                                                                   \
		struct record *begun_ = record__begin(EVENT);                                      \
		if (!begun_)                                                                       \
			return 0;                                                                  \
		record__mark(begun_, call);                                                        \
		begun_;                                                                            \
	})
