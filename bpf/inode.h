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
static __always_inline int layer_of(struct inode *inode)
{
	struct super_block *filesystem = READ(struct inode, inode, i_sb);
	u64 upper = 0;

	if (READ(struct super_block, filesystem, s_magic) != OVERLAYFS_SUPER_MAGIC)
		return 0;
	bpf_probe_read_kernel(
		&upper, sizeof(upper), (char *)inode + bpf_core_type_size(struct inode));
	return upper ? FILE_UPPER : FILE_LOWER;
}

static __always_inline void record__inode(struct record *r, struct file *file)
{
	struct inode *inode = file ? READ(struct file, file, f_inode) : 0;
	struct super_block *filesystem = inode ? READ(struct inode, inode, i_sb) : 0;

	if (!filesystem) {
		record__missing(r); /* dev */
		record__missing(r); /* ino */
		return;
	}
	record__s64(r, device_number(READ(struct super_block, filesystem, s_dev)));
	record__s64(r, READ(struct inode, inode, i_ino));
}

static __always_inline void record__file_state(struct record *r, struct file *file)
{
	struct inode *inode = file ? READ(struct file, file, f_inode) : 0;
	u32 mode = file ? READ(struct file, file, f_mode) : 0;

	if (!inode) {
		record__missing(r); /* inode_mode */
		record__missing(r); /* file_state */
		return;
	}
	record__s64(r, READ(struct inode, inode, i_mode));
	record__s64(r, (mode & FMODE_CREATED ? FILE_CREATED : 0) | layer_of(inode));
}
