/*
 * outcome.c - what a hop that ended means: another hop, or the outcome of the request.
 *
 * Headers are read of the last answer of the last hop only. May touch: what libcurl says of a
 * transfer that ended.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "transfer.h"

/* Validators over this are not worth their room in every row and every request. */
#define VALIDATOR_MAX ((size_t)1024)
/* Of other headers that are kept. */
#define HEADER_MAX ((size_t)4096)
/* Lines of one header that are joined. libcurl goes through all headers for each. */
#define LINES_MAX 16

/* One line of a header without the white space around it, some of which libcurl leaves; its length,
 * or -1 where there is none. */
static ssize_t
header_line(struct http_transfer *transfer, const char *name, size_t index, const char **ret_value)
{
	struct curl_header *header;

	if (curl_easy_header(transfer->easy, name, index, CURLH_HEADER, -1, &header) != CURLHE_OK)
		return -1;
	const char *value = header->value + strspn(header->value, " \t\r\n");
	size_t len = strlen(value);
	while (len > 0 && strchr(" \t\r\n", value[len - 1]))
		len--;
	*ret_value = value;
	return (ssize_t)len;
}

/* The values of a header, those of several lines joined as RFC 9110, 5.2 does; NULL where there is
 * none, or it is longer than max or has more than LINES_MAX lines. malloc'd. */
static char *
take_header(struct http_transfer *transfer, const char *name, size_t max)
{
	AUTO(buf_fini) struct buf joined = BUF_INIT(max);
	const char *value;
	ssize_t len;

	for (size_t i = 0; (len = header_line(transfer, name, i, &value)) >= 0; i++)
		if (i == LINES_MAX || (i > 0 && buf_puts(&joined, ", ") < 0) ||
			buf_append(&joined, value, (size_t)len) < 0)
			return NULL;
	return joined.len ? buf_steal(&joined) : NULL;
}

/* Only the first of several lines: for headers that are no lists. */
static char *
take_first(struct http_transfer *transfer, const char *name, size_t max)
{
	const char *value;
	ssize_t len = header_line(transfer, name, 0, &value);

	return len > 0 && (size_t)len <= max ? xstrndup(value, (size_t)len) : NULL;
}

/* The same of a header that people see, or that is parsed. */
static char *
take_text(struct http_transfer *transfer, const char *name)
{
	char *text = take_first(transfer, name, HEADER_MAX);

	if (text)
		make_printable(text);
	return text;
}

static void
take_headers(struct http_transfer *transfer)
{
	struct http_request *request = transfer->request;
	AUTO(freep) char *retry_after = take_first(transfer, "Retry-After", HEADER_MAX);

	request->content_type = take_text(transfer, "Content-Type");
	request->ret_etag = take_first(transfer, "ETag", VALIDATOR_MAX);
	request->ret_last_modified = take_first(transfer, "Last-Modified", VALIDATOR_MAX);
	request->cache_control = take_header(transfer, "Cache-Control", HEADER_MAX);
	if (request->cache_control)
		make_printable(request->cache_control);
	request->expires = take_text(transfer, "Expires");
	request->date = take_text(transfer, "Date");
	request->age = take_text(transfer, "Age");
	request->server = take_text(transfer, "Server");
	request->cf_mitigated = take_text(transfer, "cf-mitigated");
	request->retry_after = http_retry_after(retry_after, request->date, (int64_t)time(NULL));
}

static bool
may_redirect(const struct http_transfer *transfer)
{
	const struct http_request *in = &transfer->in;

	return in->follow && !in->body &&
		(strcmp(in->method, "GET") == 0 || strcmp(in->method, "HEAD") == 0);
}

/* Points the transfer at the target of a redirect; -errno with the outcome set where it does not go
 * on. */
static int
follow(struct http_transfer *transfer, const char *location)
{
	struct http_request *request = transfer->request;
	bool permanent = request->status == 301 || request->status == 308;

	if (!location) {
		transfer_fail(transfer, HTTP_REDIRECT,
			"status %d with an empty, overlong or missing Location", request->status);
		return -EINVAL;
	}
	if (request->redirects == HTTP_REDIRECTS_MAX) {
		transfer_fail(
			transfer, HTTP_REDIRECT, "more than %d redirects", HTTP_REDIRECTS_MAX);
		return -ELOOP;
	}
	request->redirects++;
	unsigned flags = CURLU_URLENCODE | CURLU_ALLOW_SPACE | CURLU_NON_SUPPORT_SCHEME;
	if (curl_url_set(transfer->url, CURLUPART_URL, location, flags) != CURLUE_OK) {
		transfer_fail(transfer, HTTP_REDIRECT, "status %d with a malformed Location",
			request->status);
		return -EINVAL;
	}
	int r = transfer_read_url(transfer);
	if (r < 0)
		return r;
	uint64_t hash = hash64_str(0, transfer->address);
	for (int i = 0; i < request->redirects; i++)
		if (transfer->seen[i] == hash) {
			transfer_fail(transfer, HTTP_REDIRECT,
				"redirects go in a ring (no cookies are kept)");
			return -ELOOP;
		}
	transfer->seen[request->redirects] = hash;
	transfer->permanent = transfer->permanent && permanent;
	if (transfer->permanent) {
		free(request->moved_to);
		request->moved_to = xstrdup(transfer->address);
	}
	return 0;
}

