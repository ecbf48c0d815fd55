/*
 * output.h - what people read: columns, colours on a terminal only, hostile text made harmless.
 */
#ifndef FEEDCTL_OUTPUT_H
#define FEEDCTL_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "feedd/mem.h"

enum colour { COLOUR_NONE, COLOUR_HEAD, COLOUR_GOOD, COLOUR_WARN, COLOUR_BAD, COLOUR_FAINT };

/* A table that is printed at once, so that its columns are as wide as they must be. Zeroed is
 * empty. */
struct table {
	struct table_cell {
		char *text; /* escaped */
		enum colour colour;
	} * cells;
	size_t n_cells, room;
	size_t columns;
};

/* Begins a table with its headings; NULL-ended. */
void table_begin(struct table *table, const char *const *headings);
/* The next cell, row by row. text: anything, NULL gives "-"; it is escaped. */
void table_add(struct table *table, enum colour colour, const char *text);
/* The same, printf(3)-like. */
void table_addf(struct table *table, enum colour colour, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Prints and frees; without a row it prints nothing. On a terminal the last column is cut at its
 * right edge. EXIT_DONE, or EXIT_FAILED where standard output cannot be written. */
int table_print(struct table *table);

/* "name:  value" with the value escaped; nothing where text is NULL or "". */
void output_field(const char *name, const char *text);
void output_fieldf(const char *name, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Text with all that could steer a terminal escaped; NULL gives "". malloc'd; caller frees. */
char *output_escape(const char *text);
/* A line for people, escaped as a whole but for its own line feed. */
void output_line(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* "feedctl: …" on standard error, escaped. */
void output_error(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* Bytes as they are. EXIT_DONE or EXIT_FAILED. */
int output_raw(const char *data, size_t len);
/* Flushes: EXIT_DONE, or EXIT_FAILED after the fault was said. */
int output_end(void);

/* A date of the daemon (RFC 3339, or NULL) as "3 min ago", "in 2 h", "-"; in a static buffer of
 * four, so that one call may hold several. */
const char *output_ago(const char *date);
/* Seconds as "90 s", "10 min", "6 h", "3 d"; likewise. */
const char *output_span(int64_t seconds);
/* Bytes as "512 B", "1.5 KiB", …; likewise. */
const char *output_bytes(int64_t bytes);

#endif
