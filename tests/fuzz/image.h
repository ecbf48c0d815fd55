/*
 * image.h - the files of a store, for fuzz_polls: taken while it runs, as a kill would leave them,
 * and put back.
 */
#ifndef FUZZ_IMAGE_H
#define FUZZ_IMAGE_H

#include <fcntl.h>
#include <unistd.h>

#include "model.h"

/* A file of the template, or of a store that is killed. */
struct image {
	char *data;
	size_t len;
};

static struct {
	char directory[64];
	struct image empty; /* a database that was made and closed */
} place;

static inline struct image
image_read(const char *name)
{
	AUTO(freep) char *path = xasprintf("%s/%s", place.directory, name);
	AUTO(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct image image = {0};

	if (fd < 0)
		return image;
	off_t len = lseek(fd, 0, SEEK_END);
	image.data = xmalloc((size_t)len + 1);
	ssize_t n = pread(fd, image.data, (size_t)len, 0);
	image.len = n > 0 ? (size_t)n : 0;
	return image;
}

/* An empty image is no file. */
static inline void
image_write(const char *name, const struct image *image)
{
	AUTO(freep) char *path = xasprintf("%s/%s", place.directory, name);

	unlink(path);
	if (!image->data)
		return;
	AUTO(closep) int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	must(fd >= 0 && write(fd, image->data, image->len) == (ssize_t)image->len,
		"the test's own files can be written");
}

static inline void
life_place(const struct image *database, const struct image *log)
{
	const struct image none = {0};

	image_write("feedd.db", database);
	image_write("feedd.db-wal", log);
	image_write("feedd.db-shm", &none);
}

#endif
