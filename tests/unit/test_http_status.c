/* test_http_status.c - a status says what it says, whatever comes with it; and headers without end
 * cost no time. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "http_fixture.h"

#define BUSY "HTTP/1.1 429 Busy\r\nRetry-After: 120\r\n"
#define MANY 13500

static void
send_stalled_429(struct loopback *server, int fd, const char *request)
{
	(void)request;
	loopback_puts(fd, BUSY "Content-Length: 9\r\n\r\n");
	loopback_stall(server, fd);
}

static void
send_switched(struct loopback *server, int fd, const char *request)
{
	static char body[128 << 10];

	(void)server;
	(void)request;
	memset(body, 'x', sizeof(body));
	loopback_puts(fd, "HTTP/1.1 101 Switching\r\n\r\n");
	loopback_send(fd, body, sizeof(body));
}

static void
send_repeated(struct loopback *server, int fd, const char *request)
{
	AUTO(buf_fini) struct buf answer = BUF_INIT((size_t)1 << 20);

	(void)server;
	buf_puts(&answer, "HTTP/1.1 200 OK\r\n");
	for (int i = 0; i < MANY; i++)
		buf_puts(&answer,
			strstr(request, "/repeated") ? "Cache-Control: a\r\n"
						     : "Cached-Control: a\r\n");
	buf_puts(&answer, "Content-Length: 5\r\n\r\n<rss/");
	loopback_send(fd, answer.data, answer.len);
}

static void
send_nothing(struct loopback *server, int fd, const char *request)
{
	(void)request;
	loopback_stall(server, fd);
}

static const struct page pages[] = {
	{"/brotli", BUSY "Content-Encoding: br\r\nContent-Length: 5\r\n\r\nabcde", NULL, false},
	{"/gzip", BUSY "Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nabcde", NULL, false},
	{"/stalled", NULL, send_stalled_429, false},
	{"/moved",
		"HTTP/1.1 301 Moved\r\nLocation: /plain\r\nContent-Encoding: br\r\nContent-Length: "
		"1\r\n\r\nx",
		NULL, false},
	{"/plain", OK("Content-Length: 5\r\n", "<rss/"), NULL, false},
	{"/mute", NULL, send_nothing, false},
	{"/switched", NULL, send_switched, false},
	{"/repeated", NULL, send_repeated, false},
	{"/many", NULL, send_repeated, false},
	{NULL, NULL, NULL, false},
};

/* What the server asks for counts although its body cannot be decoded, or does not come. */
static void
the_body_of_a_refusal_does_not_matter(void **state)
{
	(void)state;
	static const char *const paths[] = {"/brotli", "/gzip", "/stalled"};

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		AUTO(http_request_fini) struct http_request request = get(paths[i]);

		request.timeout_ms = 500;
		fetch(&request);
		assert_int_equal(request.error, HTTP_OK);
		assert_int_equal(request.status, 429);
		assert_int_equal(request.retry_after, 120);
	}
	AUTO(http_request_fini) struct http_request moved = get("/moved");
	fetch(&moved);
	assert_int_equal(moved.error, HTTP_OK);
	assert_int_equal(moved.status, 200);
}

/* A timeout before there was a connection says something of the network, one after it of the
 * server. */
static void
who_was_connected_to(void **state)
{
	(void)state;
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(in);
	char url[64];
	AUTO(closep) int full = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	AUTO(closep) int first = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	AUTO(http_request_fini) struct http_request mute = get("/mute"), deaf = get("/");

	/* A queue of one that is taken: the next one is not let in. */
	assert_int_equal(bind(full, (struct sockaddr *)&in, len), 0);
	assert_int_equal(listen(full, 0), 0);
	assert_int_equal(getsockname(full, (struct sockaddr *)&in, &len), 0);
	assert_int_equal(connect(first, (struct sockaddr *)&in, len), 0);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/", ntohs(in.sin_port));
	deaf.url = url;
	deaf.timeout_ms = mute.timeout_ms = 300;
	fetch(&deaf);
	assert_int_equal(deaf.error, HTTP_TIMEOUT);
	assert_false(deaf.connected);
	fetch(&mute);
	assert_int_equal(mute.error, HTTP_TIMEOUT);
	assert_true(mute.connected);
}

/* 101 was not asked for; what follows it is no answer, however long. */
static void
a_promise_is_no_answer(void **state)
{
	(void)state;
	AUTO(http_request_fini) struct http_request request = get("/switched");

	fetch(&request);
	assert_int_equal(request.error, HTTP_PROTOCOL);
	assert_int_equal(request.status, 0);
}

/* Seconds of the processor for one request. */
static double
cost(const char *path)
{
	struct timespec before, after;
	AUTO(http_request_fini) struct http_request request = get(path);

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
	fetch(&request);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
	assert_int_equal(request.status, 200);
	assert_null(request.cache_control);
	return (double)(after.tv_sec - before.tv_sec) +
		(double)(after.tv_nsec - before.tv_nsec) / 1e9;
}

/* Joining the lines of a header must not take the square of their number. */
static void
a_header_that_is_repeated_without_end(void **state)
{
	(void)state;
	double many = cost("/many"), repeated = cost("/repeated");

	assert_true(repeated < 8 * many + 0.05);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_body_of_a_refusal_does_not_matter),
		cmocka_unit_test(who_was_connected_to),
		cmocka_unit_test(a_promise_is_no_answer),
		cmocka_unit_test(a_header_that_is_repeated_without_end),
	};
	fixture_pages = pages;
	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