/* A 3xx other than 304. AGAIN where it is followed. */
static enum outcome
redirect(struct http_transfer *transfer)
{
	struct http_request *request = transfer->request;
	AUTO(freep) char *location = take_first(transfer, "Location", HTTP_ADDRESS_MAX);

	switch (request->status) {
	case 301:
	case 302:
	case 303:
	case 307:
	case 308:
		if (!may_redirect(transfer))
			break;
		return follow(transfer, location) < 0 ? OUTCOME_FINISHED : OUTCOME_AGAIN;
	default:
		if (may_redirect(transfer))
			transfer_fail(transfer, HTTP_REDIRECT, "status %d leads nowhere",
				request->status);
	}
	if (location)
		make_printable(location);
	request->location = location;
	location = NULL;
	return OUTCOME_FINISHED;
}

/* True if the server asks for digest, and was told basic. */
static bool
asks_for_digest(struct http_transfer *transfer)
{
	const struct http_request *in = &transfer->in;

	if (transfer->request->status != 401 || in->bearer || !in->username || transfer->digest ||
		!transfer_at_home(transfer))
		return false;
	AUTO(freep) char *schemes = take_header(transfer, "WWW-Authenticate", HEADER_MAX);
	if (!schemes)
		return false;
	if (strncasecmp(schemes, "Digest ", 7) != 0 && !strcasestr(schemes, ", Digest "))
		return false;
	transfer->asked_digest = true;
	http_learn_digest(transfer->http, transfer->origin);
	return true;
}

/* True if what came of the body is worth keeping although the transfer broke off. */
static bool
is_truncated(const struct http_transfer *transfer, CURLcode code)
{
	const struct http_request *request = transfer->request;

	if (request->status < 200 || request->status > 299 || request->answer.len == 0)
		return false;
	return transfer->stop == STOP_NONE &&
		(code == CURLE_PARTIAL_FILE || code == CURLE_RECV_ERROR ||
			code == CURLE_HTTP2_STREAM);
}

/* The hop failed in libcurl, or was ended by us. */
static void
judge_failure(struct http_transfer *transfer, CURLcode code)
{
	struct http_request *request = transfer->request;

	if (is_truncated(transfer, code)) {
		failure_describe(transfer, code);
		request->error = HTTP_OK;
		request->truncated = true;
		return;
	}
	if (transfer->stop == STOP_ENOUGH) {
		request->truncated = request->status >= 200 && request->status <= 299;
		if (request->truncated)
			request->detail = xstrdup("the rest of the body was not read");
		return;
	}
	/* Of a status that says all by itself the body does not matter, nor whether it can be
	 * decoded or came at all. */
	if (transfer->stop == STOP_NONE && request->status >= 300 &&
		(transfer->has_body || transfer->headers_ended))
		return;
	failure_describe(transfer, code);
}

static void
add_up(struct http_transfer *transfer)
{
	curl_off_t body = 0;
	long headers = 0;

	curl_easy_getinfo(transfer->easy, CURLINFO_SIZE_DOWNLOAD_T, &body);
	curl_easy_getinfo(transfer->easy, CURLINFO_HEADER_SIZE, &headers);
	transfer->request->bytes_wire += body + headers;
}

enum outcome
outcome_of_hop(struct http_transfer *transfer, CURLcode code)
{
	struct http_request *request = transfer->request;
	long status = 0;

	add_up(transfer);
	curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
	request->status = status >= 200 ? (int)status : 0; /* 1xx only promises one */
	curl_off_t connected = 0;
	curl_easy_getinfo(transfer->easy, CURLINFO_CONNECT_TIME_T, &connected);
	request->connected = request->connected || connected > 0 || status > 0;
	free(request->effective_url);
	request->effective_url = xstrdup(transfer->address);
	if (code != CURLE_OK || transfer->stop == STOP_CROWDED)
		judge_failure(transfer, code);
	if (request->error == HTTP_OK && request->status == 0)
		transfer_fail(transfer, HTTP_PROTOCOL,
			"what came is not HTTP: status %ld with nothing behind it", status);
	if (request->error == HTTP_OK && asks_for_digest(transfer)) {
		receive_drop(request);
		return OUTCOME_AGAIN;
	}
	if (request->error == HTTP_OK && status >= 300 && status <= 399 && status != 304 &&
		redirect(transfer) == OUTCOME_AGAIN) {
		receive_drop(request);
		return OUTCOME_AGAIN;
	}
	if (request->status > 0)
		take_headers(transfer);
	request->partial = request->status == 226;
	if (request->error != HTTP_OK)
		receive_drop(request);
	return OUTCOME_FINISHED;
}

void
http_request_fini(struct http_request *request)
{
	char **strings[] = {&request->detail, &request->content_type, &request->ret_etag,
		&request->ret_last_modified, &request->cache_control, &request->expires,
		&request->date, &request->age, &request->server, &request->cf_mitigated,
		&request->location, &request->effective_url, &request->moved_to};

	for (size_t i = 0; i < ARRAY_SIZE(strings); i++) {
		free(*strings[i]);
		*strings[i] = NULL;
	}
	receive_drop(request);
	request->error = HTTP_OK;
	request->status = request->redirects = 0;
	request->truncated = request->partial = request->connected = false;
	request->retry_after = request->bytes_wire = request->elapsed_ms = 0;
}
