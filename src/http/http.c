/*
 * http.c - see http.h. The engine: libcurl's multi handle on the loop, the requests in flight and
 * the way home.
 *
 * DESIGN: libcurl asks for sockets and one timer through callbacks, which become watchers. Their
 * events go into curl_multi_socket_action(); what that ended is collected into a list, and only
 * then, outside of libcurl, is `done` called. So `done` may start, cancel and free. May touch:
 * libcurl, the loop.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "transfer.h"

/* Connections kept for reuse. More cost more than they save: libcurl searches them one by one. */
#define CONNECTIONS_KEPT 64L

struct http_socket {
	struct ev_io io;
	struct http *http;
};

int64_t
http_now_mono_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void
list_append(struct http_list *list, struct http_transfer *transfer)
{
	transfer->list = list;
	transfer->next = NULL;
	transfer->previous = list->last;
	if (list->last)
		list->last->next = transfer;
	else
		list->first = transfer;
	list->last = transfer;
}

static void
list_remove(struct http_transfer *transfer)
{
	struct http_list *list = transfer->list;

	if (!list)
		return;
	if (transfer->previous)
		transfer->previous->next = transfer->next;
	else
		list->first = transfer->next;
	if (transfer->next)
		transfer->next->previous = transfer->previous;
	else
		list->last = transfer->previous;
	transfer->list = NULL;
}

/* Takes the first one out; NULL where there is none. */
static struct http_transfer *
list_pop(struct http_list *list)
{
	struct http_transfer *first = list->first;

	if (!first)
		return NULL;
	list->first = first->next;
	if (first->next)
		first->next->previous = NULL;
	else
		list->last = NULL;
	first->list = NULL;
	return first;
}

/* Takes the transfer away from libcurl. */
static void
detach(struct http_transfer *transfer)
{
	if (transfer->added)
		curl_multi_remove_handle(transfer->http->multi, transfer->easy);
	transfer->added = false;
}

void
http_finish(struct http_transfer *transfer)
{
	detach(transfer);
	list_remove(transfer);
	list_append(&transfer->http->finished, transfer);
}

/* Gives the request back to its owner; nothing of the transfer is left when done is called. */
static void
bring_home(struct http_transfer *transfer)
{
	struct http *http = transfer->http;
	struct http_request *request = transfer->request;

	detach(transfer);
	list_remove(transfer);
	curl_easy_cleanup(transfer->easy);
	request->elapsed_ms = http_now_mono_ms() - transfer->started_mono_ms;
	transfer_fini(transfer);
	free(transfer);
	request->transfer = NULL;
	http->in_flight--;
	request->done(request);
}

static void
release(struct http *http)
{
	free(http->user_agent);
	free(http);
}

static void
leave(struct http *http)
{
	if (--http->depth == 0 && http->released)
		release(http);
}

void
http_dispatch(struct http *http)
{
	struct http_transfer *transfer;

	http->depth++;
	while ((transfer = list_pop(&http->finished)))
		bring_home(transfer);
	leave(http);
}

/* Hands the next hop to libcurl; where that is refused the outcome is set. No handle is used twice:
 * libcurl before 8.1.1 writes to a header of the transfer before, which it has freed, where the
 * first header line of an answer begins with a blank. A new one costs a microsecond. */
static int
begin_hop(struct http_transfer *transfer)
{
	curl_easy_cleanup(transfer->easy);
	transfer->easy = curl_easy_init();
	if (!transfer->easy)
		mem_exhausted(0);
	int r = transfer_prepare(transfer);
	if (r < 0)
		return r;
	CURLMcode code = curl_multi_add_handle(transfer->http->multi, transfer->easy);
	if (code != CURLM_OK) {
		transfer_fail(
			transfer, HTTP_CONNECT, "cannot begin: %s", curl_multi_strerror(code));
		return -EIO;
	}
	transfer->added = true;
	return 0;
}

/* Takes what libcurl has ended. */
static void
collect(struct http *http)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(http->multi, &left))) {
		if (message->msg != CURLMSG_DONE)
			continue;
		struct http_transfer *transfer;
		CURLcode code = message->data.result;
		char *private_pointer = NULL;

		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private_pointer);
		transfer = (struct http_transfer *)(void *)private_pointer;
		enum outcome outcome = outcome_of_hop(transfer, code);
		detach(transfer);
		if (outcome == OUTCOME_FINISHED || begin_hop(transfer) < 0)
			http_finish(transfer);
	}
	http_dispatch(http);
}

static void
on_socket(struct ev_loop *loop, struct ev_io *io, int revents)
{
	(void)loop;
	struct http_socket *sock = CONTAINER_OF(io, struct http_socket, io);
	struct http *http = sock->http;
	int running;
	int mask = (revents & EV_READ ? CURL_CSELECT_IN : 0) |
		(revents & EV_WRITE ? CURL_CSELECT_OUT : 0);

	curl_multi_socket_action(http->multi, io->fd, mask, &running);
	collect(http);
}

