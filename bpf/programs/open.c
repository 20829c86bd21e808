/* The open family: the file is the kernel's own, found by the descriptor that came back; the name
 * is the caller's. */
/* dev ino, then ours: path dirpath inode_mode file_state. */
static __always_inline int finish_open(
	struct record *r, const struct opened *o, int dirfd, u64 name)
{
	record__inode(r, o);
	record__file(r, o->file);
	record__directory_for(r, dirfd, name);
	record__file_state(r, o);
	if (judge(r) == DROP)
		return 0;
	return record__send(r, OPENAT);
}

CALL(open)
{
	struct record *r = begin(OPEN);
	struct opened o = opened_by(call->result);

	record__s64(r, call->result);
	record__user_text(r, ARG(0));
	record__s64(r, (u32)ARG(1));
	record__s64(r, (u32)ARG(2));
	return finish_open(r, &o, AT_FDCWD, ARG(0));
}

CALL(openat)
{
	struct record *r = begin(OPENAT);
	struct opened o = opened_by(call->result);

	record__s64(r, call->result);
	record__s64(r, (int)ARG(0));
	record__user_text(r, ARG(1));
	record__s64(r, (u32)ARG(2));
	record__s64(r, (u32)ARG(3));
	return finish_open(r, &o, ARG(0), ARG(1));
}

CALL(openat2)
{
	struct record *r = begin(OPENAT2);
	struct opened o = opened_by(call->result);
	u64 how[3] = {}; /* struct open_how: flags, mode, resolve */

	bpf_probe_read_user(how, sizeof(how), (void *)ARG(2));
	record__s64(r, call->result);
	record__s64(r, (int)ARG(0));
	record__user_text(r, ARG(1));
	record__s64(r, how[0]);
	record__s64(r, how[1]);
	record__s64(r, how[2]);
	return finish_open(r, &o, ARG(0), ARG(1));
}

CALL(creat)
{
	struct record *r = begin(CREAT);
	struct opened o = opened_by(call->result);

	record__s64(r, call->result);
	record__user_text(r, ARG(0));
	record__s64(r, (u32)ARG(1));
	record__inode(r, &o);
	record__s64(r, 0); /* creat_flags: layers are in file_state */
	record__file(r, o.file);
	record__directory_for(r, AT_FDCWD, ARG(0));
	record__file_state(r, &o);
	return judge(r) == DROP ? 0 : record__send(r, CREAT);
}

CALL(open_by_handle_at)
{
	struct record *r = begin(OPEN_BY_HANDLE_AT);
	struct opened o = opened_by(call->result);

	record__s64(r, call->result);
	record__s64(r, (int)ARG(0));
	record__s64(r, (u32)ARG(2));
	record__file(r, o.file);
	record__inode(r, &o);
	record__file_state(r, &o);
	return judge(r) == DROP ? 0 : record__send(r, OPEN_BY_HANDLE_AT);
}
