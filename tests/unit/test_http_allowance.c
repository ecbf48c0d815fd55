/* test_http_allowance.c - many bodies share what they may take: the largest gives way, small ones
 * never do. */
#include "test.h"

#include <string.h>

#include "http_fixture.h"

static void
send_zeros(int fd, size_t len)
{
	static const char zeros[1000];

	for (; len > 0; len -= len < sizeof(zeros) ? len : sizeof(zeros))
		loopback_send(fd, zeros, len < sizeof(zeros) ? len : sizeof(zeros));
}

/* 1,500 bytes of 3,000, and no more for the time being. */
static void
serve_half(struct loopback *server, int fd, const char *request)
{
	(void)request;
	loopback_puts(fd, "HTTP/1.1 200 OK\r\nContent-Length: 3000\r\n\r\n");
	send_zeros(fd, 1500);
	loopback_stall(server, fd);
}

static void
serve_all(struct loopback *server, int fd, const char *request)
{
	(void)server;
	loopback_puts(fd, "HTTP/1.1 200 OK\r\n\r\n");
	send_zeros(fd, strstr(request, "/large") ? 1900 : strstr(request, "/small") ? 90 : 1000);
}

static const struct page pages[] = {
	{"/half", NULL, serve_half, false},
	{"/large", NULL, serve_all, false},
	{"/middle", NULL, serve_all, false},
	{"/small", NULL, serve_all, false},
	{0},
};

static struct http_allowance allowance;

/* A request that takes part in the allowance, and one that holds half a body already. */
static void
begin(struct http_request *request, const char *path, bool *done)
{
	*request = get(path);
	request->allowance = &allowance;
	request->timeout_ms = 2000;
	request->done = note_done;
	request->arg = done;
	assert_int_equal(http_start(http, request), 0);
}

static void
begin_half(struct http_request *half, bool *done)
{
	allowance = (struct http_allowance){.max_bytes = 2000, .share_bytes = 100};
	begin(half, "/half", done);
	while (half->held_bytes < 1500)
		ev_run(loop, EVRUN_ONCE);
}

static void
finish(const bool *done)
{
	while (!*done)
		ev_run(loop, EVRUN_ONCE);
}

static void
the_largest_gives_way(void **state)
{
	bool half_done = false, done = false;
	AUTO(http_request_fini) struct http_request half = {0}, middle = {0};

	(void)state;
	begin_half(&half, &half_done);
	begin(&middle, "/middle", &done);
	finish(&done);
	assert_int_equal(middle.error, HTTP_OK);
	assert_int_equal(middle.answer.len, 1000);
	/* It is let go of at once, though its server has not said another word. */
	assert_false(half_done);
	assert_int_equal(half.held_bytes, 0);
	assert_int_equal(allowance.used_bytes, 1000);
	finish(&half_done);
	assert_int_equal(half.error, HTTP_TOO_LARGE);
	assert_non_null(strstr(half.detail,
		"no room for the body: those of all polls were over 2000 bytes, and this was the "
		"largest"));
	http_request_fini(&middle);
	assert_int_equal(allowance.used_bytes, 0);
}

static void
which_may_be_the_one_that_asks(void **state)
{
	bool half_done = false, done = false;
	AUTO(http_request_fini) struct http_request half = {0}, large = {0};

	(void)state;
	begin_half(&half, &half_done);
	begin(&large, "/large", &done);
	finish(&done);
	/* Whose body was larger when both were too much depends on the pieces they came in. */
	assert_int_equal((large.error == HTTP_TOO_LARGE) + (half.held_bytes == 0), 1);
	http_cancel(http, &half);
	http_request_fini(&large);
	http_request_fini(&half);
	assert_int_equal(allowance.used_bytes, 0);
}

static void
a_share_is_for_all(void **state)
{
	bool half_done = false, done[3] = {false};
	AUTO(http_request_fini) struct http_request half = {0};
	struct http_request small[3] = {{0}};

	(void)state;
	begin_half(&half, &half_done);
	allowance.share_bytes = 1500; /* so none is over it */
	allowance.max_bytes = 1500;
	for (size_t i = 0; i < ARRAY_SIZE(small); i++)
		begin(&small[i], "/small", &done[i]);
	for (size_t i = 0; i < ARRAY_SIZE(small); i++)
		finish(&done[i]);
	assert_int_equal(allowance.used_bytes, 1500 + 3 * 90);
	for (size_t i = 0; i < ARRAY_SIZE(small); i++) {
		assert_int_equal(small[i].error, HTTP_OK);
		assert_int_equal(small[i].answer.len, 90);
		http_request_fini(&small[i]);
	}
	http_cancel(http, &half);
	assert_int_equal(half.error, HTTP_CANCELLED);
	http_request_fini(&half);
	assert_int_equal(allowance.used_bytes, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_largest_gives_way),
		cmocka_unit_test(which_may_be_the_one_that_asks),
		cmocka_unit_test(a_share_is_for_all),
	};
	fixture_pages = pages;
	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
