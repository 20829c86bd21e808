/*
 * How long a process lives after it did what a policy kills for: argument 1 times, a child opens
 * argument 2, and the parent measures from just before the open to the child's end. Prints a line a
 * child: nanoseconds, and whether it was killed (1) or nobody did within two seconds (0). Argument
 * 3: milliseconds between two children.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000L + time.tv_nsec;
}

int main(int count, char **arguments)
{
	int turns = count > 3 ? atoi(arguments[1]) : 0;
	volatile long *before =
		mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	for (int i = 0; i < turns; i++) {
		int status;
		pid_t child = fork();

		if (child == 0) {
			alarm(2);
			*before = now();
			open(arguments[2], O_RDONLY);
			for (;;)
				pause();
		}
		waitpid(child, &status, 0);
		printf("%ld %d\n", now() - *before,
			WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		fflush(stdout);
		usleep(1000 * atoi(arguments[3]));
	}
	return 0;
}
