/* pump.c - decides what a notifier starts now, and when it has to look again. */
#include "notifier.h"

#include <stdlib.h>

/* The local clock may be set: a digest looks at it once an hour. */
#define DIGEST_LOOK_MS ((int64_t)3600 * 1000)

enum ready { READY_NONE, READY_FRESH, READY_RETRY, READY_SUMMARY };

static void
wake_by(int64_t *wake, int64_t mono)
{
	if (mono < *wake)
		*wake = mono;
}

static bool
may_run(const struct notifier *notifier)
{
	return notifier->loaded && !notifier->ending && !notifier->disabled &&
		!notifier->given_up && !notifier->notify->stopping;
}

/* Until when nothing is started at all. */
static int64_t
gate_of(const struct notifier *notifier)
{
	int64_t gate = notifier->gate_mono;

	if (notifier->fails_in_row >= THROTTLE_AFTER &&
		notifier->last_start_mono + THROTTLE_MS > gate)
		gate = notifier->last_start_mono + THROTTLE_MS;
	return gate;
}

/* Digests: what came before the last time that the clock showed the hour is due. */
static bool
digest_is_due(const struct notifier *notifier, int64_t mono, int64_t *wake)
{
	int minute = notifier->setup->digest_minute;
	int64_t now = notifier_now();

	if (lineup_oldest(&notifier->lineup)->at < digest_last(minute, now))
		return true;
	int64_t wait = (digest_next(minute, now) - now) * 1000;
	wake_by(wake, mono + (wait < DIGEST_LOOK_MS ? wait : DIGEST_LOOK_MS));
	return false;
}

static bool
batch_is_due(const struct notifier *notifier, int64_t mono, int64_t *wake)
{
	const struct notify_config *config = &notifier->setup->config;

	if (notifier->lineup.n >= notifier->setup->batch || config->batch_wait == 0 ||
		config->kind == NOTIFY_FILE || config->batch <= 1 || notifier->notify->tools.once)
		return true;
	int64_t due = lineup_oldest(&notifier->lineup)->queued_mono + config->batch_wait * 1000;
	if (mono >= due)
		return true;
	wake_by(wake, due);
	return false;
}

/* Of the calls that an hour allows, one must be left. */
static bool
quota_allows(struct notifier *notifier, int64_t mono, int64_t *wake)
{
	int64_t per_hour = notifier->setup->config.max_per_hour;

	if (per_hour <= 0 || notifier->setup->config.kind == NOTIFY_FILE ||
		quota_left(&notifier->quota, per_hour, mono) > 0)
		return true;
	notifier->held = true;
	wake_by(wake, quota_ends(&notifier->quota));
	return false;
}

/* More was held back than a whole hour allows: one summary tells of it. */
static bool
wants_summary(struct notifier *notifier)
{
	int64_t per_hour = notifier->setup->config.max_per_hour;

	if (!notifier->held)
		return false;
	notifier->held = false;
	return per_hour > 0 && notifier->lineup.n > (uint64_t)per_hour * notifier->setup->batch;
}

static enum ready
what_is_ready(struct notifier *notifier, int64_t mono, int64_t *wake)
{
	const struct bundle *first = waiting_first(&notifier->waiting);

	if (!may_run(notifier) || notifier->n_busy >= notifier->setup->concurrency ||
		(!first && notifier->lineup.n == 0))
		return READY_NONE;
	if (mono < gate_of(notifier)) {
		wake_by(wake, gate_of(notifier));
		return READY_NONE;
	}
	bool retry = first && first->due_mono <= mono;
	if (first && !retry)
		wake_by(wake, first->due_mono);
	bool fresh = notifier->lineup.n > 0 &&
		(notifier->setup->digest_minute < 0 ? batch_is_due(notifier, mono, wake)
						    : digest_is_due(notifier, mono, wake));
	if ((!retry && !fresh) || !quota_allows(notifier, mono, wake))
		return READY_NONE;
	if (fresh && wants_summary(notifier))
		return READY_SUMMARY;
	return retry && (notifier->retry_turn || !fresh) ? READY_RETRY : READY_FRESH;
}

