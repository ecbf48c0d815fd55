/*
 * view.c - reading the log: for notifiers (on the reader thread) and for streams (on the socket's).
 *
 * No statement stays open between calls, and a call looks at a bounded number of rows: a read
 * transaction that lasts keeps the writer's checkpoint from passing, and the WAL grows.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "room.h"

/* Events that one call looks at. */
#define EVENTS_LOOK 1000
#define SCAN_LOOK 4096

/* What an event is made of; `i.` and `f.` may be NULL-rows. The order is that of struct columns
 * below. */
#define EVENT_SELECT                                                                               \
	"SELECT e.seq, e.feed, e.event, e.at, e.title, e.item, f.name, f.title, f.url, "           \
	"f.home_page_url, f.tags, i.first_seen,"                                                   \
	" i.guid, i.url, i.external_url, i.title, i.summary, i.content_html, i.content_text, "     \
	"i.authors, i.tags, i.attachments,"                                                        \
	" i.image, i.banner_image, i.language, i.base_url, i.published, i.modified, i.extensions"  \
	" FROM events e JOIN feeds f ON f.id = e.feed LEFT JOIN items i ON i.id = e.item"
enum column {
	COLUMN_SEQ,
	COLUMN_FEED,
	COLUMN_EVENT,
	COLUMN_AT,
	COLUMN_TITLE,
	COLUMN_ITEM,
	COLUMN_NAME,
	COLUMN_FEED_TITLE,
	COLUMN_FEED_URL,
	COLUMN_HOME,
	COLUMN_TAGS,
	COLUMN_FIRST_SEEN,
	COLUMN_ITEM_FIRST,
	COLUMN_AUTHORS = COLUMN_ITEM_FIRST + 7,
	COLUMN_ITEM_TAGS,
	COLUMN_ATTACHMENTS,
	COLUMN_EXTENSIONS = COLUMN_ITEM_FIRST + ITEM_COLUMNS_COUNT - 1,
};

int
view_open(struct view **ret_view, const char *path)
{
	struct view *view = xcalloc(1, sizeof(*view));
	int r = db_open(&view->db, path, SQLITE_OPEN_READONLY);

	if (r == 0)
		r = db_exec(&view->db,
			"PRAGMA query_only = 1; PRAGMA cache_size = -4000; PRAGMA mmap_size = 0");
	if (r < 0) {
		view_close(view);
		return r;
	}
	*ret_view = view;
	return 0;
}

void
view_close(struct view *view)
{
	if (!view)
		return;
	db_close(&view->db);
	free(view);
}

/* One event as it was read; all in the arena. */
struct reading {
	struct event event;
	struct item item;
	int64_t item_id, feed_id, first_seen;
	const char *kind_name, *tags_json, *item_tags_json, *authors_json, *attachments_json,
		*extensions_json;
};

/* What the event says itself, and its feed; not the item. False for a kind that this feedd does not
 * know. */
static bool
reading_begin(sqlite3_stmt *stmt, struct arena *arena, struct reading *reading)
{
	*reading = (struct reading){
		.item_id = sqlite3_column_int64(stmt, COLUMN_ITEM),
		.feed_id = sqlite3_column_int64(stmt, COLUMN_FEED),
		.first_seen = sqlite3_column_int64(stmt, COLUMN_FIRST_SEEN),
		.kind_name = arena_strdup(arena, column_text(stmt, COLUMN_EVENT)),
		.tags_json = arena_strdup(arena, column_text(stmt, COLUMN_TAGS)),
	};
	int kind = event_kind_parse(reading->kind_name);
	struct event *event = &reading->event;
	const char **tags = NULL;
	if (kind < 0)
		return false;
	event->seq = sqlite3_column_int64(stmt, COLUMN_SEQ);
	event->kind = (enum event_kind)kind;
	event->at = reading->item_id ? reading->first_seen : sqlite3_column_int64(stmt, COLUMN_AT);
	event->title = arena_strdup(arena, column_text(stmt, COLUMN_TITLE));
	event->feed.n_tags = strings_read(reading->tags_json, arena, &tags);
	event->feed.tags = tags;
	event->feed.name = arena_strdup(arena, column_text(stmt, COLUMN_NAME));
	event->feed.title = arena_strdup(arena, column_text(stmt, COLUMN_FEED_TITLE));
	event->feed.url = arena_strdup(arena, column_text(stmt, COLUMN_FEED_URL));
	event->feed.home_page_url = arena_strdup(arena, column_text(stmt, COLUMN_HOME));
	/* The row of an item may be gone, though the event names it. */
	return !reading->item_id || sqlite3_column_type(stmt, COLUMN_ITEM_FIRST) != SQLITE_NULL;
}

