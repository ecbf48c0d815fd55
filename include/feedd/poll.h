/*
 * poll.h - a poll's journey: due, request, digest, store, reschedule.
 *
 * Layer 4, loop thread. Owns the runtime of every feed: when it is due, whose host it waits for,
 * whether it is in flight. Fetches through http, parses on the pool, stores through the store's
 * parcels. What is known of a feed between polls lies in the database, not here.
 */
#ifndef FEEDD_POLL_H
#define FEEDD_POLL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "feedd/config.h"
#include "feedd/mem.h"
#include "feedd/store.h"

struct ev_loop;
struct http;
struct pool;
struct poller;

struct poller_tools {
	struct ev_loop *loop;
	struct http *http;
	struct store *store;
	struct pool *pool;
	bool once; /* --once: every enabled feed once, now; neither interval nor back-off hold one
		      back */
	void (*news)(void *arg); /* the log has grown */
	void (*idle)(void *arg); /* nothing is in flight any more, while stopping or with once */
	void *arg;
};

/* No feeds yet: they come with poller_configure(). Tools are copied; what they point to must
 * outlive it. */
int poller_new(struct poller **ret_poller, const struct poller_tools *tools) MUST_USE;
/* Start and reload: the feeds of config (a reference is taken), with what the database knows of
 * them, in the same order. Feeds that are in flight finish under the configuration that they began
 * with. */
void poller_configure(struct poller *poller, struct config *config, const struct store_feed *feeds);
/* Starts no more polls; those in flight finish. `idle` is called when all are home. */
void poller_stop(struct poller *poller);
/* Cancels the requests that are still in flight. */
void poller_cancel(struct poller *poller);
bool poller_is_idle(const struct poller *poller);
/* Nothing may be in flight. Accepts NULL. */
void poller_free(struct poller *poller);
/* --once: true if a feed did not answer. */
bool poller_had_failures(const struct poller *poller);

/* Makes a feed due now (all with NULL); still paced by its host. force: without validators, and
 * through a Retry-After. Returns how many; -ENOENT where there is no such feed, -EBUSY where it is
 * gone (410) or disabled. */
int poller_poll(struct poller *poller, const char *name, bool force) MUST_USE;

/* A command on one feed, carried out once no poll of it is in flight. done: on the loop. -ENOENT
 * where there is no such feed. */
int poller_command(struct poller *poller, const char *name, enum feed_command command,
	void (*done)(void *arg, int result, int64_t count), void *arg) MUST_USE;

/* Members for /v1/status (a JSON object), the loop's part of /metrics (Prometheus text), and why a
 * feed is polled when it is (a JSON object; -ENOENT). Appended to out. */
void poller_status(const struct poller *poller, struct buf *out);
void poller_metrics(const struct poller *poller, struct buf *out);
int poller_why(const struct poller *poller, const char *name, struct buf *out) MUST_USE;

/* Numbers for one line of words: feeds, those failing, polls in flight. */
struct poller_summary {
	size_t feeds, failing, in_flight;
};
struct poller_summary poller_summarise(const struct poller *poller);

#endif
