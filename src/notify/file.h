/*
 * file.h - appends whole lines to a file, and says so only when they are on the disk.
 *
 * Knows nothing of notifiers. A sink is used by one thread at a time.
 */
#ifndef FEEDD_NOTIFY_FILE_H
#define FEEDD_NOTIFY_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "feedd/mem.h"

struct file_sink {
	const char *path; /* the caller's */
	int fd;		  /* -1: not open */
};

/* Appends n lines (each without its line feed) with one write each, and syncs. The file is opened
 * where it is not open or where the path has come to name another file (logrotate), made with mode
 * 0640, and mended: what a crash left of a last line is taken away. On failure no part of a line
 * stays: 0 or -errno; lines before the failing one may stand and will be repeated. */
int file_append(struct file_sink *sink, const char *const *lines, size_t n) MUST_USE;
/* Closes it. */
void file_close(struct file_sink *sink);

#endif
