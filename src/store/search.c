/*
 * search.c - full-text search by FTS5, behind the log.
 *
 * The index is a consumer with a cursor of its own (meta "indexed", an items.id) and transactions
 * of its own, so that no poll waits for it. It refers to the table items for its contents and must
 * be told the old text before a row changes or goes.
 */
#include <errno.h>
#include <string.h>

#include "room.h"

/* Items a step: some milliseconds, the longest that a poll may have to wait. */
#define STEP 200

static const char *const columns[] = {
	[SEARCH_TITLE] = "title", [SEARCH_TEXT] = "title, content_text"};

static int
drop_index(struct store *store)
{
	int r = db_exec(&store->db, "DROP TABLE IF EXISTS search");

	if (r == 0)
		r = meta_set(&store->db, "indexed", 0);
	return r;
}

static int
make_index(struct store *store)
{
	AUTO(freep)
	char *sql = xasprintf(
		"CREATE VIRTUAL TABLE IF NOT EXISTS search USING fts5(%s, content='items',"
		" content_rowid='id', tokenize='unicode61 remove_diacritics 2')",
		columns[store->search]);
	return db_exec(&store->db, sql);
}

int
search_open(struct store *store)
{
	int64_t mode;
	int r = meta_get(&store->db, "search", &mode);

	/* Kept as mode + 1, so that 0 means: never set. */
	if (r == 0 && mode != (int64_t)store->search + 1) {
		r = drop_index(store);
		if (r == 0)
			r = meta_set(&store->db, "search", (int64_t)store->search + 1);
	}
	if (r == 0 && store->search != SEARCH_OFF)
		r = make_index(store);
	if (r == 0)
		r = meta_get(&store->db, "indexed", &store->indexed);
	return r;
}

static int
index_range(struct store *store, int64_t from, int64_t to)
{
	if (store->search == SEARCH_TEXT)
		return db_run(&store->db,
			"INSERT INTO search(rowid, title, content_text) SELECT id, title, "
			"content_text FROM items"
			" WHERE id > ? AND id <= ?",
			BINDS(INT(from), INT(to)));
	return db_run(&store->db,
		"INSERT INTO search(rowid, title) SELECT id, title FROM items WHERE id > ? AND id "
		"<= ?",
		BINDS(INT(from), INT(to)));
}

int
search_step(struct store *store)
{
	int64_t last = 0;

	if (store->search == SEARCH_OFF)
		return 0;
	int r = db_int(&store->db, &last,
		"SELECT max(id) FROM (SELECT id FROM items WHERE id > ? ORDER BY id LIMIT ?)",
		BINDS(INT(store->indexed), INT(STEP)));
	if (r < 0 || last <= store->indexed)
		return r < 0 ? r : 0;
	r = db_run(&store->db, "BEGIN IMMEDIATE", NO_BINDS);
	if (r == 0)
		r = index_range(store, store->indexed, last);
	if (r == 0)
		r = meta_set(&store->db, "indexed", last);
	if (r == 0)
		r = db_run(&store->db, "COMMIT", NO_BINDS);
	if (r < 0) {
		if (!sqlite3_get_autocommit(store->db.handle))
			sqlite3_exec(store->db.handle, "ROLLBACK", NULL, NULL, NULL);
		return r;
	}
	store->indexed = last;
	return 1;
}

int
search_remove(struct store *store, int64_t item)
{
	if (item > store->indexed)
		return 0;
	if (store->search == SEARCH_TEXT)
		return db_run(&store->db,
			"INSERT INTO search(search, rowid, title, content_text)"
			" SELECT 'delete', id, title, content_text FROM items WHERE id = ?",
			BINDS(INT(item)));
	if (store->search == SEARCH_TITLE)
		return db_run(&store->db,
			"INSERT INTO search(search, rowid, title) SELECT 'delete', id, title FROM "
			"items WHERE id = ?",
			BINDS(INT(item)));
	return 0;
}

int
search_add(struct store *store, int64_t item)
{
	if (item > store->indexed || store->search == SEARCH_OFF)
		return 0;
	return index_range(store, item - 1, item);
}

char *
search_quote(struct arena *arena, const char *words)
{
	AUTO(buf_fini) struct buf out = BUF_INIT(4 * strlen(words) + 16);

	for (const char *at = words; *at;) {
		size_t len = strcspn(at, " \t\r\n");

		if (len > 0) {
			buf_puts(&out, out.len ? " \"" : "\"");
			for (size_t i = 0; i < len; i++)
				buf_puts(&out, at[i] == '"' ? "\"\"" : (char[]){at[i], '\0'});
			buf_putc(&out, '"');
		}
		at += len;
		at += strspn(at, " \t\r\n");
	}
	return arena_strdup(arena, out.data ? out.data : "");
}
