/* item.c - the columns of an item, written and read in one place; lists are JSON arrays there. Pure
 * but for bindings. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "room.h"

/* The JSON in the arena, NULL for an empty list: most items have none, and NULL costs nothing. */
static const char *
to_arena(json_t *array, struct arena *arena)
{
	char *text = json_array_size(array) > 0 ? json_dumps(array, JSON_COMPACT) : NULL;
	const char *kept = text ? arena_strdup(arena, text) : NULL;

	free(text);
	json_decref(array);
	return kept;
}

static void
set_text(json_t *object, const char *name, const char *value)
{
	if (value)
		json_object_set_new(object, name, json_string(value));
}

static void
set_number(json_t *object, const char *name, int64_t value)
{
	if (value >= 0)
		json_object_set_new(object, name, json_integer(value));
}

static const char *
authors_json(const struct item *item, struct arena *arena)
{
	if (item->n_authors == 0)
		return NULL;
	json_t *array = json_array();

	for (size_t i = 0; i < item->n_authors; i++) {
		json_t *author = json_object();

		set_text(author, "name", item->authors[i].name);
		set_text(author, "url", item->authors[i].url);
		set_text(author, "avatar", item->authors[i].avatar);
		json_array_append_new(array, author);
	}
	return to_arena(array, arena);
}

static const char *
tags_json(const struct item *item, struct arena *arena)
{
	if (item->n_tags == 0)
		return NULL;
	json_t *array = json_array();

	for (size_t i = 0; i < item->n_tags; i++)
		json_array_append_new(array, json_string(item->tags[i]));
	return to_arena(array, arena);
}

static const char *
attachments_json(const struct item *item, struct arena *arena)
{
	if (item->n_attachments == 0)
		return NULL;
	json_t *array = json_array();

	for (size_t i = 0; i < item->n_attachments; i++) {
		const struct attachment *from = &item->attachments[i];
		json_t *attachment = json_object();

		set_text(attachment, "url", from->url);
		set_text(attachment, "mime_type", from->mime_type);
		set_text(attachment, "title", from->title);
		set_number(attachment, "size_in_bytes", from->size_in_bytes);
		set_number(attachment, "duration_in_seconds", from->duration_in_seconds);
		json_array_append_new(array, attachment);
	}
	return to_arena(array, arena);
}

static const char *
extras_json(const struct item *item, struct arena *arena)
{
	if (!item->extras)
		return NULL;
	json_t *object = json_object();

	item_extras_to_json(item->extras, object);
	AUTO(freep)
	char *text = json_object_size(object) > 0 ? json_dumps(object, EVENT_DUMP_FLAGS) : NULL;
	json_decref(object);
	return arena_strdup(arena, text);
}

static const struct item_extras *
extras_read(const char *json, struct arena *arena)
{
	if (!json)
		return NULL;
	json_t *object = json_loads(json, 0, NULL);
	const struct item_extras *extras = item_extras_from_json(object, arena);

	json_decref(object);
	return extras;
}

void
item_binds(const struct item *item, struct arena *arena, struct bind ret_binds[ITEM_COLUMNS_COUNT])
{
	const struct bind binds[ITEM_COLUMNS_COUNT] = {
		TEXT(item_event_id(item, arena)),
		TEXT(item->url),
		TEXT(item->external_url),
		TEXT(item->title),
		TEXT(item->summary),
		TEXT(item->content_html),
		TEXT(item->content_text),
		TEXT(authors_json(item, arena)),
		TEXT(tags_json(item, arena)),
		TEXT(attachments_json(item, arena)),
		TEXT(item->image),
		TEXT(item->banner_image),
		TEXT(item->language),
		TEXT(item->base_url),
		INT_OR_NULL(item->published_at, DATE_NONE),
		INT_OR_NULL(item->modified_at, DATE_NONE),
		TEXT(extras_json(item, arena)),
	};

	memcpy(ret_binds, binds, sizeof(binds));
}

char *
strings_json(const char *const *strings, size_t n)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(array, json_string(strings[i]));
	char *text = json_dumps(array, JSON_COMPACT);
	json_decref(array);
	return text ? text : xstrdup("[]");
}

size_t
strings_read(const char *json, struct arena *arena, const char ***ret_strings)
{
	*ret_strings = NULL;
	if (!json || strcmp(json, "[]") == 0)
		return 0;
	json_t *array = json_loads(json, 0, NULL), *value;
	size_t i, n = json_array_size(array);
	const char **strings = arena_alloc(arena, (n + 1) * sizeof(*strings));

	json_array_foreach(array, i, value) strings[i] =
		arena_strdup(arena, json_is_string(value) ? json_string_value(value) : "");
	json_decref(array);
	*ret_strings = strings;
	return n;
}

static const char *
get_text(json_t *object, const char *name, struct arena *arena)
{
	return arena_strdup(arena, json_string_value(json_object_get(object, name)));
}

static int64_t
get_number(json_t *object, const char *name)
{
	json_t *value = json_object_get(object, name);

	return json_is_integer(value) ? json_integer_value(value) : -1;
}

static void
authors_read(const char *json, struct arena *arena, struct item *item)
{
	json_t *array = json ? json_loads(json, 0, NULL) : NULL;
	size_t n = json_array_size(array);
	struct author *authors = arena_zalloc(arena, (n + 1) * sizeof(*authors));

	for (size_t i = 0; i < n; i++) {
		json_t *value = json_array_get(array, i);

		authors[i].name = get_text(value, "name", arena);
		authors[i].url = get_text(value, "url", arena);
		authors[i].avatar = get_text(value, "avatar", arena);
	}
	json_decref(array);
	item->authors = authors;
	item->n_authors = n;
}

static void
attachments_read(const char *json, struct arena *arena, struct item *item)
{
	json_t *array = json ? json_loads(json, 0, NULL) : NULL;
	size_t n = json_array_size(array);
	struct attachment *attachments = arena_zalloc(arena, (n + 1) * sizeof(*attachments));

	for (size_t i = 0; i < n; i++) {
		json_t *value = json_array_get(array, i);
		struct attachment *to = &attachments[i];

		to->url = get_text(value, "url", arena);
		to->mime_type = get_text(value, "mime_type", arena);
		to->title = get_text(value, "title", arena);
		to->size_in_bytes = get_number(value, "size_in_bytes");
		to->duration_in_seconds = get_number(value, "duration_in_seconds");
	}
	json_decref(array);
	item->attachments = attachments;
	item->n_attachments = n;
}

void
item_read(sqlite3_stmt *stmt, int column, struct arena *arena, struct item *ret_item)
{
	struct item item = {0};
	const char **const before[] = {&item.id, &item.url, &item.external_url, &item.title,
		&item.summary, &item.content_html, &item.content_text};
	const char **const after[] = {
		&item.image, &item.banner_image, &item.language, &item.base_url};

	for (size_t i = 0; i < ARRAY_SIZE(before); i++)
		*before[i] = arena_strdup(arena, column_text(stmt, column++));
	authors_read(column_text(stmt, column++), arena, &item);
	item.n_tags = strings_read(column_text(stmt, column++), arena, &item.tags);
	attachments_read(column_text(stmt, column++), arena, &item);
	for (size_t i = 0; i < ARRAY_SIZE(after); i++)
		*after[i] = arena_strdup(arena, column_text(stmt, column++));
	item.published_at = column_int_or(stmt, column++, DATE_NONE);
	item.modified_at = column_int_or(stmt, column++, DATE_NONE);
	item.extras = extras_read(column_text(stmt, column), arena);
	*ret_item = item;
}
