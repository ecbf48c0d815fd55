/* respond.c - answers: JSON objects and texts with their headers. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "feedd/text.h"
#include "server.h"

const char *
request_header(const struct request *request, const char *name)
{
	return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

enum MHD_Result
respond_queue(
	struct request *request, unsigned status, const char *type, struct MHD_Response *response)
{
	if (!response)
		mem_exhausted(0); /* what it was to own, a stream for one, would be left behind */
	MHD_add_response_header(response, "Content-Type", type);
	MHD_add_response_header(response, "Cache-Control", "no-store");
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	enum MHD_Result r = MHD_queue_response(request->connection, status, response);
	MHD_destroy_response(response);
	request->state = REQUEST_ANSWERED;
	return r;
}

enum MHD_Result
respond_body(struct request *request, unsigned status, const char *type, struct buf *body)
{
	size_t len = body->len;
	char *data = buf_steal(body);

	return respond_queue(request, status, type,
		MHD_create_response_from_buffer(len, data, MHD_RESPMEM_MUST_FREE));
}

static int
append(const char *data, size_t len, void *arg)
{
	return buf_append(arg, data, len);
}

enum MHD_Result
respond_json(struct request *request, unsigned status, json_t *object)
{
	AUTO(buf_fini) struct buf body = BUF_INIT(SIZE_MAX / 2);

	json_dump_callback(object, append, &body, JSON_COMPACT);
	buf_putc(&body, '\n');
	json_decref(object);
	return respond_body(request, status, "application/json", &body);
}

enum MHD_Result
respond_error(struct request *request, unsigned status, const char *fmt, ...)
{
	char text[1024];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return respond_json(request, status, json_pack("{s:o}", "error", json_text(text)));
}

enum MHD_Result
respond_errno(struct request *request, int error)
{
	static const struct {
		int error;
		unsigned status;
		const char *text;
	} answers[] = {
		{-ENOENT, MHD_HTTP_NOT_FOUND, "there is none of that name or number"},
		{-EINVAL, MHD_HTTP_BAD_REQUEST, "that cannot be read"},
		{-ENOSPC, MHD_HTTP_INSUFFICIENT_STORAGE, "the disk is full"},
		{-EBUSY, MHD_HTTP_SERVICE_UNAVAILABLE, "the database is busy"},
		{-EDQUOT, MHD_HTTP_INSUFFICIENT_STORAGE, "there are 1000 consumers already"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(answers); i++)
		if (answers[i].error == error)
			return respond_error(request, answers[i].status, "%s", answers[i].text);
	return respond_error(request, MHD_HTTP_INTERNAL_SERVER_ERROR,
		"the database cannot be used: %s", strerror(-error));
}

json_t *
json_date(int64_t at)
{
	char text[DATE_SIZE];

	return at == 0 || at == DATE_NONE ? json_null() : json_string(date_format(at, text));
}

json_t *
json_text(const char *text)
{
	if (!text)
		return json_null();
	json_t *string = json_string(text);
	if (string)
		return string;
	struct arena arena = {0};
	string = json_string(text_clean(&arena, text, strlen(text)));
	arena_fini(&arena);
	return string ? string : json_null();
}
