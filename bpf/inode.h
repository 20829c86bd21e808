/* What a file is on disk: device, inode, kind, layer of an overlay. */
#pragma once
#include "call.h"

#define FMODE_CREATED (1 << 20)
#define OVERLAYFS_SUPER_MAGIC 0x794c7630
#define FILE_CREATED 1
#define FILE_UPPER 2
#define FILE_LOWER 4

/* As user space numbers devices (new_encode_dev in include/linux/kdev_t.h). */
static __always_inline u32 device_number(u32 device)
{
	u32 major = device >> 20, minor = device & 0xfffff;

	return (minor & 0xff) | major << 8 | (minor & ~0xffu) << 12;
}

/* An overlay inode is followed by the dentry of its upper layer, if it has one (struct ovl_inode,
 * fs/overlayfs). */
static __always_inline int layer_on(struct super_block *filesystem, struct inode *inode)
{
	u64 upper = 0;

	if (READ(struct super_block, filesystem, s_magic) != OVERLAYFS_SUPER_MAGIC)
		return 0;
	bpf_probe_read_kernel(
		&upper, sizeof(upper), (char *)inode + bpf_core_type_size(struct inode));
	return upper ? FILE_UPPER : FILE_LOWER;
}

static __always_inline int layer_of(struct inode *inode)
{
	return layer_on(READ(struct inode, inode, i_sb), inode);
}

/* A file with what several parameters are made of, read once; all null for one that was not opened.
 */
struct opened {
	struct file *file;
	struct inode *inode;
	struct super_block *filesystem;
};

static __always_inline struct opened opened_by(s64 fd)
{
	struct opened o = {.file = file_of(fd)};

	o.inode = o.file ? READ(struct file, o.file, f_inode) : 0;
	o.filesystem = o.inode ? READ(struct inode, o.inode, i_sb) : 0;
	return o;
}

static __always_inline void record__inode(struct record *r, const struct opened *o)
{
	if (!o->filesystem) {
		record__missing(r); /* dev */
		record__missing(r); /* ino */
		return;
	}
	record__s64(r, device_number(READ(struct super_block, o->filesystem, s_dev)));
	record__s64(r, READ(struct inode, o->inode, i_ino));
}

static __always_inline void record__file_state(struct record *r, const struct opened *o)
{
	u32 mode;

	if (!o->filesystem) {
		record__missing(r); /* inode_mode */
		record__missing(r); /* file_state */
		return;
	}
	mode = READ(struct file, o->file, f_mode);
	record__s64(r, READ(struct inode, o->inode, i_mode));
	record__s64(
		r, (mode & FMODE_CREATED ? FILE_CREATED : 0) | layer_on(o->filesystem, o->inode));
}
