/*
 * list.c - reading everything but the log: items, feeds, counters, cursors, deliveries; and a copy
 * of the whole.
 *
 * On the thread that owns the view.
 */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "room.h"

#define ITEMS_MOST 1000
/* Rows that a filtered listing looks at. */
#define ITEMS_LOOK 100000

#define ITEM_SELECT                                                                                \
	"SELECT i.id, i.first_seen, i.seq, f.name, f.title, f.url, f.home_page_url, f.tags,"       \
	" i.guid, i.url, i.external_url, i.title, i.summary, i.content_html, i.content_text, "     \
	"i.authors, i.tags, i.attachments,"                                                        \
	" i.image, i.banner_image, i.language, i.base_url, i.published, i.modified, i.extensions"

enum {
	ITEM_ID,
	ITEM_FIRST_SEEN,
	ITEM_SEQ,
	ITEM_FEED,
	ITEM_FEED_TITLE,
	ITEM_FEED_URL,
	ITEM_HOME,
	ITEM_TAGS,
	ITEM_FIRST
};

static const char items_sql[] = ITEM_SELECT
	" FROM items i JOIN feeds f ON f.id = i.feed"
	" WHERE (?1 IS NULL OR i.feed = (SELECT id FROM feeds WHERE name = ?1)) AND i.id > ?2 AND "
	"(?3 = 0 OR i.id < ?3)"
	" AND (?4 IS NULL OR EXISTS (SELECT 1 FROM json_each(f.tags) WHERE value = ?4)"
	"  OR EXISTS (SELECT 1 FROM json_each(coalesce(i.tags, '[]')) WHERE value = ?4))"
	" ORDER BY i.id DESC";
/* One feed: by its index, or a large database is read for a small feed. */
static const char feed_items_sql[] = ITEM_SELECT
	" FROM feeds f JOIN items i ON i.feed = f.id"
	" WHERE f.name = ?1 AND i.id > ?2 AND (?3 = 0 OR i.id < ?3)"
	" AND (?4 IS NULL OR EXISTS (SELECT 1 FROM json_each(f.tags) WHERE value = ?4)"
	"  OR EXISTS (SELECT 1 FROM json_each(coalesce(i.tags, '[]')) WHERE value = ?4))"
	" ORDER BY i.id DESC";
static const char search_sql[] = ITEM_SELECT
	" FROM search s JOIN items i ON i.id = s.rowid JOIN feeds f ON f.id = i.feed"
	" WHERE search MATCH ?5 AND (?1 IS NULL OR f.name = ?1) AND i.id > ?2 AND (?3 = 0 OR i.id "
	"< ?3)"
	" AND (?4 IS NULL OR EXISTS (SELECT 1 FROM json_each(f.tags) WHERE value = ?4)"
	"  OR EXISTS (SELECT 1 FROM json_each(coalesce(i.tags, '[]')) WHERE value = ?4))"
	" ORDER BY s.rowid DESC";

static void
set_text(json_t *object, const char *name, const char *value)
{
	if (value)
		json_object_set_new(object, name, json_string(value));
}

/* The item as a member of /v1/items: its JSON Feed members and where it stands. */
static char *
item_json(sqlite3_stmt *stmt, const struct item *item)
{
	json_t *object = item_to_json(item, item->id), *extension = json_object(),
	       *feed = json_object();
	json_t *tags = json_loads(
		column_text(stmt, ITEM_TAGS) ? column_text(stmt, ITEM_TAGS) : "[]", 0, NULL);
	char date[DATE_SIZE];

	set_text(feed, "name", column_text(stmt, ITEM_FEED));
	set_text(feed, "title", column_text(stmt, ITEM_FEED_TITLE));
	set_text(feed, "url", column_text(stmt, ITEM_FEED_URL));
	set_text(feed, "home_page_url", column_text(stmt, ITEM_HOME));
	json_object_set_new(feed, "tags", tags ? tags : json_array());
	json_object_set_new(extension, "item", json_integer(sqlite3_column_int64(stmt, ITEM_ID)));
	if (sqlite3_column_int64(stmt, ITEM_SEQ))
		json_object_set_new(
			extension, "seq", json_integer(sqlite3_column_int64(stmt, ITEM_SEQ)));
	set_text(extension, "first_seen",
		date_format(sqlite3_column_int64(stmt, ITEM_FIRST_SEEN), date));
	json_object_set_new(extension, "feed", feed);
	set_text(extension, "base_url", item->base_url);
	item_extras_to_json(item->extras, extension);
	json_object_set_new(object, "_feedd", extension);
	char *text = json_dumps(object, EVENT_DUMP_FLAGS);
	json_decref(object);
	return text;
}

