/* dup: what the new descriptor stands for; a shell on a socket is made of these. */
static __always_inline void record__descriptor(struct record *r, s64 fd)
{
	struct file *file = file_of(fd);
	struct inode *inode = file ? READ(struct file, file, f_inode) : 0;

	record__file(r, file);
	record__tuple(r, sock_of(fd), 0);
	if (inode)
		record__s64(r, READ(struct inode, inode, i_mode));
	else
		record__missing(r);
}

CALL(dup)
{
	struct record *r = begin(DUP);

	record__s64(r, call->result);
	record__s64(r, (int)ARG(0));
	record__descriptor(r, call->result);
	return record__send(r, DUP);
}

CALL(dup2)
{
	struct record *r = begin(DUP2);

	record__s64(r, call->result);
	record__s64(r, (int)ARG(0));
	record__s64(r, (int)ARG(1));
	record__descriptor(r, call->result);
	return record__send(r, DUP2);
}

CALL(dup3)
{
	struct record *r = begin(DUP3);

	record__s64(r, call->result);
	record__s64(r, (int)ARG(0));
	record__s64(r, (int)ARG(1));
	record__s64(r, (u32)ARG(2));
	record__descriptor(r, call->result);
	return record__send(r, DUP3);
}
