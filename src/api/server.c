/*
 * server.c - the api's thread: its loop, one MHD daemon a socket, start and stop.
 *
 * DESIGN: the thread owns everything but the three atomics in struct api. MHD runs in external
 * epoll mode: its epoll descriptor is watched, MHD_run() does what is due, MHD_get_timeout() says
 * when to come back. Other threads only send `woken`. Stopping with a suspended connection would
 * abort the process, so at the stop all are resumed first: streams end, requests that wait for the
 * loop are given up, those that wait for the store are answered.
 */
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "feedd/log.h"
#include "server.h"

/* At the stop: so often may answers that are ready move on. */
#define LAST_RUNS 8

static void
log_library(void *arg, const char *fmt, va_list args)
{
	char text[512];

	(void)arg;
	vsnprintf(text, sizeof(text), fmt, args);
	text[strcspn(text, "\n")] = '\0';
	log_debug("socket: %s", text);
}

/* The first call for a request: the target as the client wrote it. What is returned comes back as
 * *slot of the others. */
static void *
request_begin(void *arg, const char *target, struct MHD_Connection *connection)
{
	struct api_socket *socket = arg;
	struct request *request = xcalloc(1, sizeof(*request));

	request->api = socket->api;
	request->connection = connection;
	request->tcp = socket->tcp;
	request->fault = query_parse(&request->query, target);
	socket->api->n_requests++;
	client_busy(socket->api, connection, request);
	return request;
}

void
request_free(struct request *request)
{
	if (!request)
		return;
	request_forget(request);
	query_fini(&request->query);
	free(request);
}

static void
request_end(void *arg, struct MHD_Connection *connection, void **slot,
	enum MHD_RequestTerminationCode code)
{
	struct request *request = *slot;

	(void)arg;
	(void)code;
	if (!request)
		return;
	client_busy(request->api, connection, NULL);
	request_free(request);
	*slot = NULL;
}

/* Of TCP only: pages in a browser of this machine can send requests here too. */
static const char *
refuse_foreign(const struct request *request)
{
	const char *host = request_header(request, "Host");
	const char *origin = request_header(request, "Origin");
	const char *site = request_header(request, "Sec-Fetch-Site");

	if (!request->tcp)
		return NULL;
	if (host && !host_is_own(host))
		return "Host must be an address, localhost or feedd";
	/* images and the like of a foreign page come without an Origin */
	if ((origin && (!host || !origin_is_own(origin, host))) ||
		(site && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0))
		return "requests from other sites are not taken";
	return NULL;
}

static enum MHD_Result
request_checked(struct request *request, const char *method)
{
	const char *foreign = refuse_foreign(request);

	if (request->fault == -E2BIG)
		return respond_error(
			request, MHD_HTTP_URI_TOO_LONG, "the address is longer than 64 KiB");
	if (request->fault < 0)
		return respond_error(
			request, MHD_HTTP_BAD_REQUEST, "the address is not well formed");
	if (foreign)
		return respond_error(request, MHD_HTTP_FORBIDDEN, "%s", foreign);
	request->head = strcmp(method, "HEAD") == 0;
	return route_request(request, method);
}

static bool
body_is_too_large(const struct request *request)
{
	const char *length = request_header(request, "Content-Length");
	int64_t bytes;

	return length && parse_number(length, 0, UPLOAD_MAX, &bytes) < 0;
}

/* MHD calls this when the headers are there, for each piece of the body, at its end, and again
 * after a resume. */
static enum MHD_Result
on_request(void *arg, struct MHD_Connection *connection, const char *url, const char *method,
	const char *version, const char *upload, size_t *upload_size, void **slot)
{
	struct request *request = *slot;

	(void)arg;
	(void)connection;
	(void)url;
	(void)version;
	(void)upload;
	switch (request->state) {
	case REQUEST_NEW:
		if (body_is_too_large(request))
			return respond_error(
				request, MHD_HTTP_CONTENT_TOO_LARGE, "requests have no body here");
		/* an answer at this call would end the connection, so that no other could
		 * follow */
		request->state = REQUEST_UPLOAD;
		return MHD_YES;
	case REQUEST_UPLOAD:
		if (*upload_size == 0)
			return request_checked(request, method);
		request->upload += *upload_size;
		*upload_size = 0;
		return request->upload > UPLOAD_MAX ? MHD_NO : MHD_YES;
	case REQUEST_WAITING:
		if (request->command && !request->command_home)
			return MHD_NO; /* given up at the stop */
		return request->next(request);
	case REQUEST_ANSWERED:
		break;
	}
	return MHD_YES;
}

