/* reader.h - the state of one reading of an XML document, shared by sax.c, element.c, capture.c and
 * value.c. Private to the room. */
#ifndef PARSE_READER_H
#define PARSE_READER_H

#include <libxml/parser.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "builder.h"
#include "feedd/parse.h"
#include "rules.h"

/* Levels of markup within one content, and of all elements around: struct parse_limits may ask for
 * less. */
#define DEPTH_MAX ((size_t)128)
#define CONTENT_DEPTH_MAX ((size_t)128)

/* What the text of an element is. */
enum form {
	FORM_PLAIN,
	FORM_HTML,  /* markup, escaped */
	FORM_XHTML, /* markup as elements */
};

/* Where a text is gathered: in a buffer that is used again, or for large ones at the tip of the
 * arena. */
struct capture {
	const struct rule *rule; /* NULL: nothing is gathered */
	enum form form;
	bool base64;
	bool permalink; /* guid: isPermaLink is not "false" */
	bool to_arena;
	bool has_markup; /* elements stood within */
	bool in_div;	 /* the one div around XHTML is left out */
	size_t depth;	 /* of elements within */
	const char *base;
	bool spare;	   /* the label counts where there is no text */
	const char *label; /* an attribute that stands in for the text */
	char *at;	   /* arena only */
	size_t len;
};

struct level {
	uint16_t in;
	enum action action;
	uint8_t rank;
	const char *base;
	struct arena mark; /* of the side arena before it */
};

/* An element's rules by libxml2's interned pointers: one comparison instead of a search. */
struct cached_name {
	const xmlChar *local, *prefix, *uri;
	enum ns ns;
	size_t len;   /* of local */
	bool is_void; /* HTML has no end tag for it */
	uint8_t n_rules;
	const struct rule *rules[RULES_MAX];
};
/* Sets of a few names each: one that is new takes the place of the oldest of its set. */
#define NAME_SETS ((size_t)64)
#define NAME_WAYS ((size_t)4)

struct reader {
	const struct parse_input *input;
	const struct parse_limits *limits;
	struct builder builder;
	xmlParserCtxtPtr xml;
	enum ns dialect;
	struct level levels[DEPTH_MAX + 2];
	size_t depth;
	size_t skip; /* depth of elements within one that means nothing */
	struct capture capture;
	struct buf scratch;
	struct arena side; /* bases and the like, gone with the reader */
	struct value person[SLOT_COUNT];
	struct cached_name names[NAME_SETS][NAME_WAYS];
	uint8_t oldest[NAME_SETS];
	size_t remaining;  /* bytes not yet read, an upper bound for one text */
	size_t untimed;	   /* bytes since the time was looked at */
	int64_t until_ns;  /* of thread_processor_ns() */
	size_t max_memory; /* of the arena, with what was in it before */
	bool dirty;	   /* control characters may come */
	bool wants_repair; /* an entity that libxml2 cannot replace as we want it */
	bool has_feed;	   /* a channel, feed or item was seen */
	const char *over;  /* a limit that was broken, named; in the arena */
};

/* element.c: what an element means. Attributes as SAX2 gives them: local name, prefix, address,
 * value, end. */
void element_start(struct reader *reader, const struct cached_name *name,
	const xmlChar **attributes, int n_attributes);
void element_end(struct reader *reader);
/* An author or image whose text is being gathered turns out to have elements of its own: true if
 * this one is the first. */
bool element_has_parts(struct reader *reader, const struct cached_name *name);

/* The value of an attribute (any case) as a string in the side arena, or NULL. ns: NS_UNKNOWN for
 * one without a prefix. */
const char *attribute_get(struct reader *reader, const xmlChar **attributes, int n_attributes,
	enum ns ns, const char *name);

/* What links within an element are relative to: its xml:base, or what is around it. */
const char *element_base(
	struct reader *reader, const char *outer, const xmlChar **attributes, int n_attributes);

/* capture.c: gathering text. */
void capture_begin(struct reader *reader, const struct rule *rule, enum form form);
void capture_text(struct reader *reader, const char *s, size_t len);
/* An element within the text, or its end. */
void capture_start_tag(struct reader *reader, const struct cached_name *name,
	const xmlChar **attributes, int n_attributes);
void capture_end_tag(struct reader *reader, const struct cached_name *name);
/* HTML has no end tag for it. */
bool capture_is_void(const char *name);
/* The text that was gathered, NUL-terminated. In the arena where to_arena, else until the next
 * capture. */
char *capture_end(struct reader *reader, size_t *ret_len);

/* value.c: a text that is complete becomes a value. */
void value_read(struct reader *reader, const struct rule *rule, char *text, size_t len);
/* How the text of an element is to be read: sets form and base64 of the capture. */
enum form value_form(struct reader *reader, const struct rule *rule, const xmlChar **attributes,
	int n_attributes, bool *ret_base64);
/* The person that IN_PERSON gathered. */
void value_person(struct reader *reader, uint8_t rank);

/* Stops the reading: the limit as printf(3) writes it. */
void reader_over(struct reader *reader, const char *fmt, size_t limit);

/* sax.c: one reading. */
struct reading {
	const char *data; /* valid UTF-8 */
	size_t len;
	size_t items;	  /* expected */
	bool dirty;	  /* with control characters beyond ASCII's */
	int64_t until_ns; /* of thread_processor_ns(), all readings together */
};

enum xml_result {
	XML_OK,
	XML_BROKEN, /* not well formed, or with entities that only the repair replaces */
	XML_OVER,   /* a limit */
};
struct xml_report {
	enum xml_result result;
	const char *detail; /* what was wrong and where, or the limit; in the arena, or NULL */
	bool well_formed;   /* false: bozo */
	bool entities_only; /* the first fault is an entity, which the document may have declared */
	bool has_feed;	    /* something in it was a feed */
	bool incomplete;    /* the end is missing */
};

/* Reads the document as it stands. */
void xml_read(const struct parse_input *input, const struct parse_limits *limits,
	const struct reading *reading, struct arena *arena, struct document *document,
	struct xml_report *ret_report);
/* Mends the bytes on the way. */
void xml_read_mended(const struct parse_input *input, const struct parse_limits *limits,
	const struct reading *reading, struct arena *arena, struct document *document,
	struct xml_report *ret_report);

#endif
