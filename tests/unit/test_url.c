/* test_url.c - addresses are resolved as RFC 3986 says, hosts read as libcurl reads them, passwords
 * never shown. */
#include "test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "feedd/url.h"

/* Two words in, one out; NULL out: nothing. */
struct url_case {
	const char *base, *in, *want;
};

static void
same(const char *what, const char *got, const char *want)
{
	if (!got != !want || (got && strcmp(got, want) != 0))
		fail_msg("%s gives %s, not %s", what, got ? got : "nothing",
			want ? want : "nothing");
}

static void
resolves(void **state)
{
	(void)state;
	AUTO(arena_fini) struct arena arena = {0};
	static const char base[] = "http://a/b/c/d;p?q";
	static const struct url_case cases[] = {
		/* RFC 3986, 5.4 */
		{base, "g:h", "g:h"},
		{base, "g", "http://a/b/c/g"},
		{base, "./g", "http://a/b/c/g"},
		{base, "g/", "http://a/b/c/g/"},
		{base, "/g", "http://a/g"},
		{base, "//g", "http://g"},
		{base, "?y", "http://a/b/c/d;p?y"},
		{base, "g?y", "http://a/b/c/g?y"},
		{base, "#s", "http://a/b/c/d;p?q#s"},
		{base, "g#s", "http://a/b/c/g#s"},
		{base, "g?y#s", "http://a/b/c/g?y#s"},
		{base, ";x", "http://a/b/c/;x"},
		{base, "g;x?y#s", "http://a/b/c/g;x?y#s"},
		{base, ".", "http://a/b/c/"},
		{base, "./", "http://a/b/c/"},
		{base, "..", "http://a/b/"},
		{base, "../", "http://a/b/"},
		{base, "../g", "http://a/b/g"},
		{base, "../..", "http://a/"},
		{base, "../../g", "http://a/g"},
		{base, "../../../g", "http://a/g"},
		{base, "/./g", "http://a/g"},
		{base, "/../g", "http://a/g"},
		{base, "g.", "http://a/b/c/g."},
		{base, "..g", "http://a/b/c/..g"},
		{base, "./../g", "http://a/b/g"},
		{base, "./g/.", "http://a/b/c/g/"},
		{base, "g/./h", "http://a/b/c/g/h"},
		{base, "g/../h", "http://a/b/c/h"},
		{base, "g;x=1/../y", "http://a/b/c/y"},
		{base, "g?y/../x", "http://a/b/c/g?y/../x"},
		{base, "g#s/../x", "http://a/b/c/g#s/../x"},
		/* ours */
		{"http://example.org", "x", "http://example.org/x"},
		{"http://example.org?q", "x", "http://example.org/x"},
		{NULL, "https://Example.ORG/%7Ea?b#c", "https://Example.ORG/%7Ea?b#c"},
		{NULL, "x", NULL},
		{"x/y", "z", NULL},
		{"mailto:me@example.org", "z", NULL},
		{base, "", NULL},
		{base, " \n ", NULL},
		{base, " g h\t", "http://a/b/c/g%20h"},
		{NULL, "\n http://example.org/a b\n ", "http://example.org/a%20b"},
		{NULL, "http://example.org/a\n b", "http://example.org/a%20b"},
		{NULL, "java\nscript:alert(1)", "javascript:alert(1)"},
		{"https://b\xc3\xbc"
		 "cher.example/",
			"\xc3\xa4",
			"https://b\xc3\xbc"
			"cher.example/\xc3\xa4"},
		{"file:///a/b", "c", "file:///a/c"},
		{"http://user:pw@example.org/a", "b", "http://user:pw@example.org/b"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		same(cases[i].in, url_resolve(&arena, cases[i].base, cases[i].in), cases[i].want);

	char *longest = arena_zalloc(&arena, URL_MAX + 2);
	memset(longest, 'x', URL_MAX);
	memcpy(longest, "http:", 5);
	same("8192 bytes", url_resolve(&arena, NULL, longest), longest);
	longest[URL_MAX] = 'x';
	assert_null(url_resolve(&arena, NULL, longest));
	assert_null(url_resolve(&arena, base, longest + 5));
}

static void
knows_schemes(void **state)
{
	(void)state;
	static const char *const safe[] = {"http://x", "HTTPS://x", "mailto:a@b", "ftp://x",
		"magnet:?x", "news:x", "xmpp:x", "tag:x"};
	static const char *const unsafe[] = {"javascript:x", "JavaScript:x", "data:text/html,x",
		"file:///etc/passwd", "vbscript:x", "", "x", "/x", "//x", ":x", " javascript:x",
		"view-source:x", "blob:x", "chrome://x", "about:blank", "jar:x", "ms-msdt:x",
		"1http://x"};
	static const char *const http[] = {
		"http://x", "HTTPS://x/", "http://[::1]:80/", "http://u:p@x"};
	static const char *const other[] = {"http:x", "http:/x", "http://", "http:///x",
		"http://?x", "http://:80/", "http://u@/", "ftp://x", "x", "", "//x"};

	for (size_t i = 0; i < ARRAY_SIZE(safe); i++)
		assert_true(url_is_safe(safe[i]));
	for (size_t i = 0; i < ARRAY_SIZE(unsafe); i++)
		assert_false(url_is_safe(unsafe[i]));
	for (size_t i = 0; i < ARRAY_SIZE(http); i++)
		assert_true(url_is_http(http[i]));
	for (size_t i = 0; i < ARRAY_SIZE(other); i++)
		assert_false(url_is_http(other[i]));
}

static void
reads_hosts(void **state)
{
	(void)state;
	AUTO(arena_fini) struct arena arena = {0};
	static const struct url_case hosts[] = {
		{NULL, "http://Example.ORG/x", "example.org"},
		{NULL, "http://example.org:8080/x", "example.org"},
		{NULL, "http://u:p@example.org/x", "example.org"},
		{NULL, "http://[::1]:8080/x", "::1"},
		{NULL, "http://127.1/", "127.0.0.1"},
		{NULL, "http://0x7f000001/", "127.0.0.1"},
		{NULL, "http://2130706433/", "127.0.0.1"},
		{NULL, "http://127%2e0%2e0%2e1/", "127.0.0.1"},
		{NULL,
			"http://b\xc3\xbc"
			"cher.example/",
			"xn--bcher-kva.example"},
		{NULL, "https://\x89uF/", NULL},
		{NULL, "http://\xef\xbf\xbd/", NULL},
		{NULL, "http://", NULL},
		{NULL, "no address", NULL},
		{NULL, "/a/b", NULL},
	};
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++)
		same(hosts[i].in, url_host(&arena, hosts[i].in), hosts[i].want);

	static const struct url_case origins[] = {
		{NULL, "http://Example.ORG/x", "http://example.org:80"},
		{NULL, "HTTPS://example.org", "https://example.org:443"},
		{NULL, "https://example.org:8443/x", "https://example.org:8443"},
		{NULL, "http://[::1]/x", "http://[::1]:80"},
		{NULL, "/x", NULL},
	};
	for (size_t i = 0; i < ARRAY_SIZE(origins); i++)
		same(origins[i].in, url_origin(&arena, origins[i].in), origins[i].want);

	static const struct url_case sites[] = {
		{NULL, "www.example.co.uk", "example.co.uk"},
		{NULL, "a.b.example.org.", "example.org"},
		{NULL, "co.uk", "co.uk"},
		{NULL, "localhost", "localhost"},
		{NULL, "192.168.1.5", "192.168.1.5"},
		{NULL, "::1", "::1"},
		{NULL, "Foo.GitHub.io", "foo.github.io"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(sites); i++)
		same(sites[i].in, url_site(&arena, sites[i].in), sites[i].want);
}

static void
hides_passwords(void **state)
{
	(void)state;
	AUTO(arena_fini) struct arena arena = {0};
	static const struct url_case cases[] = {
		{NULL, "http://user:secret@example.org/x", "http://example.org/x"},
		{NULL, "http://user@example.org", "http://example.org"},
		{NULL, "http://user:sec@ret@example.org/x", "http://example.org/x"},
		{NULL, "http://user:sec/ret@example.org/x", "http://example.org/x"},
		{NULL, "http://example.org/@someone", "http://example.org/@someone"},
		{NULL, "http://example.org:80/@someone", "http://example.org:80/@someone"},
		{NULL, "http://example.org/?a=b@c", "http://example.org/?a=b@c"},
		{NULL, "cannot fetch http://u:p@x/ and ftp://u:p@y/",
			"cannot fetch http://x/ and ftp://y/"},
		{NULL, "//u:p@x/", "//x/"},
		{NULL, "mailto:me@example.org", "mailto:me@example.org"},
		{NULL, "", ""},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		same(cases[i].in, url_redact(&arena, cases[i].in), cases[i].want);

	char *user, *password;
	same("split", url_split_userinfo(&arena, "http://a%40b:c%3ad@x/y?z#w", &user, &password),
		"http://x/y?z#w");
	assert_string_equal(user, "a@b");
	assert_string_equal(password, "c:d");
	same("split", url_split_userinfo(&arena, "http://a@x", &user, &password), "http://x");
	assert_string_equal(user, "a");
	assert_null(password);
	same("split", url_split_userinfo(&arena, "http://x/", &user, &password), "http://x/");
	assert_null(user);
	assert_null(url_split_userinfo(&arena, "/x", &user, &password));
	assert_null(url_split_userinfo(&arena, "http://a%00b@x", &user, &password));
}

/* Of 252 bytes: with what may stand around it, it is longer than names are. */
#define LABEL_49 "a234567890123456789012345678901234567890123456789."
#define LONG_HOST LABEL_49 LABEL_49 LABEL_49 LABEL_49 LABEL_49 "ab"

static void
folds(void **state)
{
	(void)state;
	AUTO(arena_fini) struct arena arena = {0};
	static const struct url_case alike[] = {
		{"http://example.org/a", "https://example.org/a", ""},
		{"http://www.example.org/a", "http://example.org/a", ""},
		{"http://example.org/a/", "http://example.org/a", ""},
		{"http://example.org", "http://example.org/", ""},
		{"http://EXAMPLE.org:80/a", "https://example.org:443/a", ""},
		{"http://example.org/a", "http://example.org/A", NULL},
		{"http://example.org/a?b", "http://example.org/a", NULL},
		{"http://example.org/a#b", "http://example.org/a", NULL},
		{"http://example.org/?p=1", "http://example.org/?p=2", NULL},
		{"http://example.org:8080/", "http://example.org/", NULL},
		{"tag:example.org,2026:1", "tag:example.org,2026:2", NULL},
		{"TAG:x", "tag:x", NULL},
		{"http://www.org./", "http://www.org", ""},
		{"http://www.org/", "http://org", NULL},
		{"http://a%3%32b/", "http://a%32b/", NULL},
		{"http://www." LONG_HOST "./", "http://" LONG_HOST, ""},
	};
	for (size_t i = 0; i < ARRAY_SIZE(alike); i++) {
		char *a = url_fold(&arena, alike[i].base);
		char *b = url_fold(&arena, alike[i].in);

		if ((strcmp(a, b) == 0) != (alike[i].want != NULL))
			fail_msg("%s and %s: %s, %s", alike[i].base, alike[i].in, a, b);
	}
}

/* A host that is only just a name without its "www." and its final dot. */
static void
folds_once(void **state)
{
	(void)state;
	AUTO(arena_fini) struct arena arena = {0};

	for (int len = 230; len < 270; len++) {
		char *label = arena_printf(&arena, "%0*d", len, 7);
		char *url = arena_printf(&arena, "http://www.www.a.%s.uk./x", label);
		char *fold = url_fold(&arena, url);

		assert_string_equal(url_fold(&arena, fold), fold);
	}
	assert_string_equal(url_fold(&arena, "http://www./"), "http://www");
	static const char *const hosts[] = {"%37", "%2537", "www.%37", "www.1.7", "www.1.%37",
		"www.1.7.", "%37.", "[::1]", "[::FFFF:1.2.3.4]"};
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
		char *fold = url_fold(&arena, arena_printf(&arena, "http://%s/x", hosts[i]));

		assert_string_equal(url_fold(&arena, fold), fold);
	}
}

static void
knows_articles(void **state)
{
	(void)state;
	AUTO(arena_fini) struct arena arena = {0};
	static const struct url_case alike[] = {
		{"http://news.example.org/a/?utm_source=x&id=7#top",
			"https://news.example.org/a?id=7", ""},
		{"http://example.org/a?b=1&a=2", "http://example.org/a?a=2&b=1", ""},
		{"http://example.org/a?&&", "http://example.org/a", ""},
		{"http://example.org/a%2fb", "http://example.org/a/b", NULL},
		{"http://example.org/%e4%bd%a0", "http://example.org/%E4%BD%A0", ""},
		{"http://example.org/\xe4\xbd\xa0", "http://example.org/%E4%BD%A0", ""},
		{"http://example.org/a?ref=news.ycombinator.com", "http://example.org/a", ""},
		{"http://example.org/a?ref=master", "http://example.org/a", NULL},
		{"http://example.org/a?ref=v1.2", "http://example.org/a", NULL},
		{"http://example.org/?p=1", "http://example.org/?p=2", NULL},
		{"http://example.org/#!/a", "http://example.org/#!/b", NULL},
		{"http://mobile.example.org/a", "http://www.example.org/a", ""},
		{"http://m.co.uk/a", "http://co.uk/a", NULL},
		{"http://en.m.wikipedia.org/wiki/A", "http://en.wikipedia.org/wiki/A", ""},
		{"http://de.wikipedia.org/wiki/A", "http://en.wikipedia.org/wiki/A", NULL},
		{"https://www.google.com/amp/s/example.org/a", "https://example.org/a", ""},
		{"https://example-org.cdn.ampproject.org/v/s/example.org/a?amp_js_v=1",
			"https://example.org/a?amp_js_v=1", ""},
		{"http://example.org/a/amp", "http://example.org/a/", ""},
		{"http://example.org/champ", "http://example.org/ch", NULL},
		{"http://example.org/index.php", "http://example.org", ""},
		{"http://example.org/a;jsessionid=1A", "http://example.org/a", ""},
		{"https://m.youtube.com/watch?list=x&v=abc&t=3", "https://youtu.be/abc?si=x", ""},
		{"https://www.youtube.com/shorts/abc", "https://www.youtube.com/watch?v=abc", ""},
		{"https://www.youtube.com/watch?v=abc", "https://www.youtube.com/watch?v=abd",
			NULL},
		{"https://np.reddit.com/r/a", "https://reddit.com/r/a/", ""},
		{"http://xn--bcher-kva.example/",
			"http://b\xc3\xbc"
			"cher.example",
			""},
		{"http://u:p@example.org/", "http://example.org", ""},
		{"mailto:a", "mailto:b", NULL},
	};
	for (size_t i = 0; i < ARRAY_SIZE(alike); i++) {
		char *a = url_article(&arena, alike[i].base);
		char *b = url_article(&arena, alike[i].in);

		if ((strcmp(a, b) == 0) != (alike[i].want != NULL))
			fail_msg("%s and %s: %s, %s", alike[i].base, alike[i].in, a, b);
	}
}

static void
knows_private_hosts(void **state)
{
	(void)state;
	static const char *const private[] = {"localhost", "LOCALHOST", "a.localhost", "localhost.",
		"127.0.0.1", "127.1", "0x7f000001", "2130706433", "017700000001", "10.0.0.1",
		"0.0.0.0", "100.64.0.1", "100.127.255.255", "169.254.169.254", "172.16.0.1",
		"172.31.255.255", "192.168.1.5", "224.0.0.1", "255.255.255.255", "::", "::1",
		"[::1]", "fc00::1", "fdff::1", "fe80::1", "febf::1", "fe80::1%eth0", "ff02::1",
		"::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::10.1.2.3",
		"64:ff9b:1::8.8.8.8", "2002:7f00:1::1", "2002:c0a8:101::", "2001::80ff:fffe",
		"::127.0.0.1"};
	static const char *const public[] = {"example.org", "localhost.example.org", "notlocalhost",
		"8.8.8.8", "11.0.0.1", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1",
		"192.169.0.1", "169.253.0.1", "223.255.255.255", "2001:db8::1", "64:ff9b::8.8.8.8",
		"2002:808:808::1", "2001::f7f7:f7f7", "2001:1::80ff:fffe", "::ffff:8.8.8.8",
		"fec0::1", "", "."};

	for (size_t i = 0; i < ARRAY_SIZE(private); i++)
		if (!url_host_is_private(private[i]))
			fail_msg("%s is private", private[i]);
	for (size_t i = 0; i < ARRAY_SIZE(public); i++)
		if (url_host_is_private(public[i]))
			fail_msg("%s is not private", public[i]);

	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	struct sockaddr_un local = {.sun_family = AF_UNIX};
	inet_pton(AF_INET, "10.1.2.3", &v4.sin_addr);
	assert_true(url_address_is_private((struct sockaddr *)&v4));
	inet_pton(AF_INET, "9.1.2.3", &v4.sin_addr);
	assert_false(url_address_is_private((struct sockaddr *)&v4));
	inet_pton(AF_INET6, "::ffff:192.168.0.1", &v6.sin6_addr);
	assert_true(url_address_is_private((struct sockaddr *)&v6));
	inet_pton(AF_INET6, "2a00::1", &v6.sin6_addr);
	assert_false(url_address_is_private((struct sockaddr *)&v6));
	assert_true(url_address_is_private((struct sockaddr *)&local));
}

static void
knows_files(void **state)
{
	(void)state;
	AUTO(arena_fini) struct arena arena = {0};
	static const struct url_case cases[] = {
		{NULL, "file:///a/b%20c", "/a/b c"},
		{NULL, "FILE://localhost/a", "/a"},
		{NULL, "file:/a", "/a"},
		{NULL, "/a/b%20c", "/a/b%20c"},
		{NULL, "file://host/a", NULL},
		{NULL, "file:a", NULL},
		{NULL, "file:///a%00b", NULL},
		{NULL, "//a/b", NULL},
		{NULL, "a/b", NULL},
		{NULL, "http://x/a", NULL},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		same(cases[i].in, url_file_path(&arena, cases[i].in), cases[i].want);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(resolves),
		cmocka_unit_test(knows_schemes),
		cmocka_unit_test(reads_hosts),
		cmocka_unit_test(hides_passwords),
		cmocka_unit_test(folds),
		cmocka_unit_test(folds_once),
		cmocka_unit_test(knows_articles),
		cmocka_unit_test(knows_private_hosts),
		cmocka_unit_test(knows_files),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
