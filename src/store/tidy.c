/*
 * tidy.c - retention, in steps small enough that no poll waits.
 *
 * An item goes when it is older than its feed's `keep`, its feed no longer lists it and no cursor
 * still needs its events. A cursor that nobody moves may hold the log back for `keep_events` at
 * most. Keys of items outlive them by far, so that nothing old is taken for new.
 */
#include <errno.h>

#include "room.h"

#define DAY 86400
/* Rows deleted in one step. */
#define STEP 200
/* Of an event e: deliveries that are tried again, or were set aside. */
#define OPEN_DELIVERIES                                                                            \
	"cursors c JOIN deliveries d ON d.cursor = c.id AND d.seq = e.seq AND d.state != 0"        \
	" AND c.configured"
/* Of feeds, which have no item to go with. */
#define OLD_FEED_EVENTS                                                                            \
	"SELECT e.seq FROM events e WHERE e.item IS NULL AND e.at < ?1 AND e.seq <= ?2"            \
	" AND NOT EXISTS (SELECT 1 FROM " OPEN_DELIVERIES ") ORDER BY e.seq LIMIT ?3"

/* The newest seq up to which the log may go: every cursor is past it, or it is older than
 * keep_events. */
static int
safe_seq(struct store *store, const struct store_tidy *tidy, int64_t *ret_seq,
	int64_t *ret_overtaken)
{
	int64_t cursor = INT64_MAX, expired = 0;
	int r = db_int(&store->db, &cursor,
		"SELECT coalesce(min(seq), ?) FROM cursors WHERE configured",
		BINDS(INT(INT64_MAX)));

	if (r < 0)
		return r;
	if (tidy->config->keep_events > 0)
		r = db_int(&store->db, &expired,
			"SELECT seq FROM events WHERE seq > ?2 AND at < ?1 ORDER BY seq DESC LIMIT "
			"1",
			BINDS(INT(tidy->now - tidy->config->keep_events),
				INT(cursor == INT64_MAX ? 0 : cursor)));
	*ret_seq = cursor > expired ? cursor : expired;
	*ret_overtaken = expired;
	return r < 0 ? r : 0;
}

/* Counts the cursors that are behind what the log may forget. */
static int
overtake(struct store *store, struct store_tidy *tidy, int64_t seq)
{
	if (seq == 0)
		return 0;
	int r = db_int(&store->db, &tidy->overdue_consumers,
		"SELECT count(*) FROM cursors WHERE seq < ? AND configured", BINDS(INT(seq)));
	return r < 0 ? r : 0;
}

static int
delete_item(struct store *store, int64_t item)
{
	int r = search_remove(store, item);

	if (r == 0)
		r = db_run(&store->db,
			"DELETE FROM deliveries WHERE seq IN (SELECT seq FROM events WHERE item = "
			"?1)"
			" AND cursor IN (SELECT id FROM cursors)",
			BINDS(INT(item)));
	if (r == 0)
		r = db_run(&store->db, "DELETE FROM events WHERE item = ?", BINDS(INT(item)));
	if (r == 0)
		r = db_run(&store->db, "DELETE FROM items WHERE id = ?", BINDS(INT(item)));
	return r;
}

/* The items that a statement names, STEP at most. */
static int
delete_all(struct store *store, struct store_tidy *tidy, sqlite3_stmt *stmt)
{
	int64_t ids[STEP];
	int n = 0, r;

	while ((r = db_step(&store->db, stmt)) > 0)
		ids[n++] = sqlite3_column_int64(stmt, 0);
	for (int i = 0; r == 0 && i < n; i++)
		r = delete_item(store, ids[i]);
	tidy->items += n;
	tidy->more = tidy->more || n == STEP;
	return r;
}

/* Items of one feed. `seen.last` is kept to the day, so what was listed by the last document, under
 * any spelling of its key, was sighted within a day of it. */
static int
delete_items(
	struct store *store, struct store_tidy *tidy, const struct feed_config *feed, int64_t safe)
{
	sqlite3_stmt *stmt = db_query(&store->db,
		"SELECT i.id FROM feeds f JOIN items i ON i.feed = f.id"
		" WHERE f.name = ?1 AND i.first_seen < ?2 AND i.seq <= ?3 AND NOT i.held AND i.id"
		" NOT IN (SELECT item FROM seen WHERE feed = (SELECT id FROM feeds WHERE name = ?1)"
		"  AND last > (SELECT last_change FROM feeds WHERE name = ?1) - ?4)"
		" AND NOT EXISTS (SELECT 1 FROM events e JOIN " OPEN_DELIVERIES
		" WHERE e.item = i.id)"
		" ORDER BY i.id LIMIT ?5",
		BINDS(TEXT(feed->name), INT(tidy->now - feed->settings->keep), INT(safe), INT(DAY),
			INT(STEP)));

	return delete_all(store, tidy, stmt);
}

