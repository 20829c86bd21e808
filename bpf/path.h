/* Paths from the kernel's own objects: what the caller wrote can change under us, a struct file
 * cannot. */
#pragma once
#include "store.h"

/* Deeper ones are cut at the front, and say so. */
#define PATH_COMPONENTS 512
#define PATH_COMPONENTS_UNROLLED 32 /* before 5.17: what its verifier bears */
#define NAME_MAX 255

static __always_inline u64 mount_of(u64 vfsmount)
{
	return vfsmount - bpf_core_field_offset(struct mount, mnt);
}

/* d_parent and d_name have stood side by side in every kernel: one read for both where they still
 * do. */
struct step {
	u64 parent;
	struct {
		u32 hash, len;
		u64 name;
	};
};

static __always_inline void read_step(struct step *step, u64 dentry)
{
#ifdef HAS_CAST
	struct dentry *from = CAST(struct dentry, dentry);

	step->parent = (u64)from->d_parent;
	step->len = from->d_name.len;
	step->name = (u64)from->d_name.name;
#else
	struct dentry *from = (struct dentry *)dentry;

	if (bpf_core_field_offset(struct dentry, d_name) ==
		bpf_core_field_offset(struct dentry, d_parent) + 8) {
		bpf_core_read(step, sizeof(*step), &from->d_parent);
		return;
	}
	bpf_core_read(&step->parent, sizeof(step->parent), &from->d_parent);
	bpf_core_read(&step->len, sizeof(step->len), &from->d_name.len);
	bpf_core_read(&step->name, sizeof(step->name), &from->d_name.name);
#endif
}

/* Puts "/name" before what walk holds from `at` on; the new start, or 0 when there is no room. */
static __always_inline u32 prepend(struct record *r, u32 at, const struct step *step)
{
	u32 length = step->len > NAME_MAX ? NAME_MAX : step->len;

	if (at < length + 1)
		return 0;
	at -= length;
	bpf_probe_read_kernel(&r->walk[BOUNDED(at, TEXT_BYTES - 1)], BOUNDED(length, NAME_MAX),
		(void *)step->name);
	at -= 1;
	r->walk[BOUNDED(at, TEXT_BYTES - 1)] = '/';
	return at;
}

struct walk {
	struct record *r;
	u64 root_mount, root_dentry;
	u64 mount, dentry; /* struct mount, not its vfsmount */
	u64 top;	   /* the mount's own root */
	u32 start;
	bool is_whole; /* came to the root, or to the top of a tree that has none */
};

/* One component up, or from a mount's root to where it is mounted; 1 when the walk is over. */
static long walk_step(u32 index, struct walk *w)
{
	struct record *r = w->r;
	struct step step = {};
	u64 above;

	w->is_whole = true;
	if (w->dentry == w->root_dentry && w->mount == w->root_mount)
		return 1;
	if (w->dentry == w->top) {
		above = (u64)READ(struct mount, w->mount, mnt_parent);
		if (above == w->mount)
			return 1;
		w->dentry = (u64)READ(struct mount, w->mount, mnt_mountpoint);
		w->mount = above;
		w->top = (u64)READ(struct mount, above, mnt.mnt_root);
		w->is_whole = false;
		return 0;
	}
	read_step(&step, w->dentry);
	if (w->dentry == step.parent && w->start != TEXT_BYTES - 1)
		return 1;
	u32 next = r ? prepend(r, w->start, &step) : 0;
	w->is_whole =
		next && w->dentry == step.parent; /* in no directory: a memfd has only a name */
	if (next)
		w->start = next;
	if (!next || w->is_whole)
		return 1;
	w->dentry = step.parent;
	return 0;
}

/* Whose root a path begins at: the current task's, unless an object is about others. */
#ifndef FS_OF
#define FS_OF(r) (current_task()->fs)
#endif

/*
 * Puts the path of a dentry on a mount, as seen from the process' root, at the record's end as the
 * next parameter. A function of its own, so that the verifier takes it once a program; bpf_loop
 * (5.17) so that it takes one step.
 */
__noinline int record__walk(struct record *r, u64 vfsmount, u64 dentry)
{
	struct walk w = {
		.r = r, .mount = mount_of(vfsmount), .dentry = dentry, .start = TEXT_BYTES - 1};
	u32 kept;

	if (!r)
		return 0;
	w.top = (u64)READ(struct mount, w.mount, mnt.mnt_root);
	w.root_mount = mount_of((u64)READ(struct fs_struct, FS_OF(r), root.mnt));
	w.root_dentry = (u64)READ(struct fs_struct, FS_OF(r), root.dentry);
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_loop)) {
		bpf_loop(PATH_COMPONENTS, walk_step, &w, 0);
	} else {
		for (int i = 0; i < PATH_COMPONENTS_UNROLLED; i++)
			if (walk_step(i, &w))
				break;
	}
	if (w.start == TEXT_BYTES - 1 && w.is_whole) {
		w.start -= 1;
		r->walk[BOUNDED(w.start, TEXT_BYTES - 1)] = '/';
	}
	kept = BOUNDED(TEXT_BYTES - 1 - w.start, TEXT_BYTES - 1);
	bpf_probe_read_kernel(record__end(r), kept, &r->walk[BOUNDED(w.start, TEXT_BYTES - 1)]);
	record__take(r, kept, !w.is_whole);
	return 0;
}

static __always_inline void record__path(struct record *r, const struct path *path)
{
	struct {
		u64 mount, dentry;
	} read = {};

	/* As numbers: record__walk takes no pointers. They stand side by side. */
	bpf_core_read(&read, sizeof(read), path);
	if (read.dentry)
		record__walk(r, read.mount, read.dentry);
	else
		record__none(r);
}

static __always_inline void record__file(struct record *r, struct file *file)
{
	if (file)
		record__path(r, &file->f_path);
	else
		record__none(r);
}

/* The file behind a descriptor of the current process. */
static __always_inline struct file *file_of(s64 fd)
{
	struct task_struct *task = current_task();
	struct fdtable *table = task->files->fdt;
	u64 file = 0;

	if (fd < 0 || (u64)fd >= table->max_fds)
		return 0;
	bpf_probe_read_kernel(&file, sizeof(file), &table->fd[fd]);
	return CAST(struct file, file);
}

/* Where a relative name starts: the directory of `dirfd`, or the current one. */
static __always_inline void record__directory(struct record *r, int dirfd)
{
	struct task_struct *task = current_task();

	if (dirfd == AT_FDCWD)
		record__path(r, &task->fs->pwd);
	else
		record__file(r, file_of(dirfd));
}

/* The same, but only if the name is relative: an absolute one starts at the root. */
static __always_inline void record__directory_for(struct record *r, int dirfd, u64 name)
{
	char first = 0;

	bpf_probe_read_user(&first, sizeof(first), (void *)name);
	if (first == '/')
		record__none(r);
	else
		record__directory(r, dirfd);
}
