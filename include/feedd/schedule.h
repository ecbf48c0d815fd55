/*
 * schedule.h - when to poll next.
 *
 * Layer 2, pure: `now` comes in as an argument, jitter as a number; no clock, no I/O, no global.
 * The daemon and `feedctl simulate` use the same functions.
 */
#ifndef FEEDD_SCHEDULE_H
#define FEEDD_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "feedd/feed.h"

/* State of one feed's estimate, 64 bytes; kept with the feed's row and opaque to everybody else.
 * All zero: never polled. */
struct schedule_state {
	uint32_t last_poll, next_poll, last_item; /* unix seconds */
	float a, b;	  /* decayed items and exposure seconds, tau = 21 d */
	float ev;	  /* decayed publication events, tf = 5400 s */
	uint16_t q, qn;	  /* burst test, x256 */
	uint16_t min_gap; /* what server and feed ask for, units of 8 s */
	uint8_t window, fails;
	uint8_t hod[24], dow[7]; /* counts by hour of day and day of week, UTC */
	uint8_t flags;
};
_Static_assert(sizeof(struct schedule_state) == SCHEDULE_STATE_SIZE, "a row of the database");

/* What the configuration says about one feed; seconds. */
struct schedule_policy {
	int64_t interval;	 /* fixed, or 0 for adaptive */
	int64_t min_interval;	 /* 300 */
	int64_t max_interval;	 /* 86400 */
	int64_t max_hint;	 /* 86400: cap of what max-age, Expires, ttl and sy: may ask for */
	int64_t max_retry_after; /* 172800 */
	int64_t max_backoff;	 /* 86400 */
	double weight;		 /* 1 */
};

/* One successful poll, as an observation. times: publish times of the new items, any order,
 * DATE_NONE where undated. */
struct schedule_poll {
	int64_t now;
	const int64_t *times;
	size_t n_new;	 /* items not seen before; 0 for a 304 */
	size_t n_listed; /* items in the document; 0 for a 304 (the window is then as before) */
	int64_t hint;	 /* seconds, of headers and document, uncapped; 0 none */
	bool first; /* the first successful poll ever: times then are those of all listed items */
};

/* Why the next poll is when it is: the strongest cause. */
enum schedule_cause {
	CAUSE_FIXED,	   /* the configured interval */
	CAUSE_ADAPTIVE,	   /* the estimate */
	CAUSE_HINT,	   /* Cache-Control, Expires, ttl, sy: */
	CAUSE_SKIP,	   /* skipHours, skipDays */
	CAUSE_RETRY_AFTER, /* Retry-After */
	CAUSE_RATE_LIMIT,  /* 429 without it */
	CAUSE_BACKOFF,	   /* errors in a row */
	CAUSE_MIN,	   /* min_interval */
	CAUSE_MAX,	   /* max_interval */
	CAUSE_GONE,	   /* 410: never */
};

struct schedule_plan {
	int64_t next_poll; /* unix seconds */
	enum schedule_cause cause;
	double rate;	/* items an hour that the estimate expects on the long run */
	double profile; /* factor of this hour and day, 1 = average */
	int64_t wanted; /* seconds that estimate or interval alone would wait, before hints and
			   bounds */
};

/* Takes a successful poll into the estimate. */
void schedule_observe(struct schedule_state *state, const struct schedule_policy *policy,
	const struct schedule_poll *poll);
/* Plans the next poll after a success. theta: the price of a request (schedule_price). jitter: -1
 * to 1, of which ±5 % are made (0 for none). hints may be NULL. Also sets state->next_poll. */
struct schedule_plan
schedule_next(struct schedule_state *state, const struct schedule_policy *policy,
	const struct feed_hints *hints, double theta, int64_t now, double jitter);

/* One failed poll. The estimate is not touched. */
struct schedule_failure {
	int64_t now;
	uint32_t fails;	     /* errors in a row, this one counted: 1, 2, … */
	int status;	     /* HTTP status, 0 where there was none */
	int64_t retry_after; /* seconds, uncapped, 0 none */
	int64_t failing_since;
};
struct schedule_plan
schedule_after_failure(struct schedule_state *state, const struct schedule_policy *policy,
	const struct schedule_failure *failure, double theta, double jitter);

/* The long-run rate of the feed in items a second, as the estimate has it. */
double schedule_rate(const struct schedule_state *state);

/*
 * The price of a request, theta: solved anew every 15 minutes so that all feeds together stay
 * within the budget.
 */
struct schedule_budget {
	double polls_per_feed_per_day; /* 24 */
	double max_requests_per_hour;  /* 0: no limit */
};
struct schedule_price {
	double theta;		/* item-seconds */
	double due;		/* polls owed (positive) or made too many, decayed over a day */
	double made, predicted; /* of a decayed day */
	int64_t started_at, solved_at;
};
/* theta for the first quarter of an hour. */
void schedule_price_init(
	struct schedule_price *price, const struct schedule_budget *budget, int64_t now);
/* Re-solves theta over n adaptive feeds. made: polls of them since the last solve. state_at(arg, i,
 * &policy): the i-th. O(n x 24). */
typedef const struct schedule_state *
schedule_state_at(void *arg, size_t i, const struct schedule_policy **ret_policy);
void schedule_price_solve(struct schedule_price *price, const struct schedule_budget *budget,
	size_t n, schedule_state_at *state_at, void *arg, double made, int64_t now);

/* The name of a cause in words for people ("interval", "estimate", "server's hint", …). Static. */
const char *schedule_cause_name(enum schedule_cause cause);

#endif
