/*
 * notifiers.c - what notifiers select: a rehearsal over the log, and why an event reached whom.
 *
 * The configuration belongs to the loop, so it describes the notifiers in JSON; here they become
 * struct notify_config again, with the members that select.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "feedd/config.h"
#include "server.h"

static json_t *
list_json(const struct string_list *list)
{
	json_t *array = json_array();

	for (size_t i = 0; i < list->n; i++)
		json_array_append_new(array, json_text(list->at[i]));
	return array;
}

void
api_describe_notifiers(const struct config *config, struct api_command *command)
{
	static const char *const kinds[] = {
		[NOTIFY_EXEC] = "exec",
		[NOTIFY_WEBHOOK] = "webhook",
		[NOTIFY_FILE] = "file",
	};
	json_t *array = json_array();

	for (size_t i = 0; i < config->n_notifies; i++) {
		const struct notify_config *notify = &config->notifies[i];

		if (command->name && strcmp(command->name, notify->name) != 0)
			continue;
		json_array_append_new(array,
			json_pack("{s:s, s:s, s:o, s:o, s:o}", "name", notify->name, "kind",
				kinds[notify->kind], "feeds", list_json(&notify->feeds), "events",
				list_json(&notify->events), "where", json_text(notify->where)));
	}
	command->status = 200;
	if (command->name && json_array_size(array) == 0)
		command->status = 404;
	json_t *object = command->status == 200
		? json_pack("{s:o}", "notifiers", array)
		: json_pack("{s:s}", "error", "there is no notifier of that name");
	if (command->status != 200)
		json_decref(array);
	AUTO(freep) char *text = json_dumps(object, JSON_COMPACT);
	buf_puts(&command->body, text);
	json_decref(object);
}

static void
read_list(struct arena *arena, const json_t *array, struct string_list *list)
{
	json_t *value;
	size_t i;

	list->at = arena_alloc(arena, (json_array_size(array) + 1) * sizeof(*list->at));
	json_array_foreach(array, i, value)
	{
		if (json_is_string(value))
			list->at[list->n++] = json_string_value(value);
	}
}

/* What selects; the strings are those of the object, of which a reference is kept. */
static struct selection *
selection_new(json_t *object)
{
	struct selection *selection = xcalloc(1, sizeof(*selection));
	struct notify_config *notify = &selection->notify;

	selection->object = json_incref(object);
	notify->name = json_string_value(json_object_get(object, "name"));
	notify->where = json_string_value(json_object_get(object, "where"));
	read_list(&selection->arena, json_object_get(object, "feeds"), &notify->feeds);
	read_list(&selection->arena, json_object_get(object, "events"), &notify->events);
	return selection;
}

void
selection_free(struct selection *selection)
{
	if (!selection)
		return;
	json_decref(selection->object);
	arena_fini(&selection->arena);
	free(selection);
}

/* The notifiers that the loop described; NULL where it did not. New reference. */
static json_t *
described(struct request *request)
{
	const struct api_command *command = request->command;

	if (command->status >= 300 || command->body.len == 0)
		return NULL;
	json_t *root = json_loads(command->body.data, 0, NULL);
	json_t *array = json_incref(json_object_get(root, "notifiers"));
	json_decref(root);
	return array;
}

static int
take_moment(void *arg, const struct rendered *event, int64_t at)
{
	int64_t *ret_at = arg;

	(void)event;
	*ret_at = at;
	return 1;
}

/* The position before the first event that came about at `since` or later: by bisection, since seq
 * and time rise together. */
static int
find_since(struct view *view, int64_t since, int64_t *ret_after)
{
	int64_t low, high;
	int r = view_log_ends(view, &low, &high);

	if (r < 0)
		return r;
	low = low > 0 ? low - 1 : 0;
	while (low < high) {
		int64_t middle = low + (high - low) / 2;
		int64_t at = INT64_MAX;
		int64_t scanned;
		struct view_events events = {
			.after = middle,
			.limit = 1,
			.no_json = true,
			.row = take_moment,
			.arg = &at,
		};

		r = view_events(view, &events, &scanned);
		if (r < 0)
			return r;
		if (at < since)
			low = middle + 1;
		else
			high = middle;
	}
	*ret_after = low;
	return 0;
}

static enum MHD_Result
answer_match(struct request *request)
{
	json_t *array = described(request);
	int64_t now = time(NULL);
	int64_t since = 0, after = 0;
	const char *text = query_get(&request->query, "since");

	if (json_array_size(array) == 0) {
		json_decref(array);
		return answer_command(request);
	}
	struct selection *selection = selection_new(json_array_get(array, 0));
	json_decref(array);
	if (text && parse_since(text, now, &since) < 0) {
		selection_free(selection);
		return respond_error(
			request, MHD_HTTP_BAD_REQUEST, "since is a duration such as 7d, or a date");
	}
	int r = text ? find_since(request->api->view, since, &after) : 0;
	if (r < 0) {
		selection_free(selection);
		return respond_errno(request, r);
	}
	return stream_rehearse(request, after, selection);
}

