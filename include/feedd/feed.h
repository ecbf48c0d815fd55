/*
 * feed.h - the nouns: a feed document and its items, and what is remembered of a feed between
 * polls.
 *
 * Layer 1. Names are those of RFC 4287, RSS 2.0 and JSON Feed 1.1. A document and all that hangs on
 * it live in one arena and are freed with it. Strings are clean in the sense of text.h; absent ones
 * are NULL.
 */
#ifndef FEEDD_FEED_H
#define FEEDD_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "feedd/date.h"
#include "feedd/mem.h"

enum feed_format {
	FORMAT_NONE,
	FORMAT_RSS_090,
	FORMAT_RSS_091,
	FORMAT_RSS_092,
	FORMAT_RSS_093,
	FORMAT_RSS_094,
	FORMAT_RSS_10,
	FORMAT_RSS_20,
	FORMAT_ATOM_03,
	FORMAT_ATOM_10,
	FORMAT_JSON_10,
	FORMAT_JSON_11,
};

/* "rss-2.0", "atom-1.0", …; "" for FORMAT_NONE. Static. */
const char *feed_format_name(enum feed_format format);

struct author {
	const char *name, *url, *avatar;
};

struct attachment {
	const char *url, *mime_type, *title;
	int64_t size_in_bytes;	     /* -1: unknown */
	int64_t duration_in_seconds; /* -1: unknown */
};

/* What the extensions slash, wfw, thr, georss and geo say of an item; absent parts NULL. */
struct item_extras {
	const char *comments_url, *comments_feed_url; /* where it is discussed: a page, a feed */
	int64_t n_comments;		  /* as the feed said when the item was read; -1: unknown */
	const char *reply_id, *reply_url; /* what it answers: the other's id, and address */
	int32_t latitude_e7, longitude_e7; /* WGS 84, in 1e-7 degrees; see has_place */
	bool has_place;
	const char *place; /* its name */
};

struct item {
	const char *id;	 /* guid, atom:id, rdf:about or JSON id; NULL where the feed gives none */
	const char *url; /* absolute and safe, or NULL */
	const char *external_url;
	const char *title; /* plain text, one line */
	const char *content_html;
	const char *content_text; /* the feed's own plain text, or NULL until item_finish() */
	const char *summary;
	const char *image, *banner_image, *language;
	const char *base_url; /* what relative links in content_html are relative to, or NULL */
	int64_t published_at, modified_at; /* unix seconds or DATE_NONE */
	struct author *authors;
	const char **tags;
	struct attachment *attachments;
	size_t n_authors, n_tags, n_attachments;
	const struct item_extras *extras; /* NULL: none, as most have */
};

/* What a feed says of how often to come: milliseconds never, all in seconds; 0 where absent. */
struct feed_hints {
	int64_t ttl;	       /* RSS ttl, in seconds */
	int64_t update_period; /* sy:updatePeriod divided by sy:updateFrequency, in seconds */
	uint32_t skip_hours;   /* bit h: the hour h (GMT) is to be skipped */
	uint8_t skip_days;     /* bit d: the day d is to be skipped, 0 = Sunday */
};

struct document {
	enum feed_format format;
	const char *encoding; /* the encoding it was read in, e.g. "utf-8" */
	const char *title, *description, *home_page_url, *feed_url, *icon, *favicon, *language;
	const char *next_url; /* JSON Feed next_url or link rel=next */
	const char *base_url;
	const char **hubs; /* WebSub hubs */
	struct author *authors;
	struct item *items; /* in document order */
	size_t n_hubs, n_authors, n_items;
	size_t n_dropped; /* items over the limit, not kept */
	int64_t updated_at;
	struct feed_hints hints;
	bool bozo;	   /* the bytes were not well formed, and were repaired */
	bool incomplete;   /* the end of the document was missing: nothing may be concluded from
			      absent items */
	bool expired;	   /* JSON Feed expired: true */
	const char *error; /* what was wrong and where; NULL unless bozo */
};

/* Fills in what is derived: content_text out of content_html, where it is NULL. Idempotent. */
void item_finish(struct item *item, struct arena *arena);
/* The id that the item has in events: its own, else its url, else a hash of title and text as
 * "urn:feedd:<16 hex>". In the arena or the item's own. */
