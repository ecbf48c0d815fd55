/* journey.c - a bundle's way: its events are rendered, a call delivers them, settle.c judges. */
#include "notifier.h"

#include <stdlib.h>
#include <string.h>

#include "feedd/log.h"

#include "log_line.h"

/* Feeds that a summary names at most. */
#define SUMMARY_FEEDS 32

void
journey_end(struct call *call)
{
	struct call **place = &call->notifier->calls;

	while (*place != call)
		place = &(*place)->next;
	*place = call->next;
	call_free(call);
}

/* The call is over before it began: its events go back, its place is free. */
static void
turn_back(struct call *call)
{
	struct notifier *notifier = call->notifier;
	struct bundle *bundle = call->bundle;

	call->bundle = NULL;
	if (bundle)
		notifier_put_back(notifier, bundle);
	notifier->n_busy--;
	journey_end(call);
	notifier_pump(notifier);
	notify_changed(notifier->notify);
}

/* Keeps in the bundle what was rendered. What the log no longer holds is settled, what was too much
 * for one rendering goes back. */
static void
keep_rendered(struct notifier *notifier, struct bundle *bundle, const struct store_render *render)
{
	struct entry **place = &bundle->entries;
	size_t at = 0;

	for (size_t i = 0; i < render->n_seen && *place; i++) {
		struct entry *entry = *place;

		if (at < render->n_events && render->events[at].seq == entry->seq) {
			at++;
			place = &entry->next;
			continue;
		}
		*place = entry->next;
		bundle->n--;
		settle_vanished(notifier, entry);
	}
	struct entry *rest = *place;
	*place = NULL;
	if (!rest)
		return;
	struct bundle *later = bundle_new(rest, 0);
	later->successes = bundle->successes;
	for (struct entry *entry = rest; entry; entry = entry->next)
		later->n++;
	bundle->n -= later->n;
	notifier_put_back(notifier, later);
}

static void
start_summary(struct call *call)
{
	const struct store_render *render = &call->render;

	call->text = summary_json(call->notifier, call->bundle, render->events, render->n_events);
	struct rendered *one = arena_zalloc(&call->arena, sizeof(*one));
	const struct entry *last = call->bundle->entries;
	while (last->next)
		last = last->next;
	one->seq = last->seq;
	one->json = call->text;
	one->event = "notify.summary";
	call_start(call, one, 1);
}

static void
on_rendered(struct parcel *parcel)
{
	struct call *call = CONTAINER_OF(parcel, struct call, render.head.parcel);
	struct notifier *notifier = call->notifier;

	notifier->n_parcels--;
	if (notifier->notify->stopping || notifier->ending) {
		turn_back(call);
		return;
	}
	if (call->render.head.result < 0) {
		log_line(notifier, LOG_ERR, 0, "events cannot be read: %s",
			strerror(-call->render.head.result));
		notifier->gate_mono = notifier_mono() + STORE_RETRY_MS;
		notifier->failed_once = true;
		notifier->given_up |= notifier->notify->tools.once;
		turn_back(call);
		return;
	}
	call->finished = settle;
	if (call->bundle->summary) {
		start_summary(call);
		return;
	}
	keep_rendered(notifier, call->bundle, &call->render);
	if (call->bundle->n == 0)
		turn_back(call);
	else
		call_start(call, call->render.events, call->render.n_events);
}

void
journey_begin(struct notifier *notifier, struct bundle *bundle)
{
	struct call *call = call_new(&notifier->notify->tools, notifier, notifier->setup, bundle);
	size_t n = 0;

	call->next = notifier->calls;
	notifier->calls = call;
	if (bundle->summary) {
		call->seqs = xcalloc(SUMMARY_FEEDS, sizeof(int64_t));
		n = summary_seqs(bundle, call->seqs, SUMMARY_FEEDS);
	} else {
		call->seqs = xcalloc(bundle->n, sizeof(int64_t));
		for (const struct entry *entry = bundle->entries; entry; entry = entry->next)
			call->seqs[n++] = entry->seq;
	}
	call->render = (struct store_render){
		.head.parcel.done = on_rendered,
		.seqs = call->seqs,
		.n_seqs = n,
		.also = notifier->setup->config.duplicates_suppress,
	};
	notifier->n_parcels++;
	store_render(notifier->notify->tools.store, &call->render);
}

static void
on_tested(struct call *call, const struct outcome *outcome)
{
	struct notifier *notifier = call->notifier;
	bool ok = outcome->result == RESULT_DONE;

	call->tested(call->tested_arg, ok, ok ? "delivered" : outcome->detail);
	journey_end(call);
	notify_changed(notifier->notify);
}

static void
start_test(int events, void *arg)
{
	struct call *call = arg;
	struct rendered *sample = arena_zalloc(&call->arena, sizeof(*sample));
	const struct outcome stopping = {.result = RESULT_ABANDONED, .detail = "feedd is stopping"};

	(void)events;
	call->text = sample_json(notifier_now());
	*sample = (struct rendered){
		.json = call->text,
		.event = "item.new",
		.feed = "sample",
		.id = "urn:feedd:sample",
		.title = "A sample event of feedd",
		.url = "https://example.org/sample",
	};
	if (call->notifier->notify->stopping)
		on_tested(call, &stopping);
	else
		call_start(call, sample, 1);
}

void
journey_test(
	struct notifier *notifier, void (*done)(void *arg, bool ok, const char *detail), void *arg)
{
	struct call *call = call_new(&notifier->notify->tools, notifier, notifier->setup, NULL);

	call->finished = on_tested;
	call->tested = done;
	call->tested_arg = arg;
	call->next = notifier->calls;
	notifier->calls = call;
	/* Not from within: what cannot even begin is told at once. */
	ev_once(notifier->notify->tools.loop, -1, 0, 0., start_test, call);
}
