/*
 * ledger.h - a store put to work, and a ledger of what it promised: whatever befalls the disk, that
 * must hold.
 *
 * One feed that keeps all it ever had: its k-th document shows articles 1 to k * LEDGER_STEP,
 * newest on top. One notifier, whose cursor follows. A promise is what came home with result 0.
 */
#ifndef TESTS_LEDGER_H
#define TESTS_LEDGER_H

#include <dirent.h>
#include <unistd.h>

#include "disk.h"
#include "storing.h"

#define LEDGER_STEP 3
#define LEDGER_MAX 512

struct ledger {
	struct storing storing;
	int64_t feed, notify;
	struct {
		int64_t seq;
		int article;
		size_t steps; /* of the disk, when it was made */
	} promises[LEDGER_MAX];
	size_t n_promises;
	struct {
		int64_t seq;
		size_t steps;
	} cursors[LEDGER_MAX];
	size_t n_cursors;
};

/* In memory where there is such a place: nothing here depends on a real disk. */
static inline void
ledger_directory(char directory[64])
{
	strcpy(directory,
		access("/dev/shm", W_OK) == 0 ? "/dev/shm/feedd-XXXXXX" : "/tmp/feedd-XXXXXX");
	assert_non_null(mkdtemp(directory));
}

static inline void
ledger_empty(const char *directory)
{
	DIR *dir = opendir(directory);
	struct dirent *entry;

	assert_non_null(dir);
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			unlinkat(dirfd(dir), entry->d_name, 0);
	closedir(dir);
}

static inline void
ledger_init(struct ledger *ledger)
{
	*ledger = (struct ledger){0};
	ledger_directory(ledger->storing.directory);
	queue_init(&ledger->storing.home, NULL, NULL);
}

static inline void
ledger_fini(struct ledger *ledger)
{
	queue_fini(&ledger->storing.home);
	ledger_empty(ledger->storing.directory);
	rmdir(ledger->storing.directory);
}

static inline void
ledger_stop(struct ledger *ledger)
{
	store_stop(ledger->storing.store);
	ledger->storing.store = NULL;
}

static inline int
ledger_load_notify(struct ledger *ledger)
{
	struct store_notify_load load = {.name = "hook"};

	store_notify_load(ledger->storing.store, &load);
	storing_wait(&ledger->storing);
	ledger->notify = load.id;
	arena_fini(&load.arena);
	return load.head.result;
}

/* Opens the store and makes its feed and its notifier known, as a start of the daemon does. */
static inline int
ledger_open(struct ledger *ledger)
{
	static const struct feed_settings settings;
	struct feed_config feed = {
		.name = "a", .url = "https://example.org/feed", .settings = &settings};
	struct config config = {.feeds = &feed, .n_feeds = 1};
	struct store_sync sync = {.config = &config};
	AUTO(freep) char *error = NULL;
	int r = store_open(&ledger->storing.store, ledger->storing.directory, SEARCH_TITLE, &error);

	if (r < 0) {
		assert_non_null(error);
		ledger->storing.store = NULL;
		return r;
	}
	r = store_start(ledger->storing.store, &ledger->storing.home);
	if (r == 0) {
		store_sync(ledger->storing.store, &sync);
		storing_wait(&ledger->storing);
		r = sync.head.result;
		if (r == 0)
			ledger->feed = sync.feeds[0].id;
		free(sync.feeds);
	}
	if (r == 0)
		r = ledger_load_notify(ledger);
	if (r < 0)
		ledger_stop(ledger);
	return r;
}

/* Articles 1 to n, newest on top. */
static inline struct item *
ledger_articles(struct arena *arena, int n)
{
	struct item *items = arena_zalloc(arena, (size_t)n * sizeof(*items));

	for (int i = 0; i < n; i++) {
		int article = n - i;

		items[i] = storing_item(arena_printf(arena, "urn:%d", article),
			arena_printf(arena, "https://example.org/%d", article),
			arena_printf(arena, "%d", article));
		items[i].content_html =
			arena_printf(arena, "<p>%0*d", 1500 + 97 * article, article);
	}
	return items;
}

static inline void
ledger_note(struct ledger *ledger, const struct store_poll *poll, int n)
{
	for (size_t i = 0; i < poll->n_told; i++) {
		assert_in_range(ledger->n_promises, 0, LEDGER_MAX - 1);
		size_t at = ledger->n_promises++;
		ledger->promises[at].seq = poll->first_seq + (int64_t)i;
		ledger->promises[at].article = n - (int)poll->n_told + 1 + (int)i;
		ledger->promises[at].steps = disk_steps();
	}
}