/* Gives one row if it passes. 1: given, 0: not, negative: stop. */
static int
give_item(sqlite3_stmt *stmt, const struct view_items *query)
{
	AUTO(arena_fini) struct arena arena = {0};
	struct item item;
	int64_t id = sqlite3_column_int64(stmt, ITEM_ID),
		first_seen = sqlite3_column_int64(stmt, ITEM_FIRST_SEEN);

	item_read(stmt, ITEM_FIRST, &arena, &item);
	struct filter_row row = {
		.feed = column_text(stmt, ITEM_FEED),
		.event = "item.new",
		.item = &item,
		.authors_json = arena_strdup(&arena, column_text(stmt, ITEM_FIRST + 7)),
		.tags_json = arena_strdup(&arena, column_text(stmt, ITEM_FIRST + 8)),
		.attachments_json = arena_strdup(&arena, column_text(stmt, ITEM_FIRST + 9)),
		.extensions_json = arena_strdup(&arena, column_text(stmt, ITEM_FIRST + 16)),
		.id = id,
		.seq = sqlite3_column_int64(stmt, ITEM_SEQ),
		.first_seen = first_seen,
	};
	if (query->filter && !filter_pass(query->filter, &row))
		return 0;
	AUTO(freep) char *json = item_json(stmt, &item);
	struct rendered fields = {.seq = row.seq,
		.json = json,
		.event = row.event,
		.feed = row.feed,
		.id = item.id,
		.title = item.title,
		.url = item.url};
	if (item.published_at != DATE_NONE) {
		char date[DATE_SIZE];

		fields.date_published = arena_strdup(&arena, date_format(item.published_at, date));
	}
	return query->row(query->arg, id, json, &fields, first_seen) == 0 ? 1 : -ECANCELED;
}

static int
run_items(struct view *view, const struct view_items *query, const char *match)
{
	const char *sql = match ? search_sql : query->feed ? feed_items_sql : items_sql;
	const struct bind binds[] = {TEXT(query->feed), INT(query->after), INT(query->before),
		TEXT(query->tag), TEXT(match)};
	sqlite3_stmt *stmt = db_query(&view->db, sql, match ? 5 : 4, binds);
	size_t limit = query->limit < ITEMS_MOST ? query->limit : ITEMS_MOST, given = 0, looked = 0;
	int r = 0;

	while (given < limit && looked++ < ITEMS_LOOK && (r = db_step(&view->db, stmt)) > 0) {
		r = give_item(stmt, query);
		if (r < 0)
			break;
		given += (size_t)r;
	}
	sqlite3_reset(stmt);
	return r == -ECANCELED ? 0 : r < 0 ? r : 0;
}

int
view_items(struct view *view, const struct view_items *query)
{
	if (!query->search)
		return run_items(view, query, NULL);
	AUTO(arena_fini) struct arena arena = {0};
	int64_t there = 0;
	char *match = search_quote(&arena, query->search);
	int r = db_int(
		&view->db, &there, "SELECT 1 FROM sqlite_schema WHERE name = 'search'", NO_BINDS);
	if (r < 0)
		return r;
	return !*match || !there ? -EINVAL : run_items(view, query, match);
}

static int
give_feed(struct view *view, sqlite3_stmt *stmt, bool one,
	int (*row)(void *arg, const struct view_feed *feed), void *arg)
{
	struct feed_state state;
	struct view_feed feed = {.state = &state, .n_items = -1};
	int r = 0;

	feed_read(stmt, &state);
	AUTO(freep) char *tags = xstrdup(column_text(stmt, FEED_COLUMNS_COUNT));
	feed.tags_json = tags;
	feed.configured = sqlite3_column_int(stmt, FEED_COLUMNS_COUNT + 1);
	if (one) {
		r = db_int(&view->db, &feed.n_items, "SELECT count(*) FROM items WHERE feed = ?",
			BINDS(INT(state.id)));
		if (r >= 0)
			r = db_int(&view->db, &feed.n_held,
				"SELECT count(*) FROM items WHERE feed = ? AND held",
				BINDS(INT(state.id)));
	}
	if (r >= 0)
		r = db_int(&view->db, &feed.last_item_at,
			"SELECT first_seen FROM items WHERE feed = ? ORDER BY id DESC LIMIT 1",
			BINDS(INT(state.id)));
	if (r >= 0)
		r = row(arg, &feed) == 0 ? 0 : -ECANCELED;
	feed_state_fini(&state);
	return r;
}

