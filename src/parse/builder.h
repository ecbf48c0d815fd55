/* builder.h - collects the values of a feed and its items and makes the document of them. Private
 * to the room. */
#ifndef PARSE_BUILDER_H
#define PARSE_BUILDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "feedd/parse.h"
#include "rules.h"

struct value {
	const char *text; /* NULL: none yet */
	const char *base; /* markup: what its links are relative to, or NULL */
	int64_t number;
	uint8_t rank;
	bool html;
};

/* A growing array in plain memory; what is in it goes to the arena when the item is complete. */
struct list {
	void *rows;
	size_t n, cap;
	uint8_t rank; /* of all that is in it */
};

struct scope {
	struct value values[SLOT_COUNT];
	struct list authors, tags, attachments, hubs;
	bool content_elsewhere; /* Atom: the content is an address, the summary all that is here */
	bool permalink;		/* the id may serve as the link */
};

struct builder {
	struct arena *arena;
	const struct parse_limits *limits;
	struct document *document;
	const char *url;  /* where the document came from, or NULL */
	const char *base; /* the last one that was kept */
	size_t items_cap;
	bool in_item;
	struct scope feed, item;
};

/* items: how many are expected, a guess. */
void builder_init(struct builder *builder, const struct parse_input *input,
	const struct parse_limits *limits, struct arena *arena, struct document *document,
	size_t items);
/* Frees what is not in the arena. */
void builder_fini(struct builder *builder);

/* What is given from now on belongs to a new item. */
void builder_begin_item(struct builder *builder);
/* The item is complete: it joins the document, or is counted as dropped. */
void builder_end_item(struct builder *builder);
/* The document is complete: the feed's own values. */
void builder_finish(struct builder *builder);

/* The item while there is one, else the feed. */
struct scope *builder_scope(struct builder *builder);

/* Would a value of that rank count? The texts that follow must be in the arena and clean. */
bool builder_wants(struct builder *builder, enum slot slot, uint8_t rank);
void builder_text(struct builder *builder, enum slot slot, uint8_t rank, const char *text);
void builder_markup(
	struct builder *builder, enum slot slot, uint8_t rank, const char *text, const char *base);
void builder_number(struct builder *builder, enum slot slot, uint8_t rank, int64_t number);
/* Any of the three may be NULL, all of them not. */
void builder_author(struct builder *builder, uint8_t rank, const struct author *author);
void builder_tag(struct builder *builder, const char *tag);
void builder_attachment(struct builder *builder, const struct attachment *attachment);
void builder_hub(struct builder *builder, const char *url);

/* A base that outlives the reading: in the arena, or NULL. */
const char *builder_base(struct builder *builder, const char *base);
/* An address as it may leave the parser: absolute where a base is known, safe, not too long; in the
 * arena, or NULL. */
const char *builder_url(struct builder *builder, const char *base, const char *s, size_t len);
/* An id: one that is too long becomes a hash. In the arena, or NULL where it is empty. */
const char *builder_id(struct builder *builder, const char *s, size_t len);
/* Plain text on one line of at most max bytes; in the arena, or NULL where it is empty. */
const char *builder_line(struct builder *builder, const char *s, size_t len, size_t max);
/* The same of markup. */
const char *builder_title(struct builder *builder, const char *s, size_t len);

#endif
