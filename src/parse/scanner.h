/* scanner.h - JSON, read from front to back without a tree. Private to the room. */
#ifndef PARSE_SCANNER_H
#define PARSE_SCANNER_H

#include <stdbool.h>
#include <stddef.h>

#include "feedd/mem.h"

enum json_kind {
	JSON_NOTHING,
	JSON_OBJECT_START,
	JSON_ARRAY_START,
	JSON_TEXT,
	JSON_NUMBER,
	JSON_WORD
};

struct scanner {
	const char *data, *at, *end;
	size_t depth, max_depth;
	size_t max_text;   /* longer strings are cut */
	const char *fault; /* the first thing that JSON does not allow, or NULL */
	size_t fault_at;
	bool cut_off;  /* the data ended within a value */
	bool too_deep; /* reading has stopped */
};

/* What comes next; white space is passed over. */
enum json_kind scanner_peek(struct scanner *scanner);
/* Enters an object or array. */
void scanner_enter(struct scanner *scanner);
/* Goes to the next member (its key, to be used at once, in *ret_key) or element. False behind the
 * closing bracket, and where the data ends. *first is true before the first call. */
bool
scanner_member(struct scanner *scanner, bool *first, struct arena *arena, const char **ret_key);
bool scanner_element(struct scanner *scanner, bool *first);
/* A string, decoded and clean in the sense of text.h, in the arena. */
char *scanner_text(struct scanner *scanner, struct arena *arena, size_t *ret_len);
/* A number or a word, as it is written. */
const char *scanner_word(struct scanner *scanner, size_t *ret_len);
/* Passes over a value of any kind. */
void scanner_skip(struct scanner *scanner);

#endif