int
view_feeds(struct view *view, const char *name, int (*row)(void *arg, const struct view_feed *feed),
	void *arg)
{
	sqlite3_stmt *stmt = name
		? db_query(&view->db,
			  "SELECT " FEED_COLUMNS ", tags, configured FROM feeds WHERE name = ?",
			  BINDS(TEXT(name)))
		: db_query(&view->db,
			  "SELECT " FEED_COLUMNS ", tags, configured FROM feeds WHERE configured"
			  " ORDER BY name",
			  NO_BINDS);
	bool found = false;
	int r;

	while ((r = db_step(&view->db, stmt)) > 0) {
		found = true;
		r = give_feed(view, stmt, name, row, arg);
		if (r < 0) {
			sqlite3_reset(stmt);
			return r == -ECANCELED ? 0 : r;
		}
	}
	return r < 0 ? r : name && !found ? -ENOENT : 0;
}

int
view_counts(struct view *view, struct view_counts *ret_counts)
{
	sqlite3_stmt *stmt = db_query(&view->db,
		"SELECT (SELECT count(*) FROM feeds WHERE configured), (SELECT count(*) FROM "
		"items), (SELECT count(*) FROM events),"
		" (SELECT coalesce(min(seq), 0) FROM events), coalesce((SELECT seq FROM "
		"sqlite_sequence WHERE name = 'events'), 0),"
		" (SELECT count(*) FROM feeds WHERE configured AND health IN ('error', 'failing')),"
		" (SELECT count(*) FROM feeds WHERE configured AND health = 'gone'),"
		" coalesce((SELECT value FROM meta WHERE name = 'indexed'), 0)",
		NO_BINDS);
	int r = db_step(&view->db, stmt);
	struct stat st;

	if (r <= 0)
		return r < 0 ? r : -EIO;
	*ret_counts = (struct view_counts){
		.feeds = sqlite3_column_int64(stmt, 0),
		.items = sqlite3_column_int64(stmt, 1),
		.events = sqlite3_column_int64(stmt, 2),
		.oldest_seq = sqlite3_column_int64(stmt, 3),
		.newest_seq = sqlite3_column_int64(stmt, 4),
		.failing = sqlite3_column_int64(stmt, 5),
		.gone = sqlite3_column_int64(stmt, 6),
		.indexed_seq = sqlite3_column_int64(stmt, 7),
	};
	sqlite3_reset(stmt);
	const char *path = sqlite3_db_filename(view->db.handle, "main");
	AUTO(freep) char *wal = xasprintf("%s-wal", path ? path : "");
	if (path && stat(path, &st) == 0)
		ret_counts->database_bytes = st.st_size;
	if (stat(wal, &st) == 0)
		ret_counts->wal_bytes = st.st_size;
	return 0;
}

int
view_cursors(struct view *view, int (*row)(void *arg, const struct view_cursor *cursor), void *arg)
{
	sqlite3_stmt *stmt = db_query(&view->db,
		"SELECT c.name, c.notifier, c.seq, c.at, (SELECT count(*) FROM events e WHERE "
		"e.seq > c.seq),"
		" coalesce((SELECT e.at FROM events e WHERE e.seq > c.seq ORDER BY e.seq LIMIT 1), "
		"0),"
		" (SELECT count(*) FROM deliveries d WHERE d.cursor = c.id AND d.state = 1),"
		" (SELECT count(*) FROM deliveries d WHERE d.cursor = c.id AND d.state = 2)"
		" FROM cursors c WHERE c.configured ORDER BY c.notifier DESC, c.name",
		NO_BINDS);
	int r;

	while ((r = db_step(&view->db, stmt)) > 0) {
		struct view_cursor cursor = {
			.name = column_text(stmt, 0),
			.notifier = sqlite3_column_int(stmt, 1),
			.cursor = sqlite3_column_int64(stmt, 2),
			.acked_at = sqlite3_column_int64(stmt, 3),
			.lag = sqlite3_column_int64(stmt, 4),
			.oldest_at = sqlite3_column_int64(stmt, 5),
			.waiting = sqlite3_column_int64(stmt, 6),
			.failed = sqlite3_column_int64(stmt, 7),
		};
		if (row(arg, &cursor) != 0)
			break;
	}
	sqlite3_reset(stmt);
	return r < 0 ? r : 0;
}

