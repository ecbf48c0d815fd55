/*
 * opml.h - subscription lists, OPML 1.0 and 2.0 (opml.org/spec2).
 *
 * Layer 1, pure but for the reader of files. An import yields addresses (http and https only),
 * titles and tags, nothing else: no commands, no paths, no options ever come from an OPML file.
 */
#ifndef FEEDD_OPML_H
#define FEEDD_OPML_H

#include <stddef.h>

#include "feedd/mem.h"

struct opml_feed {
	const char *name; /* made of the title or the host, valid and unique within the list */
	const char *title, *url, *home_page_url;
	const char **tags; /* folders that it stands in, outermost first, and its category */
	size_t n_tags;
	int line;
};

struct opml {
	const char *title;
	struct opml_feed *feeds;
	size_t n_feeds;
	size_t n_skipped; /* outlines with an address that is not http or https */
};

/* Reads an OPML document, strict first, repaired otherwise. 0, or -EBADMSG with *ret_error and
 * *ret_line. All in the arena. */
int opml_read(const char *data, size_t len, struct arena *arena, struct opml *ret_opml,
	const char **ret_error, int *ret_line) MUST_USE;
/* The list as an OPML 2.0 document: feeds with tags stand below a folder of their first tag.
 * malloc'd; caller frees. */
char *opml_write(const struct opml *opml) MUST_USE;
/* A name that is valid in a configuration (letters, digits, . _ -), made of any text; "" gives
 * "feed". In the arena. */
char *opml_name(struct arena *arena, const char *text);

#endif
