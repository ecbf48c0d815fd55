/*
 * receive.c - what libcurl tells us during a hop: addresses before they are connected to, headers,
 * the body.
 *
 * All limits on what a server sends are here, and count bytes as they arrive (of the body:
 * decoded). May touch: sockets, which it makes for libcurl.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "feedd/url.h"
#include "transfer.h"

/* Bodies that announce a length up to this get their memory in one piece. */
#define ANNOUNCED_MAX ((curl_off_t)1 << 20)

/* True if the hop may go to the address; notes it where not. With a proxy the address is the
 * proxy's, which the administrator chose. */
static bool
may_connect(struct http_transfer *transfer, const struct sockaddr *address)
{
	if (transfer->in.proxy && *transfer->in.proxy)
		return true;
	if (!url_address_is_private(address) || transfer_may_be_private(transfer))
		return true;
	const void *binary = address->sa_family == AF_INET6
		? (const void *)&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr
		: (const void *)&((const struct sockaddr_in *)(const void *)address)->sin_addr;
	if (!inet_ntop(address->sa_family, binary, transfer->refused, sizeof(transfer->refused)))
		snprintf(transfer->refused, sizeof(transfer->refused), "of family %d",
			address->sa_family);
	return false;
}

static curl_socket_t
open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct http_transfer *transfer = arg;

	(void)purpose;
	if (!may_connect(transfer, &address->addr))
		return CURL_SOCKET_BAD;
	int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
	if (fd < 0)
		transfer->open_errno = errno;
	return fd;
}

/* A connection that another request left open was checked for that one, not for this. */
static int
before_request(void *arg, char *peer, char *local, int peer_port, int local_port)
{
	struct http_transfer *transfer = arg;
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	bool may;

	(void)local;
	(void)peer_port;
	(void)local_port;
	if (inet_pton(AF_INET, peer, &v4.sin_addr) == 1)
		may = may_connect(transfer, (const struct sockaddr *)&v4);
	else if (inet_pton(AF_INET6, peer, &v6.sin6_addr) == 1)
		may = may_connect(transfer, (const struct sockaddr *)&v6);
	else
		may = transfer_may_be_private(transfer);
	if (may)
		return CURL_PREREQFUNC_OK;
	transfer->stop = STOP_PRIVATE;
	return CURL_PREREQFUNC_ABORT;
}

static size_t
on_header(char *line, size_t size, size_t count, void *arg)
{
	struct http_transfer *transfer = arg;

	transfer->header_bytes += size * count;
	transfer->headers_ended = size * count <= 2 && (line[0] == '\r' || line[0] == '\n');
	if (transfer->header_bytes > HTTP_HEADERS_MAX) {
		transfer->stop = STOP_HEADERS;
		return 0;
	}
	return size * count;
}

static bool
is_redirect(long status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

void
receive_drop(struct http_request *request)
{
	buf_fini(&request->answer);
	if (request->allowance)
		request->allowance->used_bytes -= request->held_bytes;
	request->held_bytes = 0;
}

/* Of the requests on their way that share an allowance, the one with the largest body over its
 * share; NULL where there is none. */
static struct http_transfer *
find_largest(const struct http *http, const struct http_allowance *allowance)
{
	struct http_transfer *largest = NULL;
	size_t most = allowance->share_bytes;

	for (struct http_transfer *at = http->active.first; at; at = at->next)
		if (at->in.allowance == allowance && at->request->held_bytes > most) {
			largest = at;
			most = at->request->held_bytes;
		}
	return largest;
}

/* Counts what was added to the body. Another transfer that gives way is ended by its next bytes, or
 * by its end. */
static void
count_held(struct http_transfer *transfer, size_t len)
{
	struct http_allowance *allowance = transfer->in.allowance;
	struct http_transfer *largest;

	if (!allowance)
		return;
	transfer->request->held_bytes += len;
	allowance->used_bytes += len;
	while (allowance->used_bytes > allowance->max_bytes &&
		(largest = find_largest(transfer->http, allowance))) {
		largest->stop = STOP_CROWDED;
		receive_drop(largest->request);
	}
}

/* Decides by the status what becomes of the body, and takes memory for what is announced. */
static void
begin_body(struct http_transfer *transfer)
{
	struct buf *answer = &transfer->request->answer;
	const struct http_request *in = &transfer->in;
	long status = 0;
	curl_off_t length = -1;

	curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(transfer->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
	transfer->has_body = true;
	transfer->body_max = (size_t)in->max_bytes;
	transfer->body_explains = in->body || status < 200 || status > 299;
	transfer->body_dropped = in->follow && !in->body && is_redirect(status);
	if (transfer->body_explains && transfer->body_max > HTTP_EXPLANATION_MAX)
		transfer->body_max = HTTP_EXPLANATION_MAX;
	receive_drop(transfer->request);
	answer->max = transfer->body_max;
	if (!transfer->body_explains && length > in->max_bytes) {
		transfer->stop = STOP_BODY;
		return;
	}
	if (!transfer->body_dropped && length > 0 && length <= ANNOUNCED_MAX &&
		length <= (curl_off_t)transfer->body_max) {
		answer->data = xmalloc((size_t)length + 1);
		answer->data[0] = '\0';
		answer->cap = (size_t)length + 1;
	}
}

static size_t
on_body(char *data, size_t size, size_t count, void *arg)
{
	struct http_transfer *transfer = arg;
	struct buf *answer = &transfer->request->answer;
	size_t len = size * count;

	if (!transfer->has_body)
		begin_body(transfer);
	if (transfer->stop != STOP_NONE)
		return 0;
	size_t have = transfer->body_dropped ? transfer->dropped : answer->len;
	size_t fits = len <= transfer->body_max - have ? len : transfer->body_max - have;
	if (transfer->body_dropped) {
		transfer->dropped += fits;
	} else {
		buf_append(answer, data, fits);
		count_held(transfer, fits);
	}
	if (fits < len && transfer->stop == STOP_NONE)
		transfer->stop = transfer->body_explains ? STOP_ENOUGH : STOP_BODY;
	return transfer->stop == STOP_NONE ? len : 0;
}

void
receive_prepare(struct http_transfer *transfer)
{
	CURL *easy = transfer->easy;

	transfer->stop = STOP_NONE;
	transfer->has_body = transfer->body_explains = transfer->body_dropped = false;
	transfer->headers_ended = false;
	transfer->dropped = transfer->header_bytes = transfer->body_max = 0;
	transfer->refused[0] = '\0';
	transfer->error_text[0] = '\0';
	transfer->open_errno = 0;
	curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->error_text);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer);
	curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, before_request);
	curl_easy_setopt(easy, CURLOPT_PREREQDATA, transfer);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
}
