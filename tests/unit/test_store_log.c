/* test_store_log.c - cursors, deliveries, retention, search, and databases that are
 * refused. */
#include "test.h"

#include <errno.h>
#include <fcntl.h>

#include <sqlite3.h>

#include "storing.h"

#define DAY 86400
#define NOW (1000 * (int64_t)DAY)

static const struct feed_settings settings = {.keep = 30 * DAY};

static int64_t
one_feed(struct storing *storing)
{
	struct feed_config feed = {
		.name = "a", .url = "https://example.org/feed", .settings = &settings};
	int64_t id;

	storing_sync(storing, 1, &feed, &id);
	return id;
}

/* A document with the items from .. to - 1, newest first. */
static void
show(struct storing *storing, int64_t feed, int from, int to, int64_t now)
{
	AUTO(arena_fini) struct arena arena = {0};
	struct store_poll poll = {.now = now, .backlog = 0};
	struct item *items = arena_alloc(&arena, (size_t)(to - from + 1) * sizeof(*items));

	for (int i = from; i < to; i++) {
		const char *id = arena_printf(&arena, "%d", i);

		items[to - 1 - i] =
			storing_item(id, NULL, arena_printf(&arena, "title %d łódź", i));
	}
	storing_poll(storing, feed, items, (size_t)(to - from), &poll, &arena);
	assert_int_equal(poll.head.result, 0);
}