/* The item, which costs most: only where it is looked at. */
static void
reading_complete(sqlite3_stmt *stmt, struct arena *arena, struct reading *reading)
{
	if (!reading->item_id || reading->event.item)
		return;
	reading->item_tags_json = arena_strdup(arena, column_text(stmt, COLUMN_ITEM_TAGS));
	reading->authors_json = arena_strdup(arena, column_text(stmt, COLUMN_AUTHORS));
	reading->attachments_json = arena_strdup(arena, column_text(stmt, COLUMN_ATTACHMENTS));
	reading->extensions_json = arena_strdup(arena, column_text(stmt, COLUMN_EXTENSIONS));
	item_read(stmt, COLUMN_ITEM_FIRST, arena, &reading->item);
	reading->event.item = &reading->item;
}

static bool
selects(const struct notify_config *notify, const struct reading *reading)
{
	if (!notify)
		return true;
	bool wanted = notify->events.n == 0;
	for (size_t i = 0; i < notify->events.n && !wanted; i++)
		wanted = strcmp(notify->events.at[i], reading->kind_name) == 0;
	if (!wanted)
		return false;
	struct string_list tags = {
		(const char **)(uintptr_t)reading->event.feed.tags, reading->event.feed.n_tags};
	return notify->feeds.n == 0 ||
		config_selects(&notify->feeds, reading->event.feed.name, &tags);
}

/* The row under the statement: is it asked for? */
static bool
passes(sqlite3_stmt *stmt, struct arena *arena, struct filter *filter, struct reading *reading)
{
	if (!filter)
		return true;
	reading_complete(stmt, arena, reading);
	struct filter_row row = {
		.feed = reading->event.feed.name,
		.event = reading->kind_name,
		.item = reading->event.item,
		.title = reading->event.title,
		.authors_json = reading->authors_json,
		.tags_json = reading->item_tags_json,
		.attachments_json = reading->attachments_json,
		.extensions_json = reading->extensions_json,
		.id = reading->item_id,
		.seq = reading->event.seq,
		.first_seen = reading->event.at,
	};
	return filter_pass(filter, &row);
}

/* True if this notifier was told the article before, out of another feed. 1, 0, or -errno. */
static int
is_repetition(struct view *view, const struct store_scan *scan, const struct reading *reading)
{
	struct article article;
	int r, found = 0;

	if (!scan->notify || !scan->notify->duplicates_suppress ||
		reading->event.kind != EVENT_ITEM_NEW)
		return 0;
	r = view_article(view, reading->item_id, &article);
	if (r < 0 || (!article.address && !article.text))
		return r;
	sqlite3_stmt *stmt = db_query(&view->db,
		EVENT_SELECT
		" WHERE e.item IN (SELECT id FROM items WHERE article = ?1 AND article IS NOT NULL"
		" UNION SELECT id FROM items WHERE text_hash = ?2 AND text_hash IS NOT NULL)"
		" AND e.seq < ?3 AND e.feed != ?4 AND e.event = 'item.new' ORDER BY e.seq LIMIT 20",
		BINDS(INT_OR_NULL(article.address, 0), INT_OR_NULL(article.text, 0),
			INT(reading->event.seq), INT(reading->feed_id)));
	while (!found && (r = db_step(&view->db, stmt)) > 0) {
		AUTO(arena_fini) struct arena arena = {0};
		struct reading earlier;

		found = reading_begin(stmt, &arena, &earlier) && selects(scan->notify, &earlier) &&
			passes(stmt, &arena, scan->filter, &earlier);
	}
	sqlite3_reset(stmt);
	return r < 0 ? r : found;
}

/* The event object and the handy fields; json (malloc'd by event_to_json) is moved into the arena
 * unless it is not wanted. */
static void
render(const struct reading *reading, bool json, struct arena *arena, struct rendered *ret_rendered)
{
	const struct event *event = &reading->event;
	const struct item *item = event->item;

	*ret_rendered = (struct rendered){
		.seq = event->seq,
		.feed_id = reading->feed_id,
		.event = reading->kind_name,
		.feed = event->feed.name,
		.id = item ? item->id : NULL,
		.title = item ? item->title : event->title,
		.url = item ? item->url : NULL,
	};
	if (item && item->published_at != DATE_NONE) {
		char date[DATE_SIZE];

		ret_rendered->date_published =
			arena_strdup(arena, date_format(item->published_at, date));
	}
	if (json) {
		AUTO(freep) char *text = event_to_json(event);

		ret_rendered->json = arena_strdup(arena, text);
	}
}

