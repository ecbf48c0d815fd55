/* file.c - see file.h. Runs on the pool: may wait for the disk. */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define MODE 0640

void
file_close(struct file_sink *sink)
{
	if (sink->fd >= 0)
		close(sink->fd);
	sink->fd = -1;
}

/* The offset behind the last line feed before end, 0 where there is none. */
static int
find_line_start(int fd, off_t end, off_t *ret_start)
{
	char chunk[4096];

	while (end > 0) {
		size_t len = end < (off_t)sizeof(chunk) ? (size_t)end : sizeof(chunk);
		ssize_t n = pread(fd, chunk, len, end - (off_t)len);

		if (n != (ssize_t)len)
			return n < 0 ? -errno : -EIO;
		const char *feed = memrchr(chunk, '\n', len);
		if (feed) {
			*ret_start = end - (off_t)len + (feed - chunk) + 1;
			return 0;
		}
		end -= (off_t)len;
	}
	*ret_start = 0;
	return 0;
}

/* Takes away the torn line at the end of the file. Text that cannot be the beginning of an event is
 * somebody's: it gets the line feed that it lacks. */
static int
mend(int fd)
{
	struct stat st;
	off_t start = 0;
	char first;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size == 0)
		return 0;
	int r = find_line_start(fd, st.st_size, &start);
	if (r < 0 || start == st.st_size)
		return r;
	if (pread(fd, &first, 1, start) != 1)
		return -EIO;
	if (first == '{')
		return ftruncate(fd, start) < 0 ? -errno : 0;
	return write(fd, "\n", 1) == 1 ? 0 : -EIO;
}

/* True if the path still names the file that is open. */
static bool
is_current(const struct file_sink *sink)
{
	struct stat open_file, named;

	return sink->fd >= 0 && fstat(sink->fd, &open_file) == 0 && stat(sink->path, &named) == 0 &&
		open_file.st_ino == named.st_ino && open_file.st_dev == named.st_dev;
}

/* A file that was just made must be there after a power cut, as what will be written into it. Where
 * the directory may be entered but not read, nothing can be done for it. */
static int
sync_directory(const char *path)
{
	AUTO(freep) char *copy = xstrdup(path);
	AUTO(closep) int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return errno == EACCES ? 0 : -errno;
	return fsync(fd) < 0 && errno != EINVAL && errno != EROFS ? -errno : 0;
}

/* Without waiting for the reader of a pipe. Reading is wanted for mending, and not everybody may.
 */
static int
open_sink(struct file_sink *sink)
{
	const int flags = O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
	struct stat st;
	bool readable = true, is_new = false;

	file_close(sink);
	if (stat(sink->path, &st) < 0)
		is_new = errno == ENOENT;
	else if (!S_ISREG(st.st_mode))
		readable = false;
	sink->fd = open(sink->path, flags | (readable ? O_RDWR : O_WRONLY), MODE);
	if (sink->fd < 0 && errno == EACCES && readable) {
		readable = false;
		sink->fd = open(sink->path, flags | O_WRONLY, MODE);
	}
	if (sink->fd < 0)
		return -errno;
	int r = readable ? mend(sink->fd) : 0;
	if (r == 0 && is_new)
		r = sync_directory(sink->path);
	if (r < 0)
		file_close(sink);
	return r;
}

/* Takes back the part of a line that was written, unless somebody else has written after it. */
static void
take_back(int fd, off_t before, size_t written)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == before + (off_t)written &&
		ftruncate(fd, before) < 0)
		return; /* mended when it is next opened */
}

static int
append_line(int fd, const char *line)
{
	char feed[] = "\n";
	size_t len = strlen(line);
	struct iovec parts[2] = {
		{.iov_base = (void *)(uintptr_t)line, .iov_len = len},
		{.iov_base = feed, .iov_len = 1},
	};
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	ssize_t n = writev(fd, parts, 2);
	if (n == (ssize_t)len + 1)
		return 0;
	int r = n < 0 ? -errno : -ENOSPC;
	if (n > 0)
		take_back(fd, st.st_size, (size_t)n);
	return r;
}

int
file_append(struct file_sink *sink, const char *const *lines, size_t n)
{
	int r = is_current(sink) ? 0 : open_sink(sink);

	for (size_t i = 0; i < n && r == 0; i++)
		r = append_line(sink->fd, lines[i]);
	if (r == 0 && fdatasync(sink->fd) < 0 && errno != EINVAL && errno != EROFS)
		r = -errno;
	/* After a failure the file is looked at afresh, with whatever stands at its end. */
	if (r < 0)
		file_close(sink);
	return r;
}
