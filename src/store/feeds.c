/*
 * feeds.c - the rows of feeds: meeting the configuration, state between polls, commands.
 *
 * The name is the key and the address an attribute: a feed that is renamed or moves keeps what is
 * known of it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "room.h"

static char *
column_dup(sqlite3_stmt *stmt, int column)
{
	return xstrdup(column_text(stmt, column));
}

static enum feed_health
health_parse(const char *name)
{
	for (int health = FEED_NEW; health <= FEED_GONE; health++)
		if (name && strcmp(name, feed_health_name((enum feed_health)health)) == 0)
			return (enum feed_health)health;
	return FEED_NEW;
}

void
feed_read(sqlite3_stmt *stmt, struct feed_state *state)
{
	int c = 0;

	*state = (struct feed_state){.id = sqlite3_column_int64(stmt, c++)};
	char **const strings[] = {&state->name, &state->url, &state->title, &state->home_page_url,
		&state->language, &state->etag, &state->last_modified, &state->detail,
		&state->moved_to, &state->accepted_url, &state->reason};
	for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
		*strings[i] = column_dup(stmt, c++);
	state->body_hash = (uint64_t)sqlite3_column_int64(stmt, c++);
	int64_t *const times[] = {&state->first_poll_at, &state->last_poll_at,
		&state->last_success_at, &state->last_change_at, &state->next_poll_at,
		&state->full_fetch_at, &state->failing_since, &state->moved_since,
		&state->retry_after_at, &state->silent_told_at};
	for (size_t i = 0; i < ARRAY_SIZE(times); i++)
		*times[i] = sqlite3_column_int64(stmt, c++);
	state->fails = (uint32_t)sqlite3_column_int64(stmt, c++);
	state->status = sqlite3_column_int(stmt, c++);
	state->hint = sqlite3_column_int64(stmt, c++);
	state->hints.ttl = sqlite3_column_int64(stmt, c++);
	state->hints.update_period = sqlite3_column_int64(stmt, c++);
	state->hints.skip_hours = (uint32_t)sqlite3_column_int64(stmt, c++);
	state->hints.skip_days = (uint8_t)sqlite3_column_int(stmt, c++);
	state->health = health_parse(column_text(stmt, c++));
	state->sticky_guid_link = sqlite3_column_int(stmt, c++);
	state->polls = sqlite3_column_int64(stmt, c++);
	state->polls_304 = sqlite3_column_int64(stmt, c++);
	state->items = sqlite3_column_int64(stmt, c++);
	state->bytes = sqlite3_column_int64(stmt, c++);
	const void *schedule = sqlite3_column_blob(stmt, c);
	if (schedule && sqlite3_column_bytes(stmt, c) == SCHEDULE_STATE_SIZE)
		memcpy(state->schedule, schedule, SCHEDULE_STATE_SIZE);
}

int
view_load(struct view *view, struct store_load *load)
{
	sqlite3_stmt *stmt = db_query(
		&view->db, "SELECT " FEED_COLUMNS " FROM feeds WHERE id = ?", BINDS(INT(load->id)));
	int r = db_step(&view->db, stmt);

	if (r <= 0)
		return r < 0 ? r : -ENOENT;
	feed_read(stmt, &load->state);
	sqlite3_reset(stmt);
	return 0;
}

int
write_feed_state(struct store *store, const struct feed_state *state)
{
	/* title_set: a title in the configuration stands above the feed's own. */
	static const char sql[] = "UPDATE feeds SET title = coalesce(title_set, ?2), home_page_url "
				  "= ?3, language = ?4, etag = ?5, last_modified = ?6,"
				  " detail = ?7, moved_to = ?8, reason = ?9, body_hash = ?10, "
				  "first_poll = ?11, last_poll = ?12, last_success = ?13,"
				  " last_change = ?14, next_poll = ?15, full_fetch = ?16, "
				  "failing_since = ?17, moved_since = ?18, retry_after = ?19,"
				  " silent_told = ?20, fails = ?21, status = ?22, hint = ?23, ttl "
				  "= ?24, update_period = ?25, skip_hours = ?26,"
				  " skip_days = ?27, health = ?28, sticky = ?29, polls = ?30, "
				  "polls_304 = ?31, items = ?32, bytes = ?33,"
				  " schedule = ?34, accepted_url = ?35 WHERE id = ?1";

	return db_run(&store->db, sql,
		BINDS(INT(state->id), TEXT(state->title), TEXT(state->home_page_url),
			TEXT(state->language), TEXT(state->etag), TEXT(state->last_modified),
			TEXT(state->detail), TEXT(state->moved_to), TEXT(state->reason),
			INT((int64_t)state->body_hash), INT(state->first_poll_at),
			INT(state->last_poll_at), INT(state->last_success_at),
			INT(state->last_change_at), INT(state->next_poll_at),
			INT(state->full_fetch_at), INT(state->failing_since),
			INT(state->moved_since), INT(state->retry_after_at),
			INT(state->silent_told_at), INT(state->fails), INT(state->status),
			INT(state->hint), INT(state->hints.ttl), INT(state->hints.update_period),
			INT(state->hints.skip_hours), INT(state->hints.skip_days),
			TEXT(feed_health_name(state->health)), INT(state->sticky_guid_link),
			INT(state->polls), INT(state->polls_304), INT(state->items),
			INT(state->bytes), BLOB(state->schedule, SCHEDULE_STATE_SIZE),
			TEXT(state->accepted_url)));
}

