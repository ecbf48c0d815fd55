/*
 * store.h - the log and everything that must survive: the one door to SQLite.
 *
 * Layer 3. Two threads: the writer (the only one that changes the database; takes all that is
 * queued, applies each parcel in a savepoint, commits once, brings all home) and the reader
 * (read-only, for the loop, which never touches a database). Others that read (the socket's thread)
 * open a `struct view` of their own. Doors speak of polls, items, events and cursors.
 *
 * A parcel whose `result` is negative changed nothing: -ENOSPC and -EIO where the disk refused,
 * -EINVAL for a fault of ours.
 */
#ifndef FEEDD_STORE_H
#define FEEDD_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "feedd/config.h"
#include "feedd/event.h"
#include "feedd/feed.h"
#include "feedd/mem.h"
#include "feedd/queue.h"

#define STORE_SCHEMA_VERSION 2

struct store;
struct filter;
struct view;

/*
 * Opens state_directory/feedd.db (made if it is not there, with the last part of its path), takes
 * the directory's lock, migrates an older schema, and checks the file if the last stop was not
 * clean. On failure *ret_error is a malloc'd sentence and nothing was touched: -EBUSY in use by
 * another feedd, -EPROTO of a newer schema, -EUCLEAN damaged, -EMEDIUMTYPE not a feedd database,
 * -ENOSPC where the disk is full, else -errno.
 */
int store_open(struct store **ret_store, const char *state_directory, enum search_mode search,
	char **ret_error) MUST_USE;
/* Starts both threads. home: where parcels without a home of their own go. */
int store_start(struct store *store, struct queue *home) MUST_USE;
/* Finishes what is queued, checkpoints, marks the stop as clean, joins, frees. Accepts NULL and a
 * store not started. */
void store_stop(struct store *store);
/* Path of the database, for views. */
const char *store_path(const struct store *store);
/* A stable random id of this database (32 hex digits), part of delivery ids. */
const char *store_uuid(const struct store *store);
/* Parcels queued for the writer. */
size_t store_backlog(struct store *store);
/* The newest committed seq. Any thread. */
int64_t store_seq(struct store *store);

/* What every parcel to the store begins with. */
struct store_parcel {
	struct parcel parcel; /* .done runs where the parcel comes home; .run is set by store_* */
	struct store *store;  /* set by store_* */
	int result;	      /* 0 or -errno */
};

/*
 * Feeds of the configuration meet those of the database: rows are made, renamed (same url, old name
 * gone), re-addressed (same name, new url: validators forgotten, the next answer counts as a first
 * fetch) or marked as no longer configured.
 */
struct store_sync {
	struct store_parcel head;
	const struct config *config; /* in */
	struct store_feed {
		int64_t id, next_poll_at, retry_after_at, last_poll_at;
		enum feed_health health;
		uint32_t fails;
		int32_t status; /* of the last answer, 0 none */
		uint8_t schedule[SCHEDULE_STATE_SIZE];
	} * feeds; /* out: one for each of config->feeds, in its order; malloc'd, the receiver frees
		    */
};
void store_sync(struct store *store, struct store_sync *sync);

/* Reads the whole state of one feed for a poll (reader thread). result -ENOENT where there is no
 * such row. */
struct store_load {
	struct store_parcel head;
	int64_t id;		 /* in */
	struct feed_state state; /* out; the receiver owns its strings */
};
void store_load(struct store *store, struct store_load *load);

/*
 * What a poll brought. The writer decides what is new, then calls `plan` (on its own thread; it may
 * touch nothing but the parcel), then writes items, events, state in one transaction. result
 * -ESTALE: the feed has got another address since its state was loaded, and nothing was taken.
 */
