/*
 * open.c - taking a database into use, or refusing to, without touching what is not ours.
 *
 * Runs before the threads start.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "room.h"

#define DYING_MS 2000
#define LOOK_MS 50

/* The last part of the path is made, for our user alone; its entry must survive a power cut as the
 * database does. */
static int
make_directory(const char *path)
{
	AUTO(freep) char *copy = xstrdup(path);

	if (mkdir(path, 0700) < 0)
		return -errno;
	AUTO(closep) int parent = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (parent < 0 || fsync(parent) < 0)
		return -errno;
	return 0;
}

static int
lock_directory(struct store *store, char **ret_error)
{
	int r = 0;

	store->lock_fd = open(store->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (store->lock_fd < 0 && errno == ENOENT) {
		r = make_directory(store->directory);
		if (r == 0)
			store->lock_fd = open(store->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (store->lock_fd < 0) {
		if (r == 0)
			r = -errno;
		*ret_error = xasprintf("state directory %s: %s", store->directory, strerror(-r));
		return r;
	}
	/* A hook that a killed daemon was just starting has the lock until it runs. */
	for (int waited_ms = 0; flock(store->lock_fd, LOCK_EX | LOCK_NB) < 0;
		waited_ms += LOOK_MS) {
		if (waited_ms < DYING_MS) {
			poll(NULL, 0, LOOK_MS);
			continue;
		}
		*ret_error = xasprintf(
			"state directory %s is in use by another feedd", store->directory);
		return -EBUSY;
	}
	return 0;
}

/* A journal beside the file: its first transaction was cut short, and SQLite takes it back. */
static bool
has_journal(const char *path)
{
	AUTO(freep) char *journal = xasprintf("%s-journal", path);

	return access(journal, F_OK) == 0;
}

/* Looks at the file's first bytes before SQLite may touch it: a foreign file must stay as it is. */
static int
check_header(const char *path)
{
	static const char magic[16] = "SQLite format 3", nothing[sizeof(magic)];
	char header[sizeof(magic)];
	AUTO(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	ssize_t n = read(fd, header, sizeof(header));
	if (n < 0)
		return -errno;
	if (n == 0)
		return 0;
	if (n == sizeof(header) && memcmp(header, nothing, sizeof(header)) == 0 &&
		has_journal(path))
		return 0;
	return (size_t)n < sizeof(header) || memcmp(header, magic, sizeof(magic)) != 0
		? -EMEDIUMTYPE
		: 0;
}

/* quick_check, only after a stop that was not clean: it reads the whole file. */
static int
check_integrity(struct store *store, char **ret_error)
{
	int64_t clean;
	int r = meta_get(&store->db, "clean", &clean);

	if (r == 0 && clean)
		return 0;
	sqlite3_stmt *stmt =
		r == 0 ? db_query(&store->db, "PRAGMA quick_check(1)", NO_BINDS) : NULL;
	if (r == 0)
		r = db_step(&store->db, stmt);
	if (r > 0) {
		const char *verdict = column_text(stmt, 0);

		if (verdict && strcmp(verdict, "ok") != 0) {
			*ret_error = xasprintf("is damaged (%s)", verdict);
			r = -EUCLEAN;
		}
		sqlite3_reset(stmt);
	}
	return r < 0 ? r : 0;
}

static int
configure(struct db *db)
{
	/* Not NORMAL: with it a power cut may take back a commit whose seq a consumer has seen, and
	 * the number would be given to another item. EXTRA is FULL in WAL mode, and on the way to
	 * it makes sure that the rollback journal is gone. */
	return db_exec(db,
		"PRAGMA synchronous = EXTRA; PRAGMA journal_mode = WAL; PRAGMA cache_size = -8000;"
		"PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 67108864; PRAGMA "
		"mmap_size = 0;"
		"PRAGMA temp_store = MEMORY; PRAGMA foreign_keys = OFF");
}

static int
read_meta(struct store *store)
{
	sqlite3_stmt *stmt =
		db_query(&store->db, "SELECT value FROM meta WHERE name = 'uuid'", NO_BINDS);
	int r = db_step(&store->db, stmt);

	if (r > 0) {
		const char *uuid = column_text(stmt, 0);

		snprintf(store->uuid, sizeof(store->uuid), "%s", uuid ? uuid : "");
		sqlite3_reset(stmt);
	}
	if (r >= 0)
		r = db_int(&store->db, &store->seq,
			"SELECT seq FROM sqlite_sequence WHERE name = 'events'", NO_BINDS);
	atomic_store(&store->committed_seq, store->seq);
	return r < 0 ? r : 0;
}

/* SQLite says "disk I/O error" where it cannot even make its shared memory for want of room. */
static bool
is_full(const struct store *store, int error)
{
	int why = error == -EIO && store->db.handle ? sqlite3_system_errno(store->db.handle) : 0;

	return error == -ENOSPC || why == ENOSPC || why == EDQUOT;
}

static int
open_database(struct store *store, char **ret_error)
{
	int r = check_header(store->path);

	if (r < 0) {
		*ret_error = xstrdup(r == -EMEDIUMTYPE ? "is not a database; it was left untouched"
						       : strerror(-r));
		return r;
	}
	r = db_open(&store->db, store->path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
	/* What is refused keeps its log as well: no checkpoint when it is closed. */
	if (r == 0)
		sqlite3_db_config(store->db.handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	if (r == 0)
		r = schema_prepare(&store->db, ret_error);
	if (r == 0)
		r = check_integrity(store, ret_error);
	if (r == 0)
		r = configure(&store->db);
	if (r == 0)
		r = schema_migrate(&store->db, ret_error);
	if (r == 0)
		r = read_meta(store);
	if (r == 0)
		r = search_open(store);
	if (r == 0)
		r = meta_set(&store->db, "clean", 0);
	if (r < 0 && is_full(store, r)) {
		free(*ret_error);
		*ret_error = xstrdup("cannot be used: no space left on the disk");
		return -ENOSPC;
	}
	if (r < 0 && !*ret_error)
		*ret_error = xasprintf("%s (%s)", r == -EUCLEAN ? "is damaged" : "cannot be used",
			store->db.handle ? sqlite3_errmsg(store->db.handle) : strerror(-r));
	return r;
}

/* The words under which a person can act on a database that cannot be used. */
static void
complete_error(const struct store *store, int r, char **error)
{
	AUTO(freep) char *bare = *error;

	if (r == -EUCLEAN || r == -EIO)
		*error = xasprintf(
			"%s %s. Nothing was changed. To save what can be read: "
			"sqlite3 %s .recover | sqlite3 %s.new, then put the new file in its place",
			store->path, bare, store->path, store->path);
	else
		*error = xasprintf("%s %s", store->path, bare);
}

int
store_open(struct store **ret_store, const char *state_directory, enum search_mode search,
	char **ret_error)
{
	struct store *store = xcalloc(1, sizeof(*store));

	*ret_error = NULL;
	store->directory = xstrdup(state_directory);
	store->path = xasprintf("%s/feedd.db", state_directory);
	store->search = search;
	queue_init(&store->writing, NULL, NULL);
	queue_init(&store->reading, NULL, NULL);
	int r = lock_directory(store, ret_error);
	if (r == 0) {
		r = open_database(store, ret_error);
		if (r < 0)
			complete_error(store, r, ret_error);
	}
	if (r < 0) {
		store_stop(store);
		return r;
	}
	sqlite3_db_config(store->db.handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
	store->opened = true;
	*ret_store = store;
	return 0;
}
