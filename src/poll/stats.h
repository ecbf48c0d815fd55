/*
 * stats.h - what the poll room counts. Private to it; loop thread only.
 */
#ifndef POLL_STATS_H
#define POLL_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "feedd/mem.h"

enum stats_outcome {
	STATS_NEWS,  /* a document with new items */
	STATS_QUIET, /* a document without */
	STATS_304,
	STATS_SAME_BODY, /* 200 with the body of last time */
	STATS_HTTP_ERROR,
	STATS_NETWORK_ERROR,
	STATS_NOT_A_FEED,
	STATS_OUTCOMES,
};

#define STATS_BUCKETS 10
/* Seconds; upper bounds of the buckets, the last one is without end. */
extern const double stats_bounds[STATS_BUCKETS];

struct histogram {
	uint64_t counts[STATS_BUCKETS + 1];
	uint64_t n;
	double sum;
};

#define STATS_SLOW 5

/* One of the feeds whose last answer took longest. */
struct slow_feed {
	int64_t id; /* 0: none */
	double seconds;
};

struct poll_stats {
	uint64_t outcomes[STATS_OUTCOMES];
	uint64_t items, updates, bytes, store_failures;
	struct histogram fetch; /* seconds from request to answer */
	struct histogram whole; /* seconds from request to commit */
	struct histogram age; /* seconds from an item's date to its commit, where it has a date and
				 is news */
	struct slow_feed slow[STATS_SLOW];
	uint32_t minutes[60]; /* requests of each of the last 60 minutes */
	int64_t minute;	      /* unix minute of the newest of them */
};

/* How a poll ended: "news", "not_modified", …; static. */
const char *stats_outcome_name(enum stats_outcome outcome);
void stats_observe(struct histogram *histogram, double seconds);
/* Takes note of how long the answer to a feed's request took. */
void stats_answer(struct poll_stats *stats, int64_t id, double seconds);
/* Counts a request that starts at `now` (unix seconds). */
void stats_request(struct poll_stats *stats, int64_t now);
/* Requests of the hour before `now`. */
uint64_t stats_requests_an_hour(const struct poll_stats *stats, int64_t now);
/* A histogram in Prometheus' text format. */
void stats_write_histogram(
	struct buf *out, const char *name, const char *help, const struct histogram *histogram);

#endif
