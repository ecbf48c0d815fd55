/*
 * known.c - is this item known?
 *
 * An item is known if a row of `seen` has its key. Rows whose `fold` alone is equal count as the
 * same item under another spelling (http for https, a new title where the link is the key), unless
 * the document holds several items of that fold: then each is told apart exactly. A feed that began
 * to repeat its guids finds its items again under their old keys.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "feedd/url.h"
#include "ingest.h"

/* A site is held to have new ids if more than so many items are known by link or title, and more
 * than 80 % of the document. */
#define REKEYED_LEAST 20
/* Rows of a feed that are compared with new items at most. */
#define REKEYED_LOOK_BACK 10000

/* 1 and *ret_seen for a row of this fold that counts, 0 for none. */
static int
find_fold(struct store *store, const struct store_poll *poll, const struct item_key *key,
	struct sighting *ret_seen)
{
	sqlite3_stmt *stmt = db_query(&store->db,
		"SELECT exact, content, item, last FROM seen WHERE feed = ? AND fold = ?",
		BINDS(INT(poll->state.id), INT((int64_t)key->fold)));
	int r, found = 0;

	while ((r = db_step(&store->db, stmt)) > 0) {
		struct sighting row = {
			.exact = (uint64_t)sqlite3_column_int64(stmt, 0),
			.content = (uint64_t)sqlite3_column_int64(stmt, 1),
			.item = sqlite3_column_int64(stmt, 2),
			.last = sqlite3_column_int64(stmt, 3),
		};
		if (row.exact == key->exact) {
			*ret_seen = row;
			sqlite3_reset(stmt);
			return 1;
		}
		if (!key->crowded && (!found || row.last > ret_seen->last)) {
			*ret_seen = row;
			ret_seen->adopted = true;
			found = 1;
		}
	}
	return r < 0 ? r : found;
}

/* True if a stored item stands at the link of the document's, or where neither has one, under its
 * title. */
static bool
stands_there(const struct item *item, const char *url, const char *title, struct arena *arena)
{
	if (!url || !item->url)
		return !url && !item->url && title && item->title &&
			strcmp(title, item->title) == 0;
	return strcmp(url_fold(arena, url), url_fold(arena, item->url)) == 0;
}

/* After a feed's guids began to collide, or its `identity` was changed: an item whose guid was the
 * key before is known if it still has its link. The guid alone says nothing any more. */
static int
find_former(
	struct store *store, const struct store_poll *poll, size_t index, struct sighting *ret_seen)
{
	const struct item_key *key = &poll->keys[index];
	sqlite3_stmt *stmt = db_query(&store->db,
		"SELECT s.item, s.last, s.content, i.url, i.title FROM seen s JOIN items i"
		" ON i.id = s.item WHERE s.feed = ? AND s.fold = ?",
		BINDS(INT(poll->state.id), INT((int64_t)key->guid_fold)));
	int r;

	while ((r = db_step(&store->db, stmt)) > 0) {
		if (!stands_there(&poll->document->items[index], column_text(stmt, 3),
			    column_text(stmt, 4), poll->arena))
			continue;
		*ret_seen = (struct sighting){
			.exact = key->exact,
			.content = (uint64_t)sqlite3_column_int64(stmt, 2),
			.item = sqlite3_column_int64(stmt, 0),
			.last = sqlite3_column_int64(stmt, 1),
			.adopted = true,
		};
		sqlite3_reset(stmt);
		return 1;
	}
	return r;
}

int
sighting_find(struct store *store, struct store_poll *poll, size_t index, struct sighting *ret_seen)
{
	const struct item_key *key = &poll->keys[index];
	int r = find_fold(store, poll, key, ret_seen);

	if (r == 0 && key->guid_fold != key->fold && key->guid_fold != 0)
		r = find_former(store, poll, index, ret_seen);
	return r;
}

struct order {
	int64_t date;
	struct newcomer newcomer;
};

static int
compare_order(const void *a, const void *b)
{
	const struct order *x = a, *y = b;

	if (x->date != y->date)
		return x->date < y->date ? -1 : 1;
	return x->newcomer.index > y->newcomer.index ? -1 : 1;
}

