/* test_http_local.c - local files, what callbacks may do, and the blocking helpers of the fetcher.
 */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "http_fixture.h"

static void
send_nothing(struct loopback *server, int fd, const char *request)
{
	(void)request;
	loopback_stall(server, fd);
}

static void
send_half(struct loopback *server, int fd, const char *request)
{
	(void)request;
	loopback_puts(fd, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n<rss>");
	loopback_stall(server, fd);
}

static const struct page pages[] = {
	{"/plain",
		OK("Content-Type: application/rss+xml\r\nETag: \"e\"\r\nLast-Modified: then\r\n"
		   "Cache-Control: public\r\nCache-Control: max-age=60\r\nAge: "
		   "10\r\nContent-Length: 5\r\n",
			"hello"),
		NULL, true},
	{"/bare", OK("Content-Length: 4\r\n", "bare"), NULL, false},
	{"/301", MOVED("301", "/308"), NULL, false},
	{"/308", MOVED("308", "plain"), NULL, false},
	{"/mute", NULL, send_nothing, false},
	{"/half", NULL, send_half, false},
	{"/shortchunk", OK("Transfer-Encoding: chunked\r\n", "5\r\n<rss>\r\n5\r\n12"), NULL, false},
	{"/stream", OK("Transfer-Encoding: chunked\r\n", "3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"), NULL,
		false},
	{0},
};

/* A file that changed a moment ago has none. */
static void
wait_for_validator(const char *url)
{
	for (int i = 0; i < 5000; i++) {
		AUTO(http_request_fini) struct http_request request = get("");

		request.url = url;
		request.allow_file = true;
		fetch(&request);
		if (request.ret_etag)
			return;
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	}
	fail_msg("no validator");
}

static void
local_files(void **state)
{
	(void)state;
	char folder[] = "/tmp/test_http.XXXXXX", path[64], fifo[64], url[80];

	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/feed.xml", folder);
	snprintf(fifo, sizeof(fifo), "%s/fifo", folder);
	snprintf(url, sizeof(url), "file://%s", path);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs("<rss/>", file);
	fclose(file);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	const struct timespec past[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
	assert_int_equal(utimensat(AT_FDCWD, path, past, 0), 0);
	wait_for_validator(url);
	const struct {
		const char *url;
		int64_t max;
		enum http_error error;
		int status;
	} cases[] = {{url, 100, HTTP_OK, 200}, {path, 100, HTTP_OK, 200},
		{path, 3, HTTP_TOO_LARGE, 0}, {fifo, 100, HTTP_FILE, 0},
		{folder, 100, HTTP_FILE, 0}, {"/dev/null", 100, HTTP_FILE, 0},
		{"/nowhere/x", 100, HTTP_FILE, 0}};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO(http_request_fini) struct http_request request = get("");

		request.url = cases[i].url;
		request.allow_file = true;
		request.max_bytes = cases[i].max;
		fetch(&request);
		assert_int_equal(request.error, cases[i].error);
		assert_int_equal(request.status, cases[i].status);
		if (request.error != HTTP_OK)
			continue;
		assert_string_equal(request.answer.data, "<rss/>");
		AUTO(http_request_fini) struct http_request again = request;
		memset(&again.error, 0, sizeof(again) - offsetof(struct http_request, error));
		again.etag = request.ret_etag;
		fetch(&again);
		assert_int_equal(again.status, 304);
		assert_string_equal(again.ret_etag, request.ret_etag);
	}
	unlink(path);
	unlink(fifo);
	rmdir(folder);
}

static struct http_request chained[4];
static int homecomings;

/* Each that comes home does something else to the engine. */
static void
meddle(struct http_request *request)
{
	homecomings++;
	if (request == &chained[0]) {
		assert_int_equal(request->status, 200);
		http_cancel(http, &chained[1]);
		assert_int_equal(chained[1].error, HTTP_CANCELLED);
		http_request_fini(&chained[0]);
		chained[0].done = meddle;
		assert_int_equal(http_start(http, &chained[3]), 0);
	} else if (request == &chained[3]) {
		struct http *old = http;

		http = NULL;
		http_free(old);
		assert_int_equal(chained[2].error, HTTP_CANCELLED);
		ev_break(loop, EVBREAK_ALL);
	} else if (request == &chained[2]) {
		/* the engine is on its way out: nothing begins any more, and there is nothing to
		 * cancel */
		http_cancel(http, &chained[1]);
	}
}

static void
callbacks_may_do_anything(void **state)
{
	(void)state;
	static const char *const paths[] = {"/plain", "/mute", "/half", "/bare"};

	for (int i = 0; i < 4; i++) {
		chained[i] = get(paths[i]);
		chained[i].done = meddle;
		if (i < 3)
			assert_int_equal(http_start(http, &chained[i]), 0);
	}
	assert_int_equal(http_in_flight(http), 3);
	while (http)
		ev_run(loop, EVRUN_ONCE);
	assert_int_equal(homecomings, 4);
	for (int i = 0; i < 4; i++)
		http_request_fini(&chained[i]);
	assert_int_equal(http_new(&http, loop, "test/1"), 0);
}

static void
one_request_without_a_loop(void **state)
{
	(void)state;
	AUTO(http_request_fini) struct http_request request = get("/301");

	assert_int_equal(http_fetch_once(&request), 0);
	assert_int_equal(request.status, 200);
	assert_string_equal(request.answer.data, "hello");
}

static int
take_piece(void *arg, const char *data, size_t len)
{
	struct buf *taken = arg;

	buf_append(taken, data, len);
	return taken->len >= taken->max;
}

static void
client_of_the_socket(void **state)
{
	(void)state;
	char folder[] = "/tmp/test_http.XXXXXX", path[64];
	struct loopback daemon;

	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/sock", folder);
	AUTO(http_local_fini) struct http_local local = {.socket = path, .path = "/plain"};
	assert_int_equal(http_local_request(&local), -ENOENT);
	assert_non_null(strstr(local.detail, path));
	http_local_fini(&local);
	loopback_start(&daemon, pages, path);
	assert_int_equal(http_local_request(&local), 0);
	assert_int_equal(local.status, 200);
	assert_string_equal(local.answer.data, "hello");
	http_local_fini(&local);
	AUTO(buf_fini) struct buf taken = BUF_INIT(100);
	local = (struct http_local){.socket = path,
		.path = "/stream",
		.data = take_piece,
		.arg = &taken,
		.method = "POST",
		.last_event_id = "7"};
	assert_int_equal(http_local_request(&local), 0);
	assert_string_equal(taken.data, "onetwo");
	assert_int_equal(loopback_count(&daemon, "\r\nLast-Event-ID: 7\r\n"), 1);
	assert_int_equal(loopback_count(&daemon, "POST /stream"), 1);
	taken.max = taken.len;
	local.path = "/shortchunk";
	buf_reset(&taken);
	taken.max = 5;
	assert_int_equal(http_local_request(&local), -ECANCELED);
	local.data = NULL;
	assert_int_equal(http_local_request(&local), -EIO);
	loopback_stop(&daemon);
	http_local_fini(&local);
	assert_int_equal(http_local_request(&local), -ECONNREFUSED);
	unlink(path);
	rmdir(folder);
}

static void
a_connection_is_kept(void **state)
{
	(void)state;
	char folder[] = "/tmp/test_http.XXXXXX", path[64];
	struct http_kept kept = {0};
	struct loopback daemon;

	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/sock", folder);
	for (int i = 0; i < 2; i++) { /* the daemon may be another one in between */
		struct http_local local = {.socket = path, .kept = &kept, .path = "/plain"};

		loopback_start(&daemon, pages, path);
		for (int n = 0; n < 3; n++) {
			assert_int_equal(http_local_request(&local), 0);
			assert_string_equal(local.answer.data, "hello");
			http_local_fini(&local);
		}
		assert_int_equal(daemon.connections, 1);
		loopback_stop(&daemon);
		unlink(path);
	}
	http_kept_fini(&kept);
	rmdir(folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(local_files),
		cmocka_unit_test(callbacks_may_do_anything),
		cmocka_unit_test(one_request_without_a_loop),
		cmocka_unit_test(client_of_the_socket),
		cmocka_unit_test(a_connection_is_kept),
	};
	fixture_pages = pages;
	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
