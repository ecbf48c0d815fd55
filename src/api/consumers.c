/* consumers.c - /v1/consumers and their acknowledgements; /v1/failed. */
#include <errno.h>
#include <string.h>

#include "server.h"

struct cursors {
	json_t *array;
	bool notifiers;
};

static int
take_cursor(void *arg, const struct view_cursor *cursor)
{
	struct cursors *cursors = arg;

	if (cursor->notifier != cursors->notifiers)
		return 0;
	json_t *object = json_pack("{s:o, s:I, s:I, s:o}", "name", json_text(cursor->name), "seq",
		(json_int_t)cursor->cursor, "lag", (json_int_t)cursor->lag, "oldest_waiting",
		json_date(cursor->oldest_at));
	if (cursor->notifier) {
		json_object_set_new(object, "waiting", json_integer(cursor->waiting));
		json_object_set_new(object, "failed", json_integer(cursor->failed));
	} else {
		json_object_set_new(object, "acknowledged", json_date(cursor->acked_at));
	}
	json_array_append_new(cursors->array, object);
	return 0;
}

int
cursors_json(struct api *api, bool notifiers, json_t **ret_array)
{
	struct cursors cursors = {.array = json_array(), .notifiers = notifiers};
	int r = view_cursors(api->view, take_cursor, &cursors);

	if (r < 0) {
		json_decref(cursors.array);
		return r;
	}
	*ret_array = cursors.array;
	return 0;
}

enum MHD_Result
route_consumers(struct request *request)
{
	json_t *array;
	int r = cursors_json(request->api, false, &array);

	if (r < 0)
		return respond_errno(request, r);
	return respond_json(request, MHD_HTTP_OK, json_pack("{s:o}", "consumers", array));
}

static enum MHD_Result
acknowledged(struct request *request)
{
	const struct store_consumer *consumer = request->consumer;

	if (consumer->head.result == -ENOENT)
		return respond_error(request, MHD_HTTP_NOT_FOUND,
			"there is no consumer \"%s\": the first stream of that name makes it",
			consumer->name);
	if (consumer->head.result == -ERANGE)
		return respond_error(request, MHD_HTTP_BAD_REQUEST,
			"there is no event %lld yet: the log ends with %lld",
			(long long)consumer->seq,
			(long long)store_seq(request->api->options.store));
	if (consumer->head.result < 0)
		return respond_errno(request, consumer->head.result);
	return respond_json(request, MHD_HTTP_OK,
		json_pack("{s:s, s:I}", "consumer", consumer->name, "seq",
			(json_int_t)consumer->seq));
}

/* Answered only when the writer has committed it. */
enum MHD_Result
route_ack(struct request *request)
{
	int64_t seq = -1;

	if (!name_is_valid(request->name))
		return respond_error(request, MHD_HTTP_BAD_REQUEST,
			"a consumer's name is made of letters, digits and . _ -, at most %d",
			QUERY_NAME_SIZE - 1);
	if (query_number(&request->query, "seq", 0, INT64_MAX, &seq) < 0 || seq < 0)
		return respond_error(
			request, MHD_HTTP_BAD_REQUEST, "seq is the number of an event");
	const struct store_consumer wish = {.ack = true, .seq = seq};

	return ask_consumer(request, request->name, &wish, acknowledged);
}

static int
take_failed(void *arg, const char *notify, const struct delivery *delivery, const char *title)
{
	json_t *array = arg;

	json_array_append_new(array,
		json_pack("{s:I, s:o, s:i, s:o, s:o, s:o, s:o}", "seq", (json_int_t)delivery->seq,
			"notify", json_text(notify), "attempts", (int)delivery->attempts,
			"first_try", json_date(delivery->first_at), "last_try",
			json_date(delivery->at), "error", json_text(delivery->detail), "title",
			json_text(title)));
	return 0;
}

enum MHD_Result
route_failed(struct request *request)
{
	json_t *array = json_array();
	int r = view_deliveries(request->api->view, 0, take_failed, array);

	if (r < 0) {
		json_decref(array);
		return respond_errno(request, r);
	}
	return respond_json(request, MHD_HTTP_OK, json_pack("{s:o}", "failed", array));
}