enum poll_outcome {
	POLL_DOCUMENT,	/* a document was parsed */
	POLL_UNCHANGED, /* 304, or the same body */
	POLL_FAILED,
};
struct store_poll {
	struct store_parcel head;
	/* in */
	enum poll_outcome outcome;
	struct feed_state
		state;	 /* as loaded; written whole after `plan` has put the outcome into it */
	int64_t backlog; /* of the first fetch, so many of the newest items are told */
	struct document *document; /* items finished; NULL unless POLL_DOCUMENT */
	struct item_key *keys;	   /* identity_keys() of it */
	struct arena *arena;	   /* scratch: belongs to the parcel */
	bool partial;		   /* bozo, truncated or 226: conclude nothing from absent items */
	bool sticky;		   /* identity_keys made keys by guid and link */
	int64_t now;
	/* Feed events that come with this poll; titles for people, in the arena. */
	struct store_feed_event {
		enum event_kind kind;
		const char *title;
	} events[4];
	size_t n_events;
	void (*plan)(struct store_poll *poll); /* decides state.next_poll_at and so on, knowing
						  n_new and new_times; may add events */
	/* out */
	bool first;			 /* this was the first successful poll */
	size_t n_new, n_updated, n_held; /* items; held: by feed.rekeyed */
	size_t n_told;			 /* item.new events */
	int64_t *new_times; /* published_at of the new items (of all where first), in the arena;
			       n_new of them */
	int64_t first_seq, last_seq; /* events that entered the log; 0 none */
};
void store_poll(struct store *store, struct store_poll *poll);

/* Commands on one feed. */
enum feed_command { FEED_RESUME, FEED_ACCEPT_MOVE, FEED_RELEASE };
struct store_feed_command {
	struct store_parcel head;
	enum feed_command command;
	int64_t id, now;
	int64_t count; /* out: FEED_RELEASE: events that entered the log; FEED_ACCEPT_MOVE: 1, or 0
			  where it had not moved */
};
void store_feed_command(struct store *store, struct store_feed_command *command);

/* Retention, forgetting, checkpoint: one bounded step; `more` if another one should follow. */
struct store_tidy {
	struct store_parcel head;
	const struct config *config;
	int64_t now;
	size_t feed; /* in and out: index in config->feeds to go on from; 0 to begin */
	bool more;   /* out */
	int64_t items, events, keys; /* out: deleted by this step */
	int64_t released; /* out: held items that were told because rekeyed_timeout passed */
	int64_t overdue_consumers; /* out: cursors that have lost events because keep_events passed
				    */
};
/* Feeds looked at in one step. */
#define TIDY_FEEDS 50
void store_tidy(struct store *store, struct store_tidy *tidy);

/*
 * Notifiers: a cursor each (everything up to it is finished, or has a row of its own), and
 * deliveries beside it.
 */
enum delivery_state {
	DELIVERY_DONE,	  /* acknowledged */
	DELIVERY_WAITING, /* failed, to be tried again */
	DELIVERY_FAILED,  /* set aside */
};
struct delivery {
	int64_t seq, feed; /* feed: feeds.id of the event (out only) */
	enum delivery_state state;
	int32_t attempts;
	int64_t first_at, at, next_at; /* first try, last try, next try; unix seconds */
	const char *detail;	       /* why it failed, or NULL */
};

/* The cursor of a notifier and its open deliveries (waiting, and done ahead of the cursor). A new
 * one starts at the end of the log. Writer thread. */
struct store_notify_load {
	struct store_parcel head;
	const char *name;      /* in; must live until it is home */
	int64_t id, cursor;    /* out */
	int64_t n_failed;      /* out: set aside */
	struct delivery *open; /* out, by seq; in arena */
	size_t n_open;
	struct arena arena; /* the receiver finishes it */
};
void store_notify_load(struct store *store, struct store_notify_load *load);

/* Moves a notifier's cursor (never back) and writes deliveries. Durable when it is home. */
struct store_deliver {
	struct store_parcel head;
	int64_t notify;			   /* id of store_notify_load */
	int64_t cursor;			   /* 0: not moved */
	const struct delivery *deliveries; /* belongs to the sender until it is home */
	size_t n_deliveries;
};
void store_deliver(struct store *store, struct store_deliver *deliver);

