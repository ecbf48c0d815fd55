/* test_text.c - text is clean, one line where it must be, and plain where it was HTML. */
#include "test.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "feedd/text.h"

struct text_case {
	const char *in, *want;
};

typedef char *converter(struct arena *arena, const char *s, size_t len);

static void
check(converter *convert, const struct text_case *cases, size_t n)
{
	AUTO(arena_fini) struct arena arena = {0};

	for (size_t i = 0; i < n; i++) {
		char *got = convert(&arena, cases[i].in, strlen(cases[i].in));

		if (strcmp(got, cases[i].want) != 0)
			fail_msg("[%s] gives [%s], not [%s]", cases[i].in, got, cases[i].want);
	}
}

static void
decodes_what_it_encodes(void **state)
{
	(void)state;
	for (uint32_t c = 0; c < 0x110000; c++) {
		char out[4];
		uint32_t back;

		if (c >= 0xd800 && c < 0xe000)
			continue;
		size_t n = text_encode(c, out);
		assert_int_equal(text_decode(out, n, &back), n);
		assert_int_equal(back, c);
		assert_int_equal(text_decode(out, n - 1, &back), 0);
	}
	static const char *const invalid[] = {"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80",
		"\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x80\x80\x80", "\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80", "\xff", "\xc3(", "\xe2\x82(", "\xf0\x9f\x98("};
	for (size_t i = 0; i < ARRAY_SIZE(invalid); i++) {
		uint32_t c;

		assert_int_equal(text_decode(invalid[i], strlen(invalid[i]), &c), 0);
		assert_false(text_is_utf8(invalid[i], strlen(invalid[i])));
	}
	assert_true(text_is_utf8("long enough for eight, h\xc3\xa9 said", 31));
	assert_false(text_is_utf8("a\0b", 3));
	assert_int_equal(text_cut("h\xc3\xa9", 2), 1);
	assert_int_equal(text_cut("h\xc3\xa9", 3), 3);
	assert_int_equal(text_cut("", 0), 0);
}

static void
cleans(void **state)
{
	(void)state;
	AUTO(arena_fini) struct arena arena = {0};
	static const struct text_case clean[] = {
		{"", ""},
		{"plain", "plain"},
		{"a\r\nb\rc\n\td", "a\nb\nc\n\td"},
		{"a\x01"
		 "b\x1b[31m\x7f"
		 "c\xc2\x85"
		 "d",
			"ab[31mcd"},
		{"a\x80"
		 "b\xff",
			"a\xef\xbf\xbd"
			"b\xef\xbf\xbd"},
		{"\xe2\x80\xaex", "\xe2\x80\xaex"},
	};
	check(text_clean, clean, ARRAY_SIZE(clean));
	assert_string_equal(text_clean(&arena, "a\0b\0\0", 5), "ab");

	static const struct text_case line[] = {
		{"", ""},
		{" \t\n", ""},
		{"plain text", "plain text"},
		{"  a  b\r\n\tc  ", "a b c"},
		{"a\xe2\x80\xae"
		 "b\xe2\x81\xa9\xd8\x9c\xe2\x80\x8f"
		 "c",
			"abc"},
		{"a \xe2\x80\xae b", "a b"},
		{"a\xe2\x80\xa8"
		 "b\xc2\xa0 c",
			"a b c"},
		{"a\x01 \x02 b", "a b"},
		{"\xff", "\xef\xbf\xbd"},
	};
	check(text_line, line, ARRAY_SIZE(line));

	static const struct text_case token[] = {
		{" http://x/\n", "http://x/"},
		{"a\n b", "a b"},
		{"a\nb\tc", "abc"},
		{"a  b", "a  b"},
		{"a\xe2\x80\xae"
		 "b",
			"ab"},
	};
	check(text_token, token, ARRAY_SIZE(token));
}