static enum MHD_Result
accept_client(void *arg, const struct sockaddr *address, socklen_t len)
{
	const struct api *api = arg;

	(void)address;
	(void)len;
	return api->n_clients < api->options.max_clients ? MHD_YES : MHD_NO;
}

static void
on_client(void *arg, struct MHD_Connection *connection, void **slot,
	enum MHD_ConnectionNotificationCode code)
{
	if (code == MHD_CONNECTION_NOTIFY_STARTED)
		client_begin(arg, connection, slot);
	else
		client_end(arg, slot);
}

static void
run_all(struct api *api)
{
	for (size_t i = 0; i < ARRAY_SIZE(api->sockets); i++)
		if (api->sockets[i].daemon)
			MHD_run(api->sockets[i].daemon);
}

static void
on_socket(struct ev_loop *loop, struct ev_io *io, int events)
{
	struct api_socket *socket = io->data;

	(void)loop;
	(void)events;
	MHD_run(socket->daemon);
}

static void
on_due(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	(void)loop;
	(void)events;
	run_all(timer->data);
}

static void
on_beat(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	(void)loop;
	(void)events;
	streams_beat(timer->data);
	run_all(timer->data); /* who was resumed moves only when MHD runs */
}

static void
on_crowded(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	(void)loop;
	(void)events;
	clients_crowded(timer->data);
}

/* Before the loop sleeps: not longer than MHD allows. */
static void
on_prepare(struct ev_loop *loop, struct ev_prepare *prepare, int events)
{
	struct api *api = prepare->data;
	MHD_UNSIGNED_LONG_LONG shortest_ms = api->rerun ? 0 : ULLONG_MAX;

	(void)events;
	api->rerun = false;
	for (size_t i = 0; i < ARRAY_SIZE(api->sockets); i++) {
		MHD_UNSIGNED_LONG_LONG ms;

		if (api->sockets[i].daemon &&
			MHD_get_timeout(api->sockets[i].daemon, &ms) == MHD_YES && ms < shortest_ms)
			shortest_ms = ms;
	}
	ev_timer_stop(loop, &api->due);
	if (shortest_ms != ULLONG_MAX) {
		ev_timer_set(&api->due, (double)shortest_ms / 1000.0, 0.0);
		ev_timer_start(loop, &api->due);
	}
}

static void
on_woken(struct ev_loop *loop, struct ev_async *woken, int events)
{
	struct api *api = woken->data;

	(void)events;
	wait_drain(api);
	bool grown = atomic_exchange(&api->grown, false);
	if (grown || api->again) {
		api->again = false;
		streams_wake(api, grown);
	}
	if (atomic_load(&api->stop)) {
		api->ending = true;
		streams_wake(api, true);
		wait_end(api);
		run_all(api);
		if (api->at_store == 0)
			ev_break(loop, EVBREAK_ALL);
	}
	run_all(api);
}

static void
wake(void *arg)
{
	struct api *api = arg;

	ev_async_send(api->loop, &api->woken);
}

static int
start_daemon(struct api *api, struct api_socket *socket, int fd)
{
	if (fd < 0)
		return 0;
	socket->api = api;
	socket->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME |
			MHD_USE_ERROR_LOG | MHD_USE_PEDANTIC_CHECKS,
		0, accept_client, api, on_request, socket, /* the logger must come first */
		MHD_OPTION_EXTERNAL_LOGGER, log_library, NULL, MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_URI_LOG_CALLBACK, request_begin, socket, MHD_OPTION_NOTIFY_COMPLETED,
		request_end, socket, MHD_OPTION_NOTIFY_CONNECTION, on_client, api,
		MHD_OPTION_CONNECTION_LIMIT, api->options.max_clients,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)CLIENT_IDLE_S,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY, MHD_OPTION_END);
	if (!socket->daemon)
		return -EIO;
	const union MHD_DaemonInfo *info =
		MHD_get_daemon_info(socket->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	if (!info || info->epoll_fd < 0)
		return -EIO;
	ev_io_init(&socket->io, on_socket, info->epoll_fd, EV_READ);
	socket->io.data = socket;
	ev_io_start(api->loop, &socket->io);
	return 0;
}

