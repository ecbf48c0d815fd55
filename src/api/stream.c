/*
 * stream.c - /v1/events: the log as JSON Lines or server-sent events, then live.
 *
 * DESIGN: a stream is a position in the log and a buffer of at most STREAM_BATCH bytes (or one
 * event), filled only when the client has taken all of it: a client that does not read costs its
 * buffer, and nothing is lost, since it stops reading from the log. MHD closes it after
 * CLIENT_IDLE_S. At the end of the log the connection is suspended until the log grows. No
 * statement stays open between two calls. MHD wants a reader that has nothing to say to have
 * suspended the connection.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "server.h"

#define BLOCK_BYTES (32 * 1024)
/* A buffer that grew beyond this is given back. */
#define KEEP_BYTES (256 * 1024)

enum stream_wait {
	WAIT_NOT,
	WAIT_LOG,  /* for the log to grow */
	WAIT_TURN, /* looked at many events in vain; others first */
};

struct stream {
	struct api *api;
	struct MHD_Connection *connection;
	struct stream *previous, *following;
	struct filter *filter;
	struct selection *selection; /* of a rehearsal, or NULL */
	char *feed;
	int64_t after;
	int64_t left; /* events that may still be sent; -1: no limit */
	bool sse, live, gone, failed;
	enum stream_wait waits;
	struct buf out;
	size_t sent; /* of out */
	/* The long event that is being sent; seq 0: none. */
	struct {
		int64_t seq;
		uint64_t hash;
		size_t len, sent;
	} part;
	/* of the refill that runs */
	int64_t last_seq;
	bool full;
};

static void
give_back(struct stream *stream)
{
	stream->sent = 0;
	buf_reset(&stream->out);
	if (stream->out.cap > KEEP_BYTES)
		buf_fini(&stream->out);
}

static void
stream_free(void *arg)
{
	struct stream *stream = arg;
	struct api *api = stream->api;

	give_back(stream);
	if (stream->previous)
		stream->previous->following = stream->following;
	else
		api->streams = stream->following;
	if (stream->following)
		stream->following->previous = stream->previous;
	api->n_streams--;
	filter_free(stream->filter);
	selection_free(stream->selection);
	free(stream->feed);
	buf_fini(&stream->out);
	free(stream);
}

static void
begin_event(struct stream *stream, int64_t seq)
{
	if (stream->sse)
		buf_printf(&stream->out, "id: %lld\ndata: ", (long long)seq);
}

static void
end_event(struct stream *stream, int64_t seq)
{
	buf_puts(&stream->out, stream->sse ? "\n\n" : "\n");
	stream->last_seq = seq;
	if (stream->left > 0)
		stream->left--;
	stream->full = stream->left == 0 || stream->out.len >= STREAM_BATCH;
}

/* The next slice of a long event; alone in the buffer. */
static void
take_slice(struct stream *stream, int64_t seq, const char *json, size_t len)
{
	if (stream->out.len > 0) { /* at the next refill */
		stream->full = true;
		return;
	}
	uint64_t hash = hash64(0, json, len);
	if (stream->part.seq == 0) {
		stream->part.seq = seq;
		stream->part.hash = hash;
		stream->part.len = len;
		stream->part.sent = 0;
		begin_event(stream, seq);
	} else if (stream->part.hash != hash || stream->part.len != len) {
		stream->failed = true;
		return;
	}
	size_t n = len - stream->part.sent;
	if (n > STREAM_SLICE)
		n = STREAM_SLICE;
	buf_append(&stream->out, json + stream->part.sent, n);
	stream->part.sent += n;
	if (stream->part.sent == len) {
		end_event(stream, seq);
		stream->part.seq = 0;
	}
	stream->full = true;
}

static int
take_event(void *arg, const struct rendered *event, int64_t at)
{
	struct stream *stream = arg;
	size_t len = strlen(event->json);

	(void)at;
	if (stream->part.seq != 0 && stream->part.seq != event->seq) {
		stream->failed = true; /* retention took it meanwhile */
	} else if (len > STREAM_SLICE || stream->part.seq != 0) {
		take_slice(stream, event->seq, event->json, len);
	} else {
		begin_event(stream, event->seq);
		buf_append(&stream->out, event->json, len);
		end_event(stream, event->seq);
	}
	return stream->full || stream->failed;
}

