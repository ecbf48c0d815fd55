/* event.c - an entry of the log as the JSON object that every consumer gets. Touches jansson (to
 * write). Pure. */
#include "feedd/event.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "feedd/date.h"

const char *
event_kind_name(enum event_kind kind)
{
	switch (kind) {
	case EVENT_ITEM_NEW:
		return "item.new";
	case EVENT_ITEM_UPDATED:
		return "item.updated";
	case EVENT_FEED_FAILING:
		return "feed.failing";
	case EVENT_FEED_RECOVERED:
		return "feed.recovered";
	case EVENT_FEED_MOVED:
		return "feed.moved";
	case EVENT_FEED_GONE:
		return "feed.gone";
	case EVENT_FEED_SILENT:
		return "feed.silent";
	case EVENT_FEED_REKEYED:
		return "feed.rekeyed";
	case EVENT_KINDS:
		break;
	}
	return "";
}

int
event_kind_parse(const char *name)
{
	for (int kind = 0; kind < EVENT_KINDS; kind++)
		if (strcmp(name, event_kind_name((enum event_kind)kind)) == 0)
			return kind;
	return -EINVAL;
}

static void
add_string(json_t *object, const char *key, const char *value)
{
	if (value && *value)
		json_object_set_new(object, key, json_string(value));
}

static json_t *
feed_to_json(const struct event_feed *feed)
{
	json_t *object = json_object();

	add_string(object, "name", feed->name);
	add_string(object, "title", feed->title);
	add_string(object, "url", feed->url);
	add_string(object, "home_page_url", feed->home_page_url);
	if (feed->n_tags) {
		json_t *tags = json_array();

		for (size_t i = 0; i < feed->n_tags; i++)
			json_array_append_new(tags, json_string(feed->tags[i]));
		json_object_set_new(object, "tags", tags);
	}
	return object;
}

static json_t *
extension_to_json(const struct event *event)
{
	json_t *object = json_object();
	char date[DATE_SIZE];

	json_object_set_new(object, "seq", json_integer(event->seq));
	add_string(object, "event", event_kind_name(event->kind));
	add_string(object, "first_seen", date_format(event->at, date));
	json_object_set_new(object, "feed", feed_to_json(&event->feed));
	if (event->item)
		add_string(object, "base_url", event->item->base_url);
	if (event->item)
		item_extras_to_json(event->item->extras, object);
	if (event->also_json)
		json_object_set_new(object, "also", json_loads(event->also_json, 0, NULL));
	return object;
}

char *
event_to_json(const struct event *event)
{
	AUTO(arena_fini) struct arena arena = {0};
	json_t *object;

	if (event->item) {
		object = item_to_json(event->item, item_event_id(event->item, &arena));
	} else {
		object = json_object();
		add_string(object, "title", event->title);
	}
	json_object_set_new(object, "_feedd", extension_to_json(event));
	char *line = json_dumps(object, EVENT_DUMP_FLAGS);
	json_decref(object);
	return line ? line : xstrdup("{}");
}
