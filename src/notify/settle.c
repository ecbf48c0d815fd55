/* settle.c - what an outcome means: rows for the store, the next try, the end of trying. */
#include "notifier.h"

#include <inttypes.h>
#include <stdlib.h>

#include "feedd/fail.h"
#include "feedd/log.h"

#include "log_line.h"

#define RETRY_AFTER_MAX_S ((int64_t)48 * 3600)

/* A failed bundle, judged as a whole. */
struct verdict {
	int64_t now, mono;
	int64_t wait_ms;
	int32_t tries, attempts; /* the most of its events, with this one */
	bool counts;		 /* against `retries` */
	bool exhausted, split;
	const char *detail;
};

static void
add_row(struct notifier *notifier, const struct entry *entry, enum delivery_state state,
	const struct verdict *verdict)
{
	struct delivery row = {
		.seq = entry->seq,
		.state = state,
		.attempts = entry->attempts,
		.first_at = entry->first_at ? entry->first_at : verdict->now,
		.at = verdict->now,
		.next_at = state == DELIVERY_WAITING
			? verdict->now + (verdict->wait_ms + 999) / 1000
			: 0,
		.detail = verdict->detail,
	};

	outbox_add(notifier, &row);
	window_settle(&notifier->window, entry->seq);
}

void
settle_vanished(struct notifier *notifier, struct entry *entry)
{
	struct verdict verdict = {
		.now = notifier_now(), .detail = "the log no longer holds the event"};

	log_line(notifier, LOG_WARNING, entry->seq, "%s", verdict.detail);
	if (entry->row) {
		add_row(notifier, entry, DELIVERY_FAILED, &verdict);
		notifier->n_failed++;
	} else {
		window_settle(&notifier->window, entry->seq);
	}
	free(entry);
}

static void
settle_done(struct call *call)
{
	struct notifier *notifier = call->notifier;
	const struct bundle *bundle = call->bundle;
	struct verdict verdict = {.now = notifier_now()};

	FAIL_POINT("after_delivery"); /* told, and the cursor does not know */
	if (bundle->summary)
		verdict.detail = "held back by max_per_hour, told of in a summary";
	for (struct entry *entry = bundle->entries; entry; entry = entry->next) {
		entry->attempts++;
		add_row(notifier, entry, DELIVERY_DONE, &verdict);
	}
	outbox_end_call(notifier);
	if (notifier->fails_in_row >= THROTTLE_AFTER)
		log_line(notifier, LOG_NOTICE, 0, "delivers again");
	notifier->fails_in_row = 0;
	notifier->file_tries = 0;
	notifier->successes++;
	notifier->n_delivered += (int64_t)bundle->n;
	notifier->last_success_at = verdict.now;
}

static void
note_failure(struct notifier *notifier, size_t n, const char *detail)
{
	bool once = notifier->notify->tools.once;

	notifier->fails_in_row++;
	notifier->n_failures += (int64_t)n;
	free(notifier->last_error);
	notifier->last_error = xstrdup(detail);
	notifier->failed_once = true;
	if (once && notifier->fails_in_row >= THROTTLE_AFTER)
		notifier->given_up = true;
}

/* Its events go back to where they came from; the place is free at once, since nothing is stored.
 */
static void
put_back(struct call *call)
{
	struct bundle *bundle = call->bundle;

	call->bundle = NULL;
	notifier_put_back(call->notifier, bundle);
	call->notifier->n_busy--;
}

/* A file holds up only itself: it is tried again with all that follows, in order. */
static void
settle_file(struct call *call, const struct outcome *outcome)
{
	struct notifier *notifier = call->notifier;
	int64_t wait = retry_wait(++notifier->file_tries);

	note_failure(notifier, call->bundle->n, outcome->detail);
	log_line(notifier, LOG_WARNING, call->bundle->entries->seq,
		"%s: %s, again in %" PRId64 " s", call->setup->config.path, outcome->detail, wait);
	notifier->gate_mono = notifier_mono() + wait * 1000;
	notifier->given_up |= notifier->notify->tools.once;
	put_back(call);
}

static void
settle_gone(struct call *call, const struct outcome *outcome)
{
	struct notifier *notifier = call->notifier;

	note_failure(notifier, call->bundle->n, outcome->detail);
	notifier->disabled = true;
	free(notifier->disabled_why);
	notifier->disabled_why = xstrdup("the receiver answered 410 Gone; enabled by a reload");
	log_error("notify \"%s\": disabled until a reload: the receiver answered 410 Gone",
		notifier->name);
	put_back(call);
}

/* Counts this try in each event. */
static void
count_try(struct bundle *bundle, struct verdict *verdict)
{
	for (struct entry *entry = bundle->entries; entry; entry = entry->next) {
		entry->tries++;
		if (verdict->counts && entry->attempts++ == 0) {
			entry->first_at = verdict->now;
			entry->first_mono = verdict->mono;
		}
		if (entry->tries > verdict->tries)
			verdict->tries = entry->tries;
		if (entry->attempts > verdict->attempts)
			verdict->attempts = entry->attempts;
	}
}

