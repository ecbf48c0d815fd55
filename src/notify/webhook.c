/* webhook.c - a post: event objects as JSON, signed as Standard Webhooks asks, and the answer's
 * status as the outcome. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "feedd/http.h"
#include "feedd/notify.h"
#include "feedd/url.h"

#include "call.h"
#include "sign.h"

#define ANSWER_MAX ((int64_t)64 << 10)
#define OWN_HEADERS 4

static enum result
result_of_status(int status, int64_t retry_after)
{
	if (status >= 200 && status < 300)
		return RESULT_DONE;
	if (status == 410)
		return RESULT_GONE;
	return (status == 429 || status == 503) && retry_after > 0 ? RESULT_LATER : RESULT_FAILED;
}

static void
on_done(struct http_request *request)
{
	struct call *call = CONTAINER_OF(request, struct call, request);
	struct outcome outcome = {.result = RESULT_FAILED, .retry_after = request->retry_after};
	char detail[512];

	/* An answer that is too long is an answer all the same: only its status counts. */
	if (request->error == HTTP_CANCELLED) {
		outcome.result = RESULT_ABANDONED;
		outcome.detail = "cancelled";
	} else if (request->error == HTTP_OK ||
		(request->error == HTTP_TOO_LARGE && request->status > 0)) {
		outcome.result = result_of_status(request->status, request->retry_after);
		snprintf(detail, sizeof(detail), "status %d%s%s", request->status,
			request->location ? ", redirect not followed to " : "",
			request->location ? url_redact(&call->arena, request->location) : "");
		outcome.detail = outcome.result == RESULT_DONE ? NULL : detail;
	} else {
		outcome.detail = request->detail ? request->detail : "request failed";
	}
	call->finished(call, &outcome);
}

/* The event object, or an array of them. */
static struct buf
make_body(const struct call *call, const struct rendered *events, size_t n)
{
	struct buf body = BUF_INIT(SIZE_MAX / 2);
	bool array = call->setup->array && call->bundle && !call->bundle->summary;

	if (array)
		buf_putc(&body, '[');
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_putc(&body, ',');
		buf_puts(&body, events[i].json);
	}
	if (array)
		buf_putc(&body, ']');
	return body;
}

/* The same for the same events, so that the receiver can drop a repetition. */
static char *
make_id(struct call *call, const struct rendered *events, size_t n, int64_t now)
{
	const char *uuid = store_uuid(call->tools->store);
	int64_t first = events[0].seq, last = events[n - 1].seq;

	if (!call->bundle)
		return arena_printf(&call->arena, "feedd-%s-test-%" PRId64, uuid, now);
	if (call->bundle->summary)
		return arena_printf(&call->arena, "feedd-%s-summary-%" PRId64, uuid, last);
	if (n == 1)
		return arena_printf(&call->arena, "feedd-%s-%" PRId64, uuid, first);
	return arena_printf(
		&call->arena, "feedd-%s-%" PRId64 "-%" PRId64 "-%zu", uuid, first, last, n);
}

/* Our headers and the configured ones. The signature is of this moment: it is made anew for each
 * try, as the standard asks. */
static int
make_headers(struct call *call, const struct buf *body, const char *id)
{
	const struct notify_config *config = &call->setup->config;
	const struct signed_message message = {.id = id,
		.timestamp = (int64_t)time(NULL),
		.body = body->data,
		.body_len = body->len};
	const char **headers =
		arena_zalloc(&call->arena, (OWN_HEADERS + config->headers.n) * sizeof(char *));
	size_t n = 0;

	headers[n++] = "Content-Type: application/json";
	headers[n++] = arena_printf(&call->arena, "webhook-id: %s", id);
	headers[n++] = arena_printf(&call->arena, "webhook-timestamp: %" PRId64, message.timestamp);
	if (config->secrets.n > 0) {
		struct buf signature = BUF_INIT(4096);
		int r = sign_message(&signature, &config->secrets, &message);

		headers[n++] = arena_printf(&call->arena, "webhook-signature: %s", signature.data);
		buf_fini(&signature);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < config->headers.n; i++)
		headers[n++] = config->headers.at[i];
	call->request.headers = headers;
	call->request.n_headers = n;
	return 0;
}

int
webhook_call_start(struct call *call, const struct rendered *events, size_t n)
{
	const struct notify_config *config = &call->setup->config;
	AUTO(buf_fini) struct buf body = make_body(call, events, n);
	const char *id = make_id(call, events, n, (int64_t)time(NULL));

	call->request = (struct http_request){
		.method = "POST",
		.url = config->webhook,
		.body = body.data,
		.body_len = body.len,
		.tls_verify = true,
		.allow_private = true,
		.keep_alive = true,
		.timeout_ms = config->timeout * 1000,
		.max_bytes = ANSWER_MAX,
		.done = on_done,
	};
	int r = make_headers(call, &body, id);
	return r < 0 ? r : http_start(call->tools->http, &call->request);
}
