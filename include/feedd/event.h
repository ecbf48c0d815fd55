/*
 * event.h - an entry of the log, and its JSON: what every consumer gets.
 *
 * Layer 1. The object is an item of JSON Feed 1.1 with one extension, `_feedd`.
 */
#ifndef FEEDD_EVENT_H
#define FEEDD_EVENT_H

#include <stdint.h>

#include "feedd/feed.h"
#include "feedd/mem.h"

enum event_kind {
	EVENT_ITEM_NEW,
	EVENT_ITEM_UPDATED,
	EVENT_FEED_FAILING,
	EVENT_FEED_RECOVERED,
	EVENT_FEED_MOVED,
	EVENT_FEED_GONE,
	EVENT_FEED_SILENT,
	EVENT_FEED_REKEYED,
	EVENT_KINDS,
};

/* "item.new", …; static. */
const char *event_kind_name(enum event_kind kind);
/* The kind of that name, or -EINVAL. */
int event_kind_parse(const char *name) MUST_USE;

/* What an event says of its feed. */
struct event_feed {
	const char *name, *title, *url, *home_page_url;
	const char *const *tags;
	size_t n_tags;
};

struct event {
	int64_t seq;
	enum event_kind kind;
	int64_t at; /* first_seen of the item, or when the feed event came about */
	struct event_feed feed;
	const struct item *item; /* item events; finished */
	const char *title;	 /* feed events: one line for people */
	const char *also_json;	 /* JSON array of where else the article stood, or NULL */
};

/* The event object on one line, without a line feed. malloc'd; caller frees. */
char *event_to_json(const struct event *event) MUST_USE;

struct json_t;
/* Members of a JSON Feed item (jansson object, a new reference) for an item; shared by events,
 * /v1/items and parse. id: as in item_event_id. */
struct json_t *item_to_json(const struct item *item, const char *id);
/* Adds `comments`, `in_reply_to` and `location` to an object (the item's `_feedd`) where there is
 * something to say; extras may be NULL. */
void item_extras_to_json(const struct item_extras *extras, struct json_t *object);
/* Reads them back, in the arena; NULL for none. */
const struct item_extras *item_extras_from_json(const struct json_t *object, struct arena *arena);
/* How objects with coordinates are dumped: seven places behind the point, a centimetre. */
#define EVENT_DUMP_FLAGS (JSON_COMPACT | JSON_REAL_PRECISION(10))

#endif
