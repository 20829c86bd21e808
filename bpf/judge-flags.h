/* What is true of a call before any name of it is read: flags of its event word. */
#pragma once
#include "judge-processes.h"

#define O_WRONLY 01
#define O_CREAT 0100
#define O_TRUNC 01000
#define O_TMPFILE 020000000 /* without O_DIRECTORY, which goes with it */

static __always_inline u64 open_flags(u64 flags, u64 mode)
{
	u64 access = flags & 3;
	u64 truth = 0;

	if (access == 0 || access == 2)
		truth |= FLAG_READ;
	if (access == 1 || access == 2)
		truth |= FLAG_WRITE;
	if (flags & O_TRUNC)
		truth |= FLAG_TRUNCATE;
	if (flags & O_CREAT)
		truth |= FLAG_CREATE;
	if (mode & 0111 && flags & (O_CREAT | O_TMPFILE))
		truth |= FLAG_EXEC;
	return truth;
}

/* Of a file that no directory has: anonymous memory, or a file that was removed? */
static __always_inline bool is_named_memfd(struct file *file)
{
	struct dentry *dentry = READ(struct file, file, f_path.dentry);
	char name[6] = {};

	bpf_probe_read_kernel(name, sizeof(name), READ(struct dentry, dentry, d_name.name));
	return name[0] == 'm' && name[1] == 'e' && name[2] == 'm' && name[3] == 'f' &&
	       name[4] == 'd' && name[5] == ':';
}

/* As user space takes st_mode: devices are files too, a memfd is none. */
static __always_inline u64 file_flags(struct file *file)
{
	struct inode *inode = file ? READ(struct file, file, f_inode) : 0;
	u32 type = inode ? READ(struct inode, inode, i_mode) & S_IFMT : 0;

	if (inode && READ(struct inode, inode, i_nlink) == 0 && is_named_memfd(file))
		return 0;

	if (type == 0100000 || type == 0020000 || type == 0060000)
		return FLAG_FILE;
	return type == 0040000 ? FLAG_IS_DIRECTORY : 0;
}

static __always_inline u64 result_flags(s64 result)
{
	u64 truth = 0;

	if (result >= 0)
		truth |= FLAG_SUCCEEDED;
	if (result == 0)
		truth |= FLAG_ZERO;
	if (result >= 0 && result <= 2)
		truth |= FLAG_STANDARD_STREAM;
	return truth;
}

static __always_inline u64 user_flag(struct record *r)
{
	return HEADER_U32(r, AT_USER_ID) == 0 ? FLAG_ROOT : 0;
}
