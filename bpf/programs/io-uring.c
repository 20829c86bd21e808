/*
 * Work handed to io_uring makes no system call of its own. What a submission asks for is told here,
 * under the task that submits it (or the ring's own kernel thread, which is its thread); the
 * outcome is not known yet.
 */
#define OP_OPENAT 18
#define OP_OPENAT2 28
#define OP_RENAMEAT 35
#define OP_UNLINKAT 36
#define OP_MKDIRAT 37
#define OP_LINKAT 39

/* The commands that carry names: each begins where io_kiocb keeps its file, and has the kernel's
 * copy of the name. */
struct filename {
	const char *name;
} __attribute__((preserve_access_index));
struct io_open {
	struct filename *filename;
} __attribute__((preserve_access_index));
struct io_unlink {
	struct filename *filename;
} __attribute__((preserve_access_index));
struct io_mkdir {
	struct filename *filename;
} __attribute__((preserve_access_index));
struct io_rename {
	struct filename *newpath;
} __attribute__((preserve_access_index));
struct io_link {
	struct filename *newpath;
} __attribute__((preserve_access_index));

#define NAME_IN(type, member)                                                                      \
	(bpf_core_field_exists(((struct type *)0)->member) ? READ(struct type, command, member) : 0)

static __always_inline struct filename *name_of(void *command, u8 opcode)
{
	switch (opcode) {
	case OP_OPENAT:
	case OP_OPENAT2:
		return NAME_IN(io_open, filename);
	case OP_UNLINKAT:
		return NAME_IN(io_unlink, filename);
	case OP_MKDIRAT:
		return NAME_IN(io_mkdir, filename);
	case OP_RENAMEAT:
		return NAME_IN(io_rename, newpath);
	case OP_LINKAT:
		return NAME_IN(io_link, newpath);
	}
	return 0;
}

SEC("tp_btf/io_uring_submit_req") int on_io_uring_submit(u64 *ctx)
{
	struct task_struct *task = current_task();
	struct io_kiocb *request = CAST(struct io_kiocb, ctx[0]);
	struct record *r;
	struct filename *name;
	int fd = 0;

	if (own_pid && process_number(task) == own_pid)
		return 0;
	if (!is_in_scope())
		return 0;
	r = record__begin(IO_URING_SUBMIT);
	if (!r)
		return 0;
	HEADER_U16(r, AT_FLAGS) |= RECORD_IO_URING;
	bpf_core_read(&fd, sizeof(fd), &request->cqe.fd);
	record__s64(r, request->opcode);
	name = name_of(&request->file, request->opcode);
	record__s64(
		r, name ? MISSING_SCALAR : fd); /* only what works on a descriptor keeps it there */
	if (name)
		record__kernel_text(r, READ(struct filename, name, name));
	else
		record__none(r);
	record__tuple(r, name ? 0 : sock_of(fd), 0);
	record__send(r, IO_URING_SUBMIT);
	return record__judge_and_send(r);
}
