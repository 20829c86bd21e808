/* What a process runs and as whom: the parameters of exec records and of the start-up scan. */
#pragma once
#include "inode.h"
#include "task.h"

#define EXE_WRITABLE 1
#define EXE_UPPER_LAYER 2
#define EXE_FROM_MEMFD 4
#define EXE_LOWER_LAYER 8
#define CAP_DAC_OVERRIDE 1

static __always_inline u64 nanoseconds(s64 seconds, u64 rest)
{
	return seconds * 1000000000ULL + rest;
}

/* Since 6.13 a bit of the nanoseconds says that the time was asked for (fill_mg_cmtime). */
#define CTIME_QUERIED (1u << 31)

/* exe_ino exe_ino_ctime exe_ino_mtime; where the kernel keeps the times has changed twice. */
static __always_inline void record__times(struct record *r, struct inode *inode)
{
	struct inode___before_6_11 *older = (void *)inode;
	struct inode___before_6_6 *oldest = (void *)inode;

	record__s64(r, inode->i_ino);
	if (bpf_core_field_exists(inode->i_ctime_sec)) {
		record__s64(
			r, nanoseconds(inode->i_ctime_sec, inode->i_ctime_nsec & ~CTIME_QUERIED));
		record__s64(r, nanoseconds(inode->i_mtime_sec, inode->i_mtime_nsec));
	} else if (bpf_core_field_exists(older->__i_ctime)) {
		record__s64(r, nanoseconds(BPF_CORE_READ(older, __i_ctime.tv_sec),
				       BPF_CORE_READ(older, __i_ctime.tv_nsec)));
		record__s64(r, nanoseconds(BPF_CORE_READ(older, __i_mtime.tv_sec),
				       BPF_CORE_READ(older, __i_mtime.tv_nsec)));
	} else {
		record__s64(r, nanoseconds(BPF_CORE_READ(oldest, i_ctime.tv_sec),
				       BPF_CORE_READ(oldest, i_ctime.tv_nsec)));
		record__s64(r, nanoseconds(BPF_CORE_READ(oldest, i_mtime.tv_sec),
				       BPF_CORE_READ(oldest, i_mtime.tv_nsec)));
	}
}

/* memfd_create names its files memfd:..., and they have no link in any directory. */
static __always_inline bool is_memfd(struct dentry *dentry, struct inode *inode)
{
	char name[6] = {};

	bpf_probe_read_kernel(name, sizeof(name), dentry->d_name.name);
	return inode->i_nlink == 0 && name[0] == 'm' && name[1] == 'e' && name[2] == 'm' &&
	       name[3] == 'f' && name[4] == 'd' && name[5] == ':';
}

/* Whether the user who runs it could change it, as the permission bits have it. */
static __always_inline bool is_writable(struct inode *inode, const struct cred *cred)
{
	u16 mode = inode->i_mode;

	if (cred->cap_effective.val & 1 << CAP_DAC_OVERRIDE)
		return true;
	if (inode->i_uid.val == cred->euid.val)
		return mode & 0200;
	return inode->i_gid.val == cred->egid.val ? mode & 0020 : mode & 0002;
}

static __always_inline u32 image_flags(struct file *file, const struct cred *cred)
{
	struct inode *inode = file->f_inode;
	int layer = layer_of(inode);
	u32 flags = is_writable(inode, cred) ? EXE_WRITABLE : 0;

	if (layer == FILE_UPPER)
		flags |= EXE_UPPER_LAYER;
	if (layer == FILE_LOWER)
		flags |= EXE_LOWER_LAYER;
	if (is_memfd(file->f_path.dentry, inode))
		flags |= EXE_FROM_MEMFD;
	return flags;
}

static __always_inline void record__identity(struct record *r, struct task_struct *task)
{
	record__s64(r, thread_number(task));
	record__s64(r, process_number(task));
	record__s64(r, process_number(task->real_parent));
}

static __always_inline void record__capabilities(struct record *r, const struct cred *cred)
{
	record__s64(r, cred->cap_inheritable.val);
	record__s64(r, cred->cap_permitted.val);
	record__s64(r, cred->cap_effective.val);
}

static __always_inline void record__environment(struct record *r, struct mm_struct *mm)
{
	if (mm)
		record__area(r, mm->env_start, mm->env_end);
	else
		record__none(r);
}

/* tty vpgid loginuid flags caps inode times uid trusted_exepath pgid gid. */
static __always_inline void record__image(struct record *r, struct task_struct *task)
{
	struct mm_struct *mm = task->mm;
	struct file *file = mm ? mm->exe_file : 0;

	record__s64(r, terminal_number(task));
	record__s64(r, own_number(task, PIDTYPE_PGID));
	record__s64(r, bpf_core_field_exists(task->loginuid) ? task->loginuid.val : ~0u);
	record__s64(r, file ? image_flags(file, task->cred) : 0);
	record__capabilities(r, task->cred);
	if (file) {
		record__times(r, file->f_inode);
	} else {
		record__missing(r);
		record__missing(r);
		record__missing(r);
	}
	record__s64(r, task->cred->euid.val);
	record__file(r, file);
	record__s64(r, pid_number(task, PIDTYPE_PGID));
	record__s64(r, task->cred->egid.val);
}

static __always_inline void record__lineage(struct record *r, struct task_struct *task)
{
	record__s64(r, pid_number(task, PIDTYPE_SID));
	record__s64(r, own_number(task, PIDTYPE_TGID));
	record__s64(r, namespace_start(task));
}
