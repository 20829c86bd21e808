/*
 * For each attack: a process in a cgroup of its own that sends a datagram each 100 us, opens a file
 * that a rule is about, and says how long after it the first datagram was refused, in ns on the
 * boot clock; -1 when none was within five seconds.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_BOOTTIME, &time);
	return time.tv_sec * 1000000000L + time.tv_nsec;
}

static void enter(const char *cgroup)
{
	char path[4096];
	FILE *procs;

	snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup);
	procs = fopen(path, "w");
	if (!procs || fprintf(procs, "%d", getpid()) < 0 || fclose(procs))
		exit(2);
}

static int attack(const char *file)
{
	struct sockaddr_in sink = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(sink);
	int server = socket(AF_INET, SOCK_DGRAM, 0), client = socket(AF_INET, SOCK_DGRAM, 0);
	long start, end;

	if (bind(server, (void *)&sink, length) || getsockname(server, (void *)&sink, &length) ||
		connect(client, (void *)&sink, length))
		return 2;
	start = now();
	close(open(file, O_RDONLY));
	do {
		char answer;

		end = now();
		if (send(client, "x", 1, 0) < 0 && errno == EPERM) {
			printf("%ld\n", end - start);
			return 0;
		}
		recv(server, &answer, 1, MSG_DONTWAIT);
		usleep(100);
	} while (end - start < 5000000000L);
	printf("-1\n");
	return 0;
}

/* count file cgroup gapMs */
int main(int argc, char **argv)
{
	int count = argc == 5 ? atoi(argv[1]) : 0;

	for (int i = 0; i < count; i++) {
		char cgroup[3072];
		int status;

		snprintf(cgroup, sizeof(cgroup), "%s/%d", argv[3], i);
		if (mkdir(cgroup, 0755))
			return 2;
		fflush(stdout);
		if (!fork()) {
			enter(cgroup);
			status = attack(argv[2]);
			fflush(stdout);
			_exit(status);
		}
		wait(&status);
		rmdir(cgroup);
		usleep(atoi(argv[4]) * 1000);
	}
	return 0;
}