static void
decodes_references(void **state)
{
	(void)state;
	static const struct text_case cases[] = {
		{"", ""},
		{"&amp;&lt;&gt;&quot;&apos;", "&<>\"'"},
		{"&amp;amp;", "&amp;"},
		{"&#65;&#x42;&#X43;&#68", "ABCD"},
		{"&#0;&#xd800;&#x110000;&#99999999999;",
			"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
		{"&#146;&#128;", "\xe2\x80\x99\xe2\x82\xac"},
		{"&hellip;&rsquo;&NotEqualTilde;", "\xe2\x80\xa6\xe2\x80\x99\xe2\x89\x82\xcc\xb8"},
		{"&CounterClockwiseContourIntegral;", "\xe2\x88\xb3"},
		{"&copy 2026 &copy", "\xc2\xa9 2026 \xc2\xa9"},
		{"?a=1&copy=2;", "?a=1\xc2\xa9=2;"},
		{"&copying &notit; &amp;amp &ampamp;", "\xc2\xa9ing \xc2\xacit; &amp &amp;"},
		{"&hellip &unknown; &; & &# &#x; &#xg;", "&hellip &unknown; &; & &# &#x; &#xg;"},
		{"AT&T R&D &AMP; &Amp;", "AT&T R&D & &Amp;"},
		{"&nGt;&nGt;&nGt;",
			"\xe2\x89\xab\xe2\x83\x92\xe2\x89\xab\xe2\x83\x92\xe2\x89\xab\xe2\x83\x92"},
	};
	uint32_t chars[2];

	check(text_unescape, cases, ARRAY_SIZE(cases));
	assert_int_equal(text_entity("eacute", 6, chars), 1);
	assert_int_equal(chars[0], 0xe9);
	assert_int_equal(text_entity("Eacute", 6, chars), 1);
	assert_int_equal(chars[0], 0xc9);
	assert_int_equal(text_entity("eacute\0;", 8, chars), 0);
	assert_int_equal(text_entity("zz\0", 3, chars), 0);
	assert_int_equal(text_entity("fjlig", 5, chars), 2);
	assert_int_equal(text_entity("fjligx", 5, chars), 2);
	assert_int_equal(text_entity("EACUTE", 6, chars), 0);
	assert_int_equal(text_entity("", 0, chars), 0);
}

static void
titles_are_plain(void **state)
{
	(void)state;
	static const struct text_case cases[] = {
		{"A title", "A title"},
		{"a < b and c > d", "a < b and c > d"},
		{"I <3 you", "I <3 you"},
		{"a <b", "a"},
		{"if a <b then", "if a <b then"},
		{"<b>bold</b>er", "bolder"},
		{"AT&amp;T &lt;b&gt;", "AT&T <b>"},
		{"&amp;lt;", "&lt;"},
		{"one<br>two<p>three</p>", "one two three"},
		{"<a href=\"x>y\">z</a>", "z"},
		{"<a href=\"x>y</a> z", "y z"},
		{"cut off <a href=\"x", "cut off"},
		{"mail <me@example.org> <https://example.org/>",
			"mail <me@example.org> <https://example.org/>"},
		{"vector<int>", "vector"},
		{"a<!-- b -->c<!-->d", "acd"},
		{"a<?xml b?>c<!DOCTYPE d>", "ac"},
		{"a <? b", "a <? b"},
		{"<![CDATA[x <b>&amp;</b> y]]>z", "x & yz"},
		{"<![CDATA[x", "x"},
		{"x<script>alert(1)</script>y", "xy"},
		{"using <script> well", "using well"},
		{"<img src=x alt=\"a &amp; b\">", "a & b"},
		{"a\xe2\x80\xae<i>b</i>&#x202e;", "ab"},
		{"&nbsp; a &nbsp; <i></i> b &nbsp;", "a b"},
		{"&#1;a&#27;<b>", "a"},
		{"<<b>script>", "< script>"},
		{"<<!-- -->script>", "< script>"},
		{"<\x7fscript>a", "a"},
		{"<scr\xe2\x80\xaeipt>a", "a"},
		{"<sc<b>ript>", "ript>"},
		{"<x y=\"<script>z\"", "<x y=\"z\""},
		{"<![CDATA[<sc]]>ript>", "<sc ript>"},
		{"&lt;<i>name</i>&gt;", "<name>"},
		{"<", "<"},
		{"</", "</"},
		{"<>", "<>"},
		{"</>", "</>"},
	};
	check(text_title, cases, ARRAY_SIZE(cases));
}

static void
html_becomes_text(void **state)
{
	(void)state;
	static const struct text_case cases[] = {
		{"", ""},
		{"text", "text"},
		{"<p>one</p>\n\n\n<p>two</p>", "one\n\ntwo"},
		{"<div>one</div><div>two</div>", "one\ntwo"},
		{"one<br>two<br/><br/><br/>three", "one\ntwo\n\nthree"},
		{"<ul><li>a</li><li>b</li></ul>c", "a\nb\n\nc"},
		{"<a href=x>link</a>, <em>more</em>", "link, more"},
		{"<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"},
		{"a\n b\t c", "a b c"},
		{"<pre>a\n  b\n\n\nc</pre>d\ne", "a\nb\n\nc\n\nd e"},
		{"a<script>b</scripture></SCRIPT >c", "ac"},
		{"a<style>b", "a"},
		{"a<title>b</title>c<title>d", "acd"},
		{"a<x y=\"<b>c</b><script>d\"", "a<x y=\"c"},
		{"a<iframe src=x>b</iframe>c", "ac"},
		{"<img src=x alt='a cat'><img src=y alt=''><img src=z>", "a cat"},
		{"<IMG ALT=cat SRC=x>", "cat"},
		{"<p/>a<unknown>b</unknown>", "ab"},
		{"a\x01"
		 "b<i>\xff</i>",
			"ab\xef\xbf\xbd"},
		{"\xe2\x80\xaex", "\xe2\x80\xaex"},
		{"<p>&nbsp;</p><p>x</p>", "x"},
	};
	AUTO(arena_fini) struct arena arena = {0};

	check(text_from_html, cases, ARRAY_SIZE(cases));
	assert_string_equal(text_from_html(&arena, "a\0<b>b", 6), "ab");
	assert_string_equal(text_title(&arena, "a\0b", 3), "ab");
}

/* Each of these once made a reader of HTML that looks ahead quadratic. A megabyte takes some
 * milliseconds; the quadratic way would take minutes. */
static void
hostile_html_takes_linear_time(void **state)
{
	(void)state;
	static const char *const pieces[] = {"<b", "<b ", "<a href=\"", "<a href='", "<!--", "<!",
		"<?", "<script>", "<title>", "<![CDATA[", "&", "&#", "&lt", "<b><i>", "</b>",
		"<b a=", "<p a ", "< ", "<p></", "<script></", "<x:", "\xff", "&nGt;", "<br>",
		"<img alt=\"&nGt;\">", "<p>a", "<x y=\">\"", "<x y=\"'>", "<x =\"\">'"};
#ifdef __SANITIZE_THREAD__ /* which looks at all that memchr(3) might have read, at each call */
	const size_t size = (size_t)1 << 16;
#else
	const size_t size = (size_t)1 << 20;
#endif
	AUTO(freep) char *html = xmalloc(size);

	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
		AUTO(arena_fini) struct arena arena = {0};
		size_t len = strlen(pieces[i]);
		size_t n = 0;

		for (; n + len <= size; n += len)
			memcpy(html + n, pieces[i], len);
		clock_t start = clock();
		char *text = text_from_html(&arena, html, n);
		assert_true(text_is_utf8(text, strlen(text)));
		text = text_title(&arena, html, n);
		assert_true(text_is_utf8(text, strlen(text)));
		if (clock() - start > 5 * CLOCKS_PER_SEC)
			fail_msg("\"%s\" is slow", pieces[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decodes_what_it_encodes),
		cmocka_unit_test(cleans),
		cmocka_unit_test(decodes_references),
		cmocka_unit_test(titles_are_plain),
		cmocka_unit_test(html_becomes_text),
		cmocka_unit_test(hostile_html_takes_linear_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