/* Rows whose names leave the configuration with this sync. */
struct leaving {
	int64_t *ids;
	size_t n;
};

static bool
is_leaving(const struct leaving *leaving, int64_t id)
{
	for (size_t i = 0; i < leaving->n; i++)
		if (leaving->ids[i] == id)
			return true;
	return false;
}

/* Those of names that left the configuration, in one statement. */
static int
mark_others(struct store *store, const struct config *config, struct leaving *leaving)
{
	AUTO(freep) const char **names = xcalloc(config->n_feeds, sizeof(*names));

	for (size_t i = 0; i < config->n_feeds; i++)
		names[i] = config->feeds[i].name;
	AUTO(freep) char *text = strings_json(names, config->n_feeds);
	sqlite3_stmt *stmt = db_query(&store->db,
		"UPDATE feeds SET configured = 0 WHERE configured = 1 AND name NOT IN (SELECT "
		"value FROM json_each(?)) RETURNING id",
		BINDS(TEXT(text)));
	int r;
	while ((r = db_step(&store->db, stmt)) > 0) {
		if ((leaving->n & (leaving->n - 1)) == 0)
			leaving->ids = xrealloc(leaving->ids, leaving->n ? 2 * leaving->n : 1,
				sizeof(*leaving->ids));
		leaving->ids[leaving->n++] = sqlite3_column_int64(stmt, 0);
	}
	return r;
}

/* A feed without a row takes over the row of the same address whose name left the configuration. */
static int
adopt_renamed(struct store *store, const struct feed_config *feed)
{
	int64_t id = 0;
	int r = db_int(&store->db, &id,
		"SELECT id FROM feeds WHERE url = ? AND configured = 0 LIMIT 1",
		BINDS(TEXT(feed->url)));

	if (r <= 0)
		return r;
	r = db_run(&store->db, "UPDATE feeds SET name = ? WHERE id = ?",
		BINDS(TEXT(feed->name), INT(id)));
	return r < 0 ? r : 1;
}

/* A name that now stands for the address of a row whose own name is just leaving: the rows change
 * names, and each goes on with what is known of its address. A list in another order does that,
 * where several of its feeds have the same title. */
static int
swap_names(struct store *store, const struct leaving *leaving, int64_t id,
	const struct feed_config *feed)
{
	int64_t other = 0;
	int r = leaving->n == 0
		? 0
		: db_int(&store->db, &other,
			  "SELECT id FROM feeds WHERE url = ? AND configured = 0 LIMIT 1",
			  BINDS(TEXT(feed->url)));

	if (r <= 0 || !is_leaving(leaving, other))
		return r < 0 ? r : 0;
	/* Names are unique, also between two statements: no feed has a slash in its own. */
	r = db_run(&store->db,
		"UPDATE feeds SET configured = 0, name = (SELECT name FROM feeds WHERE id = ?2) || "
		"'/' WHERE id = ?1",
		BINDS(INT(id), INT(other)));
	if (r == 0)
		r = db_run(&store->db, "UPDATE feeds SET name = ? WHERE id = ?",
			BINDS(TEXT(feed->name), INT(other)));
	if (r == 0)
		r = db_run(&store->db, "UPDATE feeds SET name = rtrim(name, '/') WHERE id = ?",
			BINDS(INT(id)));
	return r;
}

/* Sees to it that the feed's name has a row, and the right one. */
static int
claim_row(struct store *store, const struct leaving *leaving, const struct feed_config *feed)
{
	sqlite3_stmt *stmt = db_query(
		&store->db, "SELECT id, url FROM feeds WHERE name = ?", BINDS(TEXT(feed->name)));
	int r = db_step(&store->db, stmt);

	if (r < 0)
		return r;
	if (r > 0) {
		int64_t id = sqlite3_column_int64(stmt, 0);
		bool moved = strcmp(column_text(stmt, 1), feed->url) != 0;

		sqlite3_reset(stmt);
		return moved ? swap_names(store, leaving, id, feed) : 0;
	}
	r = adopt_renamed(store, feed);
	if (r == 0)
		return db_run(&store->db,
			"INSERT INTO feeds(name, url, configured) VALUES(?, ?, 1)",
			BINDS(TEXT(feed->name), TEXT(feed->url)));
	return r < 0 ? r : 0;
}

/* Another address is another document: validators and body hash mean nothing for it, and what
 * stands in it at first is no news. */
static int
change_address(struct store *store, int64_t id, const struct feed_config *feed)
{
	return db_run(&store->db,
		"UPDATE feeds SET url = ?2, etag = NULL, last_modified = NULL, body_hash = 0, "
		"first_poll = 0, next_poll = 0,"
		" fails = 0, failing_since = 0, retry_after = 0, moved_to = NULL, moved_since = 0, "
		"accepted_url = NULL,"
		"detail = NULL,"
		" health = 'new' WHERE id = ?1",
		BINDS(INT(id), TEXT(feed->url)));
}

