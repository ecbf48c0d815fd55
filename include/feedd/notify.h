/*
 * notify.h - delivery: each notifier is a durable consumer of the log.
 *
 * Layer 4, loop thread only. Reads and writes the log through the store's parcels; runs hooks
 * (exec.c), posts webhooks (webhook.c) through the daemon's http engine, appends files (file.c) on
 * the pool. At least once, in the order that feedd-events(7) promises; a cursor moves only after
 * success.
 */
#ifndef FEEDD_NOTIFY_H
#define FEEDD_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "feedd/config.h"
#include "feedd/mem.h"

struct ev_loop;
struct http;
struct pool;
struct store;
struct notify;

struct notify_tools {
	struct ev_loop *loop;
	struct http *http;
	struct store *store;
	struct pool *pool;
	bool once; /* --once: each waiting delivery is tried once, also those of earlier runs;
		      nothing is retried */
	void (*idle)(void *arg); /* called when nothing is in flight or due any more; may be NULL */
	void *arg;
};

/* No notifier yet: they come with notify_configure(). Tools are copied; what they point to must
 * outlive it. */
int notify_new(struct notify **ret_notify, const struct notify_tools *tools) MUST_USE;
/* Start and reload: begins new notifiers, changes those that changed, ends those that are gone
 * (their hooks run on to their deadline), opens files anew, enables webhooks that a 410 disabled.
 * config must outlive the next call. Filters were checked by notify_check(). */
void notify_configure(struct notify *notify, const struct config *config);
/* Compiles every `where` of a configuration and adds a fault for each that is wrong. */
void notify_check(const struct config *config, struct config_faults *faults);
/* The log has grown. */
void notify_wake(struct notify *notify);
/* True when nothing is in flight or due (--once: everything was tried). */
bool notify_is_idle(const struct notify *notify);
/* --once: true if a delivery failed in this run. */
bool notify_had_failures(const struct notify *notify);
/* Ends: no new deliveries start; hooks in flight get grace_ms, then their process groups are
 * killed; `stopped` is called once all are gone and all results were handed to the store. */
void notify_stop(struct notify *notify, int64_t grace_ms, void (*stopped)(void *arg), void *arg);
/* After `stopped`. Accepts NULL. */
void notify_free(struct notify *notify);

/* Sends deliveries that were set aside again: those of one seq, or all (seq 0). done: how many,
 * called on the loop. */
void
notify_retry(struct notify *notify, int64_t seq, void (*done)(void *arg, int64_t count), void *arg);
/* Sends a sample event through a notifier; the log and the cursor are not touched. -ENOENT where
 * there is none of that name. done: ok, and a sentence where it failed. */
int notify_test(struct notify *notify, const char *name,
	void (*done)(void *arg, bool ok, const char *detail), void *arg) MUST_USE;

/* What is known of each notifier, for status and metrics. Strings are valid during the call. */
struct notify_status {
	const char *name, *kind; /* "exec", "webhook", "file" */
	bool disabled;		 /* 410 */
	const char *disabled_why;
	int64_t cursor;
	int64_t queued, in_flight, waiting, failed; /* events */
	int64_t delivered, failures;		    /* since the start */
	const char *last_error;			    /* or NULL */
	int64_t last_success_at, next_try_at;	    /* unix seconds, 0 none */
};
void notify_each(const struct notify *notify,
	void (*row)(void *arg, const struct notify_status *status), void *arg);

#endif
