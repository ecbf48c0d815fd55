/*
 * extras.c - what an item has beside the members of JSON Feed, as members of its `_feedd`: where it
 * is discussed, what it answers, where on earth it is.
 *
 * Touches jansson. Pure.
 */
#include <jansson.h>

#include "feedd/event.h"

static void
add_string(json_t *object, const char *key, const char *value)
{
	if (value)
		json_object_set_new_nocheck(object, key, json_string_nocheck(value));
}

static void
add_degrees(json_t *object, const char *key, int32_t degrees_e7)
{
	json_object_set_new_nocheck(object, key, json_real(degrees_e7 / 1e7));
}

/* An object with nothing in it is left out. */
static void
add_object(json_t *object, const char *key, json_t *value)
{
	if (json_object_size(value) > 0)
		json_object_set_new_nocheck(object, key, value);
	else
		json_decref(value);
}

void
item_extras_to_json(const struct item_extras *extras, json_t *object)
{
	if (!extras)
		return;
	json_t *comments = json_object(), *reply = json_object(), *location = json_object();

	add_string(comments, "url", extras->comments_url);
	add_string(comments, "feed_url", extras->comments_feed_url);
	if (extras->n_comments >= 0)
		json_object_set_new_nocheck(comments, "count", json_integer(extras->n_comments));
	add_string(reply, "id", extras->reply_id);
	add_string(reply, "url", extras->reply_url);
	if (extras->has_place) {
		add_degrees(location, "latitude", extras->latitude_e7);
		add_degrees(location, "longitude", extras->longitude_e7);
	}
	add_string(location, "name", extras->place);
	add_object(object, "comments", comments);
	add_object(object, "in_reply_to", reply);
	add_object(object, "location", location);
}

static const char *
get_string(const json_t *object, const char *key, struct arena *arena)
{
	return arena_strdup(arena, json_string_value(json_object_get(object, key)));
}

static int32_t
get_degrees(const json_t *object, const char *key)
{
	double e7 = json_number_value(json_object_get(object, key)) * 1e7;

	if (!(e7 >= -180e7 && e7 <= 180e7))
		return 0;
	return (int32_t)(e7 < 0 ? e7 - 0.5 : e7 + 0.5);
}

const struct item_extras *
item_extras_from_json(const json_t *object, struct arena *arena)
{
	const json_t *comments = json_object_get(object, "comments");
	const json_t *reply = json_object_get(object, "in_reply_to");
	const json_t *location = json_object_get(object, "location");
	const json_t *count = json_object_get(comments, "count");

	if (!comments && !reply && !location)
		return NULL;
	struct item_extras *extras = arena_zalloc(arena, sizeof(*extras));
	extras->comments_url = get_string(comments, "url", arena);
	extras->comments_feed_url = get_string(comments, "feed_url", arena);
	extras->n_comments = json_is_integer(count) ? json_integer_value(count) : -1;
	extras->reply_id = get_string(reply, "id", arena);
	extras->reply_url = get_string(reply, "url", arena);
	extras->has_place = json_is_number(json_object_get(location, "latitude"));
	extras->latitude_e7 = get_degrees(location, "latitude");
	extras->longitude_e7 = get_degrees(location, "longitude");
	extras->place = get_string(location, "name", arena);
	return extras;
}