/* Items of feeds that left the configuration follow the longest default: keep_events. */
static int
delete_orphans(struct store *store, struct store_tidy *tidy, int64_t safe)
{
	if (tidy->config->keep_events <= 0)
		return 0;
	sqlite3_stmt *stmt = db_query(&store->db,
		"SELECT i.id FROM feeds f JOIN items i ON i.feed = f.id WHERE NOT f.configured AND "
		"i.first_seen < ?1 AND i.seq <= ?2"
		" AND NOT EXISTS (SELECT 1 FROM events e JOIN " OPEN_DELIVERIES
		" WHERE e.item = i.id AND d.state = 1)"
		" LIMIT ?3",
		BINDS(INT(tidy->now - tidy->config->keep_events), INT(safe), INT(STEP)));
	return delete_all(store, tidy, stmt);
}

static int
delete_feed_events(struct store *store, struct store_tidy *tidy, int64_t safe)
{
	if (tidy->config->keep_events <= 0)
		return 0;
	const struct bind binds[] = {
		INT(tidy->now - tidy->config->keep_events), INT(safe), INT(STEP)};
	/* What is deleted first changes nothing of what the second selects. */
	int r = db_run(&store->db,
		"DELETE FROM deliveries WHERE seq IN (" OLD_FEED_EVENTS
		") AND cursor IN (SELECT id FROM cursors)",
		ARRAY_SIZE(binds), binds);
	if (r == 0)
		r = db_run(&store->db, "DELETE FROM events WHERE seq IN (" OLD_FEED_EVENTS ")",
			ARRAY_SIZE(binds), binds);
	int n = r == 0 ? sqlite3_changes(store->db.handle) : 0;
	tidy->events += n;
	tidy->more = tidy->more || n == STEP;
	return r;
}

/* A key is forgotten once the feed has been read in full since it was last sighted, and that is
 * long ago. */
static int
forget_keys(struct store *store, struct store_tidy *tidy, const struct feed_config *feed)
{
	if (tidy->config->forget <= 0)
		return 0;
	int r = db_run(&store->db,
		"DELETE FROM seen WHERE feed = (SELECT id FROM feeds WHERE name = ?1) AND last < ?2"
		" AND last < (SELECT last_change FROM feeds WHERE name = ?1) - ?3"
		" AND NOT EXISTS (SELECT 1 FROM items WHERE items.id = seen.item)",
		BINDS(TEXT(feed->name), INT(tidy->now - tidy->config->forget), INT(DAY)));
	tidy->keys += sqlite3_changes(store->db.handle);
	return r;
}

/* What feed.rekeyed held back is told after `rekeyed_timeout`, where that is set. One feed a step.
 */
static int
release_overdue(struct store *store, struct store_tidy *tidy)
{
	struct store_feed_command release = {.command = FEED_RELEASE, .now = tidy->now};

	if (tidy->config->rekeyed_timeout <= 0)
		return 0;
	int r = db_int(&store->db, &release.id,
		"SELECT feed FROM items WHERE held AND first_seen < ? LIMIT 1",
		BINDS(INT(tidy->now - tidy->config->rekeyed_timeout)));
	if (r <= 0)
		return r;
	r = write_feed_command(store, &release);
	tidy->released = release.count;
	tidy->more = true;
	return r;
}

/* Consumers that have not been heard of for keep_events and have lost events: at their next word
 * they begin at the oldest event kept, as they would have with their cursor. */
static int
forget_consumers(struct store *store, const struct store_tidy *tidy)
{
	if (tidy->config->keep_events <= 0)
		return 0;
	return db_run(&store->db,
		"DELETE FROM cursors WHERE notifier = 0 AND at < ?1 AND seq < (SELECT min(seq) "
		"FROM "
		"events) - 1",
		BINDS(INT(tidy->now - tidy->config->keep_events)));
}

/* One step: as many feeds as it takes to fill it, from where the last one stopped. */
int
write_tidy(struct store *store, struct store_tidy *tidy)
{
	const struct config *config = tidy->config;
	int64_t safe, overtaken;
	int r = safe_seq(store, tidy, &safe, &overtaken);

	tidy->items = tidy->events = tidy->keys = tidy->overdue_consumers = tidy->released = 0;
	tidy->more = false;
	if (r == 0)
		r = overtake(store, tidy, overtaken);
	if (r == 0)
		r = release_overdue(store, tidy);
	if (r == 0)
		r = delete_feed_events(store, tidy, safe);
	if (r == 0)
		r = delete_orphans(store, tidy, safe);
	if (r == 0)
		r = forget_consumers(store, tidy);
	size_t end = tidy->feed + TIDY_FEEDS < config->n_feeds ? tidy->feed + TIDY_FEEDS
							       : config->n_feeds;
	for (; r == 0 && tidy->feed < end && tidy->items < STEP; tidy->feed++) {
		const struct feed_config *feed = &config->feeds[tidy->feed];

		if (feed->settings->keep > 0)
			r = delete_items(store, tidy, feed, safe);
		if (r == 0 && !tidy->more)
			r = forget_keys(store, tidy, feed);
		if (tidy->more)
			break; /* this feed has more */
	}
	tidy->more = tidy->more || tidy->feed < config->n_feeds;
	return r;
}
