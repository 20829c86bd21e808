// SPDX-License-Identifier: Apache-2.0
/*
 * What namespaces hide of the reader. Ids of its own cgroup and of all above it, from the root
 * down: in a container its own cgroup looks like the root.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

#define LEVELS 64

struct bpf_iter_meta {
	struct seq_file *seq;
	__u64 session_id;
	__u64 seq_num;
} __attribute__((preserve_access_index));

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
} __attribute__((preserve_access_index));

struct pid {
	unsigned int level;
} __attribute__((preserve_access_index));

struct task_struct {
	struct pid *thread_pid;
} __attribute__((preserve_access_index));

/* Which task the iterator is at does not matter: the current one is who reads it. */
SEC("iter/task") int own_ancestors(struct bpf_iter__task *ctx)
{
	if (ctx->meta->seq_num)
		return 0;
	for (int level = 0; level < LEVELS; level++) {
		__u64 id = bpf_get_current_ancestor_cgroup_id(level);

		if (!id)
			break;
		bpf_seq_write(ctx->meta->seq, &id, sizeof(id));
	}
	return 0;
}

/* How deep the reader's pid namespace is below the first. */
SEC("iter/task") int own_pid_level(struct bpf_iter__task *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u64 level = task->thread_pid->level;

	if (!ctx->meta->seq_num)
		bpf_seq_write(ctx->meta->seq, &level, sizeof(level));
	return 0;
}
