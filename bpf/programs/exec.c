/* exec: what the new image is, told by the kernel once it stands; a failed one is told by the
 * call's return. */
#define EXE_WRITABLE 1
#define EXE_UPPER_LAYER 2
#define EXE_FROM_MEMFD 4
#define EXE_LOWER_LAYER 8
#define CAP_DAC_OVERRIDE 1

static __always_inline u64 nanoseconds(s64 seconds, u64 rest)
{
	return seconds * 1000000000ULL + rest;
}

/* exe_ino exe_ino_ctime exe_ino_mtime; where the kernel keeps the times has changed twice. */
static __always_inline void record__times(struct record *r, struct inode *inode)
{
	struct inode___before_6_11 *older = (void *)inode;
	struct inode___before_6_6 *oldest = (void *)inode;

	record__s64(r, inode->i_ino);
	if (bpf_core_field_exists(inode->i_ctime_sec)) {
		record__s64(r, nanoseconds(inode->i_ctime_sec, inode->i_ctime_nsec));
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
	record__s64(r, task->pid);
	record__s64(r, task->tgid);
	record__s64(r, task->real_parent->tgid);
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

#if defined(__TARGET_ARCH_x86)
#define NR_EXECVEAT 322
#define NR_EXECVEAT_COMPAT 358
#else
#define NR_EXECVEAT 281
#define NR_EXECVEAT_COMPAT 387
#endif

/* The two events differ in where the file's name stands. */
static __always_inline void record__name_and_lineage(
	struct record *r, struct task_struct *task, bool is_at, const char *kernel_name, u64 name)
{
	if (is_at)
		record__lineage(r, task);
	if (kernel_name)
		record__kernel_text(r, kernel_name);
	else
		record__user_text(r, name);
	if (!is_at)
		record__lineage(r, task);
}

SEC("tp_btf/sched_process_exec") int on_exec(u64 *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct linux_binprm *program = (struct linux_binprm *)ctx[2];
	struct record *r = record__begin(EXECVE);
	u32 number = call_number(task);
	bool is_at = number == (is_compat_call(task) ? NR_EXECVEAT_COMPAT : NR_EXECVEAT);

	if (!r)
		return 0;
	notice_compat(task);
	HEADER_U16(r, AT_EVENT_ID) = is_at ? EVENT_EXECVEAT : EVENT_EXECVE;
	record__s64(r, 0);
	record__arguments(r, task->mm);
	record__identity(r, task);
	record__cwd(r, task);
	record__usage(r, task);
	record__place(r, task);
	record__environment(r, task->mm);
	record__image(r, task);
	record__name_and_lineage(r, task, is_at, READ(struct linux_binprm, program, filename), 0);
	if (judge(r) == DROP)
		return 0;
	return record__send(r, EXECVE);
}

#define FAILED_ARGUMENTS 32
#define FAILED_ARGUMENT_BYTES 512

/* Arguments of an exec that did not happen are still only the caller's: strings by pointers. */
static __always_inline void record__user_list(struct record *r, struct call *call, u64 array)
{
	u32 total = 0;
	bool is_cut = true;

	for (u32 i = 1; i < FAILED_ARGUMENTS && total < TEXT_BYTES; i++) {
		u64 text = user_pointer(call, array, i);
		long length;

		if (!text) {
			is_cut = false;
			break;
		}
		length = bpf_probe_read_user_str(
			&r->bytes[BOUNDED(r->end + total, RECORD_BYTES - 1)], FAILED_ARGUMENT_BYTES,
			(void *)text);
		if (length <= 0)
			break;
		total += length;
	}
	record__take(r, total ? total - 1 : 0, is_cut);
}

/* The process stays what it was; exe, args and filename are what it asked for. */
static __always_inline int emit_failed(
	struct call *call, struct record *r, bool is_at, u64 name, u64 arguments)
{
	struct task_struct *task = bpf_get_current_task_btf();

	record__mark(r, call);
	record__s64(r, call->result);
	record__user_text(r, user_pointer(call, arguments, 0));
	record__user_list(r, call, arguments);
	record__identity(r, task);
	record__cwd(r, task);
	record__usage(r, task);
	record__place(r, task);
	record__environment(r, task->mm);
	record__image(r, task);
	record__name_and_lineage(r, task, is_at, 0, name);
	return record__send(r, EXECVE);
}

CALL(execve)
{
	struct record *r = call->result < 0 ? record__begin(EXECVE) : 0;

	return r ? emit_failed(call, r, false, ARG(0), ARG(1)) : 0;
}

CALL(execveat)
{
	struct record *r = call->result < 0 ? record__begin(EXECVEAT) : 0;

	return r ? emit_failed(call, r, true, ARG(1), ARG(2)) : 0;
}
