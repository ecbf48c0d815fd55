/* reader.c - see reader.h. Touches the one descriptor that it was given. */
#include "reader.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Between two looks at a pipe that could not be made small. */
#define LOOK_MS 10
/* At the stop a reader that still lives is given so long to take the line that lies in the pipe:
 * else it would read it after we are gone, unacknowledged, and again from whoever follows next. */
#define LAST_LINE_MS 500

void
reader_init(struct reader *reader, int fd, int stop_fd, bool take_turns)
{
	struct stat kind;
	long page = sysconf(_SC_PAGESIZE);

	*reader = (struct reader){.fd = fd, .stop_fd = stop_fd};
	reader->pipe = fstat(fd, &kind) == 0 && S_ISFIFO(kind.st_mode);
	if (reader->pipe && take_turns)
		reader->one_page = fcntl(fd, F_SETPIPE_SZ, (int)page) == page;
}

static bool
is_empty(const struct reader *reader)
{
	int bytes = 0;

	return ioctl(reader->fd, FIONREAD, &bytes) == 0 && bytes == 0;
}

/* Waits for room: 0, -EPIPE, -ECANCELED; -EAGAIN after timeout_ms (-1: never). */
static int
wait_room(const struct reader *reader, int timeout_ms)
{
	struct pollfd fds[] = {
		{.fd = reader->fd, .events = POLLOUT},
		{.fd = reader->stop_fd, .events = POLLIN},
	};
	int n;

	do {
		n = poll(fds, ARRAY_SIZE(fds), timeout_ms);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (fds[0].revents & (POLLERR | POLLNVAL))
		return -EPIPE;
	if (fds[1].revents)
		return -ECANCELED;
	return n == 0 ? -EAGAIN : 0;
}

int
reader_write(const struct reader *reader, const char *data, size_t len)
{
	while (len > 0) {
		int r = wait_room(reader, -1);

		if (r < 0)
			return r;
		/* so much always fits into a pipe that has room */
		ssize_t n = write(reader->fd, data, len < PIPE_BUF ? len : PIPE_BUF);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (n > 0) {
			data += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

/* True if the reader takes what is left within the time. */
static bool
takes_last_line(const struct reader *reader)
{
	for (int waited_ms = 0; waited_ms < LAST_LINE_MS; waited_ms += LOOK_MS) {
		struct pollfd gone = {.fd = reader->fd};

		if (is_empty(reader))
			return true;
		if (poll(&gone, 1, LOOK_MS) > 0) /* the reader has gone */
			break;
	}
	return is_empty(reader);
}

int
reader_wait_taken(const struct reader *reader)
{
	if (!reader->pipe)
		return 0;
	while (!is_empty(reader)) {
		int r = 0;

		if (reader->one_page) {
			r = wait_room(reader, -1);
		} else {
			struct pollfd gone[] = {
				{.fd = reader->fd},
				{.fd = reader->stop_fd, .events = POLLIN},
			};

			if (poll(gone, ARRAY_SIZE(gone), LOOK_MS) > 0)
				r = gone[0].revents ? -EPIPE : -ECANCELED;
		}
		if (r == -ECANCELED)
			return takes_last_line(reader) ? 0 : r;
		if (r < 0)
			return is_empty(reader) ? 0 : r;
	}
	return 0;
}