/* How long to wait. What the receiver asks for holds for all calls. */
static void
decide_wait(struct call *call, const struct outcome *outcome, struct verdict *verdict)
{
	struct notifier *notifier = call->notifier;
	int64_t wait = retry_wait(verdict->tries);

	verdict->wait_ms = wait * 1000;
	if (call->setup->config.kind == NOTIFY_WEBHOOK)
		verdict->wait_ms = retry_jitter(wait, arc4random());
	if (outcome->result != RESULT_LATER || outcome->retry_after <= 0)
		return;
	int64_t asked =
		outcome->retry_after < RETRY_AFTER_MAX_S ? outcome->retry_after : RETRY_AFTER_MAX_S;
	verdict->wait_ms = asked * 1000;
	if (verdict->mono + asked * 1000 > notifier->gate_mono)
		notifier->gate_mono = verdict->mono + asked * 1000;
	notifier->given_up |= notifier->notify->tools.once;
}

/* Whether trying ends. A set is then sent once more, each event by itself, so that one which the
 * hook cannot take does not take the others with it; the same where the hook has taken other things
 * meanwhile. */
static void
decide_end(const struct call *call, const struct outcome *outcome, struct verdict *verdict)
{
	const struct notify_config *config = &call->setup->config;
	const struct bundle *bundle = call->bundle;
	bool is_set = bundle->n > 1 && !bundle->summary;

	if (!verdict->counts)
		return;
	verdict->exhausted = outcome->result == RESULT_HOPELESS || bundle->last ||
		(config->retries >= 0 && verdict->attempts > config->retries);
	for (const struct entry *entry = bundle->entries; entry; entry = entry->next)
		verdict->exhausted |= verdict->mono + verdict->wait_ms >
			entry->first_mono + config->retry_for * 1000;
	if (!is_set || outcome->result == RESULT_HOPELESS)
		return;
	verdict->split = verdict->exhausted ||
		(verdict->attempts >= 2 && call->notifier->successes > bundle->successes);
}

static void
set_aside(struct call *call, const struct verdict *verdict)
{
	struct notifier *notifier = call->notifier;

	for (struct entry *entry = call->bundle->entries; entry; entry = entry->next) {
		add_row(notifier, entry, DELIVERY_FAILED, verdict);
		notifier->n_failed++;
		log_line(notifier, LOG_ERR, entry->seq, "set aside after %" PRId32 " %s: %s",
			entry->attempts, entry->attempts == 1 ? "try" : "tries", verdict->detail);
	}
}

/* --once leaves what failed to the next run. */
static void
wait_for(struct notifier *notifier, struct bundle *bundle, int64_t due_mono)
{
	bundle->due_mono = due_mono;
	if (notifier->notify->tools.once)
		bundle_free(bundle);
	else
		waiting_push(&notifier->waiting, bundle);
}

static void
try_again(struct call *call, struct verdict *verdict)
{
	struct notifier *notifier = call->notifier;
	struct bundle *bundle = call->bundle;

	call->bundle = NULL;
	if (verdict->exhausted)
		verdict->wait_ms = 0;
	log_line(notifier, verdict->tries == 1 ? LOG_WARNING : LOG_INFO, bundle->entries->seq,
		"%s (try %" PRId32 "), again in %" PRId64 " s%s", verdict->detail, verdict->tries,
		verdict->wait_ms / 1000, verdict->split ? ", each event by itself" : "");
	for (struct entry *entry = bundle->entries; entry; entry = entry->next) {
		add_row(notifier, entry, DELIVERY_WAITING, verdict);
		entry->row = true;
	}
	int64_t due = verdict->mono + verdict->wait_ms;
	while (verdict->split && bundle->entries) {
		struct entry *entry = bundle->entries;
		struct bundle *single = bundle_new(entry, 1);

		bundle->entries = entry->next;
		entry->next = NULL;
		single->last = verdict->exhausted;
		single->successes = notifier->successes;
		wait_for(notifier, single, due);
	}
	if (bundle->entries)
		wait_for(notifier, bundle, due);
	else
		bundle_free(bundle);
}

static void
settle_failed(struct call *call, const struct outcome *outcome)
{
	struct notifier *notifier = call->notifier;
	struct verdict verdict = {
		.now = notifier_now(),
		.mono = notifier_mono(),
		.counts = outcome->result != RESULT_LATER,
		.detail = outcome->detail,
	};

	note_failure(notifier, call->bundle->n, outcome->detail);
	count_try(call->bundle, &verdict);
	decide_wait(call, outcome, &verdict);
	decide_end(call, outcome, &verdict);
	if (verdict.exhausted && !verdict.split)
		set_aside(call, &verdict);
	else
		try_again(call, &verdict);
	outbox_end_call(notifier);
}

void
settle(struct call *call, const struct outcome *outcome)
{
	struct notifier *notifier = call->notifier;

	switch (outcome->result) {
	case RESULT_DONE:
		settle_done(call);
		break;
	case RESULT_LATER:
	case RESULT_FAILED:
	case RESULT_HOPELESS:
		if (call->setup->config.kind == NOTIFY_FILE)
			settle_file(call, outcome);
		else
			settle_failed(call, outcome);
		break;
	case RESULT_GONE:
		settle_gone(call, outcome);
		break;
	case RESULT_ABANDONED:
		put_back(call);
		break;
	}
	journey_end(call);
	notifier_pump(notifier);
	notify_changed(notifier->notify);
}
