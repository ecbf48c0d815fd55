/*
 * ingest.c - what a poll brought becomes items and events.
 *
 * One transaction for all of it (store.c): items, events, what was seen, validators and the next
 * poll time. Validators that were kept before the items would lose the items at a crash.
 */
#include "ingest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DAY 86400
/* item.updated is told at most so often an item: some feeds change a counter at every poll. */
#define MAX_UPDATES 24

int
write_event(struct store *store, const struct log_entry *entry, int64_t *ret_seq)
{
	int r = db_run(&store->db,
		"INSERT INTO events(item, feed, event, at, title) VALUES(?, ?, ?, ?, ?)",
		BINDS(INT_OR_NULL(entry->item, 0), INT(entry->feed),
			TEXT(event_kind_name(entry->kind)), INT(entry->at), TEXT(entry->title)));

	if (r < 0)
		return r;
	store->seq = sqlite3_last_insert_rowid(store->db.handle);
	if (ret_seq)
		*ret_seq = store->seq;
	return 0;
}

static int
note_event(struct store *store, struct store_poll *poll, const struct log_entry *entry)
{
	int64_t seq;
	int r = write_event(store, entry, &seq);

	if (r < 0)
		return r;
	if (!poll->first_seq)
		poll->first_seq = seq;
	poll->last_seq = seq;
	return 0;
}

static int
insert_seen(struct store *store, const struct store_poll *poll, const struct item_key *key,
	uint64_t content, int64_t item)
{
	return db_run(&store->db,
		"INSERT INTO seen(feed, fold, exact, item, content, last) VALUES(?, ?, ?, ?, ?, ?)"
		" ON CONFLICT DO UPDATE SET last = excluded.last",
		BINDS(INT(poll->state.id), INT((int64_t)key->fold), INT((int64_t)key->exact),
			INT(item), INT((int64_t)content), INT(poll->now)));
}

/* An item that changed: the row is rewritten in place, and told if that is not too often, and
 * unless feed.rekeyed holds the item itself back. All spellings of its key know of the change. */
static int
update_item(struct store *store, struct store_poll *poll, size_t index, const struct sighting *seen)
{
	struct item *item = &poll->document->items[index];
	const struct item_key *key = &poll->keys[index];
	struct bind binds[ITEM_COLUMNS_COUNT + 1];
	int64_t updates = 0;
	int r = db_run(&store->db,
		"UPDATE seen SET content = ?1, last = CASE WHEN exact = ?6 THEN ?2 ELSE last END"
		" WHERE feed = ?3 AND fold = ?4 AND item = ?5",
		BINDS(INT((int64_t)key->content), INT(poll->now), INT(poll->state.id),
			INT((int64_t)key->fold), INT(seen->item), INT((int64_t)seen->exact)));

	if (r < 0)
		return r;
	r = db_int(&store->db, &updates, "SELECT iif(held, ?2, updates) FROM items WHERE id = ?1",
		BINDS(INT(seen->item), INT(MAX_UPDATES)));
	if (r <= 0) /* retention took the row; the key alone is left */
		return r;
	item_finish(item, poll->arena);
	item_binds(item, poll->arena, binds);
	binds[ITEM_COLUMNS_COUNT] = INT(seen->item);
	r = search_remove(store, seen->item);
	if (r == 0)
		r = db_run(&store->db,
			"UPDATE items SET (" ITEM_COLUMNS
			") = (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14,"
			" ?15, ?16, ?17), updates = updates + 1 WHERE id = ?18",
			ARRAY_SIZE(binds), binds);
	if (r == 0)
		r = search_add(store, seen->item);
	poll->n_updated++;
	if (r < 0 || updates >= MAX_UPDATES || poll->first)
		return r;
	struct log_entry entry = {.item = seen->item,
		.feed = poll->state.id,
		.at = poll->now,
		.kind = EVENT_ITEM_UPDATED};
	r = note_event(store, poll, &entry);
	if (r == 0)
		r = db_run(&store->db, "UPDATE items SET seq = ? WHERE id = ?",
			BINDS(INT(store->seq), INT(seen->item)));
	return r;
}

/* A known item was listed again. */
static int
sight_item(struct store *store, struct store_poll *poll, size_t index, struct sighting *seen)
{
	const struct item_key *key = &poll->keys[index];
	int r = 0;

	if (seen->adopted) {
		/* Not with the content that this document has: its row has not got that yet. */
		r = insert_seen(store, poll, key, seen->content, seen->item);
		seen->exact = key->exact;
		seen->last = poll->now;
	}
	if (r < 0)
		return r;
	/* A repaired or cut document may hold texts that are not what the author wrote. */
	if (seen->content != key->content && !poll->partial)
		return update_item(store, poll, index, seen);
	if (poll->now - seen->last < DAY)
		return 0;
	return db_run(&store->db,
		"UPDATE seen SET last = ? WHERE feed = ? AND fold = ? AND exact = ?",
		BINDS(INT(poll->now), INT(poll->state.id), INT((int64_t)key->fold),
			INT((int64_t)seen->exact)));
}

