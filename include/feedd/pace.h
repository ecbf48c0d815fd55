/*
 * pace.h - which of the due feeds may be asked now: at most so many requests at once, so many at
 * once per host, a gap between two at the same host, no host that asked to be left alone, and a
 * ceiling per hour.
 *
 * Layer 2, pure: time comes in as an argument, int64 milliseconds of a monotonic clock that never
 * goes back. Not shared between threads. An entry lies in the caller's feed; hosts are made and
 * forgotten inside. All calls are O(log n) in feeds and hosts, whether 100,000 feeds are on one
 * host or on 100,000.
 *
 * A feed's way: pace_enter when it is due, pace_take gives it out when it may start, pace_leave
 * when its answer is there. After any of these calls pace_wake_at says when pace_take is worth
 * calling again.
 */
#ifndef FEEDD_PACE_H
#define FEEDD_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "feedd/heap.h"
#include "feedd/mem.h"

struct pace;
struct pace_host;

/* How one host is to be treated. */
struct pace_settings {
	int64_t gap_ms;	      /* between the starts of two requests */
	uint32_t connections; /* at once, at least 1 */
	bool gate_feed; /* pace_hold does not reach the host: its feeds have nothing to do with each
			   other */
};

/* How all requests together are bounded. */
struct pace_limits {
	uint32_t max_running;	      /* at once, at least 1 */
	double max_requests_per_hour; /* 0: no limit; a sixtieth of it, at least one, may come in a
					 burst */
};

enum pace_where { PACE_OUT, PACE_WAITING, PACE_RUNNING };

/* A feed's place here. All zero: out. Must not move while it waits or runs. Only `where` is for
 * callers, to read. */
struct pace_entry {
	struct heap_node node; /* in its host's queue */
	struct pace_host *host;
	enum pace_where where;
};

/* now_ms: the clock's first reading. Free with pace_free, which forgets all entries without
 * touching them. */
struct pace *pace_new(const struct pace_limits *limits, int64_t now_ms) MUST_USE;
void pace_free(struct pace *pace);
/* New limits, as after a reload. What runs already goes on. */
void pace_limit(struct pace *pace, const struct pace_limits *limits, int64_t now_ms);

/* What pace_enter is told of a feed that is due. */
struct pace_request {
	const char *host; /* name or address, lower case; or the registrable domain whose hosts
			     count as one. Copied. */
	const struct pace_settings *settings; /* become those of the host from now on */
	int64_t rank; /* who goes first, of one host and of all: the smallest; the due time, say.
			 Equal ones by order of entry */
};
/* The entry waits from now on. If it waits already, it takes the new host and rank; one that runs
 * stays as it is. */
void pace_enter(struct pace *pace, struct pace_entry *entry, const struct pace_request *request,
	int64_t now_ms);
/* The next entry that may start now; it counts as running, and its host's gap begins. NULL if none
 * may. */
struct pace_entry *pace_take(struct pace *pace, int64_t now_ms);
/* The entry is done or is given up, wherever it is. */
void pace_leave(struct pace *pace, struct pace_entry *entry, int64_t now_ms);
/* When pace_take may have something: now_ms if at once, INT64_MAX if not before the next call of
 * enter or leave. */
int64_t pace_wake_at(struct pace *pace, int64_t now_ms);
/* Requests that were made beside those given out (hops of a redirect) count against the ceiling per
 * hour, too. */
void pace_charge(struct pace *pace, uint32_t requests, int64_t now_ms);

/* A hop of a redirect went to this host: the gap to the next request there begins anew. */
void pace_visit(struct pace *pace, const char *host, int64_t gap_ms, int64_t now_ms);

/* The host of a running entry wants to be left alone for wait_ms (Retry-After), or where that is 0
 * for 10 minutes, twice as long each further time until a request there has succeeded (pace_calm).
 * Never shortens. No effect with gate_feed. */
void pace_hold(struct pace *pace, struct pace_entry *entry, int64_t wait_ms, int64_t now_ms);
/* The same by name, for a wait that was remembered over a restart; gate_feed is up to the caller.
 */
void pace_hold_host(struct pace *pace, const char *host, int64_t wait_ms, int64_t now_ms);
/* A request of this running entry succeeded: the doubling of pace_hold begins anew. */
void pace_calm(struct pace_entry *entry, int64_t now_ms);

/* What is known of a host, for people; times in milliseconds of the same clock. */
struct pace_view {
	uint32_t waiting, running;
	int64_t held_until_ms; /* 0: not held */
	int64_t next_start_ms; /* the gap's end */
};
/* True and *ret_view if anything is remembered of the host; else it is free to be asked. */
bool pace_look(const struct pace *pace, const char *host, struct pace_view *ret_view);
/* How many others wait for the same host as a running entry: whether its connection is worth
 * keeping. */
uint32_t pace_others(const struct pace_entry *entry);
/* Totals. hosts: those that are remembered. */
struct pace_counts {
	uint32_t waiting, running, hosts;
};
struct pace_counts pace_counts(const struct pace *pace);

#endif
