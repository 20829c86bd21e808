/*
 * Calls that change names: link, symlink, unlink, rename, mkdir, rmdir. The name is gone or new by
 * the time we look, so it is the caller's; the directory that a relative one starts at is the
 * kernel's.
 */
static __always_inline bool is_absolute(u64 name)
{
	char first = 0;

	bpf_probe_read_user(&first, sizeof(first), (void *)name);
	return first == '/';
}

/* The current directory, unless neither name needs it. */
static __always_inline void record__directory_of_both(struct record *r, u64 one, u64 other)
{
	if (is_absolute(one) && is_absolute(other))
		record__none(r);
	else
		record__directory(r, AT_FDCWD);
}

#define NAME_CALL(name, EVENT)                                                                     \
	CALL(name)                                                                                 \
	{                                                                                          \
		struct record *r = begin(EVENT);                                                   \
                                                                                                   \
		record__s64(r, call->result);                                                      \
		record__user_text(r, ARG(0));                                                      \
		record__directory_for(r, AT_FDCWD, ARG(0));                                        \
		return record__send(r, EVENT);                                                     \
	}
NAME_CALL(unlink, UNLINK)
NAME_CALL(rmdir, RMDIR)
NAME_CALL(chroot, CHROOT)

#define TWO_NAMES_CALL(name, EVENT)                                                                \
	CALL(name)                                                                                 \
	{                                                                                          \
		struct record *r = begin(EVENT);                                                   \
                                                                                                   \
		record__s64(r, call->result);                                                      \
		record__user_text(r, ARG(0));                                                      \
		record__user_text(r, ARG(1));                                                      \
		record__directory_of_both(r, ARG(0), ARG(1));                                      \
		return record__send(r, EVENT);                                                     \
	}
TWO_NAMES_CALL(link, LINK)
TWO_NAMES_CALL(rename, RENAME)

CALL(symlink)
{
	struct record *r = begin(SYMLINK);

	record__s64(r, call->result);
	record__user_text(r, ARG(0));
	record__user_text(r, ARG(1));
	record__directory_for(r, AT_FDCWD, ARG(1));
	return record__send(r, SYMLINK);
}

CALL(symlinkat)
{
	struct record *r = begin(SYMLINKAT);

	record__s64(r, call->result);
	record__user_text(r, ARG(0));
	record__s64(r, (int)ARG(1));
	record__user_text(r, ARG(2));
	record__directory_for(r, ARG(1), ARG(2));
	return record__send(r, SYMLINKAT);
}

CALL(unlinkat)
{
	struct record *r = begin(UNLINKAT);

	record__s64(r, call->result);
	record__s64(r, (int)ARG(0));
	record__user_text(r, ARG(1));
	record__s64(r, (u32)ARG(2));
	record__directory_for(r, ARG(0), ARG(1));
	return record__send(r, UNLINKAT);
}

/* res, then directory and name of the old and of the new. */
static __always_inline void record__both(struct record *r, struct call *call)
{
	record__s64(r, call->result);
	record__s64(r, (int)ARG(0));
	record__user_text(r, ARG(1));
	record__s64(r, (int)ARG(2));
	record__user_text(r, ARG(3));
}

static __always_inline void record__directories(struct record *r, struct call *call)
{
	record__directory_for(r, ARG(0), ARG(1));
	record__directory_for(r, ARG(2), ARG(3));
}

CALL(linkat)
{
	struct record *r = begin(LINKAT);

	record__both(r, call);
	record__s64(r, (u32)ARG(4));
	record__directories(r, call);
	return record__send(r, LINKAT);
}

CALL(renameat)
{
	struct record *r = begin(RENAMEAT);

	record__both(r, call);
	record__directories(r, call);
	return record__send(r, RENAMEAT);
}

CALL(renameat2)
{
	struct record *r = begin(RENAMEAT2);

	record__both(r, call);
	record__s64(r, (u32)ARG(4));
	record__directories(r, call);
	return record__send(r, RENAMEAT2);
}

CALL(mkdir)
{
	struct record *r = begin(MKDIR);

	record__s64(r, call->result);
	record__user_text(r, ARG(0));
	record__s64(r, (u32)ARG(1));
	record__directory_for(r, AT_FDCWD, ARG(0));
	return record__send(r, MKDIR);
}

CALL(mkdirat)
{
	struct record *r = begin(MKDIRAT);

	record__s64(r, call->result);
	record__s64(r, (int)ARG(0));
	record__user_text(r, ARG(1));
	record__s64(r, (u32)ARG(2));
	record__directory_for(r, ARG(0), ARG(1));
	return record__send(r, MKDIRAT);
}