/* The k-th document is read; what it brings is promised if that went well. */
static inline int
ledger_poll(struct ledger *ledger, int k)
{
	static const struct identity identity;
	AUTO(arena_fini) struct arena arena = {0};
	struct storing *storing = &ledger->storing;
	struct store_load load = {.id = ledger->feed};
	struct document document = {.n_items = (size_t)(k * LEDGER_STEP)};
	struct store_poll poll = {.backlog = 1000, .arena = &arena, .now = 1000000 + k};

	store_load(storing->store, &load);
	storing_wait(storing);
	if (load.head.result == 0) {
		document.items = ledger_articles(&arena, k * LEDGER_STEP);
		poll.document = &document;
		poll.outcome = POLL_DOCUMENT;
		poll.state = load.state;
		poll.plan = storing_plan;
		poll.keys = identity_keys(&document, &identity, false, &poll.sticky, &arena);
		store_poll(storing->store, &poll);
		storing_wait(storing);
		feed_state_fini(&poll.state);
	}
	int r = load.head.result < 0 ? load.head.result : poll.head.result;
	if (r == 0)
		ledger_note(ledger, &poll, k * LEDGER_STEP);
	return r;
}

/* The notifier has been told everything that was promised. */
static inline int
ledger_deliver(struct ledger *ledger)
{
	int64_t last = store_seq(ledger->storing.store);
	struct delivery delivery = {.seq = last, .state = DELIVERY_DONE, .attempts = 1};
	struct store_deliver deliver = {.notify = ledger->notify,
		.cursor = last,
		.deliveries = &delivery,
		.n_deliveries = 1};

	if (last == 0)
		return 0;
	store_deliver(ledger->storing.store, &deliver);
	storing_wait(&ledger->storing);
	if (deliver.head.result == 0) {
		assert_in_range(ledger->n_cursors, 0, LEDGER_MAX - 1);
		ledger->cursors[ledger->n_cursors].seq = last;
		ledger->cursors[ledger->n_cursors++].steps = disk_steps();
	}
	return deliver.head.result;
}

static inline int64_t
ledger_int(sqlite3 *db, const char *sql, int64_t parameter)
{
	sqlite3_stmt *stmt;

	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
	sqlite3_bind_int64(stmt, 1, parameter);
	int code = sqlite3_step(stmt);
	int64_t value = code == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : -1;
	if (code != SQLITE_ROW && code != SQLITE_DONE)
		print_message("%s: %s\n", sql, sqlite3_errmsg(db));
	sqlite3_finalize(stmt);
	return value;
}

/* What was promised up to this step of the disk is there, and the database is sound. */
static inline void
ledger_check(struct ledger *ledger, const char *directory, size_t steps)
{
	AUTO(freep) char *path = xasprintf("%s/feedd.db", directory);
	sqlite3 *db;

	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	assert_int_equal(
		ledger_int(db,
			"SELECT count(*) FROM pragma_integrity_check WHERE integrity_check != 'ok'",
			0),
		0);
	for (size_t i = 0; i < ledger->n_promises; i++)
		if (ledger->promises[i].steps <= steps)
			assert_int_equal(ledger_int(db,
						 "SELECT i.title FROM events e JOIN items i ON "
						 "i.id = e.item WHERE e.seq = ?",
						 ledger->promises[i].seq),
				ledger->promises[i].article);
	for (size_t i = 0; i < ledger->n_cursors; i++)
		if (ledger->cursors[i].steps <= steps)
			assert_true(ledger_int(db, "SELECT seq FROM cursors WHERE name = 'hook'",
					    0) >= ledger->cursors[i].seq);
	sqlite3_close(db);
}

/* Every article of the k-th document was stored once and told once. */
static inline void
ledger_check_all(const char *directory, int k)
{
	AUTO(freep) char *path = xasprintf("%s/feedd.db", directory);
	sqlite3 *db;

	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	assert_int_equal(ledger_int(db, "SELECT count(*) FROM items", 0), k * LEDGER_STEP);
	assert_int_equal(
		ledger_int(db, "SELECT count(DISTINCT guid) FROM items", 0), k * LEDGER_STEP);
	assert_int_equal(ledger_int(db, "SELECT count(*) FROM events", 0), k * LEDGER_STEP);
	assert_int_equal(
		ledger_int(db, "SELECT count(DISTINCT item) FROM events", 0), k * LEDGER_STEP);
	sqlite3_close(db);
}

#endif
