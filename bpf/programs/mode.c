/* chmod and its relatives, and where a process stands: chdir, fchdir. */
CALL(chmod)
{
	struct record *r = begin(CHMOD);

	record__s64(r, call->result);
	record__user_text(r, ARG(0));
	record__s64(r, (u16)ARG(1));
	record__directory_for(r, AT_FDCWD, ARG(0));
	return record__send(r, CHMOD);
}

CALL(fchmod)
{
	struct record *r = begin(FCHMOD);

	record__s64(r, call->result);
	record__s64(r, (int)ARG(0));
	record__s64(r, (u16)ARG(1));
	record__file(r, file_of((int)ARG(0)));
	return record__send(r, FCHMOD);
}

CALL(fchmodat)
{
	struct record *r = begin(FCHMODAT);

	record__s64(r, call->result);
	record__s64(r, (int)ARG(0));
	record__user_text(r, ARG(1));
	record__s64(r, (u16)ARG(2));
	record__directory_for(r, ARG(0), ARG(1));
	return record__send(r, FCHMODAT);
}

CALL(fchmodat2)
{
	struct record *r = begin(FCHMODAT2);

	record__s64(r, call->result);
	record__s64(r, (int)ARG(0));
	record__user_text(r, ARG(1));
	record__s64(r, (u16)ARG(2));
	record__s64(r, (u32)ARG(3));
	record__directory_for(r, ARG(0), ARG(1));
	return record__send(r, FCHMODAT2);
}

CALL(chdir)
{
	struct record *r = begin(CHDIR);

	record__s64(r, call->result);
	record__user_text(r, ARG(0));
	record__directory(r, AT_FDCWD);
	return record__send(r, CHDIR);
}

CALL(fchdir)
{
	struct record *r = begin(FCHDIR);

	record__s64(r, call->result);
	record__s64(r, (int)ARG(0));
	record__directory(r, AT_FDCWD);
	return record__send(r, FCHDIR);
}
