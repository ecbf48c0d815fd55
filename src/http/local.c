/*
 * local.c - the client's side of the daemon's socket: one blocking request, its body streamed or
 * collected.
 *
 * May touch: libcurl, the Unix socket.
 */
#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "feedd/http.h"
#include "transfer.h"

#define ANSWER_MAX ((size_t)256 << 20)
#define CONNECT_TIMEOUT_MS 5000L

struct exchange {
	struct http_local *local;
	CURL *easy;
	bool ended; /* by data */
	bool too_large;
};

static size_t
on_body(char *data, size_t size, size_t count, void *arg)
{
	struct exchange *exchange = arg;
	struct http_local *local = exchange->local;
	size_t len = size * count;
	long status = 0;

	curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &status);
	if (local->data && status >= 200 && status <= 299) {
		exchange->ended = local->data(local->arg, data, len) != 0;
		return exchange->ended ? 0 : len;
	}
	exchange->too_large = buf_append(&local->answer, data, len) < 0;
	return exchange->too_large ? 0 : len;
}

static int
add_header(struct curl_slist **list, const char *name, const char *value)
{
	AUTO(freep) char *line = xasprintf("%s: %s", name, value);
	struct curl_slist *longer = strpbrk(value, "\r\n") ? NULL : curl_slist_append(*list, line);

	if (!longer)
		return -EINVAL;
	*list = longer;
	return 0;
}

/* Whether a daemon is at the socket, asked before libcurl is: it folds all answers to that into
 * one. */
static int
probe(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path) + 1);
	AUTO(closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	return connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
}

/* The end of a request in which libcurl found a fault. */
static int
describe(struct exchange *exchange, CURLcode code)
{
	struct http_local *local = exchange->local;

	if (exchange->ended)
		return -ECANCELED;
	if (code == CURLE_COULDNT_CONNECT) {
		int r = probe(local->socket);

		r = r < 0 ? r : -ECONNREFUSED;
		local->detail = xasprintf("no daemon at %s: %s", local->socket, strerror(-r));
		return r;
	}
	if (exchange->too_large)
		local->detail = xstrdup("the daemon's answer is too large");
	else if (code == CURLE_PARTIAL_FILE || code == CURLE_RECV_ERROR ||
		code == CURLE_GOT_NOTHING)
		local->detail = xstrdup("the daemon closed the connection");
	else
		local->detail = xasprintf("asking the daemon failed: %s", curl_easy_strerror(code));
	return -EIO;
}

static int
perform(struct exchange *exchange)
{
	struct http_local *local = exchange->local;
	CURL *easy = exchange->easy;
	struct curl_slist *headers = NULL;
	AUTO(freep) char *url = xasprintf("http://feedd%s", local->path);
	const char *method = local->method ? local->method : "GET";
	int r = add_header(&headers, "Accept", local->accept ? local->accept : "application/json");

	if (r == 0 && local->last_event_id)
		r = add_header(&headers, "Last-Event-ID", local->last_event_id);
	if (r == 0) {
		curl_easy_reset(easy);
		curl_easy_setopt(easy, CURLOPT_URL, url);
		curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http");
		curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, local->socket);
		curl_easy_setopt(easy, CURLOPT_PROXY, "");
		curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
		curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
		curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)local->timeout_ms);
		curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
		if (strcmp(method, "POST") == 0)
			curl_easy_setopt(easy, CURLOPT_POSTFIELDS, "");
		else if (strcmp(method, "GET") != 0)
			curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
		curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
		curl_easy_setopt(easy, CURLOPT_WRITEDATA, exchange);
		CURLcode code = curl_easy_perform(easy);
		long status = 0;

		curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
		local->status = (int)status;
		r = code == CURLE_OK ? 0 : describe(exchange, code);
	}
	curl_slist_free_all(headers);
	return r;
}

int
http_local_request(struct http_local *local)
{
	struct http_kept own = {0};
	struct http_kept *kept = local->kept ? local->kept : &own;
	int r = http_init();

	if (r < 0)
		return r;
	if (!kept->handle)
		kept->handle = curl_easy_init();
	if (!kept->handle)
		return -ENOMEM;
	local->answer = BUF_INIT(ANSWER_MAX);
	r = perform(&(struct exchange){.local = local, .easy = kept->handle});
	http_kept_fini(&own);
	return r;
}

void
http_kept_fini(struct http_kept *kept)
{
	curl_easy_cleanup(kept->handle);
	kept->handle = NULL;
}

void
http_local_fini(struct http_local *local)
{
	free(local->detail);
	local->detail = NULL;
	local->status = 0;
	buf_fini(&local->answer);
}