#define DELIVERIES                                                                                 \
	"SELECT c.name, d.seq, e.feed, d.state, d.attempts, d.first_at, d.at, d.next_at, "         \
	"d.detail, coalesce(i.title, e.title)"                                                     \
	" FROM deliveries d JOIN cursors c ON c.id = d.cursor LEFT JOIN events e ON e.seq = d.seq" \
	" LEFT JOIN items i ON i.id = e.item"

int
view_deliveries(struct view *view, int64_t seq,
	int (*row)(
		void *arg, const char *notify, const struct delivery *delivery, const char *title),
	void *arg)
{
	sqlite3_stmt *stmt = seq
		? db_query(&view->db,
			  DELIVERIES
			  " WHERE d.cursor IN (SELECT id FROM cursors WHERE notifier) AND d.seq = ?"
			  " ORDER BY c.name",
			  BINDS(INT(seq)))
		: db_query(&view->db,
			  DELIVERIES " WHERE d.state != 0 AND d.state = 2 AND c.configured"
				     " ORDER BY d.seq, c.name",
			  NO_BINDS);
	int r;

	while ((r = db_step(&view->db, stmt)) > 0) {
		struct delivery delivery = {
			.seq = sqlite3_column_int64(stmt, 1),
			.feed = sqlite3_column_int64(stmt, 2),
			.state = (enum delivery_state)sqlite3_column_int(stmt, 3),
			.attempts = sqlite3_column_int(stmt, 4),
			.first_at = sqlite3_column_int64(stmt, 5),
			.at = sqlite3_column_int64(stmt, 6),
			.next_at = sqlite3_column_int64(stmt, 7),
			.detail = column_text(stmt, 8),
		};
		if (row(arg, column_text(stmt, 0), &delivery, column_text(stmt, 9)) != 0)
			break;
	}
	sqlite3_reset(stmt);
	return r < 0 ? r : 0;
}

int
view_why(struct view *view, int64_t seq, int (*row)(void *arg, const struct view_why *why),
	void *arg)
{
	sqlite3_stmt *stmt = db_query(&view->db,
		"SELECT e.event, f.name, i.guid, i.url, coalesce(i.title, e.title), i.identity, "
		"e.item, i.first_seen, e.at, i.key"
		" FROM events e JOIN feeds f ON f.id = e.feed LEFT JOIN items i ON i.id = e.item "
		"WHERE e.seq = ?",
		BINDS(INT(seq)));
	int r = db_step(&view->db, stmt);

	if (r <= 0)
		return r < 0 ? r : -ENOENT;
	struct view_why why = {
		.event = column_text(stmt, 0),
		.feed = column_text(stmt, 1),
		.guid = column_text(stmt, 2),
		.url = column_text(stmt, 3),
		.title = column_text(stmt, 4),
		.identity = column_text(stmt, 5),
		.seq = seq,
		.item = sqlite3_column_int64(stmt, 6),
		.first_seen = sqlite3_column_int64(stmt, 7),
		.at = sqlite3_column_int64(stmt, 8),
		.key = (uint64_t)sqlite3_column_int64(stmt, 9),
	};
	row(arg, &why);
	sqlite3_reset(stmt);
	return 0;
}

int
view_backup(struct view *view, const char *path)
{
	if (access(path, F_OK) == 0)
		return -EEXIST;
	/* query_only forbids VACUUM INTO, though it writes nothing here. */
	int r = db_exec(&view->db, "PRAGMA query_only = 0");
	if (r == 0)
		r = db_run(&view->db, "VACUUM INTO ?", BINDS(TEXT(path)));
	if (db_exec(&view->db, "PRAGMA query_only = 1") < 0 && r == 0)
		r = -EIO;
	return r;
}
