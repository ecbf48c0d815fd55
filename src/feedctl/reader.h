/*
 * reader.h - the other end of standard output: has it taken what was written, is it still there?
 *
 * A line in a pipe is not yet read. To acknowledge only what the reader has taken, one line at a
 * time is written and the pipe watched until it is empty. A pipe of one page says so itself: it is
 * writable again when its only page was taken.
 */
#ifndef FEEDCTL_READER_H
#define FEEDCTL_READER_H

#include <stdbool.h>
#include <stddef.h>

#include "feedd/mem.h"

struct reader {
	int fd;
	int stop_fd;   /* readable when it is time to give up; -1: never */
	bool pipe;     /* else what was written counts as taken */
	bool one_page; /* the pipe could be made that small */
};

/* take_turns: lines will be waited for one by one; the pipe is made small then. */
void reader_init(struct reader *reader, int fd, int stop_fd, bool take_turns);
/* Writes all of it without ever blocking in write(2). 0, -EPIPE where the reader has gone,
 * -ECANCELED at the stop, -errno else. */
int reader_write(const struct reader *reader, const char *data, size_t len) MUST_USE;
/* Waits until all that was written was taken. 0; -EPIPE where the reader has gone and left some of
 * it, -ECANCELED at the stop with some of it left. */
int reader_wait_taken(const struct reader *reader) MUST_USE;

#endif