static int64_t
item_date(const struct item *item)
{
	return item->published_at != DATE_NONE ? item->published_at : item->modified_at;
}

void
newcomers_sort(const struct document *document, struct newcomer *newcomers, size_t n)
{
	AUTO(freep) struct order *orders = xcalloc(n, sizeof(*orders));
	bool dated = true;

	for (size_t i = 0; i < n; i++) {
		orders[i] = (struct order){
			item_date(&document->items[newcomers[i].index]), newcomers[i]};
		dated = dated && orders[i].date != DATE_NONE;
	}
	for (size_t i = 0; i < n && !dated; i++)
		orders[i].date = 0;
	qsort(orders, n, sizeof(*orders), compare_order);
	for (size_t i = 0; i < n; i++)
		newcomers[i] = orders[i].newcomer;
}

static int
compare_hash(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Sorted hashes of the links and titles of a feed's stored items. */
static int
known_marks(struct store *store, int64_t feed, uint64_t **ret_marks, size_t *ret_n)
{
	uint64_t *marks = xcalloc(2 * REKEYED_LOOK_BACK, sizeof(*marks));
	sqlite3_stmt *stmt = db_query(&store->db,
		"SELECT url, title FROM items WHERE feed = ? ORDER BY id DESC LIMIT ?",
		BINDS(INT(feed), INT(REKEYED_LOOK_BACK)));
	size_t n = 0;
	int r;

	while ((r = db_step(&store->db, stmt)) > 0) {
		marks[n++] = hash64_str(1, column_text(stmt, 0));
		marks[n++] = hash64_str(2, column_text(stmt, 1));
	}
	qsort(marks, n, sizeof(*marks), compare_hash);
	*ret_marks = marks;
	*ret_n = n;
	return r;
}

/* True if the value stands in the document once and is known. What several items share tells none
 * of them. */
static bool
is_known_mark(
	uint64_t mark, const uint64_t *own, size_t n_own, const uint64_t *known, size_t n_known)
{
	const uint64_t *at = bsearch(&mark, own, n_own, sizeof(*own), compare_hash);

	if (!at || (at > own && at[-1] == mark) || (at + 1 < own + n_own && at[1] == mark))
		return false;
	return bsearch(&mark, known, n_known, sizeof(*known), compare_hash);
}

int
rekeyed_mark(struct store *store, struct store_poll *poll, struct newcomer *newcomers, size_t n)
{
	const struct document *document = poll->document;
	AUTO(freep) uint64_t *known = NULL;
	size_t n_known, held = 0;

	if (n <= REKEYED_LEAST || n * 5 <= document->n_items * 4)
		return 0;
	int r = known_marks(store, poll->state.id, &known, &n_known);
	if (r < 0)
		return r;
	AUTO(freep) uint64_t *own = xcalloc(2 * document->n_items, sizeof(*own));
	for (size_t i = 0; i < document->n_items; i++) {
		own[2 * i] = hash64_str(1, document->items[i].url);
		own[2 * i + 1] = hash64_str(2, document->items[i].title);
	}
	qsort(own, 2 * document->n_items, sizeof(*own), compare_hash);
	for (size_t i = 0; i < n; i++) {
		const struct item *item = &document->items[newcomers[i].index];

		newcomers[i].held = (item->url &&
					    is_known_mark(hash64_str(1, item->url), own,
						    2 * document->n_items, known, n_known)) ||
			(item->title &&
				is_known_mark(hash64_str(2, item->title), own,
					2 * document->n_items, known, n_known));
		held += newcomers[i].held;
	}
	bool rekeyed = held > REKEYED_LEAST && held * 5 > document->n_items * 4;
	int64_t again = 0;
	if (rekeyed)
		r = db_int(&store->db, &again,
			"SELECT 1 FROM items WHERE feed = ? AND held LIMIT 1",
			BINDS(INT(poll->state.id)));
	for (size_t i = 0; r >= 0 && i < n; i++) {
		bool rekeyed_item = newcomers[i].held && rekeyed;

		newcomers[i].held = rekeyed_item && !again;
		newcomers[i].ignored = rekeyed_item && again;
		newcomers[i].told = !rekeyed_item;
	}
	return r < 0 ? r : 0;
}
