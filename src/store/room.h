/*
 * room.h - what the files of the store share. Private to the store.
 *
 * Functions named write_* run on the writer thread inside its transaction, in a savepoint of their
 * own.
 */
#ifndef STORE_ROOM_H
#define STORE_ROOM_H

#include <stdatomic.h>

#include "db.h"
#include "feedd/store.h"

struct store {
	struct db db; /* the writer's connection */
	char *directory, *path;
	int lock_fd; /* the directory, flock(2)ed */
	char uuid[33];
	enum search_mode search;
	struct queue writing, reading;
	struct queue *home;
	pthread_t writer, reader;
	bool started;
	struct view *view; /* the reader's */
	int64_t seq;	   /* newest of the transaction under way; the writer's */
	atomic_llong committed_seq;
	atomic_size_t backlog; /* parcels taken and not home yet */
	bool articles;	       /* items get their hashes for `duplicates`; the writer's */
	int64_t indexed; /* items.id up to which the full-text index is filled; the writer's */
	bool opened; /* the database was taken into use: its clean mark is gone until store_stop */
};

/* schema.c: makes the schema of an empty database; refuses what is not ours, or newer. *ret_error
 * as store_open. */
int schema_prepare(struct db *db, char **ret_error) MUST_USE;
/* Makes an older schema today's, in one transaction. */
int schema_migrate(struct db *db, char **ret_error) MUST_USE;
/* The value of a name in the table meta; 0 where there is none. */
int meta_get(struct db *db, const char *name, int64_t *ret_value) MUST_USE;
int meta_set(struct db *db, const char *name, int64_t value) MUST_USE;

/* ingest.c: one more entry of the log; item 0 for feed events. *ret_seq may be NULL. */
struct log_entry {
	int64_t item, feed, at;
	enum event_kind kind;
	const char *title; /* feed events */
};
int write_event(struct store *store, const struct log_entry *entry, int64_t *ret_seq) MUST_USE;

/* The parcels of store.h, each applied within the savepoint that the writer has open: 0, or -errno
 * where it is rolled back. */
/* articles.c: the same article in several feeds, where a notifier asks for `duplicates`. */
int articles_configure(struct store *store, const struct config *config) MUST_USE;
/* The hashes of a new item: of its address, and of its text where that is long; 0 for none. */
struct article {
	int64_t address, text;
};
struct article article_of(const struct item *item, struct arena *arena);
/* Those of a stored item; 0 where it has none. */
int view_article(struct view *view, int64_t item, struct article *ret_article) MUST_USE;
/* Where else the article of an item stands, as a JSON array in the arena; NULL for nowhere. */
int view_also(struct view *view, int64_t item, int64_t feed, struct arena *arena,
	const char **ret_json) MUST_USE;

/* What each kind of parcel of store.h does, on the writer's thread; out members are set. All return
 * 0 or -errno. */
int write_sync(struct store *store, struct store_sync *sync) MUST_USE;
/* ingest.c: see struct store_poll. */
int write_poll(struct store *store, struct store_poll *poll) MUST_USE;
/* feeds.c: the whole row but name, address and tags. */
int write_feed_state(struct store *store, const struct feed_state *state) MUST_USE;
/* feeds.c: resume, accept a move, release what is held. */
int write_feed_command(struct store *store, struct store_feed_command *command) MUST_USE;
/* tidy.c: one step of retention. */
int write_tidy(struct store *store, struct store_tidy *tidy) MUST_USE;
/* deliver.c: which notifiers there are. The others keep their place, but hold up nothing. */
int notifiers_configure(struct store *store, const struct config *config) MUST_USE;
/* deliver.c: a notifier's cursor and open deliveries; makes the row of a new one. */
int write_notify_load(struct store *store, struct store_notify_load *load) MUST_USE;
/* deliver.c: moves a cursor, writes deliveries. */
int write_deliver(struct store *store, struct store_deliver *deliver) MUST_USE;
/* deliver.c: what was set aside waits again. */
int write_retry(struct store *store, struct store_retry *retry) MUST_USE;
/* deliver.c: a stream's cursor: read, made, moved. */
int write_consumer(struct store *store, struct store_consumer *consumer) MUST_USE;

/* feeds.c: reads the columns FEED_COLUMNS of a row into *state (strings malloc'd). */
#define FEED_COLUMNS                                                                               \
	"id, name, url, title, home_page_url, language, etag, last_modified, detail, moved_to,"    \
	" accepted_url, reason, body_hash, first_poll, last_poll, last_success, last_change,"      \
	" next_poll, full_fetch, failing_since, moved_since, retry_after, silent_told, fails,"     \
	" status, hint, ttl, update_period, skip_hours, skip_days, health, sticky, polls, "        \
	"polls_304,"                                                                               \
	" items, bytes, schedule"
#define FEED_COLUMNS_COUNT 37
void feed_read(sqlite3_stmt *stmt, struct feed_state *state);
int view_load(struct view *view, struct store_load *load) MUST_USE;

/* item.c: the columns of an item, written and read in one place. */
#define ITEM_COLUMNS                                                                               \
	"guid, url, external_url, title, summary, content_html, content_text, authors, tags, "     \
	"attachments, image, banner_image, "                                                       \
	"language, base_url, published, modified, extensions"
#define ITEM_COLUMNS_COUNT 17
/* Values for ITEM_COLUMNS in their order; JSON of lists goes to the arena. */
void
item_binds(const struct item *item, struct arena *arena, struct bind ret_binds[ITEM_COLUMNS_COUNT]);
/* Reads ITEM_COLUMNS starting at `column`; all in the arena. */
void item_read(sqlite3_stmt *stmt, int column, struct arena *arena, struct item *ret_item);
/* A JSON array of strings, which are valid UTF-8; malloc'd. */
char *strings_json(const char *const *strings, size_t n);
/* The way back; *ret_strings in the arena. Returns how many. */
size_t strings_read(const char *json, struct arena *arena, const char ***ret_strings);

/* search.c: the full-text index over items, filled behind the log. */
int search_open(struct store *store) MUST_USE;
/* Indexes some more items in a transaction of its own; 1 if there are more, 0 if all are indexed.
 */
int search_step(struct store *store) MUST_USE;
/* Before an indexed item changes or goes, and after it changed. */
int search_remove(struct store *store, int64_t item) MUST_USE;
int search_add(struct store *store, int64_t item) MUST_USE;
/* An FTS5 query for the words that a person typed: all of them must occur. In the arena. */
char *search_quote(struct arena *arena, const char *words);

/* filter.c: true if an event passes. Columns of feed events are NULL but feed, event, seq and
 * title. */
struct filter_row {
	const char *feed, *event;
	const struct item *item; /* NULL for feed events */
	const char *title;	 /* of feed events */
	const char *authors_json, *tags_json, *attachments_json, *extensions_json;
	int64_t id, seq, first_seen;
};
bool filter_pass(struct filter *filter, const struct filter_row *row);

/* view.c */
struct view {
	struct db db;
};
int view_scan(struct view *view, struct store_scan *scan) MUST_USE;
int view_render(struct view *view, struct store_render *render) MUST_USE;

#endif
