/*
 * What the tests of the rules do that no shell can: one act for each word, done and over at once. Exit status 0 when the
 * kernel was asked for what the act is about, whatever it answered to acts that it may refuse.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY 65534

static int wait_for(pid_t child)
{
	int status;

	if (waitpid(child, &status, 0) < 0)
		return 1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/* run PROGRAM ARGUMENT...: as a child, so that this program is its parent. */
static int run(char **arguments)
{
	pid_t child = fork();

	if (child == 0) {
		execvp(arguments[0], arguments);
		_exit(127);
	}
	return wait_for(child);
}

static int copy_into(int to, const char *path)
{
	int from = open(path, O_RDONLY);
	struct stat status;

	if (from < 0 || fstat(from, &status) < 0)
		return -1;
	return sendfile(to, from, NULL, status.st_size) == status.st_size ? 0 : -1;
}

static int execute(int fd, char *name)
{
	char *arguments[] = { name, NULL }, *environment[] = { NULL };

	fexecve(fd, arguments, environment);
	return 1;
}

/* memfd PROGRAM: runs a copy of it that exists in memory only. */
static int memfd(char **arguments)
{
	int fd = memfd_create("anonymous", MFD_CLOEXEC);

	return copy_into(fd, arguments[0]) < 0 ? 1 : execute(fd, arguments[0]);
}

/* deleted PROGRAM: runs a copy of it whose file is gone. */
static int deleted(char **arguments)
{
	int fd = open("gone", O_WRONLY | O_CREAT, 0755), readable;

	if (copy_into(fd, arguments[0]) < 0)
		return 1;
	readable = open("gone", O_RDONLY | O_CLOEXEC);
	close(fd);
	unlink("gone");
	return execute(readable, arguments[0]);
}

static int connected(const char *address, int port)
{
	struct sockaddr_in to = { AF_INET, htons(port) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET, address, &to.sin_addr);
	return connect(fd, (void *)&to, sizeof(to)) < 0 ? -1 : fd;
}

/* connect ADDRESS PORT: a datagram socket, for which the kernel only remembers the peer. */
static int connects(char **arguments)
{
	return connected(arguments[0], atoi(arguments[1])) < 0;
}

/* dup NUMBER: makes a network connection the descriptor of that number. */
static int dups(char **arguments)
{
	return dup2(connected("127.0.0.1", 9), atoi(arguments[0])) < 0;
}

/* dup-unix NUMBER: the same with one end of a pair. */
static int dups_unix(char **arguments)
{
	int pair[2];

	return socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0 || dup2(pair[0], atoi(arguments[0])) < 0;
}

/* unix PATH: asks for a connection that nobody need take. */
static int unix_connect(char **arguments)
{
	struct sockaddr_un to = { AF_UNIX };

	strncpy(to.sun_path, arguments[0], sizeof(to.sun_path) - 1);
	connect(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&to, sizeof(to));
	return 0;
}

static int listens(char **arguments)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return listen(fd, 1) < 0;
}

static int packets(char **arguments)
{
	return socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)) < 0;
}

static int traces(char **arguments)
{
	pid_t child = fork();

	if (child == 0)
		for (;;)
			pause();
	if (ptrace(PTRACE_ATTACH, child, 0, 0) < 0)
		return 1;
	waitpid(child, NULL, 0);
	ptrace(PTRACE_DETACH, child, 0, 0);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	return 0;
}

/* traceme: what every debugger's child does. */
static int is_traced(char **arguments)
{
	pid_t child = fork();

	if (child == 0)
		_exit(ptrace(PTRACE_TRACEME, 0, 0, 0) < 0);
	return wait_for(child);
}

static int userfaultfd_nobody(char **arguments)
{
	if (setuid(NOBODY) < 0)
		return 1;
	syscall(SYS_userfaultfd, O_CLOEXEC);
	return 0;
}

static int userfaultfd_root(char **arguments)
{
	syscall(SYS_userfaultfd, O_CLOEXEC);
	return 0;
}

static int user_namespace(char **arguments)
{
	if (setuid(NOBODY) < 0)
		return 1;
	return unshare(CLONE_NEWUSER) < 0;
}

/* module: no image of one, so the kernel takes nothing in. */
static int module(char **arguments)
{
	char image[64] = "not a module";

	return syscall(SYS_init_module, image, sizeof(image), "") != -1;
}

/* bpf: a program that answers 0 and is attached to nothing. */
static int bpf_program(char **arguments)
{
	struct bpf_insn program[] = { { .code = 0xb7 }, { .code = 0x95 } };
	union bpf_attr attributes = {
		.prog_type = BPF_PROG_TYPE_SOCKET_FILTER,
		.insns = (unsigned long)program,
		.insn_cnt = 2,
		.license = (unsigned long)"GPL",
	};

	return syscall(SYS_bpf, BPF_PROG_LOAD, &attributes, sizeof(attributes)) < 0;
}

static int bpf_map(char **arguments)
{
	union bpf_attr attributes = { .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1 };

	return syscall(SYS_bpf, BPF_MAP_CREATE, &attributes, sizeof(attributes)) < 0;
}

static int enters(char **arguments)
{
	return setns(open(arguments[0], O_RDONLY), 0) < 0;
}

/* mount SOURCE TARGET TYPE: the kernel may refuse. */
static int mounts(char **arguments)
{
	mount(arguments[0], arguments[1], arguments[2], MS_RDONLY, NULL);
	return 0;
}

/* open PATH FLAGS: the kernel may refuse. */
static int opens(char **arguments)
{
	open(arguments[0], atoi(arguments[1]));
	return 0;
}

/* uring [PATH]: a ring, and the file opened through it. Refused where rings are off. */
static int uring(char **arguments)
{
	struct io_uring_params p = { 0 };
	int ring = syscall(SYS_io_uring_setup, 8, &p);
	struct io_uring_sqe *entries;
	char *queue;

	if (ring < 0)
		return 1;
	if (!arguments[0])
		return 0;
	queue = mmap(0, p.sq_off.array + 64, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQ_RING);
	entries = mmap(0, 8 * sizeof(*entries), PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQES);
	entries[0] = (struct io_uring_sqe){ .opcode = IORING_OP_OPENAT, .fd = AT_FDCWD, .addr = (long)arguments[0] };
	*(unsigned int *)(queue + p.sq_off.array) = 0;
	__atomic_store_n((unsigned int *)(queue + p.sq_off.tail), 1, __ATOMIC_RELEASE);
	return syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, 0, 0) != 1;
}

static const struct {
	const char *word;
	int (*act)(char **arguments);
} acts[] = {
	{ "run", run },
	{ "memfd", memfd },
	{ "deleted", deleted },
	{ "connect", connects },
	{ "dup", dups },
	{ "dup-unix", dups_unix },
	{ "unix", unix_connect },
	{ "listen", listens },
	{ "packets", packets },
	{ "trace", traces },
	{ "traceme", is_traced },
	{ "userfaultfd", userfaultfd_nobody },
	{ "userfaultfd-root", userfaultfd_root },
	{ "user-namespace", user_namespace },
	{ "module", module },
	{ "bpf", bpf_program },
	{ "bpf-map", bpf_map },
	{ "setns", enters },
	{ "mount", mounts },
	{ "open", opens },
	{ "uring", uring },
};

int main(int count, char **arguments)
{
	for (unsigned int i = 0; count > 1 && i < sizeof(acts) / sizeof(acts[0]); i++)
		if (strcmp(acts[i].word, arguments[1]) == 0)
			return acts[i].act(arguments + 2);
	fprintf(stderr, "acts: no such act\n");
	return 2;
}