static void
on_timer(struct ev_loop *loop, struct ev_timer *timer, int revents)
{
	(void)loop;
	(void)revents;
	struct http *http = CONTAINER_OF(timer, struct http, timer);
	int running;

	curl_multi_socket_action(http->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	collect(http);
}

static void
on_due(struct ev_loop *loop, struct ev_timer *timer, int revents)
{
	(void)loop;
	(void)revents;
	http_dispatch(CONTAINER_OF(timer, struct http, due));
}

static int
watch_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
	(void)easy;
	struct http *http = arg;
	struct http_socket *sock = socket_arg;
	int events = (what & CURL_POLL_IN ? EV_READ : 0) | (what & CURL_POLL_OUT ? EV_WRITE : 0);

	if (what == CURL_POLL_REMOVE) {
		if (sock)
			ev_io_stop(http->loop, &sock->io);
		free(sock);
		curl_multi_assign(http->multi, fd, NULL);
		return 0;
	}
	if (!sock) {
		sock = xcalloc(1, sizeof(*sock));
		sock->http = http;
		ev_init(&sock->io, on_socket);
		curl_multi_assign(http->multi, fd, sock);
	}
	ev_io_stop(http->loop, &sock->io);
	ev_io_set(&sock->io, fd, events);
	ev_io_start(http->loop, &sock->io);
	return 0;
}

static int
watch_timer(CURLM *multi, long timeout_ms, void *arg)
{
	(void)multi;
	struct http *http = arg;

	ev_timer_stop(http->loop, &http->timer);
	if (timeout_ms >= 0) {
		ev_timer_set(&http->timer, (double)timeout_ms / 1000.0, 0.);
		ev_timer_start(http->loop, &http->timer);
	}
	return 0;
}

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;
static CURLcode curl_ready;

static void
start_curl(void)
{
	/* A setting that is not made for want of memory is one of proxy, certificate or header. */
	curl_ready =
		curl_global_init_mem(CURL_GLOBAL_DEFAULT, xmalloc, free, xresize, xstrdup, xcalloc);
}

int
http_init(void)
{
	pthread_once(&curl_once, start_curl);
	return curl_ready == CURLE_OK ? 0 : -ENOSYS;
}

int
http_new(struct http **ret_http, struct ev_loop *loop, const char *user_agent)
{
	int r = http_init();

	if (r < 0)
		return r;
	CURLM *multi = curl_multi_init();
	if (!multi)
		return -ENOMEM;
	struct http *http = xcalloc(1, sizeof(*http));
	http->loop = loop;
	http->multi = multi;
	http->user_agent = xstrdup(user_agent);
	ev_timer_init(&http->timer, on_timer, 0., 0.);
	ev_timer_init(&http->due, on_due, 0., 0.);
	curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
	curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, http);
	curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, watch_timer);
	curl_multi_setopt(multi, CURLMOPT_TIMERDATA, http);
	curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, CONNECTIONS_KEPT);
	*ret_http = http;
	return 0;
}

/* The outcome is there already: home with it at the next turn of the loop, since done never comes
 * from http_start(). */
static void
finish_later(struct http_transfer *transfer)
{
	http_finish(transfer);
	ev_timer_start(transfer->http->loop, &transfer->http->due);
}

int
http_start(struct http *http, struct http_request *request)
{
	if (http->closing)
		return -ESHUTDOWN;
	if (request->transfer)
		return -EBUSY;
	struct http_transfer *transfer = xcalloc(1, sizeof(*transfer));
	transfer->http = http;
	transfer->request = request;
	transfer->file.fd = -1;
	request->transfer = transfer;
	http->in_flight++;
	list_append(&http->active, transfer);
	bool begun = transfer_init(transfer) >= 0 &&
		(transfer->file.path ? file_start(transfer) : begin_hop(transfer) >= 0);
	if (!begun)
		finish_later(transfer);
	return 0;
}

static void
cancel(struct http_transfer *transfer)
{
	struct http_request *request = transfer->request;

	free(request->detail);
	request->detail = xstrdup("cancelled");
	request->error = HTTP_CANCELLED;
	bring_home(transfer);
}

void
http_cancel(struct http *http, struct http_request *request)
{
	if (!request->transfer)
		return;
	http->depth++;
	cancel(request->transfer);
	leave(http);
}

size_t
http_in_flight(const struct http *http)
{
	return http->in_flight;
}

void
http_free(struct http *http)
{
	if (!http || http->closing)
		return;
	http->closing = true;
	http->depth++;
	struct http_transfer *transfer;
	while ((transfer = list_pop(&http->finished)) || (transfer = list_pop(&http->active)))
		cancel(transfer);
	curl_multi_cleanup(http->multi);
	ev_timer_stop(http->loop, &http->timer);
	ev_timer_stop(http->loop, &http->due);
	http->released = true;
	leave(http);
}

bool
http_knows_digest(const struct http *http, const char *origin)
{
	uint64_t hash = hash64_str(0, origin);

	for (size_t i = 0; i < HTTP_DIGEST_ORIGINS; i++)
		if (http->digest_origins[i] == hash)
			return true;
	return false;
}

void
http_learn_digest(struct http *http, const char *origin)
{
	if (!http_knows_digest(http, origin))
		http->digest_origins[http->n_digest_origins++ % HTTP_DIGEST_ORIGINS] =
			hash64_str(0, origin);
}
