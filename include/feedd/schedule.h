/*
 * schedule.h - when to poll next.
 *
 * Layer 2, pure: `now` comes in as an argument, jitter as a number; no clock, no I/O, no global.
 * The daemon and `feedctl simulate` use the same functions.
 *
 * The rule: items are expected at a rate that is learnt per feed, with a profile of the day and the
 * week and a part that comes in bursts. Every item that waits costs its waiting time, every poll
 * costs theta; the next poll comes when the waiting time expected since the last one has reached
 * theta. One theta for all feeds keeps them together in the budget, which makes intervals
 * proportional to 1/sqrt(rate): the least total delay for that many polls.
 */
#ifndef FEEDD_SCHEDULE_H
#define FEEDD_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "feedd/feed.h"

/* next_poll of a feed that is gone (410). */
#define SCHEDULE_NEVER INT64_MAX
/* How often theta is solved anew, seconds. */
#define SCHEDULE_SOLVE_EVERY 900

/* State of one feed's estimate, 64 bytes; kept with the feed's row and opaque to everybody else.
 * All zero: never polled. */
struct schedule_state {
	uint32_t last_poll, next_poll, last_item; /* unix seconds */
	float a, b;	  /* decayed items and exposure seconds, tau = 21 d */
	float ev;	  /* decayed publication events, tf = 5400 s */
	uint16_t q, qn;	  /* burst test, x256 */
	uint16_t min_gap; /* what server and feed ask for, units of 8 s */
	uint8_t window, fails;
	uint8_t hod[24], dow[7]; /* counts by hour of day and day of week (0 = Sunday), UTC */
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

/* One successful poll, as an observation. */
struct schedule_poll {
	int64_t now;
	int64_t *times;	 /* publish times of the new items, any order, DATE_NONE where undated; put
			    in order in place */
	size_t n_new;	 /* items not seen before; 0 for a 304 */
	size_t n_listed; /* items in the document; 0 for a 304 (the window is then as before) */
	int64_t hint; /* seconds, of headers and document, uncapped; 0 none. After a 304 that of the
			 last document counts too */
	bool first;   /* the first successful poll ever: times then are those of all listed items */
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
	int64_t next_poll; /* unix seconds, or SCHEDULE_NEVER */
	enum schedule_cause cause;
	double rate;	/* items an hour that the estimate expects on the long run */
	double profile; /* factor of this hour and day, 1 = average */
	int64_t wanted; /* seconds that estimate or interval alone would wait, before hints and
			   bounds */
};

/* Copies a state out of the bytes of a row. Bytes that no schedule_observe can have left (a damaged
 * or foreign row) give the state of a feed that was never polled. */
void schedule_state_load(struct schedule_state *state, const uint8_t bytes[SCHEDULE_STATE_SIZE]);

/* Takes a successful poll into the estimate, in O(n_new) but for putting the times in order. A
 * clock that went back is no harm: the gap then counts as nothing. */
void schedule_observe(struct schedule_state *state, const struct schedule_policy *policy,
	const struct schedule_poll *poll);
/* Plans the next poll after a success, in O(max_interval / 1 h). theta: the price of a request
 * (struct schedule_price). jitter: -1 to 1, of which ±5 % are made (0 for none), never below
 * min_interval and what the server asked for. hints may be NULL; they hold back adaptive feeds
 * only. Also sets state->next_poll. To plan anew without a poll, as after a change of the
 * configuration, pass state->last_poll as now. */
struct schedule_plan
schedule_next(struct schedule_state *state, const struct schedule_policy *policy,
	const struct feed_hints *hints, double theta, int64_t now, double jitter);

/* One failed poll. */
struct schedule_failure {
	int64_t now;
	uint32_t fails;	     /* errors in a row, this one counted: 1, 2, … */
	int status;	     /* HTTP status, 0 where there was none */
	int64_t retry_after; /* seconds, uncapped, 0 none */
	int64_t hint;	     /* seconds that this answer's headers ask for, uncapped, 0 none */
	int64_t failing_since;
	const struct feed_hints *hints; /* of the last document, or NULL */
};
/* Plans the next poll after a failure; the estimate is not touched, since nothing was observed. The
 * planned interval times 2^(fails - 1), at least 60 s (min_interval where that is lower), at most
 * max_backoff; 429 without Retry-After: twice that, at least 1 h; never before Retry-After; 404 for
 * a week: at least a day; 410: never. */
struct schedule_plan
schedule_after_failure(struct schedule_state *state, const struct schedule_policy *policy,
	const struct schedule_failure *failure, double theta, double jitter);

/* The long-run rate of the feed in items a second, as the estimate has it. */
double schedule_rate(const struct schedule_state *state);
/* The least seconds between two polls: min_interval, or what server and feed asked for. */
int64_t
schedule_least_gap(const struct schedule_state *state, const struct schedule_policy *policy);

/*
 * The price of a request, theta: solved anew every 15 minutes so that all feeds together stay
 * within the budget: those with a fixed interval have what they take, and count in the ceiling
 * only.
 */
struct schedule_budget {
	double polls_per_feed_per_day; /* 24 */
	double max_requests_per_hour;  /* 0: no limit */
};
struct schedule_price {
	double theta;		/* item-seconds */
	double due;		/* polls owed (positive) or made too many, bounded */
	double made, predicted; /* polls of a decayed day: done, and as the formula had them */
	double rate;		/* polls a second that the last solution predicts */
	int64_t started_at, solved_at;
};
/* theta for the first quarter of an hour. With feeds that are known already, solve once right after
 * it. */
void schedule_price_init(
	struct schedule_price *price, const struct schedule_budget *budget, int64_t now);
/* Re-solves theta over all n enabled feeds, fixed ones too, in O(n). made: polls of them since the
 * last solution. state_at(arg, i, &policy) gives the i-th. A new theta holds for a feed when it is
 * next planned; only a jump by more than a factor of two, as after a reload, is worth planning all
 * feeds anew. */
typedef const struct schedule_state *
schedule_state_at(void *arg, size_t i, const struct schedule_policy **ret_policy);
struct schedule_feeds {
	size_t n;
	schedule_state_at *state_at;
	void *arg;
};
void schedule_price_solve(struct schedule_price *price, const struct schedule_budget *budget,
	const struct schedule_feeds *feeds, double made, int64_t now);

/* The name of a cause in words for people ("interval", "estimate", "server's hint", …). Static. */
const char *schedule_cause_name(enum schedule_cause cause);

#endif