/* Reads on in the log; true if the position moved. */
static bool
refill(struct stream *stream)
{
	int64_t before = stream->after;
	int64_t scanned = before;
	struct view_events events = {
		.after = stream->part.seq != 0 ? stream->part.seq - 1 : before,
		.limit = stream->left >= 0 && stream->left < 1000 ? (size_t)stream->left : 1000,
		.feed = stream->feed,
		.filter = stream->filter,
		.notify = stream->selection ? &stream->selection->notify : NULL,
		.row = take_event,
		.arg = stream,
	};

	stream->last_seq = before;
	stream->full = false;
	int r = view_events(stream->api->view, &events, &scanned);
	stream->failed = stream->failed || r < 0 || (stream->part.seq != 0 && stream->out.len == 0);
	if (stream->full)
		stream->after = stream->last_seq;
	else if (scanned > before)
		stream->after = scanned;
	return stream->after > before;
}

static void
stream_suspend(struct stream *stream, enum stream_wait waits)
{
	stream->waits = waits;
	MHD_suspend_connection(stream->connection);
	if (waits == WAIT_TURN) {
		stream->api->again = true;
		ev_async_send(stream->api->loop, &stream->api->woken);
	}
}

/* The buffer is empty: fills it, suspends, or says that it is over. */
static ssize_t
stream_advance(struct stream *stream)
{
	if (stream->left == 0 || stream->gone || stream->api->ending)
		return MHD_CONTENT_READER_END_OF_STREAM;
	bool moved = refill(stream);
	if (stream->failed)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (stream->out.len > 0)
		return 1;
	if (moved)
		stream_suspend(stream, WAIT_TURN);
	else if (stream->live)
		stream_suspend(stream, WAIT_LOG);
	else
		return MHD_CONTENT_READER_END_OF_STREAM;
	return 0;
}

static ssize_t
stream_read(void *arg, uint64_t position, char *data, size_t max)
{
	struct stream *stream = arg;

	(void)position;
	if (stream->sent == stream->out.len) {
		give_back(stream);
		ssize_t r = stream_advance(stream);

		if (r <= 0)
			return r;
	}
	size_t n = stream->out.len - stream->sent;
	if (n > max)
		n = max;
	memcpy(data, stream->out.data + stream->sent, n);
	stream->sent += n;
	return (ssize_t)n;
}

static void
stream_resume(struct stream *stream)
{
	stream->waits = WAIT_NOT;
	MHD_resume_connection(stream->connection);
}

void
streams_wake(struct api *api, bool grown)
{
	for (struct stream *stream = api->streams; stream; stream = stream->following) {
		if (stream->waits == WAIT_NOT || (stream->waits == WAIT_LOG && !grown))
			continue;
		stream_resume(stream);
	}
}

/* True if the other side has closed its end. MHD does not look at suspended connections. */
static bool
client_is_gone(const struct stream *stream)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(stream->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct pollfd poll_fd = {.fd = info ? info->connect_fd : -1, .events = POLLRDHUP};

	return poll(&poll_fd, 1, 0) == 1 && (poll_fd.revents & (POLLRDHUP | POLLHUP | POLLERR));
}

void
streams_beat(struct api *api)
{
	for (struct stream *stream = api->streams; stream; stream = stream->following) {
		if (stream->waits == WAIT_NOT)
			continue;
		stream->gone = client_is_gone(stream);
		if (stream->sse && stream->out.len == 0)
			buf_puts(&stream->out, ": still here\n\n");
		if (stream->gone || stream->out.len > 0)
			stream_resume(stream);
	}
	if (api->n_streams == 0)
		ev_timer_stop(api->loop, &api->beat);
}

static struct stream *
stream_new(struct request *request, int64_t after)
{
	struct api *api = request->api;
	struct stream *stream = xcalloc(1, sizeof(*stream));

	stream->api = api;
	stream->connection = request->connection;
	stream->after = after;
	stream->left = -1;
	stream->live = true;
	stream->sse = accept_wants_sse(request_header(request, "Accept"));
	stream->out = BUF_INIT(SIZE_MAX / 2);
	stream->following = api->streams;
	if (api->streams)
		api->streams->previous = stream;
	api->streams = stream;
	api->n_streams++;
	if (!ev_is_active(&api->beat))
		ev_timer_again(api->loop, &api->beat);
	return stream;
}