int
view_events(struct view *view, const struct view_events *query, int64_t *ret_scanned)
{
	sqlite3_stmt *stmt =
		db_query(&view->db, EVENT_SELECT " WHERE e.seq > ? ORDER BY e.seq LIMIT ?",
			BINDS(INT(query->after), INT(EVENTS_LOOK)));
	size_t given = 0;
	int r, stop = 0;

	*ret_scanned = query->after;
	while (!stop && given < query->limit && (r = db_step(&view->db, stmt)) != 0) {
		AUTO(arena_fini) struct arena arena = {0};
		struct reading reading;
		struct rendered rendered;

		if (r < 0)
			return r;
		*ret_scanned = sqlite3_column_int64(stmt, COLUMN_SEQ);
		const char *name = column_text(stmt, COLUMN_NAME);
		if (query->feed && (!name || strcmp(query->feed, name) != 0))
			continue;
		if (!reading_begin(stmt, &arena, &reading) || !selects(query->notify, &reading) ||
			!passes(stmt, &arena, query->filter, &reading))
			continue;
		reading_complete(stmt, &arena, &reading);
		render(&reading, !query->no_json, &arena, &rendered);
		stop = query->row(query->arg, &rendered, reading.event.at);
		given++;
	}
	sqlite3_reset(stmt);
	return 0;
}

int
view_scan(struct view *view, struct store_scan *scan)
{
	sqlite3_stmt *stmt =
		db_query(&view->db, EVENT_SELECT " WHERE e.seq > ? ORDER BY e.seq LIMIT ?",
			BINDS(INT(scan->after), INT(SCAN_LOOK)));
	size_t looked = 0;
	int r = 0;

	scan->events = xcalloc(scan->limit, sizeof(*scan->events));
	scan->n_events = 0;
	scan->scanned_to = scan->after;
	while (scan->n_events < scan->limit && (r = db_step(&view->db, stmt)) > 0) {
		AUTO(arena_fini) struct arena arena = {0};
		struct reading reading;

		looked++;
		scan->scanned_to = sqlite3_column_int64(stmt, COLUMN_SEQ);
		if (!reading_begin(stmt, &arena, &reading) || !selects(scan->notify, &reading) ||
			!passes(stmt, &arena, scan->filter, &reading))
			continue;
		r = is_repetition(view, scan, &reading);
		if (r < 0)
			break;
		if (r > 0)
			continue;
		scan->events[scan->n_events++] = (struct scanned){
			.seq = reading.event.seq,
			.feed = reading.feed_id,
			.at = reading.event.at,
			.kind = reading.event.kind,
		};
	}
	scan->more = scan->n_events == scan->limit || looked == SCAN_LOOK;
	sqlite3_reset(stmt);
	return r < 0 ? r : 0;
}

/* One event into *rendered. 1, 0 where it is gone, or -errno. */
static int
render_one(struct view *view, struct store_render *it, int64_t seq, struct rendered *rendered)
{
	sqlite3_stmt *stmt = db_query(&view->db, EVENT_SELECT " WHERE e.seq = ?", BINDS(INT(seq)));
	int r = db_step(&view->db, stmt);
	struct reading reading;

	if (r <= 0)
		return r;
	if (!reading_begin(stmt, &it->arena, &reading)) {
		sqlite3_reset(stmt);
		return 0;
	}
	reading_complete(stmt, &it->arena, &reading);
	sqlite3_reset(stmt);
	if (it->also && reading.item_id)
		r = view_also(view, reading.item_id, reading.feed_id, &it->arena,
			&reading.event.also_json);
	render(&reading, true, &it->arena, rendered);
	return r < 0 ? r : 1;
}

int
view_render(struct view *view, struct store_render *it)
{
	size_t bytes = 0;

	it->events = arena_zalloc(&it->arena, (it->n_seqs + 1) * sizeof(*it->events));
	it->n_events = it->n_seen = 0;
	for (; it->n_seen < it->n_seqs; it->n_seen++) {
		struct rendered *rendered = &it->events[it->n_events];
		int r = render_one(view, it, it->seqs[it->n_seen], rendered);

		if (r < 0)
			return r;
		if (r == 0)
			continue; /* retention took it */
		size_t len = strlen(rendered->json);
		if (it->n_events > 0 && bytes + len > STORE_RENDER_MAX)
			return 0;
		bytes += len;
		it->n_events++;
	}
	return 0;
}

int
view_log_ends(struct view *view, int64_t *ret_oldest, int64_t *ret_newest)
{
	*ret_oldest = *ret_newest = 0;
	int r = db_int(&view->db, ret_oldest, "SELECT min(seq) FROM events", NO_BINDS);
	if (r >= 0)
		r = db_int(&view->db, ret_newest,
			"SELECT seq FROM sqlite_sequence WHERE name = 'events'", NO_BINDS);
	return r < 0 ? r : 0;
}

int
view_consumer(struct view *view, const char *name, int64_t *ret_seq)
{
	int r = db_int(&view->db, ret_seq,
		"SELECT seq FROM cursors WHERE notifier = 0 AND name = ?", BINDS(TEXT(name)));

	return r < 0 ? r : r == 0 ? -ENOENT : 0;
}
