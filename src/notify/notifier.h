/*
 * notifier.h - one notifier: what it has read of the log, what is on its way, what waits.
 *
 * An event goes: scan (window, lineup) → bundle → call → result (outbox) → durable; or, where it
 * failed, back through `waiting`. A call keeps its place among `concurrency` until its result is on
 * the disk, so that a crash repeats no more than what was in flight.
 *
 *	notifier.c  begins, reads the log, ends      pump.c    decides what is started when
 *	journey.c   a bundle's way through a call    settle.c  what an outcome means
 *	outbox.c    results on their way to the disk
 */
#ifndef FEEDD_NOTIFY_NOTIFIER_H
#define FEEDD_NOTIFY_NOTIFIER_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "feedd/mem.h"
#include "feedd/notify.h"
#include "feedd/store.h"

#include "call.h"
#include "entry.h"
#include "lineup.h"
#include "setup.h"
#include "timing.h"
#include "window.h"

/* Events read ahead of the cursor at most. */
#define WINDOW_MAX ((size_t)65536)
#define SCAN_AT_ONCE ((size_t)4096)
/* While so many calls in a row have failed, one starts every THROTTLE_MS at most. */
#define THROTTLE_AFTER 10
#define THROTTLE_MS 2000
/* When to ask the store again after it failed. */
#define STORE_RETRY_MS 5000
/* A cursor that moved without a delivery is written that often at most. */
#define CURSOR_LAZY_MS 1000

/* Results that are not on the disk yet. */
struct letter {
	struct arena arena; /* of details */
	struct delivery *rows;
	size_t n, cap;
	size_t n_calls; /* whose places it gives back */
	int64_t cursor;
};

struct notifier {
	struct notifier *next;
	struct notify *notify;
	char *name;
	struct setup *setup;
	bool loaded, loading, scanning, ending;
	bool wanted;	  /* of the configuration that is being read */
	bool disabled;	  /* by 410 */
	bool given_up;	  /* --once: no more calls in this run */
	bool failed_once; /* --once: something failed in this run */
	int64_t id;
	int64_t cursor; /* as last handed to the store */
	int64_t scanned_to;
	uint64_t selection; /* counts changes of what is asked for: a scan of before is void */
	struct window window;
	struct lineup lineup;
	struct waiting waiting;
	bool retry_turn;
	struct quota quota;
	bool held; /* max_per_hour was reached with more to come */
	struct call *calls;
	size_t n_busy;	   /* calls in flight or not durable */
	size_t n_parcels;  /* at the store or timers of libev that name us */
	int64_t gate_mono; /* no call before it */
	int64_t last_start_mono;
	uint32_t fails_in_row; /* calls */
	int32_t file_tries;
	struct letter filling, sending;
	bool mail_out, mail_stuck;
	int64_t stuck_until_mono, lazy_since_mono;
	struct store_deliver deliver;
	struct store_notify_load load;
	struct store_scan scan;
	struct setup *scan_setup;
	uint64_t scan_selection;
	int64_t ask_again_mono; /* the store failed: not before it */
	ev_timer timer;
	/* counters and what was seen last */
	int64_t n_failed, n_delivered, n_failures;
	uint64_t successes;
	char *last_error, *disabled_why;
	int64_t last_success_at;
	int64_t log_since_mono;
	unsigned log_lines, log_left_out;
};

struct notify {
	struct notify_tools tools;
	struct notifier *notifiers;
	bool stopping;
	bool was_busy;
	ev_timer grace, sweep;
	void (*stopped)(void *arg);
	void *stopped_arg;
	bool stop_told;
};

/* Monotonic ms; wall clock seconds. */
int64_t notifier_mono(void);
int64_t notifier_now(void);

/* notifier.c */
struct notifier *notifier_new(struct notify *notify, const struct notify_config *config) MUST_USE;
/* Takes on another configuration of the same name; keeps cursor and what waits. */
void notifier_change(struct notifier *notifier, const struct notify_config *config);
/* Reads on in the log, if there is something and room. */
void notifier_scan(struct notifier *notifier);
/* Nothing of it is under way anywhere. */
bool notifier_is_quiet(const struct notifier *notifier);
void notifier_free(struct notifier *notifier);
/* The line of the lineup that an event belongs to. */
int64_t notifier_line(const struct notifier *notifier, const struct entry *entry);
/* Puts unfinished events back: rows to `waiting`, others to the front of their lines. Takes the
 * bundle over. */
void notifier_put_back(struct notifier *notifier, struct bundle *bundle);

/* pump.c */
/* Starts what may start, sets the timer for what may later, reads on. */
void notifier_pump(struct notifier *notifier);
/* True if something is in flight or due. */
bool notifier_is_busy(const struct notifier *notifier);

/* journey.c */
/* Renders the bundle, then calls. Takes it over. */
void journey_begin(struct notifier *notifier, struct bundle *bundle);
/* Sends a sample event. */
void journey_test(
	struct notifier *notifier, void (*done)(void *arg, bool ok, const char *detail), void *arg);
/* Takes the call off the notifier's list and frees it. */
void journey_end(struct call *call);

/* settle.c */
void settle(struct call *call, const struct outcome *outcome);
/* Events of a bundle that the log no longer holds. Takes the entry over. */
void settle_vanished(struct notifier *notifier, struct entry *entry);

/* outbox.c */
/* One row to write. detail may be NULL; it is copied. */
void outbox_add(struct notifier *notifier, const struct delivery *row);
/* The call's result is complete: its place is given back when all so far is durable. */
void outbox_end_call(struct notifier *notifier);
/* Sends what there is, unless something is out already. force: also a mere cursor. */
void outbox_flush(struct notifier *notifier, bool force);
bool outbox_is_empty(const struct notifier *notifier);
/* When to flush again, mono ms; INT64_MAX for never. */
int64_t outbox_wake(const struct notifier *notifier);
/* Forgets what could not be written. */
void outbox_fini(struct notifier *notifier);

/* summary.c: the JSON of what max_per_hour held back; malloc'd. events: the first of each feed, as
 * far as rendered. */
char *summary_json(const struct notifier *notifier, const struct bundle *bundle,
	const struct rendered *events, size_t n) MUST_USE;
/* The seqs that summary_json wants rendered, at most max: their number. */
size_t summary_seqs(const struct bundle *bundle, int64_t *seqs, size_t max);
/* summary.c: the sample event of a test; malloc'd. */
char *sample_json(int64_t now) MUST_USE;

/* notify.c: something changed. Soon, but not from within: `idle` and `stopped` are told, notifiers
 * that have ended are freed. */
void notify_changed(struct notify *notify);

#endif
