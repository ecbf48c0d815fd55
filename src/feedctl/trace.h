/*
 * trace.h - a recorded trace of publications, as `feedctl simulate` reads it.
 *
 * JSON Lines: {"trace","start","end","feeds"}, then one feed a line:
 * {"feed","window","max_age","dates","times"}.
 */
#ifndef FEEDCTL_TRACE_H
#define FEEDCTL_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "feedd/mem.h"

struct trace_feed {
	const char *name;
	size_t window;	 /* items that the feed lists at most */
	int64_t max_age; /* seconds that an answer stays fresh */
	bool dates;	 /* items carry dates */
	int64_t *times;	 /* of publication, in order, unix seconds */
	size_t n_times;
};

struct trace {
	struct arena arena;
	int64_t start_at, end_at;
	struct trace_feed *feeds;
	size_t n_feeds;
};

/* Reads a whole trace into an empty one. 0; -EINVAL with what was wrong and in which line in fault;
 * -EIO. */
int trace_read(struct trace *trace, FILE *in, char *fault, size_t fault_size) MUST_USE;
void trace_fini(struct trace *trace);

#endif
