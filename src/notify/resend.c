/* resend.c - what was set aside is sent again: the store turns the rows, the notifiers queue them.
 */
#include <stdlib.h>

#include "feedd/log.h"

#include "log_line.h"
#include "notifier.h"

/* One command over all notifiers. */
struct round {
	int64_t seq, count;
	size_t pending; /* parcels out */
	void (*done)(void *arg, int64_t count);
	void *arg;
};

struct ask {
	struct store_retry retry;
	struct notifier *notifier;
	struct round *round;
};

static void
leave(struct round *round)
{
	if (--round->pending > 0)
		return;
	round->done(round->arg, round->count);
	free(round);
}

static void
queue_rows(struct notifier *notifier, const struct store_retry *retry)
{
	for (size_t i = 0; i < retry->n_open; i++) {
		struct entry *entry = xcalloc(1, sizeof(*entry));

		entry->seq = retry->open[i].seq;
		entry->feed = retry->open[i].feed;
		entry->at = retry->now;
		entry->row = true;
		struct bundle *bundle = bundle_new(entry, 1);
		bundle->loose = true;
		bundle->due_mono = notifier_mono();
		bundle->successes = notifier->successes;
		waiting_push(&notifier->waiting, bundle);
	}
	notifier->n_failed -= (int64_t)retry->n_open;
}

static void
on_turned(struct parcel *parcel)
{
	struct ask *ask = CONTAINER_OF(parcel, struct ask, retry.head.parcel);
	struct notifier *notifier = ask->notifier;
	struct store *store = notifier->notify->tools.store;
	bool more = false;

	if (ask->retry.head.result < 0) {
		log_line(notifier, LOG_ERR, 0, "what was set aside cannot be read");
	} else {
		queue_rows(notifier, &ask->retry);
		ask->round->count += (int64_t)ask->retry.n_open;
		more = ask->retry.n_open > 0 && ask->round->seq == 0;
	}
	arena_fini(&ask->retry.arena);
	notifier_pump(notifier);
	if (more && !notifier->notify->stopping) {
		ask->retry = (struct store_retry){.head.parcel.done = on_turned,
			.notify = notifier->id,
			.now = notifier_now()};
		store_retry(store, &ask->retry);
		return;
	}
	notifier->n_parcels--;
	leave(ask->round);
	free(ask);
	notify_changed(notifier->notify);
}

void
notify_retry(struct notify *notify, int64_t seq, void (*done)(void *arg, int64_t count), void *arg)
{
	struct round *round = xcalloc(1, sizeof(*round));

	*round = (struct round){.seq = seq, .pending = 1, .done = done, .arg = arg};
	for (struct notifier *notifier = notify->notifiers; notifier; notifier = notifier->next) {
		if (!notifier->loaded || notifier->ending || notify->stopping)
			continue;
		struct ask *ask = xcalloc(1, sizeof(*ask));
		ask->notifier = notifier;
		ask->round = round;
		ask->retry = (struct store_retry){.head.parcel.done = on_turned,
			.notify = notifier->id,
			.seq = seq,
			.now = notifier_now()};
		notifier->n_parcels++;
		round->pending++;
		store_retry(notify->tools.store, &ask->retry);
	}
	notify->was_busy = true;
	leave(round);
}
