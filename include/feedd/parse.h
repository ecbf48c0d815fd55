/*
 * parse.h - bytes in, feed document out.
 *
 * Layer 2, pure: no clock but that of the thread's own processor time, which only ever ends a
 * reading, no I/O, no log, no global. libxml2 (SAX2 push) for XML, jansson for
 * JSON. Strict first; where that fails the bytes are repaired and parsed once more, and the
 * document is `bozo`. Trusts nothing: see struct parse_limits.
 */
#ifndef FEEDD_PARSE_H
#define FEEDD_PARSE_H

#include <stdbool.h>
#include <stddef.h>

#include "feedd/feed.h"
#include "feedd/mem.h"

struct parse_limits {
	size_t max_items;      /* 5000; more are counted in n_dropped */
	size_t max_depth;      /* 64 levels of elements (128 in markup within content) */
	size_t max_attributes; /* 1000 on one start tag */
	size_t max_namespaces; /* 256 xmlns on one start tag */
	size_t max_scope;      /* 512 namespaces in force at the same place */
	size_t max_names;      /* 10,000 different names of elements, attributes, namespaces … */
	size_t max_start_tag;  /* 64 KiB for one start tag */
	size_t max_dtd;	       /* 64 KiB of internal subset */
	size_t max_title;      /* 4 KiB; cut */
	size_t max_url;	       /* 8 KiB; longer ones are dropped */
	size_t max_id;	       /* 4 KiB; longer ones become a hash, never cut */
	size_t max_content;    /* 4 MiB; cut */
	size_t max_seconds;    /* 10 of processor time for the XML of one document */
	size_t chunk;	       /* 16 KiB are handed to libxml2 at once; never seen in the result */
};
extern const struct parse_limits PARSE_LIMITS;

struct parse_input {
	const char *data;
	size_t len;
	const char *content_type; /* of HTTP, with charset; NULL where unknown */
	const char *url; /* where it came from, base of relative links; NULL where unknown */
	const struct parse_limits *limits; /* NULL: PARSE_LIMITS */
	bool truncated;			   /* the transfer ended early: sets `incomplete` */
	struct buf *spent; /* the buffer that holds data, where its owner has no more use for it: it
			      is emptied as soon as all was turned to UTF-8; NULL: left alone */
};

/* An HTML page's announcement of a feed. */
struct announced_feed {
	const char *url, *title, *type;
	int rank; /* the higher the better */
};

/*
 * Reads a feed. 0 and the document in *ret_document; or -EBADMSG and in *ret_error one sentence for
 * people: not a feed (and what it is instead: empty, HTML that announces …, JSON, binary), or the
 * limit that it broke (named). All in the arena.
 */
int parse_feed(const struct parse_input *input, struct arena *arena, struct document **ret_document,
	const char **ret_error) MUST_USE;

/* The feeds that an HTML page announces (link rel=alternate or rel=feed, then <a> that look like
 * feeds), best first, in the arena. Returns their number. */
size_t parse_announced(
	const struct parse_input *input, struct arena *arena, struct announced_feed **ret_feeds);

/* The charset of a Content-Type value, lower case, in the arena; NULL without one. */
char *parse_charset(struct arena *arena, const char *content_type);

/* Once, before any thread parses: sets libxml2 up (no catalogs, no external entities, no network).
 */
void parse_init(void);
void parse_fini(void);

#endif
