/*
 * articles.c - the same article in several feeds, for notifiers with `duplicates = "suppress"`.
 *
 * Two items are the same article if their addresses are once the parts that only track readers are
 * gone, or if they have the same long text. The hashes are made and indexed only while some
 * notifier asks for it.
 */
#include <ctype.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "feedd/url.h"
#include "room.h"

/* Shorter texts are equal by chance: "Read more", "Photo of the day". */
#define LONG_TEXT 400

int
articles_configure(struct store *store, const struct config *config)
{
	bool wanted = false;

	for (size_t i = 0; i < config->n_notifies; i++)
		wanted = wanted || config->notifies[i].duplicates_suppress;
	store->articles = wanted;
	if (wanted)
		return db_exec(&store->db,
			"CREATE INDEX IF NOT EXISTS items_article ON items(article) WHERE article "
			"IS NOT NULL;"
			"CREATE INDEX IF NOT EXISTS items_text ON items(text_hash) WHERE text_hash "
			"IS NOT NULL");
	return db_exec(
		&store->db, "DROP INDEX IF EXISTS items_article; DROP INDEX IF EXISTS items_text");
}

/* Letters and digits alone, so that markup and spacing make no difference. 0 for a short text. */
static int64_t
hash_text(const char *text)
{
	AUTO(buf_fini) struct buf plain = BUF_INIT(strlen(text));

	for (; *text; text++)
		if (isalnum((unsigned char)*text) || (unsigned char)*text >= 0x80)
			buf_putc(&plain, *text);
	return plain.len < LONG_TEXT ? 0 : (int64_t)hash64(0, plain.data, plain.len);
}

struct article
article_of(const struct item *item, struct arena *arena)
{
	const char *address = item->url ? url_article(arena, item->url) : NULL;

	return (struct article){
		.address = address ? (int64_t)hash64_str(0, address) : 0,
		.text = item->content_text ? hash_text(item->content_text) : 0,
	};
}

int
view_article(struct view *view, int64_t item, struct article *ret_article)
{
	sqlite3_stmt *stmt = db_query(&view->db,
		"SELECT coalesce(article, 0), coalesce(text_hash, 0) FROM items WHERE id = ?",
		BINDS(INT(item)));
	int r = db_step(&view->db, stmt);

	*ret_article = (struct article){0};
	if (r > 0) {
		*ret_article = (struct article){
			sqlite3_column_int64(stmt, 0), sqlite3_column_int64(stmt, 1)};
		sqlite3_reset(stmt);
	}
	return r < 0 ? r : 0;
}

int
view_also(struct view *view, int64_t item, int64_t feed, struct arena *arena, const char **ret_json)
{
	struct article article;
	int r = view_article(view, item, &article);

	*ret_json = NULL;
	if (r < 0 || (!article.address && !article.text))
		return r;
	sqlite3_stmt *stmt = db_query(&view->db,
		"SELECT f.name, i.url FROM (SELECT id FROM items WHERE article = ?1 AND article IS "
		"NOT NULL"
		" UNION SELECT id FROM items WHERE text_hash = ?2 AND text_hash IS NOT NULL) d"
		" JOIN items i ON i.id = d.id JOIN feeds f ON f.id = i.feed WHERE i.feed != ?3 "
		"ORDER BY i.id LIMIT 20",
		BINDS(INT_OR_NULL(article.address, 0), INT_OR_NULL(article.text, 0), INT(feed)));
	json_t *array = json_array();
	while ((r = db_step(&view->db, stmt)) > 0) {
		json_t *place = json_object();

		json_object_set_new(place, "feed", json_string(column_text(stmt, 0)));
		if (column_text(stmt, 1))
			json_object_set_new(place, "url", json_string(column_text(stmt, 1)));
		json_array_append_new(array, place);
	}
	AUTO(freep)
	char *text = json_array_size(array) > 0 ? json_dumps(array, JSON_COMPACT) : NULL;
	json_decref(array);
	*ret_json = arena_strdup(arena, text);
	return r;
}