static void
watch(struct api *api)
{
	ev_async_init(&api->woken, on_woken);
	ev_prepare_init(&api->prepare, on_prepare);
	ev_timer_init(&api->due, on_due, 0.0, 0.0);
	ev_timer_init(&api->beat, on_beat, BEAT_S, BEAT_S);
	ev_timer_init(&api->crowded, on_crowded, IDLE_ENOUGH_S, IDLE_ENOUGH_S);
	api->crowded.data = api->woken.data = api->prepare.data = api->due.data = api->beat.data =
		api;
	ev_async_start(api->loop, &api->woken);
	ev_prepare_start(api->loop, &api->prepare);
}

/* Another feedd may have taken the path meanwhile, where somebody removed the socket. */
static void
unlink_socket(const struct api *api)
{
	const struct stat *ours = &api->unlink_as;
	struct stat found;

	if (api->unlink_path && lstat(api->unlink_path, &found) == 0 &&
		found.st_dev == ours->st_dev && found.st_ino == ours->st_ino)
		unlink(api->unlink_path);
}

static void
release(struct api *api)
{
	const int fds[] = {api->options.unix_fd, api->options.tcp_fd};

	for (int i = 0; i < LAST_RUNS; i++)
		run_all(api);
	for (size_t i = 0; i < ARRAY_SIZE(api->sockets); i++) {
		if (api->sockets[i].daemon)
			MHD_stop_daemon(api->sockets[i].daemon); /* closes its descriptor */
		else
			closep(&fds[i]);
	}
	if (api->loop)
		ev_loop_destroy(api->loop);
	view_close(api->view);
	unlink_socket(api);
	free(api->unlink_path);
	api->unlink_path = NULL;
}

static void *
api_main(void *arg)
{
	struct api *api = arg;

	ev_run(api->loop, 0);
	release(api);
	return NULL;
}

/* Clients that the limit of descriptors leaves room for. */
static unsigned
clamp_clients(unsigned wanted)
{
	struct rlimit limit;

	if (wanted < 4)
		wanted = 4;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return wanted;
	rlim_t room = limit.rlim_cur / (limit.rlim_cur < 1024 ? 4 : 2);
	if (room < wanted)
		wanted = room > 4 ? (unsigned)room : 4;
	return wanted;
}

static int
prepare_start(struct api *api)
{
	int r = view_open(&api->view, store_path(api->options.store));

	if (r < 0)
		return r;
	api->loop = ev_loop_new(EVFLAG_NOENV);
	if (!api->loop)
		return -ENOMEM;
	watch(api);
	r = start_daemon(api, &api->sockets[0], api->options.unix_fd);
	if (r == 0)
		r = start_daemon(api, &api->sockets[1], api->options.tcp_fd);
	return r < 0 ? r : thread_start(&api->thread, "feedd-api", api_main, api);
}

int
api_start(struct api **ret_api, const struct api_options *options)
{
	struct api *api = xcalloc(1, sizeof(*api));

	api->options = *options;
	api->options.max_clients = clamp_clients(options->max_clients);
	api->max_streams = api->options.max_clients * 3 / 4;
	if (options->unlink_path && lstat(options->unlink_path, &api->unlink_as) == 0)
		api->unlink_path = xstrdup(options->unlink_path);
	api->sockets[1].tcp = true;
	queue_init(&api->home, wake, api);
	int r = prepare_start(api);
	if (r < 0) {
		release(api);
		queue_fini(&api->home);
		free(api);
		return r;
	}
	*ret_api = api;
	return 0;
}

void
api_wake(struct api *api)
{
	if (!atomic_exchange(&api->grown, true))
		wake(api);
}

void
api_stop(struct api *api)
{
	if (!api)
		return;
	atomic_store(&api->stop, true);
	wake(api);
	pthread_join(api->thread, NULL);
	api_joined(api);
}
