/* guard.h - one look over the bytes before libxml2 sees them. Private to the room. */
#ifndef PARSE_GUARD_H
#define PARSE_GUARD_H

#include <stdbool.h>
#include <stddef.h>

#include "feedd/parse.h"

struct guard {
	size_t items;	  /* start tags that may be items: how much room to make */
	bool controls;	  /* U+007F to U+009F stand in it, which XML allows and we do not */
	bool multibyte;	  /* characters beyond ASCII stand in it */
	size_t valid;	  /* bytes that are valid UTF-8 */
	const char *over; /* -E2BIG: the limit that was broken, a format with one %zu */
	size_t limit;
};

/*
 * Checks that the data is UTF-8 and that no start tag and no internal subset is of a size that
 * costs libxml2 more than linear time. 0, -EILSEQ with `valid` set, or -E2BIG with `over` and
 * `limit` set.
 */
int guard_scan(const char *data, size_t len, const struct parse_limits *limits,
	struct guard *ret_guard) MUST_USE;

/* The same for UTF-8 alone; true if all is valid. */
bool guard_utf8(const char *data, size_t len, struct guard *guard);

#endif
