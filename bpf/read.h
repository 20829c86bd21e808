/*
 * Reading the kernel's memory. Through a pointer that it trusts the verifier searches the whole of
 * the kernel's BTF by name whenever another pointer is loaded (btf_nested_type_is_trusted): half a
 * millisecond each, half of what loading took. A pointer that was cast is not trusted, is searched
 * for by nobody, and is read by a plain load that finds a fault harmless, where bpf_core_read is a
 * call. Kernels before 6.2 cannot cast; they get an object of their own (HAS_CAST is not defined).
 */
#pragma once
#include "kernel.h"
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

/* For what may live in a module: types of modules cannot be cast to. */
#define PROBE(type, pointer, member)                                                               \
	({                                                                                         \
		type *from_ = (type *)(pointer);                                                   \
		typeof(from_->member) read_ = 0;                                                   \
		bpf_core_read(&read_, sizeof(read_), &from_->member);                              \
		read_;                                                                             \
	})

#ifdef HAS_CAST
extern void *bpf_rdonly_cast(const void *pointer, u32 type) __ksym;
#define CAST(type, pointer)                                                                        \
	((type *)bpf_rdonly_cast((const void *)(pointer), bpf_core_type_id_kernel(type)))
#define READ(type, pointer, member) (CAST(type, pointer)->member)
#else
#define CAST(type, pointer) ((type *)(pointer))
#define READ PROBE
#endif

static __always_inline struct task_struct *current_task(void)
{
#ifdef HAS_CAST
	return CAST(struct task_struct, bpf_get_current_task());
#else
	return bpf_get_current_task_btf();
#endif
}
