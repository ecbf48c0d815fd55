/* repair.h - broken XML made well formed. Private to the room. */
#ifndef PARSE_REPAIR_H
#define PARSE_REPAIR_H

#include <stdbool.h>
#include <stddef.h>

#include "feedd/parse.h"

struct repair_report {
	const char *what; /* the first fault that was mended, or NULL: nothing but entities */
	size_t at;	  /* where, in bytes */
	bool incomplete;  /* elements were open at the end of the data */
};

/* Takes repaired bytes; false to stop. */
typedef bool repair_sink(void *user, const char *data, size_t len);

/*
 * Hands the document on in pieces, mended: a stack of open tags, stray '&', '<' and '>' escaped,
 * HTML entities and those of the document replaced, bad references and control characters taken
 * out, attributes quoted and unique, a new item closes an open one. Elements that only the end of
 * the data would close stay open. data must be valid UTF-8.
 */
void repair_run(const char *data, size_t len, const struct parse_limits *limits, repair_sink *sink,
	void *user, struct repair_report *ret_report);

#endif