static int
sync_one(struct store *store, const struct leaving *leaving, const struct feed_config *feed,
	struct store_feed *ret_feed)
{
	static const char select_sql[] =
		"SELECT id, url, next_poll, retry_after, last_poll, "
		"health, fails, schedule, status FROM feeds WHERE name = ?";
	AUTO(freep) char *tags = strings_json(feed->tags.at, feed->tags.n);
	int r = claim_row(store, leaving, feed);

	if (r < 0)
		return r;
	sqlite3_stmt *stmt = db_query(&store->db, select_sql, BINDS(TEXT(feed->name)));
	r = db_step(&store->db, stmt);
	if (r <= 0)
		return r < 0 ? r : -EIO;
	int64_t id = sqlite3_column_int64(stmt, 0);
	const char *url = column_text(stmt, 1);
	bool moved = !url || strcmp(url, feed->url) != 0;
	*ret_feed = (struct store_feed){.id = id, .health = FEED_NEW};
	if (!moved) {
		ret_feed->next_poll_at = sqlite3_column_int64(stmt, 2);
		ret_feed->retry_after_at = sqlite3_column_int64(stmt, 3);
		ret_feed->last_poll_at = sqlite3_column_int64(stmt, 4);
		ret_feed->health = health_parse(column_text(stmt, 5));
		ret_feed->fails = (uint32_t)sqlite3_column_int64(stmt, 6);
		ret_feed->status = sqlite3_column_int(stmt, 8);
	}
	const void *schedule = sqlite3_column_blob(stmt, 7);
	if (schedule && sqlite3_column_bytes(stmt, 7) == SCHEDULE_STATE_SIZE)
		memcpy(ret_feed->schedule, schedule, SCHEDULE_STATE_SIZE);
	sqlite3_reset(stmt);
	r = moved ? change_address(store, id, feed) : 0;
	if (r == 0)
		r = db_run(&store->db,
			"UPDATE feeds SET configured = 1, tags = ?2, title_set = ?3, title = "
			"coalesce(?3, title)"
			" WHERE id = ?1 AND (configured != 1 OR tags != ?2 OR title_set IS NOT ?3)",
			BINDS(INT(id), TEXT(tags), TEXT(feed->title)));
	return r;
}

int
write_sync(struct store *store, struct store_sync *sync)
{
	const struct config *config = sync->config;
	struct leaving leaving = {0};
	int r = mark_others(store, config, &leaving);

	if (r == 0)
		r = articles_configure(store, config);
	if (r == 0)
		r = notifiers_configure(store, config);
	sync->feeds = xcalloc(config->n_feeds, sizeof(*sync->feeds));
	for (size_t i = 0; r == 0 && i < config->n_feeds; i++)
		r = sync_one(store, &leaving, &config->feeds[i], &sync->feeds[i]);
	free(leaving.ids);
	return r;
}

/* Tells the items that feed.rekeyed held back, in the order in which they were stored. */
static int
release_held(struct store *store, struct store_feed_command *command)
{
	for (;;) {
		int64_t item = 0, seq;
		int r = db_int(&store->db, &item,
			"SELECT id FROM items WHERE feed = ? AND held ORDER BY id LIMIT 1",
			BINDS(INT(command->id)));
		if (r <= 0)
			return r;
		struct log_entry entry = {.item = item,
			.feed = command->id,
			.at = command->now,
			.kind = EVENT_ITEM_NEW};
		r = write_event(store, &entry, &seq);
		if (r == 0)
			r = db_run(&store->db, "UPDATE items SET held = 0, seq = ? WHERE id = ?",
				BINDS(INT(seq), INT(item)));
		if (r < 0)
			return r;
		command->count++;
	}
}

/* count: 1 if it had moved. */
static int
accept_move(struct store *store, struct store_feed_command *command)
{
	int r = db_run(&store->db,
		"UPDATE feeds SET accepted_url = moved_to, moved_to = NULL, moved_since = 0"
		" WHERE id = ? AND moved_to IS NOT NULL",
		BINDS(INT(command->id)));

	command->count = sqlite3_changes(store->db.handle);
	return r;
}

int
write_feed_command(struct store *store, struct store_feed_command *command)
{
	command->count = 0;
	switch (command->command) {
	case FEED_RESUME:
		return db_run(&store->db,
			"UPDATE feeds SET health = CASE WHEN first_poll THEN 'ok' ELSE 'new' END, "
			"fails = 0, failing_since = 0,"
			" retry_after = 0, next_poll = ?2, reason = 'resumed by command' WHERE id "
			"= ?1",
			BINDS(INT(command->id), INT(command->now)));
	case FEED_ACCEPT_MOVE:
		return accept_move(store, command);
	case FEED_RELEASE:
		return release_held(store, command);
	}
	return -EINVAL;
}