/* What is to come for a notifier: events after `after`, in the order of seq, without their contents
 * (reader thread). */
struct store_scan {
	struct store_parcel head;
	const struct notify_config *notify; /* feeds, events; must live until it is home */
	struct filter
		*filter; /* of notify->where, or NULL; only this parcel may use it meanwhile */
	int64_t after;
	size_t limit; /* at most so many events, and at most 4,096 looked at */
	struct scanned {
		int64_t seq, feed, at;
		enum event_kind kind;
	} * events; /* out, malloc'd, the receiver frees */
	size_t n_events;
	int64_t scanned_to; /* out: all up to here was looked at */
	bool more;	    /* out: the end of the log was not reached */
};
void store_scan(struct store *store, struct store_scan *scan);

/* Deliveries of a notifier that were set aside become waiting again, due at `now`, as if they had
 * not been tried yet: those of one seq, or all (seq 0; the oldest 4,096, so ask until none is
 * left). Writer thread. */
struct store_retry {
	struct store_parcel head;
	int64_t notify;	       /* in: id of store_notify_load */
	int64_t seq, now;      /* in */
	struct delivery *open; /* out: as they are now, by seq; in arena */
	size_t n_open;
	struct arena arena; /* the receiver finishes it */
};
void store_retry(struct store *store, struct store_retry *retry);

/* What the JSON of one store_render comes to at most, unless one event alone is larger. */
#define STORE_RENDER_MAX ((size_t)8 << 20)

/* Event objects and the handy fields of hooks (reader thread). Events that retention took are left
 * out. */
struct store_render {
	struct store_parcel head;
	const int64_t *seqs; /* in; ascending not needed; must live until it is home */
	size_t n_seqs;
	bool also;     /* in: say where else the article stands (`duplicates`) */
	size_t n_seen; /* out: so many of seqs were looked at: all, or fewer (but one at least)
			  where the next one would pass STORE_RENDER_MAX */
	struct rendered {
		int64_t seq, feed_id;
		const char *json; /* one line, without line feed */
		const char *event, *feed, *id, *title, *url,
			*date_published; /* NULL where absent */
	} * events;			 /* out, in the order of seqs, in arena */
	size_t n_events;
	struct arena arena; /* the receiver finishes it */
};
void store_render(struct store *store, struct store_render *render);

/* Whoever may use the socket may make consumers. */
#define STORE_CONSUMERS_MAX 1000

/* Named consumers of the streams: a cursor each, made by the first stream; -EDQUOT where there are
 * STORE_CONSUMERS_MAX. Retention takes those that have lost their place. Writer thread. */
struct store_consumer {
	struct store_parcel head;
	char name[64];
	bool ack; /* in: move it to seq, never back; -ENOENT where there is none, -ERANGE where the
		     log ends before seq. Else it is read, or made where there is none */
	bool placed; /* in: made at seq, at the end of the log at most; else at its start */
	int64_t seq; /* in and out */
	int64_t now;
};
void store_consumer(struct store *store, struct store_consumer *consumer);

/*
 * Filters (filter.c): an SQL expression over the columns of items, evaluated without any table in
 * reach, with bounded steps. One thread at a time.
 */
/* NULL and *ret_error (malloc'd) where the expression is not one. */
struct filter *filter_new(const char *where, char **ret_error) MUST_USE;
void filter_free(struct filter *filter);

/*
 * Views (view.c): read-only, for one thread; no statement stays open between calls, so that the
 * writer's checkpoint can pass.
 */
int view_open(struct view **ret_view, const char *path) MUST_USE;
void view_close(struct view *view);

