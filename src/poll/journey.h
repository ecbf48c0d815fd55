/*
 * journey.h - between the files of the poll room. Private to it.
 */
#ifndef POLL_JOURNEY_H
#define POLL_JOURNEY_H

#include "feedd/heap.h"
#include "feedd/http.h"
#include "feedd/poll.h"
#include "feedd/schedule.h"
#include "stats.h"

/*
 * One poll. Belongs to whoever holds it: the loop (request), the pool (digest), the store.
 * Everything that it needs comes with it.
 */
struct poll {
	struct poller *poller; /* the loop's alone */
	struct feed *feed; /* the loop's alone; its config is NULL once it left the configuration */
	struct poll *next, *previous;	       /* the loop's alone: all that are under way */
	struct config *config;		       /* a reference */
	const struct feed_config *settings_of; /* in config */
	struct store_load load;		       /* first leg: what is known */
	struct http_request request;
	struct parcel digest;	 /* to the pool */
	struct store_poll store; /* last leg */
	struct arena arena;
	struct document *document;
	const char *parse_error; /* why the body is no feed, or NULL */
	char *private_host;
	uint64_t body_hash;
	struct schedule_policy policy;
	struct schedule_plan plan;
	double theta, jitter;
	int64_t now;	    /* unix seconds, when the answer came */
	int64_t gate_until; /* 0, or unix seconds until which host or feed are held back */
	bool force, offline, once;
	bool same_body;
	int64_t started_mono_ms;
};

/* request.c: fills the request out of settings and state. */
void poll_prepare(struct poll *poll, const struct feed_state *state);

/* digest.c: on the pool: body to document and keys. */
void poll_digest(struct parcel *parcel);

/* outcome.c: on the store's thread, touching the poll alone: what the outcome means for the feed's
 * state. */
void poll_conclude(struct store_poll *store);
/* What to hold back after an answer: unix seconds, 0 for nothing. */
int64_t poll_gate(const struct poll *poll);

/* why.c: seconds for people: "45 s", "1 h 30 min". Pure. */
const char *poll_span(struct arena *arena, int64_t seconds);

#endif
