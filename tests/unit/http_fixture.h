/*
 * http_fixture.h - an engine on a loop, and two tiny servers for it to fetch from.
 */
#ifndef TESTS_HTTP_FIXTURE_H
#define TESTS_HTTP_FIXTURE_H

#include "test.h"

#include <ev.h>

#include "feedd/http.h"
#include "loopback.h"

#define OK(headers, body) "HTTP/1.1 200 OK\r\n" headers "\r\n" body
#define MOVED(status, target)                                                                      \
	"HTTP/1.1 " status " Moved\r\nLocation: " target "\r\nContent-Length: 0\r\n\r\n"

static struct ev_loop *loop;
static struct http *http;
static struct loopback here, there;

static inline void
note_done(struct http_request *request)
{
	*(bool *)request->arg = true;
	ev_break(loop, EVBREAK_ALL);
}

/* A request to a path of `here`; with the settings that a feed with this address has. */
static inline struct http_request
get(const char *path)
{
	static char url[4][256];
	static unsigned next;
	char *at = url[next++ % 4];

	snprintf(at, sizeof(url[0]), "http://127.0.0.1:%u%s", here.port, path);
	return (struct http_request){.url = at,
		.tls_verify = true,
		.follow = true,
		.private_host = "127.0.0.1",
		.timeout_ms = 5000,
		.max_bytes = 1 << 20};
}

static inline void
fetch(struct http_request *request)
{
	bool done = false;

	request->done = note_done;
	request->arg = &done;
	assert_int_equal(http_start(http, request), 0);
	assert_false(done);
	while (!done)
		ev_run(loop, EVRUN_ONCE);
	assert_null(request->transfer);
	if (request->error != HTTP_OK)
		assert_non_null(request->detail);
}

/* Both servers answer with the same pages; %u in those of `here` is the port of `there`. */
static inline int
fixture_start(const struct page *pages)
{
	loop = ev_loop_new(EVFLAG_AUTO);
	loopback_start(&there, pages, NULL);
	loopback_start(&here, pages, NULL);
	here.other_port = there.port;
	return http_new(&http, loop, "test/1");
}

static inline int
fixture_stop(void)
{
	http_free(http);
	ev_loop_destroy(loop);
	loopback_stop(&here);
	loopback_stop(&there);
	return 0;
}

/* The same for a group of tests. */
static const struct page *fixture_pages;

static inline int
fixture_setup(void **state)
{
	(void)state;
	return fixture_start(fixture_pages);
}

static inline int
fixture_teardown(void **state)
{
	(void)state;
	return fixture_stop();
}

#endif
