/*
 * feed.c - documents and items: names, what is derived, the document as JSON Feed, copies of a
 * feed's state.
 *
 * Touches jansson (to write) and the HTML reader of text.h. Pure.
 */
#include "feedd/feed.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "feedd/event.h"
#include "feedd/text.h"

#define VERSION_URL "https://jsonfeed.org/version/1.1"
/* How much of a text goes into the hash that stands in for an id. */
#define ID_TEXT_MAX ((size_t)1024)
/* What one document can become at most as JSON. */
#define JSON_MAX ((size_t)1 << 30)

const char *
feed_format_name(enum feed_format format)
{
	switch (format) {
	case FORMAT_NONE:
		return "";
	case FORMAT_RSS_090:
		return "rss-0.90";
	case FORMAT_RSS_091:
		return "rss-0.91";
	case FORMAT_RSS_092:
		return "rss-0.92";
	case FORMAT_RSS_093:
		return "rss-0.93";
	case FORMAT_RSS_094:
		return "rss-0.94";
	case FORMAT_RSS_10:
		return "rss-1.0";
	case FORMAT_RSS_20:
		return "rss-2.0";
	case FORMAT_ATOM_03:
		return "atom-0.3";
	case FORMAT_ATOM_10:
		return "atom-1.0";
	case FORMAT_JSON_10:
		return "json-1.0";
	case FORMAT_JSON_11:
		return "json-1.1";
	}
	return "";
}

const char *
feed_health_name(enum feed_health health)
{
	switch (health) {
	case FEED_NEW:
		return "new";
	case FEED_OK:
		return "ok";
	case FEED_ERROR:
		return "error";
	case FEED_FAILING:
		return "failing";
	case FEED_GONE:
		return "gone";
	}
	return "";
}

void
item_finish(struct item *item, struct arena *arena)
{
	if (!item->content_text && item->content_html)
		item->content_text =
			text_from_html(arena, item->content_html, strlen(item->content_html));
}

static uint64_t
hash_text(uint64_t hash, const char *text)
{
	return text ? hash64(hash, text, strnlen(text, ID_TEXT_MAX)) : hash;
}

const char *
item_event_id(const struct item *item, struct arena *arena)
{
	if (item->id && *item->id)
		return item->id;
	if (item->url && *item->url)
		return item->url;
	uint64_t hash = hash64_str(0, item->title);

	/* Of the text as it was given: what is derived from it must not change the id. */
	hash = hash_text(hash, item->content_html ? item->content_html : item->content_text);
	hash = hash_text(hash, item->summary);
	return arena_printf(arena, "urn:feedd:%016" PRIx64, hash);
}

static void
add_string(json_t *object, const char *key, const char *value)
{
	if (value && *value)
		json_object_set_new_nocheck(object, key, json_string_nocheck(value));
}

static json_t *
authors_to_json(const struct author *authors, size_t n)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++) {
		json_t *author = json_object();

		add_string(author, "name", authors[i].name);
		add_string(author, "url", authors[i].url);
		add_string(author, "avatar", authors[i].avatar);
		json_array_append_new(array, author);
	}
	return array;
}

static json_t *
strings_to_json(const char *const *strings, size_t n)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(array, json_string_nocheck(strings[i]));
	return array;
}

static json_t *
extension_to_json(const struct document *document)
{
	json_t *object = json_object();
	char date[DATE_SIZE];

	add_string(object, "format", feed_format_name(document->format));
	add_string(object, "encoding", document->encoding);
	json_object_set_new_nocheck(object, "bozo", json_boolean(document->bozo));
	add_string(object, "error", document->bozo ? document->error : NULL);
	if (document->incomplete)
		json_object_set_new_nocheck(object, "incomplete", json_true());
	if (document->hints.ttl > 0)
		json_object_set_new_nocheck(object, "ttl", json_integer(document->hints.ttl / 60));
	if (document->hints.update_period > 0)
		json_object_set_new_nocheck(
			object, "update_period", json_integer(document->hints.update_period));
	if (document->updated_at != DATE_NONE)
		add_string(object, "updated", date_format(document->updated_at, date));
	add_string(object, "base_url", document->base_url);
	if (document->n_dropped)
		json_object_set_new_nocheck(
			object, "dropped", json_integer((json_int_t)document->n_dropped));
	return object;
}

static json_t *
hubs_to_json(const struct document *document)
{
	json_t *array = json_array();

	for (size_t i = 0; i < document->n_hubs; i++)
		json_array_append_new(
			array, json_pack("{s:s, s:s}", "type", "WebSub", "url", document->hubs[i]));
	return array;
}