/* Events after `after`. */
struct view_events {
	int64_t after;
	size_t limit;	       /* rows given to `row`; at most 1,000 are looked at in one call */
	const char *feed;      /* only of this feed (name), or NULL */
	struct filter *filter; /* or NULL */
	const struct notify_config *notify; /* its feeds and events select, or NULL */
	bool no_json;			    /* only seq, kind, at and feed are given */
	int (*row)(void *arg, const struct rendered *event,
		int64_t at); /* strings are valid during the call; non-zero stops */
	void *arg;
};
/* 0 or -errno; *ret_scanned: all up to here was looked at (= after where there was nothing). */
int view_events(struct view *view, const struct view_events *query, int64_t *ret_scanned) MUST_USE;
/* Newest and oldest seq kept; 0 for an empty log. */
int view_log_ends(struct view *view, int64_t *ret_oldest, int64_t *ret_newest) MUST_USE;
/* seq of a consumer, or -ENOENT. */
int view_consumer(struct view *view, const char *name, int64_t *ret_seq) MUST_USE;

/* Items, newest first (by seq of storing). */
struct view_items {
	const char *feed, *tag, *search; /* or NULL; tag: of the item or of its feed; search: words,
					    FTS5's query syntax where it is valid */
	int64_t after, before;		 /* items.id bounds, exclusive; 0 none */
	size_t limit;			 /* at most 1,000 */
	struct filter *filter;
	/* json: a JSON Feed item with `_feedd` (feed, first_seen, item); string valid during the
	 * call */
	int (*row)(void *arg, int64_t id, const char *json, const struct rendered *fields,
		int64_t first_seen);
	void *arg;
};
/* 0, -EINVAL for a search that is none, or -errno. */
int view_items(struct view *view, const struct view_items *query) MUST_USE;

/* State of configured feeds, by name: one where name is given (-ENOENT if absent), else all. */
struct view_feed {
	const struct feed_state *state;
	const char *tags_json; /* array */
	bool configured;
	int64_t n_items; /* stored now; -1 where all feeds are listed */
	int64_t n_held;
	int64_t last_item_at; /* first_seen of the newest item, 0 none */
};
int view_feeds(struct view *view, const char *name,
	int (*row)(void *arg, const struct view_feed *feed), void *arg) MUST_USE;

/* Counters of the whole. */
struct view_counts {
	int64_t feeds, items, events, oldest_seq, newest_seq, failing, gone;
	int64_t database_bytes, wal_bytes;
	int64_t indexed_seq; /* how far the full-text index is */
};
int view_counts(struct view *view, struct view_counts *ret_counts) MUST_USE;

/* Cursors of notifiers and consumers with their lag. */
struct view_cursor {
	const char *name;
	bool notifier;	     /* else a consumer */
	int64_t cursor, lag; /* lag: events behind the end of the log */
	int64_t oldest_at;   /* when the oldest event after the cursor came about; 0 where there is
				none */
	int64_t waiting, failed; /* deliveries; notifiers only */
	int64_t acked_at;
};
int view_cursors(struct view *view, int (*row)(void *arg, const struct view_cursor *cursor),
	void *arg) MUST_USE;

/* Deliveries set aside (seq 0), or all of one event. */
int view_deliveries(struct view *view, int64_t seq,
	int (*row)(
		void *arg, const char *notify, const struct delivery *delivery, const char *title),
	void *arg) MUST_USE;

/* Why an event is there: its item's row and key. -ENOENT where the log no longer has it. */
struct view_why {
	const char *event, *feed, *guid, *url, *title;
	const char *identity; /* "guid", "link", "guid+link", … that made it new */
	int64_t seq, item, first_seen, at;
	uint64_t key;
};
int view_why(struct view *view, int64_t seq, int (*row)(void *arg, const struct view_why *why),
	void *arg) MUST_USE;

/* A sound copy of the database into a new file (must not exist), while the daemon runs. Takes its
 * time: not on the loop. */
int view_backup(struct view *view, const char *path) MUST_USE;

#endif
