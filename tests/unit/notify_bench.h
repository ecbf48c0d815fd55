/*
 * notify_bench.h - what tests of delivery stand on: a store that lives in memory, a loop, one
 * notifier. Included once, by a test.
 */
#ifndef FEEDD_TEST_NOTIFY_BENCH_H
#define FEEDD_TEST_NOTIFY_BENCH_H

#include "test.h"

#include <errno.h>
#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "feedd/log.h"
#include "feedd/notify.h"
#include "feedd/queue.h"
#include "feedd/store.h"

#define EVENTS_MAX 2000

/* The store: what it was told is kept here. */
static struct {
	struct scanned events[EVENTS_MAX + 1]; /* by seq */
	struct delivery rows[EVENTS_MAX + 1];  /* by seq; attempts -1: no row */
	int64_t newest, cursor, log_start;
	int64_t began; /* the cursor of the first load */
	int deliver_result;
	size_t n_delivers;
	struct parcel *head, **tail;
	ev_timer timer;
} db;

static struct ev_loop *loop;
static struct queue home;
static ev_async home_filled;
static struct pool *pool;
static struct notify *notify;
static int n_idle, n_stopped;
static char dir[] = "/tmp/feedd-test-XXXXXX", out_path[64];

static void
store_works(struct ev_loop *l, ev_timer *timer, int events)
{
	struct parcel *all = db.head;

	(void)l, (void)timer, (void)events;
	db.head = NULL;
	db.tail = &db.head;
	while (all) {
		struct parcel *one = all;

		all = one->next;
		one->run(one);
		one->done(one);
	}
}

static void
take(struct store_parcel *head, void (*run)(struct parcel *))
{
	head->parcel.run = run;
	head->parcel.next = NULL;
	*db.tail = &head->parcel;
	db.tail = &head->parcel.next;
	if (!ev_is_active(&db.timer)) {
		ev_timer_set(&db.timer, 0., 0.);
		ev_timer_start(loop, &db.timer);
	}
}

static void
run_load(struct parcel *parcel)
{
	struct store_notify_load *load =
		CONTAINER_OF(parcel, struct store_notify_load, head.parcel);

	load->id = 1;
	if (db.cursor < 0)
		db.cursor = db.newest;
	load->cursor = db.cursor;
	if (db.began < 0)
		db.began = db.cursor;
	load->open = arena_zalloc(&load->arena, (EVENTS_MAX + 1) * sizeof(*load->open));
	for (int64_t seq = 1; seq <= db.newest; seq++) {
		const struct delivery *row = &db.rows[seq];

		if (row->attempts >= 0 && row->state == DELIVERY_FAILED)
			load->n_failed++;
		else if (row->attempts >= 0 && (row->state == DELIVERY_WAITING || seq > db.cursor))
			load->open[load->n_open++] = *row;
	}
}

void
store_notify_load(struct store *store, struct store_notify_load *load)
{
	(void)store;
	take(&load->head, run_load);
}

static void
run_scan(struct parcel *parcel)
{
	struct store_scan *scan = CONTAINER_OF(parcel, struct store_scan, head.parcel);

	scan->events = xcalloc(EVENTS_MAX, sizeof(*scan->events));
	scan->scanned_to = scan->after;
	for (int64_t seq = scan->after + 1; seq <= db.newest && scan->n_events < scan->limit;
		seq++) {
		scan->scanned_to = seq;
		if (scan->notify->feeds.n == 0 || db.events[seq].feed == 2)
			scan->events[scan->n_events++] = db.events[seq];
	}
	scan->more = scan->scanned_to < db.newest;
}

void
store_scan(struct store *store, struct store_scan *scan)
{
	(void)store;
	take(&scan->head, run_scan);
}

static void
run_render(struct parcel *parcel)
{
	struct store_render *render = CONTAINER_OF(parcel, struct store_render, head.parcel);

	render->events =
		arena_zalloc(&render->arena, (render->n_seqs + 1) * sizeof(*render->events));
	render->n_seen = render->n_seqs > 100 ? 100 : render->n_seqs;
	for (size_t i = 0; i < render->n_seen; i++) {
		int64_t seq = render->seqs[i];

		if (seq < db.log_start)
			continue;
		render->events[render->n_events++] = (struct rendered){
			.seq = seq,
			.feed_id = db.events[seq].feed,
			.feed = db.events[seq].feed == 1 ? "one" : "other",
			.json = arena_printf(&render->arena, "{\"seq\":%d}", (int)seq),
		};
	}
}

void
store_render(struct store *store, struct store_render *render)
{
	(void)store;
	take(&render->head, run_render);
}

static void
run_deliver(struct parcel *parcel)
{
	struct store_deliver *deliver = CONTAINER_OF(parcel, struct store_deliver, head.parcel);

	db.n_delivers++;
	deliver->head.result = db.deliver_result;
	if (db.deliver_result < 0)
		return;
	assert_true(deliver->cursor == 0 || deliver->cursor >= db.cursor);
	if (deliver->cursor > db.cursor)
		db.cursor = deliver->cursor;
	for (size_t i = 0; i < deliver->n_deliveries; i++) {
		db.rows[deliver->deliveries[i].seq] = deliver->deliveries[i];
		db.rows[deliver->deliveries[i].seq].detail = NULL;
	}
	/* What lies behind the cursor is finished or has a row. */
	for (int64_t seq = db.began + 1; seq <= db.cursor; seq++)
		assert_true(
			db.rows[seq].attempts >= 0 || seq < db.log_start || db.events[seq].at == 0);
}

