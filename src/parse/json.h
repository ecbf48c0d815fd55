/* json.h - JSON Feed. Private to the room. */
#ifndef PARSE_JSON_H
#define PARSE_JSON_H

#include "feedd/parse.h"

/* Reads a JSON Feed, as much of it as can be read: 0; -ENOMSG if it is no JSON Feed; -E2BIG with
 * *ret_over naming the limit. input->data is valid UTF-8, input->limits not NULL. */
int json_read(const struct parse_input *input, struct arena *arena, struct document *document,
	const char **ret_over) MUST_USE;

#endif
