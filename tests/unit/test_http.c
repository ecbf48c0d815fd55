/* test_http.c - the fetcher against tiny servers that answer, redirect, lie, stall and flood. */
#include "test.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "http_fixture.h"

static void
send_bomb(struct loopback *server, int fd, const char *request)
{
	/* A deflate block of one zero byte, then copies of 258 bytes in 13 bits each: 8 of them
	 * fill 13 bytes. */
	static const unsigned char head[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3};
	unsigned char bits[65536];
	size_t n = 0;

	(void)server;
	(void)request;
	loopback_puts(fd, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n");
	loopback_send(fd, head, sizeof(head));
	memset(bits, 0, sizeof(bits));
	static const char first[] = "11000110000", again[] = "1100010100000";
	for (const char *p = first; *p; p++, n++)
		bits[n / 8] |= (unsigned char)((*p - '0') << (n % 8));
	while (n + 13 < sizeof(bits) * 8)
		for (const char *p = again; *p; p++, n++)
			bits[n / 8] |= (unsigned char)((*p - '0') << (n % 8));
	/* cut at a whole number of bytes that leaves the pattern in step: after it the same 13
	 * bytes for ever */
	size_t whole = 13 * 4000 + 2;
	loopback_send(fd, bits, whole);
	for (int i = 0; i < 2000; i++)
		if (!loopback_send(fd, bits + 2, 13 * 4000))
			return;
}

static void
send_chunks(struct loopback *server, int fd, const char *request)
{
	char chunk[4096 + 8];

	(void)server;
	(void)request;
	memcpy(chunk, "1000\r\n", 6);
	memset(chunk + 6, 'x', 4096);
	memcpy(chunk + 4102, "\r\n", 2);
	loopback_puts(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
	while (loopback_send(fd, chunk, 4104))
		;
}

static void
send_flood_404(struct loopback *server, int fd, const char *request)
{
	(void)server;
	(void)request;
	loopback_puts(fd, "HTTP/1.1 404 No\r\nRetry-After: 7\r\n\r\n");
	while (loopback_puts(
		fd, "nothing here, and a lot of it ................................\n"))
		;
}

static void
send_headers(struct loopback *server, int fd, const char *request)
{
	(void)server;
	(void)request;
	loopback_puts(fd, "HTTP/1.1 200 OK\r\n");
	for (int i = 0; i < 100000; i++)
		if (!loopback_puts(fd, "X-More: and more and more and more and more and more\r\n"))
			return;
}

static void
send_long_header(struct loopback *server, int fd, const char *request)
{
	(void)server;
	(void)request;
	loopback_puts(fd, "HTTP/1.1 200 OK\r\nX-Long: ");
	for (int i = 0; i < 100000; i++)
		if (!loopback_puts(fd, "and more and more and more and more and more and more"))
			return;
}

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

/* 304 where the validators came exactly as they were given. */
static void
serve_conditional(struct loopback *server, int fd, const char *request)
{
	bool same = strstr(request, "\r\nIf-None-Match: W/odd \"one\"\r\n") &&
		strstr(request, "\r\nIf-Modified-Since: last Tuesday, 25:61\r\n");

	(void)server;
	loopback_puts(fd,
		same ? "HTTP/1.1 304 Same\r\nETag: \"new\"\r\n\r\n"
		     : OK("ETag: W/odd \"one\"\r\nLast-Modified: last Tuesday, 25:61\r\n"
			  "Content-Length: 5\r\n",
			       "hello"));
}

static void
serve_digest(struct loopback *server, int fd, const char *request)
{
	(void)server;
	if (strstr(request, "\r\nAuthorization: Digest "))
		loopback_puts(fd, OK("Content-Length: 2\r\n", "in"));
	else
		loopback_puts(fd,
			"HTTP/1.1 401 Who\r\nWWW-Authenticate: Digest realm=\"r\", nonce=\"n\", "
			"qop=\"auth\"\r\nContent-Length: 3\r\n\r\nout");
}

static const struct page pages[] = {
	{"/plain",
		OK("Content-Type: application/rss+xml\r\nETag: \"e\"\r\nLast-Modified: then\r\n"
		   "Cache-Control: public\r\nCache-Control: max-age=60\r\nAge: "
		   "10\r\nContent-Length: 5\r\n",
			"hello"),
		NULL, true},
	{"/conditional", NULL, serve_conditional, false},
	{"/im", "HTTP/1.1 226 IM Used\r\nContent-Length: 1\r\n\r\n.", NULL, false},
	{"/bomb", NULL, send_bomb, false},
	{"/chunks", NULL, send_chunks, false},
	{"/announced", OK("Content-Length: 99999999\r\n", "x"), NULL, false},
	{"/flood404", NULL, send_flood_404, false},
	{"/headers", NULL, send_headers, false},
	{"/longheader", NULL, send_long_header, false},
	{"/mute", NULL, send_nothing, false},
	{"/half", NULL, send_half, false},
	{"/short", OK("Content-Length: 10\r\n", "<rss>"), NULL, false},
	{"/shortchunk", OK("Transfer-Encoding: chunked\r\n", "5\r\n<rss>\r\n5\r\n12"), NULL, false},
	{"/garbage", "SSH-2.0-OpenSSH_9.2\r\n", NULL, false},
	{"/closed", "", NULL, false},
	{"/301", MOVED("301", "/308"), NULL, false},
	{"/308", MOVED("308", "plain"), NULL, false},
	{"/301-302", MOVED("301", "/302"), NULL, false},
	{"/302", "HTTP/1.1 302 F\r\nETag: \"hop\"\r\nLocation: /bare\r\nContent-Length: 0\r\n\r\n",
		NULL, false},
	{"/302-301", MOVED("307", "/301"), NULL, false},
	{"/bare", OK("Content-Length: 4\r\n", "bare"), NULL, false},
	{"/empty", MOVED("302", ""), NULL, false},
	{"/missing", "HTTP/1.1 301 M\r\nContent-Length: 0\r\n\r\n", NULL, false},
	{"/300", "HTTP/1.1 300 M\r\nContent-Length: 0\r\n\r\n", NULL, false},
	{"/ring", MOVED("302", "/ring2"), NULL, false},
	{"/ring2", MOVED("302", "/ring"), NULL, false},
	{"/gopher", MOVED("302", "gopher://127.0.0.1/x"), NULL, false},
	{"/file", MOVED("302", "file:///etc/passwd"), NULL, false},
	{"/localhost", MOVED("302", "http://localhost:%u/plain"), NULL, false},
	{"/private", MOVED("301", "http://127.0.0.2:%u/plain"), NULL, false},
	{"/away", MOVED("302", "http://127.0.0.1:%u/plain"), NULL, false},
	{"/r1", MOVED("302", "/r2"), NULL, false},
	{"/r2", MOVED("302", "/r3"), NULL, false},
	{"/r3", MOVED("302", "/r4"), NULL, false},
	{"/r4", MOVED("302", "/r5"), NULL, false},
	{"/r5", MOVED("302", "/r6"), NULL, false},
	{"/r6", MOVED("302", "/r7"), NULL, false},
	{"/r7", MOVED("302", "/r8"), NULL, false},
	{"/r8", MOVED("302", "/r9"), NULL, false},
	{"/r9", MOVED("302", "/plain"), NULL, false},
	{"/digest", NULL, serve_digest, true},
	{"/busy",
		"HTTP/1.1 503 Busy\r\nDate: Mon, 23 Nov 2026 20:00:00 GMT\r\n"
		"Retry-After: Mon, 23 Nov 2026 20:02:00 GMT\r\nContent-Length: 0\r\n\r\n",
		NULL, false},
	{0},
};

/* Fetches, and expects an error whose sentence contains text. */
static void
fetch_fails(const char *path, enum http_error error, const char *text)
{
	AUTO(http_request_fini) struct http_request request = get(path);

	fetch(&request);
	assert_int_equal(request.error, error);
	if (!strstr(request.detail, text))
		fail_msg("%s: \"%s\" does not say \"%s\"", path, request.detail, text);
	assert_int_equal(request.answer.len, 0);
}

static void
plain_answer(void **state)
{
	(void)state;
	AUTO(http_request_fini) struct http_request request = get("/plain");

	loopback_forget(&here);
	fetch(&request);
	assert_int_equal(request.error, HTTP_OK);
	assert_int_equal(request.status, 200);
	assert_string_equal(request.answer.data, "hello");
	assert_string_equal(request.content_type, "application/rss+xml");
	assert_string_equal(request.ret_etag, "\"e\"");
	assert_string_equal(request.ret_last_modified, "then");
	assert_string_equal(request.cache_control, "public, max-age=60");
	assert_int_equal(http_freshness(request.cache_control, request.expires, request.date,
				 request.age, 0),
		50);
	assert_string_equal(request.effective_url, request.url);
	assert_null(request.moved_to);
	assert_true(request.bytes_wire > 100);
	assert_int_equal(loopback_count(&here, "\r\nUser-Agent: test/1\r\n"), 1);
	assert_int_equal(loopback_count(&here, "\r\nAccept-Encoding: gzip, deflate\r\n"), 1);
	static const char *const never[] = {"If-", "A-IM", "Cookie", "Referer", "Authorization"};
	for (size_t i = 0; i < ARRAY_SIZE(never); i++)
		assert_int_equal(loopback_count(&here, never[i]), 0);
}

static void
conditional_request(void **state)
{
	(void)state;
	AUTO(http_request_fini) struct http_request first = get("/conditional");
	AUTO(http_request_fini) struct http_request second = get("/conditional");
	AUTO(http_request_fini) struct http_request third = get("/im");

	fetch(&first);
	assert_int_equal(first.status, 200);
	second.etag = first.ret_etag;
	second.last_modified = first.ret_last_modified;
	loopback_forget(&here);
	fetch(&second);
	assert_int_equal(second.status, 304);
	assert_string_equal(second.ret_etag, "\"new\"");
	assert_int_equal(second.answer.len, 0);
	assert_int_equal(loopback_count(&here, "\r\nA-IM: feed\r\n"), 1);
	fetch(&third);
	assert_int_equal(third.status, 226);
	assert_true(third.partial);
}

/* limit: body, headers, explanation */
static void
limits(void **state)
{
	(void)state;
	struct timespec before, after;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
	fetch_fails("/bomb", HTTP_TOO_LARGE, "body is over 1 MiB (max_size)");
	fetch_fails("/chunks", HTTP_TOO_LARGE, "body is over 1 MiB (max_size)");
	fetch_fails("/announced", HTTP_TOO_LARGE, "max_size");
	fetch_fails("/headers", HTTP_TOO_LARGE, "headers are over 256 KiB");
	fetch_fails("/longheader", HTTP_TOO_LARGE, "headers are over 256 KiB");
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
	assert_true(after.tv_sec - before.tv_sec < 2);
	AUTO(http_request_fini) struct http_request request = get("/flood404");
	fetch(&request);
	assert_int_equal(request.error, HTTP_OK);
	assert_int_equal(request.status, 404);
	assert_int_equal(request.retry_after, 7);
	assert_true(request.answer.len <= 65536);
}

static void
redirects_are_followed(void **state)
{
	(void)state;
	static const struct {
		const char *from, *to, *moved_to;
		int redirects;
	} chains[] = {
		{"/301", "/plain", "/plain", 2},
		{"/308", "/plain", "/plain", 1},
		{"/301-302", "/bare", "/302", 2},
		{"/302-301", "/plain", NULL, 3},
		{"/302", "/bare", NULL, 1},
		{"/r2", "/plain", NULL, 8},
	};

	for (size_t i = 0; i < ARRAY_SIZE(chains); i++) {
		AUTO(http_request_fini) struct http_request request = get(chains[i].from);
		struct http_request to = get(chains[i].to);

		fetch(&request);
		assert_int_equal(request.error, HTTP_OK);
		assert_int_equal(request.status, 200);
		assert_int_equal(request.redirects, chains[i].redirects);
		assert_string_equal(request.effective_url, to.url);
		if (strcmp(chains[i].to, "/bare") == 0)
			assert_null(request.ret_etag); /* that of a hop is not the answer's */
		if (!chains[i].moved_to) {
			assert_null(request.moved_to);
			continue;
		}
		to = get(chains[i].moved_to);
		assert_string_equal(request.moved_to, to.url);
	}
}

/* limit: redirects */
static void
redirects_that_lead_nowhere(void **state)
{
	(void)state;
	fetch_fails("/empty", HTTP_REDIRECT, "status 302 with an empty");
	fetch_fails("/missing", HTTP_REDIRECT, "status 301");
	fetch_fails("/300", HTTP_REDIRECT, "status 300");
	fetch_fails("/ring", HTTP_REDIRECT, "ring");
	fetch_fails("/r1", HTTP_REDIRECT, "more than 8 redirects");
	fetch_fails("/gopher", HTTP_REDIRECT, "gopher");
	fetch_fails("/file", HTTP_REDIRECT, "file");
	AUTO(http_request_fini) struct http_request request = get("/301");
	request.follow = false;
	fetch(&request);
	assert_int_equal(request.error, HTTP_OK);
	assert_int_equal(request.status, 301);
	assert_string_equal(request.location, "/308");
}

static void
private_addresses(void **state)
{
	(void)state;
	AUTO(http_request_fini) struct http_request literal = get("/plain");
	AUTO(http_request_fini) struct http_request allowed = get("/localhost");

	fetch_fails("/localhost", HTTP_PRIVATE, "redirected to localhost");
	fetch_fails("/private", HTTP_PRIVATE, "redirected to 127.0.0.2");
	loopback_forget(&here);
	literal.private_host = NULL;
	fetch(&literal);
	assert_int_equal(literal.error, HTTP_PRIVATE);
	assert_int_equal(loopback_count(&here, "GET"), 0);
	allowed.allow_private = true;
	fetch(&allowed);
	assert_int_equal(allowed.status, 200);
}

/* The name of this machine stands for names that resolve to a private address. */
static void
private_names(void **state)
{
	(void)state;
	char name[128] = "", url[256];
	struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found = NULL;

	if (gethostname(name, sizeof(name) - 1) < 0 || getaddrinfo(name, NULL, &hints, &found) != 0)
		skip();
	uint32_t address = ntohl(((struct sockaddr_in *)(void *)found->ai_addr)->sin_addr.s_addr);
	freeaddrinfo(found);
	if (address >> 24 != 127 && address >> 24 != 10 && address >> 20 != 0xac1 &&
		address >> 16 != 0xc0a8)
		skip();
	snprintf(url, sizeof(url), "http://%s:9/", name);
	AUTO(http_request_fini) struct http_request request = get("");
	request.url = url;
	fetch(&request);
	assert_int_equal(request.error, HTTP_PRIVATE);
	assert_non_null(strstr(request.detail, "private"));
}

static void
secrets_stay_at_home(void **state)
{
	(void)state;
	static const char *const headers[] = {"X-Key: s3cret", "Accept-Language: de"};
	char url[128];

	snprintf(url, sizeof(url), "http://us%%40er:pass@127.0.0.1:%u/away", here.port);
	AUTO(http_request_fini) struct http_request request = get("");
	request.url = url;
	request.headers = headers;
	request.n_headers = 2;
	loopback_forget(&here);
	loopback_forget(&there);
	fetch(&request);
	assert_int_equal(request.status, 200);
	assert_int_equal(loopback_count(&here, "\r\nAuthorization: Basic dXNAZXI6cGFzcw==\r\n"), 1);
	assert_int_equal(loopback_count(&here, "\r\nX-Key: s3cret\r\n"), 1);
	assert_int_equal(loopback_count(&there, "GET /plain"), 1);
	assert_int_equal(loopback_count(&there, "\r\nAccept-Language: de\r\n"), 1);
	assert_int_equal(loopback_count(&there, "Authorization"), 0);
	assert_int_equal(loopback_count(&there, "s3cret"), 0);
	assert_null(strstr(request.effective_url, "pass"));
	AUTO(http_request_fini) struct http_request token = get("/away");
	token.bearer = true;
	token.password = "tok3n";
	fetch(&token);
	assert_int_equal(token.status, 200);
	assert_int_equal(loopback_count(&here, "\r\nAuthorization: Bearer tok3n\r\n"), 1);
	assert_int_equal(loopback_count(&there, "tok3n"), 0);
}

static void
digest_where_it_is_asked_for(void **state)
{
	(void)state;
	loopback_forget(&here);
	for (int i = 1; i <= 2; i++) {
		AUTO(http_request_fini) struct http_request request = get("/digest");

		request.username = "user";
		request.password = "pass";
		fetch(&request);
		assert_int_equal(request.status, 200);
		assert_string_equal(request.answer.data, "in");
		assert_int_equal(
			loopback_count(&here, "Authorization: Digest username=\"user\""), i);
		assert_int_equal(loopback_count(&here, "Authorization: Basic"), 1);
	}
}

static void
broken_transfers(void **state)
{
	(void)state;
	static const char *const shortened[] = {"/short", "/shortchunk"};

	for (size_t i = 0; i < ARRAY_SIZE(shortened); i++) {
		AUTO(http_request_fini) struct http_request request = get(shortened[i]);

		fetch(&request);
		assert_int_equal(request.error, HTTP_OK);
		assert_true(request.truncated);
		assert_non_null(request.detail);
		assert_memory_equal(request.answer.data, "<rss>", 5);
	}
	fetch_fails("/garbage", HTTP_PROTOCOL, "not HTTP");
	fetch_fails("/closed", HTTP_CONNECT, "without an answer");
	AUTO(http_request_fini) struct http_request refused = get("/");
	refused.url = "http://127.0.0.1:9/";
	fetch(&refused);
	assert_int_equal(refused.error, HTTP_CONNECT);
	assert_non_null(strstr(refused.detail, "refused"));
}

static void
stalls(void **state)
{
	(void)state;
	static const char *const paths[] = {"/mute", "/half"},
				 *const says[] = {"no answer", "not complete"};

	for (int i = 0; i < 2; i++) {
		AUTO(http_request_fini) struct http_request request = get(paths[i]);

		request.timeout_ms = 80;
		fetch(&request);
		assert_int_equal(request.error, HTTP_TIMEOUT);
		assert_non_null(strstr(request.detail, says[i]));
		assert_true(request.elapsed_ms >= 75 && request.elapsed_ms < 2000);
	}
}

static void
bad_addresses(void **state)
{
	(void)state;
	static const char *const bad[] = {"", "feed", "ftp://127.0.0.1/", "http://", "http://[::1",
		"file:///etc/passwd", "/etc/passwd", "javascript:alert(1)"};
	static const char *const broken[] = {"X: 1\r\nEvil: 2"};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		AUTO(http_request_fini) struct http_request request = get("");

		request.url = bad[i];
		fetch(&request);
		assert_int_equal(request.error, HTTP_URL);
	}
	AUTO(http_request_fini) struct http_request request = get("/plain");
	request.headers = broken;
	request.n_headers = 1;
	fetch(&request);
	assert_int_equal(request.error, HTTP_URL);
}

static void
webhook_post(void **state)
{
	(void)state;
	AUTO(http_request_fini) struct http_request request = get("/flood404");

	request.body = "{\"a\":1}";
	request.body_len = 7;
	request.follow = false;
	loopback_forget(&here);
	fetch(&request);
	assert_int_equal(request.status, 404);
	assert_int_equal(loopback_count(&here, "POST /flood404"), 1);
	assert_int_equal(loopback_count(&here, "\r\nContent-Type: application/json\r\n"), 1);
	assert_int_equal(loopback_count(&here, "\r\n\r\n{\"a\":1}"), 1);
	assert_int_equal(loopback_count(&here, "Expect"), 0);
	AUTO(http_request_fini) struct http_request busy = get("/busy");
	fetch(&busy);
	assert_int_equal(busy.status, 503);
	assert_int_equal(busy.retry_after, 120);
}

static void
connections_are_kept_on_demand(void **state)
{
	(void)state;
	unsigned before = there.connections;

	for (int i = 0; i < 4; i++) {
		AUTO(http_request_fini) struct http_request request = get("");
		char url[64];

		snprintf(url, sizeof(url), "http://127.0.0.1:%u/plain", there.port);
		request.url = url;
		request.keep_alive =
			i < 2; /* the third uses it a last time, the fourth makes its own */
		fetch(&request);
		assert_int_equal(request.status, 200);
		assert_int_equal(there.connections - before, i < 3 ? 1 : 2);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_answer),
		cmocka_unit_test(conditional_request),
		cmocka_unit_test(limits),
		cmocka_unit_test(redirects_are_followed),
		cmocka_unit_test(redirects_that_lead_nowhere),
		cmocka_unit_test(private_addresses),
		cmocka_unit_test(private_names),
		cmocka_unit_test(secrets_stay_at_home),
		cmocka_unit_test(digest_where_it_is_asked_for),
		cmocka_unit_test(broken_transfers),
		cmocka_unit_test(stalls),
		cmocka_unit_test(bad_addresses),
		cmocka_unit_test(webhook_post),
		cmocka_unit_test(connections_are_kept_on_demand),
	};
	fixture_pages = pages;
	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
