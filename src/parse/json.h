/* json.h - JSON Feed. Private to the room. */
#ifndef PARSE_JSON_H
#define PARSE_JSON_H

#include "feedd/parse.h"

/* Reads a JSON Feed, as much of it as can be read: 0; -ENOMSG if it is no JSON Feed; -E2BIG with
 * *ret_over naming the limit. data is valid UTF-8. */
int json_read(const struct parse_input *input, const struct parse_limits *limits, const char *data,
	size_t len, struct arena *arena, struct document *document, const char **ret_over) MUST_USE;

#endif
