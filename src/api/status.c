/* status.c - /v1/status and /metrics: the loop's part, and what the database and the socket add. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "server.h"

static json_t *
socket_json(const struct api *api)
{
	return json_pack("{s:i, s:i, s:i, s:I}", "clients", (int)api->n_clients, "streams",
		(int)api->n_streams, "max_clients", (int)api->options.max_clients, "requests",
		(json_int_t)api->n_requests);
}

static json_t *
counts_json(const struct view_counts *counts)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "feeds",
		(json_int_t)counts->feeds, "failing", (json_int_t)counts->failing, "gone",
		(json_int_t)counts->gone, "items", (json_int_t)counts->items, "events",
		(json_int_t)counts->events, "oldest_seq", (json_int_t)counts->oldest_seq, "seq",
		(json_int_t)counts->newest_seq, "indexed_seq", (json_int_t)counts->indexed_seq,
		"database_bytes", (json_int_t)counts->database_bytes, "wal_bytes",
		(json_int_t)counts->wal_bytes);
}

static void
merge(json_t *object, json_t *other)
{
	if (json_is_object(other))
		json_object_update(object, other);
	json_decref(other);
}

/* The loop knows more of the notifiers than their rows: what both tell stands in one object each.
 */
static void
merge_notifiers(json_t *status, json_t *rows)
{
	json_t *live = json_object_get(status, "notifiers");
	json_t *row;
	size_t i;

	if (!json_is_array(live)) {
		json_object_set_new(status, "notifiers", rows);
		return;
	}
	json_array_foreach(rows, i, row)
	{
		const char *name = json_string_value(json_object_get(row, "name"));
		json_t *other;
		size_t k;

		json_array_foreach(live, k, other)
		{
			const char *other_name = json_string_value(json_object_get(other, "name"));

			if (name && other_name && strcmp(name, other_name) == 0)
				json_object_update_missing(other, row);
		}
	}
	json_decref(rows);
}

static enum MHD_Result
answer_status(struct request *request)
{
	struct api *api = request->api;
	struct api_command *command = request->command;
	struct view_counts counts = {0};
	json_t *consumers = NULL, *notifiers = NULL;

	if (command->status >= 300)
		return answer_command(request);
	int r = view_counts(api->view, &counts);
	if (r == 0)
		r = cursors_json(api, false, &consumers);
	if (r < 0)
		return respond_errno(request, r);
	r = cursors_json(api, true, &notifiers);
	if (r < 0) {
		json_decref(consumers);
		return respond_errno(request, r);
	}
	json_t *status = json_pack(
		"{s:s, s:s}", "version", FEEDD_VERSION, "database", store_path(api->options.store));
	merge(status, command->body.len > 0 ? json_loads(command->body.data, 0, NULL) : NULL);
	merge(status, counts_json(&counts));
	merge_notifiers(status, notifiers);
	json_object_set_new(status, "consumers", consumers);
	json_object_set_new(
		status, "store_queue", json_integer((json_int_t)store_backlog(api->options.store)));
	json_object_set_new(status, "socket", socket_json(api));
	return respond_json(request, MHD_HTTP_OK, status);
}

enum MHD_Result
route_status(struct request *request)
{
	return ask_loop(request, API_STATUS, NULL, answer_status);
}

/* A label's value: backslash, quote and line feed escaped, as the text format asks. */
static void
put_label(struct buf *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\\' || *text == '"')
			buf_putc(out, '\\');
		if (*text == '\n')
			buf_puts(out, "\\n");
		else
			buf_putc(out, *text);
	}
}

static void
put_metric(struct buf *out, const char *name, const char *type, const char *help, int64_t value)
{
	buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s %lld\n", name, help, name, type, name,
		(long long)value);
}

struct cursor_metric {
	struct buf *out;
	const char *name;
	int64_t (*value)(const struct view_cursor *cursor);
	bool notifiers_only;
};

static int
put_cursor(void *arg, const struct view_cursor *cursor)
{
	const struct cursor_metric *metric = arg;

	if (metric->notifiers_only && !cursor->notifier)
		return 0;
	buf_printf(
		metric->out, "%s{%s=\"", metric->name, cursor->notifier ? "notifier" : "consumer");
	put_label(metric->out, cursor->name);
	buf_printf(metric->out, "\"} %lld\n", (long long)metric->value(cursor));
	return 0;
}