void
store_deliver(struct store *store, struct store_deliver *deliver)
{
	(void)store;
	take(&deliver->head, run_deliver);
}

static void
run_retry(struct parcel *parcel)
{
	struct store_retry *retry = CONTAINER_OF(parcel, struct store_retry, head.parcel);

	retry->open = arena_zalloc(&retry->arena, EVENTS_MAX * sizeof(*retry->open));
	for (int64_t seq = 1; seq <= db.newest; seq++) {
		struct delivery *row = &db.rows[seq];

		if (row->attempts < 0 || row->state != DELIVERY_FAILED ||
			(retry->seq && retry->seq != seq))
			continue;
		row->state = DELIVERY_WAITING;
		row->attempts = 0;
		retry->open[retry->n_open++] = *row;
	}
}

void
store_retry(struct store *store, struct store_retry *retry)
{
	(void)store;
	take(&retry->head, run_retry);
}

int64_t
store_seq(struct store *store)
{
	(void)store;
	return db.newest;
}

const char *
store_uuid(const struct store *store)
{
	(void)store;
	return "00000000000000000000000000000000";
}

struct filter *
filter_new(const char *where, char **ret_error)
{
	if (strcmp(where, "wrong") == 0)
		*ret_error = xstrdup("no such column: wrong");
	return NULL;
}

void
filter_free(struct filter *filter)
{
	(void)filter;
}

/* The daemon around it. */
static void
wake_home(void *arg)
{
	(void)arg;
	ev_async_send(loop, &home_filled);
}

static void
on_home(struct ev_loop *l, ev_async *async, int events)
{
	struct parcel *all = queue_drain(&home);

	(void)l, (void)async, (void)events;
	while (all) {
		struct parcel *one = all;

		all = one->next;
		one->done(one);
	}
}

static void
on_idle(void *arg)
{
	(void)arg;
	n_idle++;
	ev_break(loop, EVBREAK_ONE);
}

static void
on_stopped(void *arg)
{
	(void)arg;
	n_stopped++;
	ev_break(loop, EVBREAK_ONE);
}

static void
ignore_log(const struct log_record *record)
{
	(void)record;
}

static int
set_up(void **state)
{
	(void)state;
	log_init(LOG_ERR, 0);
	log_set_sink(ignore_log);
	memset(&db, 0, sizeof(db));
	for (size_t i = 0; i <= EVENTS_MAX; i++)
		db.rows[i].attempts = -1;
	db.tail = &db.head;
	db.cursor = db.began = -1;
	ev_timer_init(&db.timer, store_works, 0., 0.);
	loop = ev_loop_new(0);
	queue_init(&home, wake_home, NULL);
	ev_async_init(&home_filled, on_home);
	ev_async_start(loop, &home_filled);
	n_idle = n_stopped = 0;
	strcpy(dir, "/tmp/feedd-test-XXXXXX");
	if (!mkdtemp(dir) || pool_start(&pool, 1, &home) < 0)
		return -1;
	snprintf(out_path, sizeof(out_path), "%s/out", dir);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	pool_stop(pool);
	notify_free(notify);
	notify = NULL;
	queue_fini(&home);
	ev_loop_destroy(loop);
	unlink(out_path);
	return rmdir(dir);
}

static void
add_event(int64_t feed)
{
	int64_t seq = ++db.newest;

	db.events[seq] = (struct scanned){.seq = seq, .feed = feed, .at = 1764000000};
}

/* One notifier: a script for the shell, whose $0 is the path of the output, or NULL for a file. */
static struct notify_config
config_of(const char *script)
{
	static const char *argv[4];
	static char path[64];

	argv[0] = "/bin/sh";
	argv[1] = "-c";
	argv[2] = script;
	argv[3] = out_path; /* $0 of the script */
	snprintf(path, sizeof(path), "%s", out_path);
	return (struct notify_config){
		.name = "n",
		.kind = script ? NOTIFY_EXEC : NOTIFY_FILE,
		.exec = {argv, script ? 4 : 0},
		.path = path,
		.batch = 1,
		.timeout = 30,
		.retry_for = 3 * 86400,
		.retries = -1,
		.concurrency = 1,
	};
}

static void
configure(struct notify_config *one)
{
	const struct config config = {.notifies = one, .n_notifies = one ? 1 : 0};

	notify_configure(notify, &config);
}

static void
begin(struct notify_config *one, bool once)
{
	const struct notify_tools tools = {
		.loop = loop, .pool = pool, .once = once, .idle = on_idle};

	assert_int_equal(notify_new(&notify, &tools), 0);
	configure(one);
}

static void
run_until_idle(void)
{
	int before = n_idle;

	ev_run(loop, 0);
	assert_true(n_idle > before);
	assert_true(notify_is_idle(notify));
}

static void
stop(int64_t grace_ms)
{
	notify_stop(notify, grace_ms, on_stopped, NULL);
	ev_run(loop, 0);
	assert_int_equal(n_stopped, 1);
}

static void
assert_out(const char *expected)
{
	char text[8192] = "";
	FILE *file = fopen(out_path, "re");

	if (file) {
		text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
		fclose(file);
	}
	assert_string_equal(text, expected);
}

static void
expect_status(void *arg, const struct notify_status *status)
{
	*(struct notify_status *)arg = *status;
}

static struct notify_status
status_now(void)
{
	struct notify_status status = {0};

	notify_each(notify, expect_status, &status);
	return status;
}

#endif
