/*
 * store.c - the two threads of the store.
 *
 * DESIGN: the writer takes all that is queued, begins, applies each parcel in a savepoint, commits
 * (one fsync for all), and only then brings the parcels home: whoever hears of a result can rely on
 * it. There is no timer: idle, latency is one commit; busy, batches grow while the last fsync runs.
 * Between batches, when nothing is queued, it feeds the full-text index. The reader runs one parcel
 * at a time on a read-only connection.
 */
#include "feedd/store.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "feedd/fail.h"
#include "room.h"

/* Readers that overlap keep the WAL growing: above this size it is cut by force. */
#define WAL_TRUNCATE_BYTES (32 << 20)

const char *
store_path(const struct store *store)
{
	return store->path;
}

const char *
store_uuid(const struct store *store)
{
	return store->uuid;
}

int64_t
store_seq(struct store *store)
{
	return atomic_load(&store->committed_seq);
}

size_t
store_backlog(struct store *store)
{
	return queue_length(&store->writing) + atomic_load(&store->backlog);
}

static void
bring_home(struct store *store, struct parcel *list)
{
	while (list) {
		struct parcel *next = list->next;

		queue_push(list->home ? list->home : store->home, list);
		list = next;
	}
}

static struct store_parcel *
store_parcel(struct parcel *parcel)
{
	return CONTAINER_OF(parcel, struct store_parcel, parcel);
}

/* Applies one parcel in a savepoint; what failed leaves no trace. */
static void
apply(struct store *store, struct parcel *parcel)
{
	struct store_parcel *head = store_parcel(parcel);
	int64_t seq = store->seq, indexed = store->indexed;
	int r = db_run(&store->db, "SAVEPOINT parcel", NO_BINDS);

	if (r == 0) {
		parcel->run(parcel);
		r = head->result;
	}
	if (r == 0)
		r = db_run(&store->db, "RELEASE parcel", NO_BINDS);
	if (r < 0) {
		/* Where that fails, all is rolled back, by SQLite or here, and commit() notices. */
		if ((db_run(&store->db, "ROLLBACK TO parcel", NO_BINDS) < 0 ||
			    db_run(&store->db, "RELEASE parcel", NO_BINDS) < 0) &&
			!sqlite3_get_autocommit(store->db.handle))
			sqlite3_exec(store->db.handle, "ROLLBACK", NULL, NULL, NULL);
		store->seq = seq;
		store->indexed = indexed;
	}
	head->result = r;
}

static void
commit(struct store *store, struct parcel *list)
{
	int64_t seq = store->seq, indexed = store->indexed;
	int r = db_run(&store->db, "BEGIN IMMEDIATE", NO_BINDS);

	for (struct parcel *parcel = list; r == 0 && parcel; parcel = parcel->next) {
		apply(store, parcel);
		if (sqlite3_get_autocommit(store->db.handle))
			r = store_parcel(parcel)->result < 0 ? store_parcel(parcel)->result : -EIO;
	}
	FAIL_POINT("before_commit");
	if (r == 0)
		r = db_run(&store->db, "COMMIT", NO_BINDS);
	if (r == 0) {
		FAIL_POINT("after_commit");
		atomic_store(&store->committed_seq, store->seq);
		return;
	}
	if (!sqlite3_get_autocommit(store->db.handle))
		sqlite3_exec(store->db.handle, "ROLLBACK", NULL, NULL, NULL);
	store->seq = seq;
	store->indexed = indexed;
	for (struct parcel *parcel = list; parcel; parcel = parcel->next)
		store_parcel(parcel)->result = r;
}

static void
cut_wal(struct store *store)
{
	struct stat st;
	AUTO(freep) char *wal = xasprintf("%s-wal", store->path);

	if (stat(wal, &st) < 0 || st.st_size < WAL_TRUNCATE_BYTES)
		return;
	sqlite3_busy_timeout(store->db.handle, 50);
	sqlite3_wal_checkpoint_v2(store->db.handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	sqlite3_busy_timeout(store->db.handle, 5000);
}

static size_t
list_length(const struct parcel *list)
{
	size_t n = 0;

	for (; list; list = list->next)
		n++;
	return n;
}

static void *
writer_main(void *arg)
{
	struct store *store = arg;
	struct parcel *list;

	while ((list = queue_take(&store->writing))) {
		atomic_store(&store->backlog, list_length(list));
		commit(store, list);
		bring_home(store, list);
		atomic_store(&store->backlog, 0);
		cut_wal(store);
		while (queue_length(&store->writing) == 0 && search_step(store) > 0)
			continue;
	}
	return NULL;
}

static void *
reader_main(void *arg)
{
	struct store *store = arg;
	struct parcel *parcel;

	while ((parcel = queue_pop(&store->reading))) {
		parcel->run(parcel);
		bring_home(store, parcel);
	}
	return NULL;
}

int
store_start(struct store *store, struct queue *home)
{
	store->home = home;
	int r = view_open(&store->view, store->path);
	if (r < 0)
		return r;
	r = thread_start(&store->writer, "feedd-store", writer_main, store);
	if (r < 0)
		return r;
	r = thread_start(&store->reader, "feedd-reader", reader_main, store);
	if (r < 0) {
		queue_close(&store->writing);
		pthread_join(store->writer, NULL);
		return r;
	}
	store->started = true;
	return 0;
}

void
store_stop(struct store *store)
{
	if (!store)
		return;
	if (store->started) {
		queue_close(&store->reading);
		pthread_join(store->reader, NULL);
		queue_close(&store->writing);
		pthread_join(store->writer, NULL);
	}
	view_close(store->view);
	FAIL_POINT("before_clean");
	if (store->opened && meta_set(&store->db, "clean", 1) == 0) {
		FAIL_POINT("before_checkpoint");
		sqlite3_wal_checkpoint_v2(
			store->db.handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	}
	db_close(&store->db);
	queue_fini(&store->writing);
	queue_fini(&store->reading);
	if (store->lock_fd >= 0)
		close(store->lock_fd);
	free(store->directory);
	free(store->path);
	free(store);
}

/* One door for each kind of parcel: a run function that knows the type, and the queue of its
 * thread. */
/* clang-format off */
#define PARCEL(function, context, call, queue)                                      \
	static void run_##function(struct parcel *parcel)                           \
	{                                                                           \
		struct function *it = CONTAINER_OF(parcel, struct function, head.parcel); \
		it->head.result = call(it->head.store context, it);                 \
	}                                                                           \
	void function(struct store *store, struct function *it)                     \
	{                                                                           \
		it->head.store = store;                                             \
		it->head.parcel.run = run_##function;                               \
		queue_push(&store->queue, &it->head.parcel);                        \
	}

PARCEL(store_sync, , write_sync, writing)
PARCEL(store_poll, , write_poll, writing)
PARCEL(store_feed_command, , write_feed_command, writing)
PARCEL(store_tidy, , write_tidy, writing)
PARCEL(store_notify_load, , write_notify_load, writing)
PARCEL(store_deliver, , write_deliver, writing)
PARCEL(store_retry, , write_retry, writing)
PARCEL(store_consumer, , write_consumer, writing)
PARCEL(store_load, ->view, view_load, reading)
PARCEL(store_scan, ->view, view_scan, reading)
PARCEL(store_render, ->view, view_render, reading)
/* clang-format on */
