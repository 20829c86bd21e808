/* The open family: the file is the kernel's own, found by the descriptor that came back; the name
 * is the caller's. */
/* What is known of an open before its names are. */
#define OPENED(flags, mode)                                                                        \
	(result_flags(call->result) | open_flags(flags, mode) | file_flags(o.file))

/* dev ino, then ours: path dirpath inode_mode file_state. `truth` and `slots` are judge__open's. */
static __always_inline int finish_open(
	struct record *r, const struct opened *o, int dirfd, u64 name, u64 truth, u32 slots)
{
	record__inode(r, o);
	record__file(r, o->file);
	record__directory_for(r, dirfd, name);
	record__file_state(r, o);
	return record__finish(r, CLASS_FILE, truth, slots);
}

CALL(open)
{
	struct opened o = opened_by(call->result);
	u64 truth = OPENED(ARG(1), ARG(2));
	struct record *r = begin_as(OPEN, truth);

	record__s64(r, call->result);
	record__user_text(r, ARG(0));
	record__s64(r, (u32)ARG(1));
	record__s64(r, (u32)ARG(2));
	return finish_open(r, &o, AT_FDCWD, ARG(0), truth, NAMES(1, 6, 7));
}

CALL(openat)
{
	struct opened o = opened_by(call->result);
	u64 truth = OPENED(ARG(2), ARG(3));
	struct record *r = begin_as(OPENAT, truth);

	record__s64(r, call->result);
	record__s64(r, (int)ARG(0));
	record__user_text(r, ARG(1));
	record__s64(r, (u32)ARG(2));
	record__s64(r, (u32)ARG(3));
	return finish_open(r, &o, ARG(0), ARG(1), truth, NAMES(2, 7, 8));
}

CALL(openat2)
{
	struct opened o = opened_by(call->result);
	u64 how[3] = {}; /* struct open_how: flags, mode, resolve */
	struct record *r;
	u64 truth;

	bpf_probe_read_user(how, sizeof(how), (void *)ARG(2));
	truth = OPENED(how[0], how[1]);
	r = begin_as(OPENAT2, truth);
	record__s64(r, call->result);
	record__s64(r, (int)ARG(0));
	record__user_text(r, ARG(1));
	record__s64(r, how[0]);
	record__s64(r, how[1]);
	record__s64(r, how[2]);
	return finish_open(r, &o, ARG(0), ARG(1), truth, NAMES(2, 8, 9));
}

CALL(creat)
{
	struct opened o = opened_by(call->result);
	u64 truth = OPENED(O_CREAT | O_WRONLY | O_TRUNC, ARG(1));
	struct record *r = begin_as(CREAT, truth);

	record__s64(r, call->result);
	record__user_text(r, ARG(0));
	record__s64(r, (u32)ARG(1));
	record__inode(r, &o);
	record__s64(r, 0); /* creat_flags: layers are in file_state */
	record__file(r, o.file);
	record__directory_for(r, AT_FDCWD, ARG(0));
	record__file_state(r, &o);
	return record__finish(r, CLASS_FILE, truth, NAMES(1, 6, 7));
}

CALL(open_by_handle_at)
{
	struct opened o = opened_by(call->result);
	u64 truth = OPENED(ARG(2), 0);
	struct record *r = begin_as(OPEN_BY_HANDLE_AT, truth);

	record__s64(r, call->result);
	record__s64(r, (int)ARG(0));
	record__s64(r, (u32)ARG(2));
	record__file(r, o.file);
	record__inode(r, &o);
	record__file_state(r, &o);
	return record__finish(r, CLASS_FILE, truth, NAMES(NO_SLOT, 3, NO_SLOT));
}