static int64_t
count(struct storing *storing, const char *sql)
{
	sqlite3 *db;
	sqlite3_stmt *stmt;

	assert_int_equal(
		sqlite3_open_v2(store_path(storing->store), &db, SQLITE_OPEN_READONLY, NULL),
		SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	int64_t n = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return n;
}

static void
load_notifier(struct storing *storing, struct store_notify_load *load)
{
	*load = (struct store_notify_load){.name = "n"};
	store_notify_load(storing->store, load);
	storing_wait(storing);
	assert_int_equal(load->head.result, 0);
}

static void
notifiers_keep_their_place(void **state)
{
	struct storing *storing = *state;
	int64_t feed = one_feed(storing);
	struct store_notify_load load;

	show(storing, feed, 0, 1, NOW);
	show(storing, feed, 0, 4, NOW);
	load_notifier(storing, &load);
	assert_int_equal(load.cursor, 3); /* a new one starts at the end of the log */
	arena_fini(&load.arena);
	show(storing, feed, 0, 8, NOW);
	const struct delivery deliveries[] = {
		{.seq = 4,
			.state = DELIVERY_WAITING,
			.attempts = 2,
			.first_at = 1,
			.at = 2,
			.next_at = 3,
			.detail = "exit 1"},
		{.seq = 6, .state = DELIVERY_DONE, .attempts = 1},
		{.seq = 5, .state = DELIVERY_FAILED, .attempts = 9, .detail = "gave up"},
	};
	struct store_deliver deliver = {
		.notify = load.id, .cursor = 5, .deliveries = deliveries, .n_deliveries = 3};
	store_deliver(storing->store, &deliver);
	storing_wait(storing);
	load_notifier(storing, &load);
	assert_int_equal(load.cursor, 5);
	assert_int_equal(load.n_failed, 1);
	assert_int_equal(load.n_open, 2);
	assert_int_equal(load.open[0].seq, 4);
	assert_int_equal(load.open[0].attempts, 2);
	assert_int_equal(load.open[0].feed, feed);
	assert_string_equal(load.open[0].detail, "exit 1");
	assert_int_equal(load.open[1].seq, 6);
	arena_fini(&load.arena);
	struct store_retry retry = {.notify = load.id, .now = 50};
	store_retry(storing->store, &retry);
	storing_wait(storing);
	assert_int_equal(retry.n_open, 1);
	assert_int_equal(retry.open[0].seq, 5);
	assert_int_equal(retry.open[0].attempts, 0);
	arena_fini(&retry.arena);
}

static int64_t
ask_consumer(struct storing *storing, bool ack, int64_t seq)
{
	struct store_consumer consumer = {.name = "bot", .ack = ack, .seq = seq, .now = NOW};

	store_consumer(storing->store, &consumer);
	storing_wait(storing);
	return consumer.head.result < 0 ? consumer.head.result : consumer.seq;
}

static void
consumers_never_go_back(void **state)
{
	struct storing *storing = *state;
	int64_t feed = one_feed(storing);

	show(storing, feed, 0, 1, NOW);
	show(storing, feed, 0, 6, NOW);
	assert_int_equal(ask_consumer(storing, true, 3), -ENOENT);
	assert_int_equal(ask_consumer(storing, false, 0), 0);
	assert_int_equal(ask_consumer(storing, true, 3), 3);
	assert_int_equal(ask_consumer(storing, true, 2), 3);
	assert_int_equal(ask_consumer(storing, true, 99), -ERANGE);
	assert_int_equal(ask_consumer(storing, false, 0), 3);
	struct store_consumer placed = {.name = "late", .placed = true, .seq = 99, .now = NOW};
	store_consumer(storing->store, &placed);
	storing_wait(storing);
	assert_int_equal(placed.seq, 5);
}

/* limit: consumers */
static void
consumers_are_not_without_number(void **state)
{
	struct storing *storing = *state;
	struct store_consumer consumer = {.now = NOW};

	for (int i = 0; i <= STORE_CONSUMERS_MAX; i++) {
		snprintf(consumer.name, sizeof(consumer.name), "c%d", i);
		store_consumer(storing->store, &consumer);
		storing_wait(storing);
		assert_int_equal(consumer.head.result, i < STORE_CONSUMERS_MAX ? 0 : -EDQUOT);
	}
	snprintf(consumer.name, sizeof(consumer.name), "c0");
	store_consumer(storing->store, &consumer);
	storing_wait(storing);
	assert_int_equal(consumer.head.result, 0);
}

static int64_t forget = 400 * DAY;

static void
tidy(struct storing *storing, int64_t now, int64_t keep_events)
{
	struct feed_config feed = {.name = "a", .settings = &settings};
	struct config config = {
		.feeds = &feed, .n_feeds = 1, .keep_events = keep_events, .forget = forget};
	struct store_tidy it = {.config = &config, .now = now};

	do {
		store_tidy(storing->store, &it);
		storing_wait(storing);
		assert_int_equal(it.head.result, 0);
	} while (it.more);
}

static void
retention_spares_what_is_listed_or_needed(void **state)
{
	struct storing *storing = *state;
	int64_t feed = one_feed(storing);

	show(storing, feed, 0, 1, NOW);
	show(storing, feed, 0, 500, NOW);
	/* still listed, however old */
	tidy(storing, NOW + 40 * DAY, 0);
	assert_int_equal(count(storing, "SELECT count(*) FROM items"), 500);
	/* 400 of them have left the document, but a consumer has not read them */
	assert_int_equal(ask_consumer(storing, false, 0), 0);
	assert_int_equal(ask_consumer(storing, true, 99), 99);
	show(storing, feed, 400, 500, NOW + 41 * DAY);
	tidy(storing, NOW + 42 * DAY, 0);
	assert_int_equal(count(storing, "SELECT count(*) FROM items"), 400);
	assert_int_equal(count(storing, "SELECT min(seq) FROM events"), 100);
	/* a consumer that does not come back may not hold the log for ever */
	tidy(storing, NOW + 42 * DAY, 35 * DAY);
	assert_int_equal(count(storing, "SELECT count(*) FROM items"), 100);
	/* and is itself forgotten with what it missed */
	assert_int_equal(count(storing, "SELECT count(*) FROM cursors"), 0);
	assert_int_equal(ask_consumer(storing, false, 0), 399);
	/* what went is not new when it comes back */
	show(storing, feed, 0, 500, NOW + 43 * DAY);
	assert_int_equal(count(storing, "SELECT count(*) FROM items"), 100);
}

/* The configuration is read anew, with or without the notifier "n". */
static void
sync_notifier(struct storing *storing, bool wanted)
{
	struct feed_config feed = {
		.name = "a", .url = "https://example.org/feed", .settings = &settings};
	struct notify_config notify = {.name = "n"};
	struct config config = {
		.feeds = &feed, .n_feeds = 1, .notifies = &notify, .n_notifies = wanted};
	struct store_sync sync = {.config = &config};

	store_sync(storing->store, &sync);
	storing_wait(storing);
	assert_int_equal(sync.head.result, 0);
	free(sync.feeds);
}

static void
deliver(struct storing *storing, int64_t notify, int64_t cursor, const struct delivery *delivery)
{
	struct store_deliver deliver = {
		.notify = notify, .cursor = cursor, .deliveries = delivery, .n_deliveries = 1};

	store_deliver(storing->store, &deliver);
	storing_wait(storing);
	assert_int_equal(deliver.head.result, 0);
}

static int
count_row(void *arg, const char *notify, const struct delivery *delivery, const char *title)
{
	(void)notify;
	(void)delivery;
	(void)title;
	++*(int *)arg;
	return 0;
}

static int
count_cursor(void *arg, const struct view_cursor *cursor)
{
	(void)cursor;
	++*(int *)arg;
	return 0;
}

/* What `feedctl failed` and the metrics tell of. */
static void
assert_visible(struct storing *storing, int failed, int cursors)
{
	struct view *view;
	int n_failed = 0, n_cursors = 0;

	assert_int_equal(view_open(&view, store_path(storing->store)), 0);
	assert_int_equal(view_deliveries(view, 0, count_row, &n_failed), 0);
	assert_int_equal(view_cursors(view, count_cursor, &n_cursors), 0);
	view_close(view);
	assert_int_equal(n_failed, failed);
	assert_int_equal(n_cursors, cursors);
}

/* A notifier that left the configuration keeps its place, and holds up nothing. */
static void
notifiers_that_left_hold_up_nothing(void **state)
{
	struct storing *storing = *state;
	int64_t feed = one_feed(storing);
	struct store_notify_load load;

	load_notifier(storing, &load);
	arena_fini(&load.arena);
	show(storing, feed, 0, 1, NOW);
	show(storing, feed, 0, 10, NOW);
	deliver(storing, load.id, 4,
		&(struct delivery){.seq = 2, .state = DELIVERY_FAILED, .detail = "no"});
	show(storing, feed, 9, 10, NOW + 41 * DAY);
	assert_visible(storing, 1, 1);
	tidy(storing, NOW + 42 * DAY, 0);
	/* Of the first four the one that was set aside stays; the first item has no event. */
	assert_int_equal(count(storing, "SELECT count(*) FROM items"), 6);
	sync_notifier(storing, false);
	assert_visible(storing, 0, 0);
	sync_notifier(storing, true);
	load_notifier(storing, &load);
	assert_int_equal(load.cursor, 4);
	assert_int_equal(load.n_failed, 1);
	arena_fini(&load.arena);
	assert_visible(storing, 1, 1);
	sync_notifier(storing, false);
	tidy(storing, NOW + 43 * DAY, 0);
	assert_int_equal(count(storing, "SELECT count(*) FROM items"), 1);
	assert_int_equal(count(storing, "SELECT count(*) FROM deliveries"), 0);
}

static void
add_failing(struct store_poll *poll)
{
	storing_plan(poll);
	poll->events[poll->n_events++] =
		(struct store_feed_event){.kind = EVENT_FEED_FAILING, .title = "a fails"};
}

/* A feed event that still waits for a notifier stays, and one that goes takes what was noted of it
 * along. */
static void
feed_events_go_with_their_deliveries(void **state)
{
	struct storing *storing = *state;
	AUTO(arena_fini) struct arena arena = {0};
	struct store_load before = {.id = one_feed(storing)};
	struct store_notify_load load;

	load_notifier(storing, &load);
	arena_fini(&load.arena);
	for (int i = 0; i < 3; i++) {
		struct store_poll poll = {
			.outcome = POLL_FAILED, .arena = &arena, .now = NOW, .plan = add_failing};

		store_load(storing->store, &before);
		storing_wait(storing);
		poll.state = before.state;
		store_poll(storing->store, &poll);
		storing_wait(storing);
		assert_int_equal(poll.head.result, 0);
		feed_state_fini(&poll.state);
	}
	deliver(storing, load.id, 3, &(struct delivery){.seq = 1, .state = DELIVERY_DONE});
	deliver(storing, load.id, 3, &(struct delivery){.seq = 2, .state = DELIVERY_WAITING});
	tidy(storing, NOW + 40 * DAY, 30 * DAY);
	assert_int_equal(count(storing, "SELECT sum(seq) FROM events"), 2);
	assert_int_equal(count(storing, "SELECT sum(seq) FROM deliveries"), 2);
	deliver(storing, load.id, 3, &(struct delivery){.seq = 2, .state = DELIVERY_DONE});
	tidy(storing, NOW + 40 * DAY, 30 * DAY);
	assert_int_equal(count(storing, "SELECT count(*) FROM events"), 0);
	assert_int_equal(count(storing, "SELECT count(*) FROM deliveries"), 0);
}

/* Ten items leave a feed that goes on with one, and come back. */
static int64_t
told_after(struct storing *storing, int64_t feed, int64_t *now, int64_t away)
{
	int64_t before = count(storing, "SELECT count(*) FROM events WHERE event = 'item.new'");

	show(storing, feed, 0, 10, *now);
	show(storing, feed, 9, 10, *now + DAY);
	*now += away;
	show(storing, feed, 9, 10, *now - DAY); /* the feed was read meanwhile, without them */
	tidy(storing, *now, 30 * DAY);
	assert_int_equal(count(storing, "SELECT count(*) FROM items"), 1);
	show(storing, feed, 0, 10, *now);
	return count(storing, "SELECT count(*) FROM events WHERE event = 'item.new'") - before;
}

static void
items_that_come_back_after_years(void **state)
{
	struct storing *storing = *state;
	int64_t feed = one_feed(storing), now = NOW;

	forget = 400 * DAY;
	assert_int_equal(told_after(storing, feed, &now, 399 * DAY), 0);
	forget = 0; /* never */
	assert_int_equal(told_after(storing, feed, &now, 3000 * DAY), 0);
	forget = 400 * DAY;
	assert_int_equal(told_after(storing, feed, &now, 402 * DAY), 9);
	assert_int_equal(count(storing, "SELECT count(*) FROM items"), 10);
}

static int
add_id(void *arg, int64_t id, const char *json, const struct rendered *fields, int64_t first_seen)
{
	(void)id;
	(void)json;
	(void)first_seen;
	buf_printf(arg, "%s ", fields->id);
	return 0;
}

static char *
find(struct storing *storing, const char *words)
{
	struct buf out = BUF_INIT(1 << 16);
	struct view *view;
	struct view_items query = {.search = words, .limit = 5, .row = add_id, .arg = &out};

	assert_int_equal(view_open(&view, store_path(storing->store)), 0);
	/* the index follows the log: at its end within moments */
	for (int i = 0; i < 1000; i++) {
		struct view_counts counts;

		assert_int_equal(view_counts(view, &counts), 0);
		if (counts.indexed_seq >= counts.items)
			break;
		usleep(10000);
	}
	assert_int_equal(view_items(view, &query), 0);
	view_close(view);
	return buf_steal(&out);
}

static void
search_finds_words(void **state)
{
	struct storing *storing = *state;
	int64_t feed = one_feed(storing);

	show(storing, feed, 0, 1, NOW);
	show(storing, feed, 0, 300, NOW);
	AUTO(freep) char *one = find(storing, "Title 42");
	assert_string_equal(one, "42 ");
	AUTO(freep) char *accent = find(storing, "lodz 7");
	assert_string_equal(accent, "");
	AUTO(freep) char *hostile = find(storing, "\" OR * NEAR( title:");
	assert_string_equal(hostile, "");
	AUTO(freep) char *plain = find(storing, "299");
	assert_string_equal(plain, "299 ");
}

/* What store_open says of the directory; the store must not be open. */
static int
reopen(struct storing *storing, char **ret_error)
{
	struct store *store = NULL;
	int r = store_open(&store, storing->directory, SEARCH_TITLE, ret_error);

	if (r == 0)
		store_stop(store);
	return r;
}

static void
a_second_daemon_is_refused(void **state)
{
	AUTO(freep) char *error = NULL;

	assert_int_equal(reopen(*state, &error), -EBUSY);
	assert_non_null(strstr(error, "in use by another feedd"));
}

static void
a_newer_schema_is_refused(void **state)
{
	struct storing *storing = *state;
	AUTO(freep) char *error = NULL;
	sqlite3 *db;
	char path[128];

	store_stop(storing->store);
	snprintf(path, sizeof(path), "%s/feedd.db", storing->directory);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 99", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	assert_int_equal(reopen(storing, &error), -EPROTO);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 2", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	storing_open(storing, SEARCH_TEXT);
}

static int
keep_json(void *arg, const struct rendered *event, int64_t at)
{
	char **json = arg;

	(void)at;
	*json = xstrdup(event->json);
	return 1;
}

/* The object of the first event after `after`; the caller frees it. */
static char *
event_after(struct storing *storing, int64_t after)
{
	struct view *view;
	char *json = NULL;
	int64_t scanned;
	const struct view_events query = {
		.after = after, .limit = 1, .row = keep_json, .arg = &json};

	assert_int_equal(view_open(&view, store_path(storing->store)), 0);
	assert_int_equal(view_events(view, &query, &scanned), 0);
	view_close(view);
	assert_non_null(json);
	return json;
}

/* The first schema had no extensions. */
static void
an_older_schema_is_migrated(void **state)
{
	struct storing *storing = *state;
	AUTO(arena_fini) struct arena arena = {0};
	int64_t feed = one_feed(storing);
	struct item old = storing_item("1", NULL, "old"), item = storing_item("2", NULL, "new");
	const struct item_extras extras = {.comments_url = "https://x.example/2#c",
		.n_comments = 0,
		.reply_id = "1",
		.has_place = true,
		.latitude_e7 = -85000000,
		.longitude_e7 = 1151234567};
	struct store_poll poll = {.backlog = 1};
	sqlite3 *db;
	char path[128];

	storing_poll(storing, feed, &old, 1, &poll, &arena);
	store_stop(storing->store);
	snprintf(path, sizeof(path), "%s/feedd.db", storing->directory);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(
		sqlite3_exec(db,
			"ALTER TABLE items DROP COLUMN extensions; PRAGMA user_version = 1", NULL,
			NULL, NULL),
		SQLITE_OK);
	sqlite3_close(db);
	storing_open(storing, SEARCH_TITLE);
	item.extras = &extras;
	poll = (struct store_poll){0};
	storing_poll(storing, feed, &item, 1, &poll, &arena);
	assert_int_equal(poll.head.result, 0);
	AUTO(freep) char *before = event_after(storing, 0);
	AUTO(freep) char *after = event_after(storing, 1);
	assert_non_null(strstr(before, "\"title\":\"old\""));
	assert_null(strstr(before, "comments"));
	assert_non_null(strstr(after,
		"\"comments\":{\"url\":\"https://x.example/2#c\",\"count\":0},"
		"\"in_reply_to\":{\"id\":\"1\"},"
		"\"location\":{\"latitude\":-8.5,\"longitude\":115.1234567}"));
}

static void
a_foreign_file_is_left_alone(void **state)
{
	struct storing *storing = *state;
	AUTO(freep) char *error = NULL;
	char path[128], text[64] = {0};

	store_stop(storing->store);
	snprintf(path, sizeof(path), "%s/feedd.db", storing->directory);
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	assert_int_equal(write(fd, "dear diary, today", 17), 17);
	close(fd);
	assert_int_equal(reopen(storing, &error), -EMEDIUMTYPE);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(read(fd, text, sizeof(text)), 17);
	close(fd);
	assert_string_equal(text, "dear diary, today");
	unlink(path);
	storing_open(storing, SEARCH_OFF);
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, storing_setup, storing_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_STORE(notifiers_keep_their_place),
		WITH_STORE(consumers_never_go_back),
		WITH_STORE(consumers_are_not_without_number),
		WITH_STORE(retention_spares_what_is_listed_or_needed),
		WITH_STORE(notifiers_that_left_hold_up_nothing),
		WITH_STORE(feed_events_go_with_their_deliveries),
		WITH_STORE(items_that_come_back_after_years),
		WITH_STORE(search_finds_words),
		WITH_STORE(a_second_daemon_is_refused),
		WITH_STORE(a_newer_schema_is_refused),
		WITH_STORE(an_older_schema_is_migrated),
		WITH_STORE(a_foreign_file_is_left_alone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
