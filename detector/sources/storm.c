/* Times one kind of system call from inside, on one processor: prints nanoseconds of CPU (user and
 * system) a turn. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static double cpu_ns(int who)
{
	struct rusage usage;

	getrusage(who, &usage);
	return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e9 +
	       (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e3;
}

static void turn(const char *what, int zero, int null)
{
	char byte[64];
	pid_t pid;
	char *const arguments[] = {"true", 0};

	if (!strcmp(what, "getpid")) {
		syscall(SYS_getppid);
	} else if (!strcmp(what, "read+write")) {
		if (read(zero, byte, sizeof(byte)) < 0 || write(null, byte, sizeof(byte)) < 0)
			abort();
	} else if (!strcmp(what, "open+close")) {
		close(open("/usr/share/doc", O_RDONLY));
	} else if (!strcmp(what, "fork")) {
		pid = fork();
		if (pid == 0)
			_exit(0);
		waitpid(pid, 0, 0);
	} else {
		if (posix_spawn(&pid, "/bin/true", 0, 0, arguments, environ))
			abort();
		waitpid(pid, 0, 0);
	}
}

int main(int count, char **arguments)
{
	long turns = count > 2 ? atol(arguments[2]) : 0;
	int zero = open("/dev/zero", O_RDONLY), null = open("/dev/null", O_WRONLY);
	cpu_set_t last;

	CPU_ZERO(&last);
	CPU_SET(sysconf(_SC_NPROCESSORS_ONLN) - 1, &last);
	sched_setaffinity(0, sizeof(last), &last);
	double before = cpu_ns(RUSAGE_SELF) + cpu_ns(RUSAGE_CHILDREN);

	for (long i = 0; i < turns; i++)
		turn(arguments[1], zero, null);
	printf("%.1f\n", (cpu_ns(RUSAGE_SELF) + cpu_ns(RUSAGE_CHILDREN) - before) / turns);
	return 0;
}
