/* once.c - one request with a loop of its own, for programs that have none. */
#include <errno.h>
#include <ev.h>
#include <signal.h>

#include "feedd/http.h"

struct once {
	struct ev_loop *loop;
	void (*done)(struct http_request *request);
	void *arg;
};

static void
on_done(struct http_request *request)
{
	struct once *once = request->arg;

	request->done = once->done;
	request->arg = once->arg;
	ev_break(once->loop, EVBREAK_ALL);
}

int
http_fetch_once(struct http_request *request)
{
	struct once once = {.done = request->done, .arg = request->arg};
	struct http *http;

	once.loop = ev_loop_new(EVFLAG_AUTO);
	if (!once.loop)
		return -ENOMEM;
	/* TLS writes to sockets that the server may have closed. */
	struct sigaction before, ignore = {.sa_handler = SIG_IGN};
	sigaction(SIGPIPE, &ignore, &before);
	int r = http_new(&http, once.loop, "feedd/" FEEDD_VERSION);
	if (r == 0) {
		request->done = on_done;
		request->arg = &once;
		r = http_start(http, request);
		if (r == 0)
			ev_run(once.loop, 0);
		http_free(http);
	}
	ev_loop_destroy(once.loop);
	sigaction(SIGPIPE, &before, NULL);
	if (r == 0 && request->done)
		request->done(request);
	return r;
}
