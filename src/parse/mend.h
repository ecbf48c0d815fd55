/* mend.h - what repair.c and mend.c share: the state of a repair, and the repair of text and tags.
 * Private to the room. */
#ifndef PARSE_MEND_H
#define PARSE_MEND_H

#include "entity.h"
#include "feedd/mem.h"
#include "repair.h"

/* Deeper documents are refused by the reader before they get here. */
#define OPEN_MAX ((size_t)512)

struct open_tag {
	const char *name;
	size_t len;
};

/* What is looked for from many places. */
enum mark {
	MARK_PI_END,
	MARK_COMMENT_END,
	MARK_CDATA,
	MARK_CDATA_END,
	MARK_SUBSET,
	MARK_CLOSE,
	N_MARKS,
};

/* Between these places, the second of which it is at, there is none. */
struct found {
	const char *from, *at;
};

struct mender {
	const char *data, *end;
	struct found found[N_MARKS];
	size_t wasted; /* bytes that were read as tags that were none */
	struct entities entities;
	const struct parse_limits *limits;
	repair_sink *sink;
	void *user;
	struct repair_report *report;
	struct buf out;
	size_t expanded; /* bytes that entities have become */
	bool stopped;
	bool closed;   /* the root was closed */
	bool rootless; /* the outermost open tag is our own */
	struct open_tag open[OPEN_MAX];
	size_t depth;
};

struct tag_attribute {
	const char *name, *value;
	size_t name_len, value_len;
};

struct tag {
	const char *name;
	size_t name_len;
	const char *next; /* just behind it */
	struct tag_attribute *attributes;
	size_t n_attributes;
	bool empty; /* "/>" */
};

/* A fault at that place was mended; the first one is reported. */
void mend_note(struct mender *mender, const char *what, const char *at);
void mend_put(struct mender *mender, const char *s, size_t len);
/* Text of an element or an attribute, escaped as it should have been. */
void mend_text(struct mender *mender, const char *s, size_t len, bool attribute);
/* What stands in a CDATA section. */
void mend_cdata(struct mender *mender, const char *s, size_t len);
/* The next mark, or the end of the data. However often and from wherever it is asked, what was
 * looked through once is not looked through again. */
const char *mend_find(struct mender *mender, const char *at, enum mark mark);

/* tag.c: reads a start tag that begins at '<', leniently. False if it is none, but a '<' in a text.
 * A document that is made of what looks like tags and is none is given up: mender->stopped. */
bool tag_read(struct mender *mender, const char *at, struct tag *tag);
/* The same for a name, whatever follows it up to a '>' or another '<'. */
bool tag_read_name(struct mender *mender, const char *at, struct tag *tag);
void tag_write(struct mender *mender, const struct tag *tag);
void tag_write_attribute(struct mender *mender, const struct tag_attribute *attribute);
bool tag_is_name_start(char c);
bool tag_is_name(char c);

#endif