static int
insert_item(struct store *store, struct store_poll *poll, size_t index, bool held, int64_t *ret_id)
{
	struct item *item = &poll->document->items[index];
	struct bind binds[ITEM_COLUMNS_COUNT + 7];
	struct article article = {0};

	item_finish(item, poll->arena);
	if (store->articles)
		article = article_of(item, poll->arena);
	item_binds(item, poll->arena, binds);
	binds[ITEM_COLUMNS_COUNT] = INT(poll->state.id);
	binds[ITEM_COLUMNS_COUNT + 1] = INT(poll->now);
	binds[ITEM_COLUMNS_COUNT + 2] = INT(held);
	binds[ITEM_COLUMNS_COUNT + 3] = INT((int64_t)poll->keys[index].exact);
	binds[ITEM_COLUMNS_COUNT + 4] = TEXT(poll->keys[index].identity);
	binds[ITEM_COLUMNS_COUNT + 5] = INT_OR_NULL(article.address, 0);
	binds[ITEM_COLUMNS_COUNT + 6] = INT_OR_NULL(article.text, 0);
	int r = db_run(&store->db,
		"INSERT INTO items(" ITEM_COLUMNS
		", feed, first_seen, held, key, identity, article, text_hash)"
		" VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, "
		"?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24)",
		ARRAY_SIZE(binds), binds);
	*ret_id = sqlite3_last_insert_rowid(store->db.handle);
	return r;
}

/* A new item: its row, its key, and its event where it is to be told. */
static int
add_item(struct store *store, struct store_poll *poll, const struct newcomer *newcomer)
{
	const struct item_key *key = &poll->keys[newcomer->index];
	int64_t id = 0;
	int r = newcomer->ignored ? 0
				  : insert_item(store, poll, newcomer->index, newcomer->held, &id);

	if (r == 0)
		r = insert_seen(store, poll, key, key->content, id);
	if (r < 0 || !newcomer->told)
		return r;
	struct log_entry entry = {
		.item = id, .feed = poll->state.id, .at = poll->now, .kind = EVENT_ITEM_NEW};
	r = note_event(store, poll, &entry);
	if (r == 0)
		r = db_run(&store->db, "UPDATE items SET seq = ? WHERE id = ?",
			BINDS(INT(store->seq), INT(id)));
	poll->n_told++;
	return r;
}

/* The first fetch of a feed tells the newest N of what stands in it; newcomers are in the order of
 * the log, oldest first. */
static void
choose_backlog(const struct store_poll *poll, struct newcomer *newcomers, size_t n)
{
	for (size_t i = 0; i < n; i++)
		newcomers[i].told = poll->backlog >= (int64_t)(n - i);
}

static int
add_newcomers(struct store *store, struct store_poll *poll, struct newcomer *newcomers, size_t n)
{
	newcomers_sort(poll->document, newcomers, n);
	if (poll->first) {
		choose_backlog(poll, newcomers, n);
	} else {
		int r = rekeyed_mark(store, poll, newcomers, n);

		if (r < 0)
			return r;
	}
	poll->new_times = arena_alloc(poll->arena, (n + 1) * sizeof(*poll->new_times));
	for (size_t i = 0; i < n; i++) {
		const struct item *item = &poll->document->items[newcomers[i].index];
		int r = add_item(store, poll, &newcomers[i]);

		if (r < 0)
			return r;
		poll->new_times[i] =
			item->published_at != DATE_NONE ? item->published_at : item->modified_at;
		poll->n_held += newcomers[i].held;
	}
	poll->n_new = n;
	return 0;
}

static int
take_document(struct store *store, struct store_poll *poll)
{
	struct document *document = poll->document;
	struct newcomer *newcomers =
		arena_zalloc(poll->arena, (document->n_items + 1) * sizeof(*newcomers));
	size_t n = 0;

	for (size_t i = 0; i < document->n_items; i++) {
		struct sighting seen;

		if (poll->keys[i].duplicate)
			continue;
		int r = sighting_find(store, poll, i, &seen);
		if (r > 0)
			r = sight_item(store, poll, i, &seen);
		else if (r == 0)
			newcomers[n++] = (struct newcomer){.index = i, .told = true};
		if (r < 0)
			return r;
	}
	return add_newcomers(store, poll, newcomers, n);
}

static int
write_feed_events(struct store *store, struct store_poll *poll)
{
	for (size_t i = 0; i < poll->n_events; i++) {
		struct log_entry entry = {.feed = poll->state.id,
			.at = poll->now,
			.kind = poll->events[i].kind,
			.title = poll->events[i].title};
		int r = note_event(store, poll, &entry);

		if (r < 0)
			return r;
	}
	return 0;
}

static void
add_event(struct store_poll *poll, enum event_kind kind, const char *title)
{
	if (poll->n_events < ARRAY_SIZE(poll->events))
		poll->events[poll->n_events++] =
			(struct store_feed_event){.kind = kind, .title = title};
}

/* A poll writes the state back whole. One that began before its feed got another address, by the
 * configuration or by a command, would undo that: it counts for nothing. */
static int
check_address(struct store *store, const struct feed_state *state)
{
	int64_t same = 0;
	int r = db_int(&store->db, &same,
		"SELECT url = ?2 AND accepted_url IS ?3 FROM feeds WHERE id = ?1",
		BINDS(INT(state->id), TEXT(state->url), TEXT(state->accepted_url)));

	if (r < 0)
		return r;
	return same ? 0 : -ESTALE;
}

int
write_poll(struct store *store, struct store_poll *poll)
{
	size_t n_events = poll->n_events;
	int r = check_address(store, &poll->state);

	poll->n_new = poll->n_updated = poll->n_held = poll->n_told = 0;
	poll->first_seq = poll->last_seq = 0;
	poll->first = poll->state.first_poll_at == 0;
	if (r == 0 && poll->outcome == POLL_DOCUMENT)
		r = take_document(store, poll);
	if (poll->n_held > 0)
		add_event(poll, EVENT_FEED_REKEYED,
			arena_printf(poll->arena,
				"%s gave new ids to %zu items that are known; `feedctl release %s` "
				"tells them",
				poll->state.name, poll->n_held, poll->state.name));
	if (r == 0) {
		poll->plan(poll);
		r = write_feed_events(store, poll);
	}
	if (r == 0)
		r = write_feed_state(store, &poll->state);
	if (r < 0)
		poll->n_events = n_events;
	return r;
}
