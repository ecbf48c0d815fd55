/*
 * hook.c - a hook that does nothing but say when it began: appends the wall clock in seconds to a
 * file.
 *
 *     hook FILE
 */
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
	struct timespec now;
	char line[64];

	clock_gettime(CLOCK_REALTIME, &now);
	if (argc != 2)
		return 2;
	int fd = open(argv[1], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	int n = snprintf(line, sizeof(line), "%lld.%09ld\n", (long long)now.tv_sec, now.tv_nsec);

	return fd < 0 || write(fd, line, (size_t)n) != n;
}