static int64_t
cursor_lag(const struct view_cursor *cursor)
{
	return cursor->lag;
}

static int64_t
cursor_oldest(const struct view_cursor *cursor)
{
	return cursor->oldest_at;
}

static int64_t
cursor_waiting(const struct view_cursor *cursor)
{
	return cursor->waiting;
}

static int64_t
cursor_failed(const struct view_cursor *cursor)
{
	return cursor->failed;
}

static int
put_cursors(struct buf *out, struct view *view)
{
	static const struct {
		const char *name, *help;
		int64_t (*value)(const struct view_cursor *cursor);
		bool notifiers_only;
	} metrics[] = {
		{"feedd_lag_events", "Events behind the end of the log.", cursor_lag, false},
		{"feedd_oldest_waiting_timestamp_seconds",
			"When the oldest event after the cursor came about, 0 for none.",
			cursor_oldest, false},
		{"feedd_deliveries_waiting", "Deliveries that failed and are tried again.",
			cursor_waiting, true},
		{"feedd_deliveries_failed", "Deliveries set aside.", cursor_failed, true},
	};

	for (size_t i = 0; i < ARRAY_SIZE(metrics); i++) {
		struct cursor_metric metric = {
			.out = out,
			.name = metrics[i].name,
			.value = metrics[i].value,
			.notifiers_only = metrics[i].notifiers_only,
		};

		buf_printf(out, "# HELP %s %s\n# TYPE %s gauge\n", metric.name, metrics[i].help,
			metric.name);
		int r = view_cursors(view, put_cursor, &metric);
		if (r < 0)
			return r;
	}
	return 0;
}

static void
put_feeds(struct buf *out, const struct view_counts *counts)
{
	buf_puts(out, "# HELP feedd_feeds Configured feeds by state.\n# TYPE feedd_feeds gauge\n");
	buf_printf(out, "feedd_feeds{state=\"ok\"} %lld\n",
		(long long)(counts->feeds - counts->failing - counts->gone));
	buf_printf(out, "feedd_feeds{state=\"failing\"} %lld\n", (long long)counts->failing);
	buf_printf(out, "feedd_feeds{state=\"gone\"} %lld\n", (long long)counts->gone);
}

static enum MHD_Result
answer_metrics(struct request *request)
{
	struct api *api = request->api;
	struct api_command *command = request->command;
	struct view_counts counts = {0};

	if (command->status >= 300)
		return answer_command(request);
	int r = view_counts(api->view, &counts);
	if (r < 0)
		return respond_errno(request, r);
	struct buf *out = &command->body;
	if (out->len > 0 && out->data[out->len - 1] != '\n')
		buf_putc(out, '\n');
	put_feeds(out, &counts);
	put_metric(out, "feedd_items_stored", "gauge", "Items in the database.", counts.items);
	put_metric(out, "feedd_events_stored", "gauge", "Events in the log.", counts.events);
	put_metric(out, "feedd_seq", "gauge", "Number of the newest event.", counts.newest_seq);
	put_metric(out, "feedd_search_lag_events", "gauge", "Events not yet in the search index.",
		counts.newest_seq > counts.indexed_seq ? counts.newest_seq - counts.indexed_seq
						       : 0);
	put_metric(out, "feedd_database_bytes", "gauge", "Size of the database.",
		counts.database_bytes);
	put_metric(
		out, "feedd_wal_bytes", "gauge", "Size of the write-ahead log.", counts.wal_bytes);
	put_metric(out, "feedd_store_queue_length", "gauge", "Parcels that wait for the writer.",
		(int64_t)store_backlog(api->options.store));
	put_metric(out, "feedd_socket_clients", "gauge", "Connections.", api->n_clients);
	put_metric(out, "feedd_socket_streams", "gauge", "Open event streams.", api->n_streams);
	put_metric(out, "feedd_socket_requests_total", "counter", "Requests since the start.",
		(int64_t)api->n_requests);
	r = put_cursors(out, api->view);
	if (r < 0)
		return respond_errno(request, r);
	return respond_body(request, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", out);
}

enum MHD_Result
route_metrics(struct request *request)
{
	return ask_loop(request, API_METRICS, NULL, answer_metrics);
}
