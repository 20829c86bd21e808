/* The open family: the file is the kernel's own, found by the descriptor that came back; the name
 * is the caller's. */
/* dev ino, then ours: path dirpath inode_mode file_state. */
static __always_inline int finish_open(struct record *r, struct file *file, int dirfd, u64 name)
{
	record__inode(r, file);
	record__file(r, file);
	record__directory_for(r, dirfd, name);
	record__file_state(r, file);
	if (judge(r) == DROP)
		return 0;
	return record__send(r, OPENAT);
}

CALL(open)
{
	struct record *r = begin(OPEN);
	struct file *file = file_of(call->result);

	record__s64(r, call->result);
	record__user_text(r, ARG(0));
	record__s64(r, (u32)ARG(1));
	record__s64(r, (u32)ARG(2));
	return finish_open(r, file, AT_FDCWD, ARG(0));
}

CALL(openat)
{
	struct record *r = begin(OPENAT);
	struct file *file = file_of(call->result);

	record__s64(r, call->result);
	record__s64(r, (int)ARG(0));
	record__user_text(r, ARG(1));
	record__s64(r, (u32)ARG(2));
	record__s64(r, (u32)ARG(3));
	return finish_open(r, file, ARG(0), ARG(1));
}

CALL(openat2)
{
	struct record *r = begin(OPENAT2);
	struct file *file = file_of(call->result);
	u64 how[3] = {}; /* struct open_how: flags, mode, resolve */

	bpf_probe_read_user(how, sizeof(how), (void *)ARG(2));
	record__s64(r, call->result);
	record__s64(r, (int)ARG(0));
	record__user_text(r, ARG(1));
	record__s64(r, how[0]);
	record__s64(r, how[1]);
	record__s64(r, how[2]);
	return finish_open(r, file, ARG(0), ARG(1));
}

CALL(creat)
{
	struct record *r = begin(CREAT);
	struct file *file = file_of(call->result);

	record__s64(r, call->result);
	record__user_text(r, ARG(0));
	record__s64(r, (u32)ARG(1));
	record__inode(r, file);
	record__s64(r, 0); /* creat_flags: layers are in file_state */
	record__file(r, file);
	record__directory_for(r, AT_FDCWD, ARG(0));
	record__file_state(r, file);
	return judge(r) == DROP ? 0 : record__send(r, CREAT);
}

CALL(open_by_handle_at)
{
	struct record *r = begin(OPEN_BY_HANDLE_AT);
	struct file *file = file_of(call->result);

	record__s64(r, call->result);
	record__s64(r, (int)ARG(0));
	record__s64(r, (u32)ARG(2));
	record__file(r, file);
	record__inode(r, file);
	record__file_state(r, file);
	return judge(r) == DROP ? 0 : record__send(r, OPEN_BY_HANDLE_AT);
}