const char *item_event_id(const struct item *item, struct arena *arena);
/* The whole document as one JSON Feed 1.1 object on one line, with the `_feedd` extension (format,
 * encoding, bozo, error, ttl, updated, hubs). malloc'd; caller frees. */
char *document_to_json(const struct document *document, struct arena *arena) MUST_USE;

/*
 * Identity (identity.c): how items of one feed are told apart.
 */
enum identity_kind {
	IDENTITY_GUID, /* guid, else link, else hash of title, date and text: the default */
	IDENTITY_LINK,
	IDENTITY_GUID_LINK,
	IDENTITY_TITLE,
	IDENTITY_REGEX, /* guid (else link) with what the expression matches taken out */
};

struct identity {
	enum identity_kind kind;
	const char *pattern; /* IDENTITY_REGEX: a POSIX extended regular expression that was
				compiled once before */
};

/*
 * The key of an item. `exact` is equal only for equal identities. `fold` is equal also where guids
 * that look like addresses differ only in scheme, "www." or a trailing slash, and where an item
 * that is known by its link got another title.
 */
struct item_key {
	uint64_t fold, exact; /* never 0 */
	uint64_t content; /* changes when title, url, text, summary or attachments do; dates do not
			     count */
	uint64_t guid_fold;   /* the fold that IDENTITY_GUID alone would give, 0 where there is no
				 guid: finds items again after   the policy changed */
	const char *identity; /* "guid", "link", "guid+link", "title", "text", "pattern": what the
				 key was made of; static */
	bool crowded; /* the document has another item with this fold and another exact: only exact
			 counts */
	bool duplicate; /* an item before this one in the document has the same exact */
};

/* Keys of all items of a document (array of n_items, in the arena). With IDENTITY_GUID and guids
 * that collide within the document, *ret_sticky becomes true and all keys are made by guid and
 * link; sticky in asks for that from the start. */
struct item_key *identity_keys(const struct document *document, const struct identity *identity,
	bool sticky, bool *ret_sticky, struct arena *arena) MUST_USE;

/*
 * What is remembered of a feed between polls; a row of the table feeds. Kept by value where it is
 * on its way; strings belong to whoever made it (see feed_state_copy).
 */
enum feed_health {
	FEED_NEW, /* never answered yet */
	FEED_OK,
	FEED_ERROR,   /* the last poll failed */
	FEED_FAILING, /* has failed for hours, and "feed.failing" was told */
	FEED_GONE,    /* 410: not polled until `feedctl resume` */
};

/* "new", "ok", "error", "failing", "gone". Static. */
const char *feed_health_name(enum feed_health health);

#define SCHEDULE_STATE_SIZE 64

struct feed_state {
	int64_t id; /* feeds.id; 0 for none */
	char *name, *url;
	char *title, *home_page_url, *language;
	char *etag, *last_modified; /* validators, opaque, sent back byte for byte */
	char *detail;		    /* the last error in one sentence, or NULL */
	char *moved_to;		    /* target of a permanent redirect, not accepted yet */
	char *accepted_url;	    /* where it moved, accepted: polled in place of url */
	char *reason;		    /* why next_poll_at is what it is */
	uint64_t body_hash;
	int64_t first_poll_at; /* 0: never polled with success: the next success is the first fetch
				*/
	int64_t last_poll_at, last_success_at, last_change_at, next_poll_at;
	int64_t full_fetch_at; /* last answer with a body */
	int64_t failing_since; /* of the current run of errors; 0 none */
	int64_t moved_since;
	int64_t retry_after_at;	 /* not before it, by the server's order; 0 none */
	int64_t silent_told_at;	 /* last feed.silent; 0 none since the last item */
	uint32_t fails;		 /* errors in a row */
	int32_t status;		 /* last HTTP status, 0 none */
	int64_t hint;		 /* seconds the server and the feed ask for at least; 0 none */
	struct feed_hints hints; /* of the last document */
	enum feed_health health;
	bool sticky_guid_link;		 /* guids collided once */
	int64_t polls, polls_304, items; /* counters */
	int64_t bytes;
	uint8_t schedule[SCHEDULE_STATE_SIZE]; /* opaque to all but schedule */
};

/* A deep copy; feed_state_fini frees the strings of one. */
void feed_state_copy(struct feed_state *to, const struct feed_state *from);
void feed_state_fini(struct feed_state *state);

#endif
