/* outbox.c - results on their way to the disk: one letter is out, one is being filled. What the
 * store refuses is kept and sent again; no hook is run again for it. */
#include "notifier.h"

#include <stdlib.h>
#include <string.h>

#include "feedd/log.h"

#include "log_line.h"

void
outbox_add(struct notifier *notifier, const struct delivery *row)
{
	struct letter *letter = &notifier->filling;

	if (letter->n == letter->cap) {
		letter->cap = letter->cap ? letter->cap * 2 : 16;
		letter->rows = xrealloc(letter->rows, letter->cap, sizeof(*letter->rows));
	}
	letter->rows[letter->n] = *row;
	letter->rows[letter->n++].detail = arena_strdup(&letter->arena, row->detail);
}

void
outbox_end_call(struct notifier *notifier)
{
	notifier->filling.n_calls++;
}

static void
letter_fini(struct letter *letter)
{
	arena_fini(&letter->arena);
	free(letter->rows);
	*letter = (struct letter){0};
}

/* --once ends with what the disk did not take: the events will be sent again by the next run. */
static void
give_up(struct notifier *notifier)
{
	notifier->n_busy -= notifier->sending.n_calls + notifier->filling.n_calls;
	letter_fini(&notifier->sending);
	letter_fini(&notifier->filling);
	notifier->failed_once = notifier->given_up = true;
	notifier->mail_stuck = false;
}

static void
on_delivered(struct parcel *parcel)
{
	struct notifier *notifier = CONTAINER_OF(parcel, struct notifier, deliver.head.parcel);
	int r = notifier->deliver.head.result;

	notifier->n_parcels--;
	notifier->mail_out = false;
	if (r < 0) {
		if (!notifier->mail_stuck)
			log_error("notify \"%s\": results cannot be stored, kept to try again: %s",
				notifier->name, strerror(-r));
		notifier->mail_stuck = true;
		notifier->stuck_until_mono = notifier_mono() + STORE_RETRY_MS;
		if (notifier->notify->tools.once || notifier->notify->stopping)
			give_up(notifier);
	} else {
		if (notifier->mail_stuck)
			log_notice("notify \"%s\": results are stored again", notifier->name);
		notifier->mail_stuck = false;
		notifier->n_busy -= notifier->sending.n_calls;
		letter_fini(&notifier->sending);
	}
	notifier_pump(notifier);
	notify_changed(notifier->notify);
}

static void
send_letter(struct notifier *notifier)
{
	notifier->deliver = (struct store_deliver){
		.head.parcel.done = on_delivered,
		.notify = notifier->id,
		.cursor = notifier->sending.cursor,
		.deliveries = notifier->sending.rows,
		.n_deliveries = notifier->sending.n,
	};
	notifier->mail_out = true;
	notifier->n_parcels++;
	store_deliver(notifier->notify->tools.store, &notifier->deliver);
}

/* A cursor that only passed events which were not asked for can wait: a crash merely looks at them
 * again. */
static bool
is_worth_it(struct notifier *notifier, int64_t cursor, bool force)
{
	if (notifier->filling.n > 0 || notifier->filling.n_calls > 0)
		return true;
	if (cursor <= notifier->cursor)
		return false;
	int64_t mono = notifier_mono();
	if (notifier->lazy_since_mono == 0)
		notifier->lazy_since_mono = mono;
	return force || mono - notifier->lazy_since_mono >= CURSOR_LAZY_MS;
}

void
outbox_flush(struct notifier *notifier, bool force)
{
	if (!notifier->loaded || notifier->mail_out)
		return;
	if (notifier->mail_stuck) {
		if (notifier->notify->stopping || notifier_mono() >= notifier->stuck_until_mono)
			send_letter(notifier);
		return;
	}
	int64_t cursor = window_cursor(&notifier->window, notifier->scanned_to);
	if (!is_worth_it(notifier, cursor, force))
		return;
	notifier->lazy_since_mono = 0;
	notifier->sending = notifier->filling;
	notifier->filling = (struct letter){0};
	/* The cursor of this moment: later results have no row in this letter. */
	notifier->sending.cursor = notifier->cursor = cursor;
	send_letter(notifier);
}

bool
outbox_is_empty(const struct notifier *notifier)
{
	return !notifier->mail_out && !notifier->mail_stuck && notifier->filling.n == 0 &&
		notifier->filling.n_calls == 0;
}

int64_t
outbox_wake(const struct notifier *notifier)
{
	if (notifier->mail_out)
		return INT64_MAX;
	if (notifier->mail_stuck)
		return notifier->stuck_until_mono;
	return notifier->lazy_since_mono ? notifier->lazy_since_mono + CURSOR_LAZY_MS : INT64_MAX;
}

void
outbox_fini(struct notifier *notifier)
{
	letter_fini(&notifier->filling);
	letter_fini(&notifier->sending);
}