/* All but the items. */
static json_t *
head_to_json(const struct document *document)
{
	json_t *object = json_object();

	add_string(object, "version", VERSION_URL);
	add_string(object, "title", document->title);
	add_string(object, "home_page_url", document->home_page_url);
	add_string(object, "feed_url", document->feed_url);
	add_string(object, "description", document->description);
	add_string(object, "next_url", document->next_url);
	add_string(object, "icon", document->icon);
	add_string(object, "favicon", document->favicon);
	add_string(object, "language", document->language);
	if (document->n_authors)
		json_object_set_new_nocheck(
			object, "authors", authors_to_json(document->authors, document->n_authors));
	if (document->n_hubs)
		json_object_set_new_nocheck(object, "hubs", hubs_to_json(document));
	if (document->expired)
		json_object_set_new_nocheck(object, "expired", json_true());
	json_object_set_new_nocheck(object, "_feedd", extension_to_json(document));
	return object;
}

static int
append(const char *data, size_t len, void *user)
{
	return buf_append(user, data, len);
}

static void
add_extension(json_t *object, const struct item *item)
{
	json_t *extension = json_object();

	if (item->content_html)
		add_string(extension, "base_url", item->base_url);
	item_extras_to_json(item->extras, extension);
	if (json_object_size(extension) > 0)
		json_object_set_new_nocheck(object, "_feedd", extension);
	else
		json_decref(extension);
}

/* One item at a time: a tree of all of them would take several times the document's memory. */
char *
document_to_json(const struct document *document, struct arena *arena)
{
	struct buf out = BUF_INIT(JSON_MAX);
	json_t *head = head_to_json(document);

	json_dump_callback(head, append, &out, JSON_COMPACT);
	json_decref(head);
	out.len--; /* the closing brace comes last */
	buf_puts(&out, ",\"items\":[");
	for (size_t i = 0; i < document->n_items; i++) {
		const struct item *item = &document->items[i];
		json_t *object = item_to_json(item, item_event_id(item, arena));

		add_extension(object, item);
		if (i)
			buf_putc(&out, ',');
		json_dump_callback(object, append, &out, EVENT_DUMP_FLAGS);
		json_decref(object);
	}
	buf_puts(&out, "]}");
	return buf_steal(&out);
}

static json_t *
attachments_to_json(const struct item *item)
{
	json_t *array = json_array();

	for (size_t i = 0; i < item->n_attachments; i++) {
		const struct attachment *attachment = &item->attachments[i];
		json_t *object = json_object();

		add_string(object, "url", attachment->url);
		add_string(object, "mime_type", attachment->mime_type);
		add_string(object, "title", attachment->title);
		if (attachment->size_in_bytes >= 0)
			json_object_set_new_nocheck(
				object, "size_in_bytes", json_integer(attachment->size_in_bytes));
		if (attachment->duration_in_seconds >= 0)
			json_object_set_new_nocheck(object, "duration_in_seconds",
				json_integer(attachment->duration_in_seconds));
		json_array_append_new(array, object);
	}
	return array;
}

static void
add_date(json_t *object, const char *key, int64_t date)
{
	char text[DATE_SIZE];

	if (date != DATE_NONE)
		add_string(object, key, date_format(date, text));
}

json_t *
item_to_json(const struct item *item, const char *id)
{
	json_t *object = json_object();

	add_string(object, "id", id);
	add_string(object, "url", item->url);
	add_string(object, "external_url", item->external_url);
	add_string(object, "title", item->title);
	add_string(object, "content_html", item->content_html);
	add_string(object, "content_text", item->content_text);
	add_string(object, "summary", item->summary);
	add_string(object, "image", item->image);
	add_string(object, "banner_image", item->banner_image);
	add_date(object, "date_published", item->published_at);
	add_date(object, "date_modified", item->modified_at);
	if (item->n_authors)
		json_object_set_new_nocheck(
			object, "authors", authors_to_json(item->authors, item->n_authors));
	if (item->n_tags)
		json_object_set_new_nocheck(
			object, "tags", strings_to_json(item->tags, item->n_tags));
	add_string(object, "language", item->language);
	if (item->n_attachments)
		json_object_set_new_nocheck(object, "attachments", attachments_to_json(item));
	return object;
}

/* Every string of a state, for copying and freeing. */
#define STATE_STRINGS(s)                                                                           \
	{                                                                                          \
		&(s)->name, &(s)->url, &(s)->title, &(s)->home_page_url, &(s)->language,           \
			&(s)->etag, &(s)->last_modified, &(s)->detail, &(s)->moved_to,             \
			&(s)->accepted_url, &(s)->reason,                                          \
	}

void
feed_state_copy(struct feed_state *to, const struct feed_state *from)
{
	*to = *from;
	char **const strings[] = STATE_STRINGS(to);

	for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
		*strings[i] = xstrdup(*strings[i]);
}

void
feed_state_fini(struct feed_state *state)
{
	char **const strings[] = STATE_STRINGS(state);

	for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
		free(*strings[i]);
	*state = (struct feed_state){0};
}
