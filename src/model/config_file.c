/* config_file.c - finds and reads the files of a configuration. May touch files. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config_loader.h"

char *
loader_read(const char *path, size_t max, size_t *ret_len, struct config_file *ret_file,
	const char **ret_error)
{
	AUTO(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0) {
		*ret_error = strerror(errno);
		return NULL;
	}
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size > max) {
		*ret_error =
			S_ISREG(st.st_mode) ? "the file is too large" : "this is no regular file";
		return NULL;
	}
	size_t size = (size_t)st.st_size, len = 0;
	AUTO(freep) char *data = xmalloc(size + 1);
	while (len < size) {
		ssize_t n = read(fd, data + len, size - len);
		if (n < 0 && errno != EINTR) {
			*ret_error = strerror(errno);
			return NULL;
		}
		if (n == 0)
			break;
		len += n > 0 ? (size_t)n : 0;
	}
	data[len] = '\0';
	*ret_len = len;
	ret_file->dev = st.st_dev;
	ret_file->ino = st.st_ino;
	ret_file->world_readable = st.st_mode & S_IROTH;
	char *result = data;
	data = NULL;
	return result;
}

/* Wildcards in the name of the folder itself mean nothing. */
static void
append_literal(struct buf *buf, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (strchr("*?[]\\", text[i]))
			buf_putc(buf, '\\');
		buf_putc(buf, text[i]);
	}
}

/* A folder that cannot be read holds nothing. */
static int
on_unreadable(const char *path, int error)
{
	(void)path;
	if (error == ENOMEM)
		mem_exhausted(0);
	return 0;
}

void
loader_glob(struct config_loader *loader, const char *file, const char *pattern, loader_path_fn *fn,
	void *arg)
{
	AUTO(buf_fini) struct buf whole = BUF_INIT(3 * 4096);
	const char *slash = strrchr(file, '/');
	glob_t found;

	if (pattern[0] != '/' && slash)
		append_literal(&whole, file, (size_t)(slash - file) + 1);
	if (buf_puts(&whole, pattern) < 0)
		return;
	int flags = strpbrk(pattern, "*?[") ? 0 : GLOB_NOCHECK;
	int r = glob(whole.data, flags, on_unreadable, &found);
	if (r == GLOB_NOSPACE)
		mem_exhausted(0);
	if (r == 0)
		for (size_t i = 0; i < found.gl_pathc; i++)
			fn(loader, found.gl_pathv[i], arg);
	globfree(&found);
}
