/* Calls that reach into other processes or the kernel itself: ptrace, mounts, modules, BPF, memory
 * files, io_uring. */
CALL(ptrace)
{
	struct record *r = begin(PTRACE);

	record__s64(r, call->result);
	record__s64(r, ARG(2));
	record__s64(r, ARG(3));
	record__s64(r, (s64)ARG(0));
	record__s64(r, (int)ARG(1));
	return record__send(r, PTRACE);
}

CALL(mount)
{
	struct record *r = begin(MOUNT);

	record__s64(r, call->result);
	record__user_text(r, ARG(0));
	record__user_text(r, ARG(1));
	record__user_text(r, ARG(2));
	record__s64(r, (u32)ARG(3));
	record__directory_for(r, AT_FDCWD, ARG(1));
	return record__send(r, MOUNT);
}

TRACED_CALL(umount2, umount)
{
	struct record *r = begin(UMOUNT2);

	record__s64(r, call->result);
	record__user_text(r, ARG(0));
	record__s64(r, (u32)ARG(1));
	record__directory_for(r, AT_FDCWD, ARG(0));
	return record__send(r, UMOUNT2);
}

CALL(bpf)
{
	struct record *r = begin(BPF);

	record__s64(r, call->result);
	record__s64(r, (int)ARG(0));
	return record__send(r, BPF);
}

CALL(init_module)
{
	struct record *r = begin(INIT_MODULE);

	record__s64(r, call->result);
	record__user_bytes(r, ARG(0), ARG(1), DATA_BYTES);
	record__s64(r, ARG(1));
	record__user_text(r, ARG(2));
	return record__send(r, INIT_MODULE);
}

CALL(finit_module)
{
	struct record *r = begin(FINIT_MODULE);

	record__s64(r, call->result);
	record__s64(r, (int)ARG(0));
	record__user_text(r, ARG(1));
	record__s64(r, (u32)ARG(2));
	record__file(r, file_of((int)ARG(0)));
	return record__send(r, FINIT_MODULE);
}

CALL(memfd_create)
{
	struct record *r = begin(MEMFD_CREATE);

	record__s64(r, call->result);
	record__user_text(r, ARG(0));
	record__s64(r, (u32)ARG(1));
	return record__send(r, MEMFD_CREATE);
}

CALL(userfaultfd)
{
	struct record *r = begin(USERFAULTFD);

	record__s64(r, call->result);
	record__s64(r, (u32)ARG(0));
	return record__send(r, USERFAULTFD);
}

/* struct io_uring_params begins with: sq_entries cq_entries flags sq_thread_cpu sq_thread_idle
 * features. */
CALL(io_uring_setup)
{
	struct record *r = begin(IO_URING_SETUP);
	u32 parameters[6] = {};

	bpf_probe_read_user(parameters, sizeof(parameters), (void *)ARG(1));
	record__s64(r, call->result);
	record__s64(r, (u32)ARG(0));
	for (int i = 0; i < 6; i++)
		record__s64(r, parameters[i]);
	return record__send(r, IO_URING_SETUP);
}