/* Compiles the filter and queues the response; frees the stream where that fails. */
static enum MHD_Result
stream_begin(struct request *request, struct stream *stream, const char *where)
{
	AUTO(freep) char *error = NULL;

	if (where)
		stream->filter = filter_new(where, &error);
	if (where && !stream->filter) {
		stream_free(stream);
		return respond_error(request, MHD_HTTP_BAD_REQUEST, "where: %s",
			error ? error : "not an expression");
	}
	const char *type =
		stream->sse ? "text/event-stream" : "application/x-ndjson; charset=utf-8";
	struct MHD_Response *response = MHD_create_response_from_callback(
		MHD_SIZE_UNKNOWN, BLOCK_BYTES, stream_read, stream, stream_free);
	return respond_queue(request, MHD_HTTP_OK, type, response);
}

static bool
is_crowded(const struct api *api)
{
	return api->n_streams >= api->max_streams;
}

static enum MHD_Result
respond_crowded(struct request *request)
{
	return respond_error(request, MHD_HTTP_SERVICE_UNAVAILABLE, "there are %u streams already",
		request->api->n_streams);
}

static enum MHD_Result
stream_start(struct request *request, int64_t after)
{
	if (is_crowded(request->api)) /* a new consumer had to wait, and others came meanwhile */
		return respond_crowded(request);
	struct stream *stream = stream_new(request, after);

	stream->feed = xstrdup(query_get(&request->query, "feed"));
	if (query_number(&request->query, "limit", 1, INT64_MAX, &stream->left) < 0 ||
		query_flag(&request->query, "wait", &stream->live) < 0) {
		stream_free(stream);
		return respond_error(
			request, MHD_HTTP_BAD_REQUEST, "limit is a number from 1, wait is 0 or 1");
	}
	return stream_begin(request, stream, query_get(&request->query, "where"));
}

enum MHD_Result
stream_rehearse(struct request *request, int64_t after, struct selection *selection)
{
	if (is_crowded(request->api)) {
		selection_free(selection);
		return respond_crowded(request);
	}
	struct stream *stream = stream_new(request, after);

	stream->live = false;
	stream->selection = selection;
	return stream_begin(request, stream, selection->notify.where);
}

/* Where the client asks to start: 1 and *ret_after, 0 where it does not say, -EINVAL. */
static int
explicit_start(struct request *request, int64_t *ret_after)
{
	const char *last_id = request_header(request, "Last-Event-ID");
	const char *after = query_get(&request->query, "after");

	if (last_id && *last_id) /* a browser that comes back sends it with its first address */
		after = last_id;
	if (!after)
		return 0;
	if (strcmp(after, "now") == 0) {
		*ret_after = store_seq(request->api->options.store);
		return 1;
	}
	return parse_number(after, 0, INT64_MAX, ret_after) < 0 ? -EINVAL : 1;
}

static enum MHD_Result
consumer_known(struct request *request)
{
	int64_t after = request->consumer->seq;

	if (request->consumer->head.result < 0)
		return respond_errno(request, request->consumer->head.result);
	return stream_start(request, after);
}

static enum MHD_Result
start_consumer(struct request *request, const char *name, int placed, int64_t after)
{
	int64_t cursor;
	int r = view_consumer(request->api->view, name, &cursor);

	if (r == -ENOENT && request->head)
		return stream_start(request, after);
	if (r == -ENOENT) { /* a new one begins where its first reader does */
		const struct store_consumer wish = {.placed = placed, .seq = after};

		return ask_consumer(request, name, &wish, consumer_known);
	}
	if (r < 0)
		return respond_errno(request, r);
	return stream_start(request, placed ? after : cursor);
}

enum MHD_Result
route_events(struct request *request)
{
	const char *consumer = query_get(&request->query, "consumer");
	const char *feed = query_get(&request->query, "feed");
	int64_t after = 0;
	int placed = explicit_start(request, &after);

	if (placed < 0)
		return respond_error(request, MHD_HTTP_BAD_REQUEST,
			"after and Last-Event-ID are the number of an event, or now");
	if (consumer && !name_is_valid(consumer))
		return respond_error(request, MHD_HTTP_BAD_REQUEST,
			"a consumer's name is made of letters, digits and . _ -, at most %d",
			QUERY_NAME_SIZE - 1);
	if (feed && !feed_exists(request, feed))
		return respond_error(request, MHD_HTTP_NOT_FOUND, "there is no feed \"%s\"", feed);
	if (is_crowded(request->api)) /* before a consumer is made */
		return respond_crowded(request);
	if (consumer)
		return start_consumer(request, consumer, placed, after);
	return stream_start(request, after);
}