/* Up to max events, the feeds in turns. */
static struct bundle *
take_fresh(struct notifier *notifier, size_t max)
{
	struct entry *list = NULL, **tail = &list;
	size_t n = 0;

	while (n < max && notifier->lineup.n > 0) {
		*tail = lineup_pop(&notifier->lineup);
		tail = &(*tail)->next;
		n++;
	}
	struct bundle *bundle = bundle_new(list, n);
	bundle->successes = notifier->successes;
	bundle_sort(bundle);
	return bundle;
}

/* All that is held back, to be told of by one object. */
static struct bundle *
take_summary(struct notifier *notifier)
{
	struct bundle *bundle = take_fresh(notifier, SIZE_MAX);

	bundle->summary = true;
	return bundle;
}

/* The first that is due; singles of an earlier run together. */
static struct bundle *
take_retry(struct notifier *notifier, int64_t mono)
{
	struct bundle *bundle = waiting_pop(&notifier->waiting);
	const struct bundle *next;

	while (bundle->loose && bundle->n < notifier->setup->batch &&
		(next = waiting_first(&notifier->waiting)) && next->loose &&
		next->due_mono <= mono) {
		struct bundle *more = waiting_pop(&notifier->waiting);

		more->entries->next = bundle->entries;
		bundle->entries = more->entries;
		bundle->n++;
		more->entries = NULL;
		bundle_free(more);
	}
	bundle->loose = false;
	bundle_sort(bundle);
	return bundle;
}

static void
start(struct notifier *notifier, enum ready ready, int64_t mono)
{
	notifier->last_start_mono = mono;
	notifier->retry_turn = !notifier->retry_turn;
	if (notifier->setup->config.max_per_hour > 0)
		quota_use(&notifier->quota, mono);
	notifier->n_busy++;
	switch (ready) {
	case READY_NONE:
		break;
	case READY_FRESH:
		journey_begin(notifier, take_fresh(notifier, notifier->setup->batch));
		break;
	case READY_RETRY:
		journey_begin(notifier, take_retry(notifier, mono));
		break;
	case READY_SUMMARY:
		journey_begin(notifier, take_summary(notifier));
		break;
	}
}

void
notifier_pump(struct notifier *notifier)
{
	struct ev_loop *loop = notifier->notify->tools.loop;
	int64_t mono = notifier_mono(), wake = INT64_MAX;
	enum ready ready;

	while ((ready = what_is_ready(notifier, mono, &wake)) != READY_NONE)
		start(notifier, ready, mono);
	if (may_run(notifier) || (!notifier->loaded && !notifier->notify->stopping))
		notifier_scan(notifier);
	outbox_flush(notifier, notifier->ending || notifier->notify->stopping);
	if (!notifier->notify->stopping && !notifier->given_up && notifier->ask_again_mono > mono)
		wake_by(&wake, notifier->ask_again_mono);
	wake_by(&wake, outbox_wake(notifier));
	ev_timer_stop(loop, &notifier->timer);
	if (wake == INT64_MAX)
		return;
	ev_timer_set(&notifier->timer, wake > mono ? (double)(wake - mono) / 1000.0 : 0., 0.);
	ev_timer_start(loop, &notifier->timer);
}

bool
notifier_is_busy(const struct notifier *notifier)
{
	struct store *store = notifier->notify->tools.store;

	if (notifier->n_busy > 0 || !notifier_is_quiet(notifier))
		return true;
	if (!may_run(notifier))
		return false;
	if (!notifier->setup->fault && notifier->window.n < WINDOW_MAX &&
		notifier->scanned_to < store_seq(store))
		return true;
	/* Whatever is due was started by the pump: what is left waits for something. */
	return false;
}
