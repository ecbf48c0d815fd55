/* notifier.c - a notifier's beginning, its reading of the log, its end. */
#include "notifier.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "feedd/log.h"

#include "log_line.h"

/* No wait that was stored is believed to be longer: clocks have been set back before. */
#define WAIT_MAX_S ((int64_t)48 * 3600)

int64_t
notifier_mono(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t
notifier_now(void)
{
	return (int64_t)time(NULL);
}

int64_t
notifier_line(const struct notifier *notifier, const struct entry *entry)
{
	/* A file gets the log in the order of seq: one line for all. */
	return notifier->setup->config.kind == NOTIFY_FILE ? 0 : entry->feed;
}

/* An open delivery as the store remembers it. */
static struct entry *
entry_of_row(const struct delivery *row)
{
	struct entry *entry = xcalloc(1, sizeof(*entry));
	int64_t ago = notifier_now() - row->first_at;

	entry->seq = row->seq;
	entry->feed = row->feed;
	entry->at = row->first_at;
	entry->first_at = row->first_at;
	entry->first_mono = notifier_mono() - (ago > 0 ? ago * 1000 : 0);
	entry->attempts = entry->tries = row->attempts;
	entry->row = true;
	return entry;
}

/* Takes waiting rows in; --once tries each of them now. */
static void
take_waiting(struct notifier *notifier, const struct delivery *row)
{
	int64_t wait = row->next_at - notifier_now();
	struct bundle *bundle = bundle_new(entry_of_row(row), 1);

	if (wait < 0 || notifier->notify->tools.once)
		wait = 0;
	bundle->due_mono = notifier_mono() + (wait < WAIT_MAX_S ? wait : WAIT_MAX_S) * 1000;
	bundle->loose = true;
	bundle->successes = notifier->successes;
	waiting_push(&notifier->waiting, bundle);
}

static void load(struct notifier *notifier);

static void
on_loaded(struct parcel *parcel)
{
	struct notifier *notifier = CONTAINER_OF(parcel, struct notifier, load.head.parcel);
	struct store_notify_load *from = &notifier->load;

	notifier->n_parcels--;
	notifier->loading = false;
	if (from->head.result < 0) {
		log_line(notifier, LOG_ERR, 0, "its cursor cannot be read: %s",
			strerror(-from->head.result));
		notifier->ask_again_mono = notifier_mono() + STORE_RETRY_MS;
		notifier->failed_once = true;
		notifier->given_up = notifier->notify->tools.once;
	} else {
		notifier->loaded = true;
		notifier->id = from->id;
		notifier->cursor = notifier->scanned_to = from->cursor;
		notifier->n_failed = from->n_failed;
		for (size_t i = 0; i < from->n_open; i++) {
			const struct delivery *row = &from->open[i];

			if (row->seq > from->cursor)
				window_add(&notifier->window, row->seq, true);
			if (row->state == DELIVERY_WAITING)
				take_waiting(notifier, row);
		}
	}
	arena_fini(&from->arena);
	notifier_pump(notifier);
	notify_changed(notifier->notify);
}

static void
load(struct notifier *notifier)
{
	notifier->load = (struct store_notify_load){
		.head.parcel.done = on_loaded,
		.name = notifier->name,
	};
	notifier->loading = true;
	notifier->n_parcels++;
	store_notify_load(notifier->notify->tools.store, &notifier->load);
}

static void
on_timer(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct notifier *notifier = timer->data;

	(void)loop, (void)events;
	notifier_pump(notifier);
	notify_changed(notifier->notify);
}

/* Says what the configuration's check lets pass: the program or the directory may yet come. */
static void
warn_of_missing(const struct setup *setup)
{
	const struct notify_config *config = &setup->config;
	const char *slash = config->kind == NOTIFY_FILE ? strrchr(config->path, '/') : NULL;
	AUTO(freep)
	char *directory = slash ? xstrndup(config->path, (size_t)(slash - config->path) + 1) : NULL;

	if (setup->fault)
		log_error("notify \"%s\": filter: %s", config->name, setup->fault);
	if (config->kind == NOTIFY_EXEC && access(config->exec.at[0], X_OK) < 0)
		log_warning(
			"notify \"%s\": %s: %s", config->name, config->exec.at[0], strerror(errno));
	if (directory && access(directory, F_OK) < 0)
		log_warning("notify \"%s\": %s: %s", config->name, directory, strerror(errno));
}

struct notifier *
notifier_new(struct notify *notify, const struct notify_config *config)
{
	struct notifier *notifier = xcalloc(1, sizeof(*notifier));

	notifier->notify = notify;
	notifier->name = xstrdup(config->name);
	notifier->setup = setup_new(config);
	ev_timer_init(&notifier->timer, on_timer, 0., 0.);
	notifier->timer.data = notifier;
	warn_of_missing(notifier->setup);
	load(notifier);
	return notifier;
}

static bool
is_in_flight(const void *arg, int64_t seq)
{
	const struct notifier *notifier = arg;

	for (const struct call *call = notifier->calls; call; call = call->next)
		for (const struct entry *entry = call->bundle ? call->bundle->entries : NULL; entry;
			entry = entry->next)
			if (entry->seq == seq)
				return true;
	return false;
}

/* Reads the log again from the cursor on; what is settled or in flight stays so. */
static void
select_anew(struct notifier *notifier)
{
	int64_t cursor = window_cursor(&notifier->window, notifier->scanned_to);

	notifier->selection++;
	lineup_fini(&notifier->lineup);
	window_forget(&notifier->window, is_in_flight, notifier);
	notifier->scanned_to = cursor;
}

void
notifier_change(struct notifier *notifier, const struct notify_config *config)
{
	struct setup *old = notifier->setup;
	bool reads_else;

	notifier->setup = setup_new(config);
	reads_else = !setup_selects_same(old, notifier->setup) ||
		(old->config.kind == NOTIFY_FILE) != (config->kind == NOTIFY_FILE);
	setup_unref(old);
	notifier->ending = notifier->disabled = false;
	notifier->gate_mono = 0;
	free(notifier->disabled_why);
	notifier->disabled_why = NULL;
	warn_of_missing(notifier->setup);
	if (notifier->loaded && reads_else)
		select_anew(notifier);
	notifier_pump(notifier);
}

static void
take_scanned(struct notifier *notifier, const struct store_scan *scan)
{
	int64_t mono = notifier_mono();

	for (size_t i = 0; i < scan->n_events; i++) {
		if (!window_add(&notifier->window, scan->events[i].seq, false))
			continue;
		struct entry *entry = xcalloc(1, sizeof(*entry));
		entry->seq = scan->events[i].seq;
		entry->feed = scan->events[i].feed;
		entry->at = scan->events[i].at;
		entry->queued_mono = mono;
		lineup_push(&notifier->lineup, notifier_line(notifier, entry), entry);
	}
	if (scan->scanned_to > notifier->scanned_to)
		notifier->scanned_to = scan->scanned_to;
}

static void
on_scanned(struct parcel *parcel)
{
	struct notifier *notifier = CONTAINER_OF(parcel, struct notifier, scan.head.parcel);
	struct store_scan *scan = &notifier->scan;

	notifier->n_parcels--;
	notifier->scanning = false;
	if (scan->head.result < 0) {
		log_line(notifier, LOG_ERR, 0, "the log cannot be read: %s",
			strerror(-scan->head.result));
		notifier->ask_again_mono = notifier_mono() + STORE_RETRY_MS;
		notifier->failed_once = true;
		notifier->given_up |= notifier->notify->tools.once;
	} else if (notifier->scan_selection == notifier->selection) {
		take_scanned(notifier, scan);
	}
	free(scan->events);
	setup_unref(notifier->scan_setup);
	notifier->scan_setup = NULL;
	notifier_pump(notifier);
	notify_changed(notifier->notify);
}

void
notifier_scan(struct notifier *notifier)
{
	struct store *store = notifier->notify->tools.store;

	if (notifier_mono() < notifier->ask_again_mono)
		return;
	if (!notifier->loaded && !notifier->loading)
		load(notifier);
	if (!notifier->loaded || notifier->scanning || notifier->disabled ||
		notifier->setup->fault || notifier->window.n >= WINDOW_MAX ||
		notifier->scanned_to >= store_seq(store))
		return;
	size_t room = WINDOW_MAX - notifier->window.n;
	notifier->scan_setup = setup_ref(notifier->setup);
	notifier->scan_selection = notifier->selection;
	notifier->scan = (struct store_scan){
		.head.parcel.done = on_scanned,
		.notify = &notifier->setup->config,
		.filter = notifier->setup->filter,
		.after = notifier->scanned_to,
		.limit = room < SCAN_AT_ONCE ? room : SCAN_AT_ONCE,
	};
	notifier->scanning = true;
	notifier->n_parcels++;
	store_scan(store, &notifier->scan);
}

void
notifier_put_back(struct notifier *notifier, struct bundle *bundle)
{
	struct bundle *waits = NULL;
	struct entry *backwards = NULL;

	while (bundle->entries) {
		struct entry *entry = bundle->entries;

		bundle->entries = entry->next;
		if (entry->row) {
			waits = bundle_new(entry, 1);
			entry->next = NULL;
			waits->loose = true;
			waits->due_mono = notifier_mono();
			waits->successes = bundle->successes;
			waiting_push(&notifier->waiting, waits);
			continue;
		}
		entry->next = backwards;
		backwards = entry;
	}
	while (backwards) {
		struct entry *entry = backwards;

		backwards = entry->next;
		lineup_unpop(&notifier->lineup, notifier_line(notifier, entry), entry);
	}
	bundle_free(bundle);
}

bool
notifier_is_quiet(const struct notifier *notifier)
{
	return !notifier->calls && notifier->n_parcels == 0 && outbox_is_empty(notifier);
}

void
notifier_free(struct notifier *notifier)
{
	ev_timer_stop(notifier->notify->tools.loop, &notifier->timer);
	outbox_fini(notifier);
	lineup_fini(&notifier->lineup);
	window_fini(&notifier->window);
	waiting_fini(&notifier->waiting);
	setup_unref(notifier->setup);
	free(notifier->last_error);
	free(notifier->disabled_why);
	free(notifier->name);
	free(notifier);
}