enum MHD_Result
route_match(struct request *request)
{
	return ask_loop(request, API_NOTIFIERS, request->name, answer_match);
}

static int
take_seq(void *arg, const struct rendered *event, int64_t at)
{
	int64_t *ret_seq = arg;

	(void)at;
	*ret_seq = event->seq;
	return 1;
}

/* True if the event passes both; either may be NULL. */
static bool
passes(struct view *view, int64_t seq, const struct notify_config *notify, struct filter *filter)
{
	int64_t found = 0;
	int64_t scanned;
	struct view_events events = {
		.after = seq - 1,
		.limit = 1,
		.notify = notify,
		.filter = filter,
		.no_json = true,
		.row = take_seq,
		.arg = &found,
	};

	return view_events(view, &events, &scanned) == 0 && found == seq;
}

/* NULL where the notifier takes the event, else what holds it back. */
static const char *
held_back_by(struct view *view, int64_t seq, const struct notify_config *notify)
{
	if (!passes(view, seq, notify, NULL))
		return "feeds or events";
	if (!notify->where)
		return NULL;
	AUTO(freep) char *error = NULL;
	struct filter *filter = filter_new(notify->where, &error);
	bool passed = filter && passes(view, seq, notify, filter);
	filter_free(filter);
	return passed ? NULL : "where";
}

static json_t *
delivery_json(const struct delivery *delivery)
{
	static const char *const states[] = {
		[DELIVERY_DONE] = "delivered",
		[DELIVERY_WAITING] = "waiting",
		[DELIVERY_FAILED] = "failed",
	};

	return json_pack("{s:s, s:i, s:o, s:o, s:o, s:o}", "state", states[delivery->state],
		"attempts", (int)delivery->attempts, "first_try", json_date(delivery->first_at),
		"last_try", json_date(delivery->at), "next_try", json_date(delivery->next_at),
		"error", json_text(delivery->detail));
}

static int
take_delivery(void *arg, const char *notify, const struct delivery *delivery, const char *title)
{
	json_t *deliveries = arg;

	(void)title;
	json_object_set_new(deliveries, notify, delivery_json(delivery));
	return 0;
}

/* One entry for each notifier: what was delivered, what holds it back, or that it is yet to come.
 */
static json_t *
told_json(struct request *request, int64_t seq, json_t *deliveries)
{
	json_t *told = json_array();
	json_t *array = described(request);
	json_t *object;
	size_t i;

	json_array_foreach(array, i, object)
	{
		struct selection *selection = selection_new(object);
		const char *name = selection->notify.name;
		json_t *entry = json_incref(json_object_get(deliveries, name));
		const char *holds = held_back_by(request->api->view, seq, &selection->notify);

		if (!entry && holds)
			entry = json_pack("{s:s, s:s}", "state", "held back", "by", holds);
		else if (!entry)
			entry = json_pack("{s:s}", "state", "selected");
		json_object_set_new(entry, "notify", json_text(name));
		json_object_del(deliveries, name);
		json_array_append_new(told, entry);
		selection_free(selection);
	}
	json_decref(array);
	const char *name;
	json_object_foreach(deliveries, name, object)
	{ /* notifiers that are no longer configured */
		json_object_set_new(object, "notify", json_string(name));
		json_array_append(told, object);
	}
	return told;
}

static int
take_why(void *arg, const struct view_why *why)
{
	json_t **ret_object = arg;
	char key[24];

	snprintf(key, sizeof(key), "%016llx", (unsigned long long)why->key);
	*ret_object = json_pack("{s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:I, s:o, s:o}", "seq",
		(json_int_t)why->seq, "event", json_text(why->event), "feed", json_text(why->feed),
		"id", json_text(why->guid), "url", json_text(why->url), "title",
		json_text(why->title), "identity", json_text(why->identity), "key", key, "item",
		(json_int_t)why->item, "first_seen", json_date(why->first_seen), "at",
		json_date(why->at));
	return 1;
}

static enum MHD_Result
answer_event_why(struct request *request)
{
	struct view *view = request->api->view;
	json_t *object = NULL;
	int64_t seq;
	int r = parse_number(request->name, 1, INT64_MAX, &seq);

	if (r == 0)
		r = view_why(view, seq, take_why, &object);
	if (!object)
		return respond_error(request,
			r < 0 && r != -ENOENT ? MHD_HTTP_INTERNAL_SERVER_ERROR : MHD_HTTP_NOT_FOUND,
			"the log has no event %s", request->name);
	json_t *deliveries = json_object();
	if (view_deliveries(view, seq, take_delivery, deliveries) == 0)
		json_object_set_new(object, "notifiers", told_json(request, seq, deliveries));
	json_decref(deliveries);
	return respond_json(request, MHD_HTTP_OK, object);
}

enum MHD_Result
route_event_why(struct request *request)
{
	int64_t seq;

	if (parse_number(request->name, 1, INT64_MAX, &seq) < 0)
		return respond_error(
			request, MHD_HTTP_BAD_REQUEST, "an event is named by its number");
	return ask_loop(request, API_NOTIFIERS, NULL, answer_event_why);
}
