/*
 * html.c - HTML to plain text. Pure: touches nothing but its arguments.
 *
 * A tokenizer after HTML 13.2.5, without a tree: for text it is enough to know which tags end a
 * line and which elements hide what they hold, and feeds hold fragments that no tree would get
 * right anyway. One pass from left to right; whoever searches ahead and finds nothing remembers
 * that, so that the time is linear for every input. Nothing nests, so depth has no limit and costs
 * nothing.
 */
#include <string.h>

#include "elements.h"
#include "feedd/text.h"
#include "references.h"
#include "text_class.h"

/* What stands between the text so far and the next character. Each one outdoes those before it. */
enum gap { GAP_NONE, GAP_BLANK, GAP_LINE, GAP_PARA };

struct html {
	const char *s; /* valid UTF-8 without NUL */
	size_t len, at;
	char *out;
	size_t out_len;
	enum gap gap;
	size_t less_than_end; /* out_len behind the last '<' that is text */
	bool one_line;
	bool in_cdata;
	bool pre;		   /* line feeds count */
	bool no_end[ELEMENTS_MAX]; /* no end tag of this element is left */
	bool no_quote[2];	   /* no " and no ' is left that would end a value */
	bool no_close;		   /* no '>' is left */
};

struct tag {
	const char *name;
	size_t name_len;
	const struct element *element; /* NULL if unknown */
	bool is_end;
	bool is_closed;	 /* its '>' is there */
	size_t end;	 /* behind it */
	const char *alt; /* of an attribute alt, NULL without */
	size_t alt_len;
};

static bool
is_letter(char c)
{
	return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static bool
is_name(char c)
{
	return is_letter(c) || (c >= '0' && c <= '9') || c == ':' || c == '-' || c == '_';
}

/*
 * Output
 */
static void
want_gap(struct html *html, enum gap gap)
{
	if (html->gap < gap)
		html->gap = gap;
}

/* Writes what stands between; nothing at the beginning. */
static void
close_gap(struct html *html)
{
	if (html->gap != GAP_NONE && html->out_len > 0) {
		bool blank = html->gap == GAP_BLANK || html->one_line;

		html->out[html->out_len++] = blank ? ' ' : '\n';
		if (html->gap == GAP_PARA && !blank)
			html->out[html->out_len++] = '\n';
	}
	html->gap = GAP_NONE;
}

/* Something vanishes here. If a '<' that was no tag stands before it, "<<b>script>" would become a
 * tag for whoever takes the text for HTML: a blank keeps them apart. */
static void
part_from_less_than(struct html *html)
{
	if (html->less_than_end == html->out_len)
		want_gap(html, GAP_BLANK);
}

static void
put_char(struct html *html, uint32_t c)
{
	if (c == '\n' && html->pre && !html->one_line) {
		want_gap(html, html->gap >= GAP_LINE ? GAP_PARA : GAP_LINE);
		return;
	}
	if (char_is_white(c)) {
		want_gap(html, GAP_BLANK);
		return;
	}
	if (char_is_control(c) || (html->one_line && text_is_bidi_control(c))) {
		part_from_less_than(html);
		return;
	}
	close_gap(html);
	html->out_len += text_encode(c, html->out + html->out_len);
}

/* Bytes that go out as they are: all but blanks, controls, DEL, '&', and what begins a character
 * that may be a C1 control, a blank or a bidi control. */
static const bool PLAIN[256] = {
	[0x21 ... '&' - 1] = true,
	['&' + 1 ... 0x7e] = true,
	[0x80 ... 0xc1] = true,
	[0xc3 ... 0xd7] = true,
	[0xd9 ... 0xe1] = true,
	[0xe3 ... 0xff] = true,
};

/* The number of leading bytes that go out as they are: plain ones, and blanks between two of them.
 */
static size_t
plain_run(const char *text, size_t len)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t i = 0;

	for (;;) {
		while (i < len && PLAIN[s[i]])
			i++;
		if (i == 0 || i + 1 >= len || s[i] != ' ' || !PLAIN[s[i + 1]])
			return i;
		i++;
	}
}

/* A '<' that begins no tag. */
static void
put_less_than(struct html *html)
{
	put_char(html, '<');
	html->less_than_end = html->out_len;
}

/* Writes text without tags. */
static void
put_text(struct html *html, const char *s, size_t len)
{
	for (size_t i = 0; i < len;) {
		size_t run = plain_run(s + i, len - i);
		uint32_t chars[2] = {0, 0};

		if (run > 0) {
			close_gap(html);
			memcpy(html->out + html->out_len, s + i, run);
			html->out_len += run;
			i += run;
			continue;
		}
		size_t took = s[i] == '&' ? reference_decode(s + i, len - i, chars) : 0;
		if (took == 0)
			took = text_decode(s + i, len - i, chars);
		i += took ? took : 1;
		put_char(html, chars[0]);
		if (chars[1])
			put_char(html, chars[1]);
	}
}

/*
 * Markup
 */

/* The place of c at or behind `at`, or SIZE_MAX. */
static size_t
find_char(const struct html *html, size_t at, char c)
{
	const char *p = memchr(html->s + at, c, html->len - at);

	return p ? (size_t)(p - html->s) : SIZE_MAX;
}

/* The place of the string at or behind `at`, or SIZE_MAX. */
static size_t
find_string(const struct html *html, size_t at, const char *string)
{
	const char *p = memmem(html->s + at, html->len - at, string, strlen(string));

	return p ? (size_t)(p - html->s) : SIZE_MAX;
}

static size_t
skip_blanks(const struct html *html, size_t at)
{
	while (at < html->len && is_blank(html->s[at]))
		at++;
	return at;
}

/* An attribute's value at `at`, behind its '='. Returns where it ends, behind the quote. */
static size_t
read_value(struct html *html, size_t at, const char **ret_value, size_t *ret_len)
{
	char quote = at < html->len ? html->s[at] : '\0';

	if (quote == '"' || quote == '\'') {
		bool *none = &html->no_quote[quote == '\''];
		size_t end = *none ? SIZE_MAX : find_char(html, at + 1, quote);

		if (end != SIZE_MAX) {
			*ret_value = html->s + at + 1;
			*ret_len = end - at - 1;
			return end + 1;
		}
		/* A quote that never ends takes not the whole text with it, only its tag. */
		*none = true;
	}
	size_t from = at;
	while (at < html->len && !is_blank(html->s[at]) && html->s[at] != '>')
		at++;
	*ret_value = html->s + from;
	*ret_len = at - from;
	return at;
}

/* Reads the attributes from `at` to the '>' or the end of the text. */
static void
read_attributes(struct html *html, size_t at, struct tag *tag)
{
	const char *s = html->s;

	while (at < html->len && s[at] != '>') {
		if (is_blank(s[at]) || s[at] == '/') {
			at++;
			continue;
		}
		size_t name = at++;
		while (at < html->len && !is_blank(s[at]) && !strchr("/>=", s[at]))
			at++;
		size_t name_len = at - name;
		at = skip_blanks(html, at);
		if (at >= html->len || s[at] != '=')
			continue;
		const char *value;
		size_t value_len;
		at = read_value(html, skip_blanks(html, at + 1), &value, &value_len);
		if (name_len == 3 && strncasecmp(s + name, "alt", 3) == 0 && !tag->alt) {
			tag->alt = value;
			tag->alt_len = value_len;
		}
	}
	tag->is_closed = at < html->len;
	tag->end = tag->is_closed ? at + 1 : html->len;
}

/* Reads the tag that begins at html->at with '<'. False if it is none: "a < b", "<3",
 * "<me@example.org>". */
static bool
read_tag(struct html *html, struct tag *tag)
{
	const char *s = html->s;
	size_t at = html->at + 1;

	*tag = (struct tag){.is_end = at < html->len && s[at] == '/'};
	at += tag->is_end;
	if (at >= html->len || !is_letter(s[at]))
		return false;
	tag->name = s + at;
	while (at < html->len && is_name(s[at]))
		at++;
	tag->name_len = (size_t)(s + at - tag->name);
	tag->element = element_find(tag->name, tag->name_len);
	bool ends_well =
		at == html->len || is_blank(s[at]) || s[at] == '>' || s[at] == '/' || s[at] == '<';
	if (!tag->element && (!ends_well || tag->name[tag->name_len - 1] == ':'))
		return false;
	size_t names_end = at;
	read_attributes(html, at, tag);
	if (tag->is_closed)
		return true;
	/* A '>' may be left all the same, within what looked like a quoted value: quotes mean
	 * nothing from here on. */
	if (find_char(html, names_end, '>') == SIZE_MAX)
		html->no_close = true;
	else
		html->no_quote[0] = html->no_quote[1] = true;
	/* Cut off: a tag of HTML with an attribute or nothing more was meant as one. */
	return tag->element &&
		(tag->element->kind == ELEMENT_CODE || names_end == html->len ||
			memchr(s + names_end, '=', html->len - names_end) != NULL);
}

/* Moves behind the end tag of the element just opened. */
static void
skip_element(struct html *html, const struct tag *tag)
{
	bool *none = &html->no_end[tag->element - ELEMENTS];
	size_t at = *none ? SIZE_MAX : find_string(html, html->at, "</");

	while (at != SIZE_MAX) {
		size_t name_end = at + 2 + tag->name_len;

		if (name_end <= html->len &&
			strncasecmp(html->s + at + 2, tag->name, tag->name_len) == 0 &&
			(name_end == html->len || !is_name(html->s[name_end]))) {
			size_t end = find_char(html, name_end, '>');

			html->at = end == SIZE_MAX ? html->len : end + 1;
			return;
		}
		at = find_string(html, at + 2, "</");
	}
	*none = true;
	if (tag->element->kind == ELEMENT_CODE && !html->one_line)
		html->at = html->len;
}

static void
apply_tag(struct html *html, const struct tag *tag)
{
	if (!tag->element)
		return;
	switch (tag->element->kind) {
	case ELEMENT_INLINE:
		break;
	case ELEMENT_CELL:
		want_gap(html, GAP_BLANK);
		break;
	case ELEMENT_LINE:
		want_gap(html, GAP_LINE);
		break;
	case ELEMENT_PARA:
		want_gap(html, GAP_PARA);
		if (tag->name_len == 3 && strncasecmp(tag->name, "pre", 3) == 0)
			html->pre = !tag->is_end;
		break;
	case ELEMENT_BREAK:
		want_gap(html, html->gap >= GAP_LINE ? GAP_PARA : GAP_LINE);
		break;
	case ELEMENT_IMAGE:
		if (tag->alt && tag->alt_len > 0) {
			want_gap(html, GAP_BLANK);
			put_text(html, tag->alt, tag->alt_len);
			want_gap(html, GAP_BLANK);
		}
		break;
	case ELEMENT_CODE:
	case ELEMENT_HIDDEN:
		if (!tag->is_end)
			skip_element(html, tag);
		break;
	}
}

static void read_all(struct html *html);

/* Reads what a CDATA section holds, as if it were alone. */
static void
read_section(struct html *html, size_t from, size_t end)
{
	struct html inner = {.s = html->s,
		.len = end,
		.at = from,
		.out = html->out,
		.out_len = html->out_len,
		.gap = html->gap,
		.one_line = html->one_line,
		.pre = html->pre,
		.in_cdata = true};

	read_all(&inner);
	html->out_len = inner.out_len;
	html->gap = inner.gap;
	html->pre = inner.pre;
	/* What was cut off in there must not go on out here. */
	if (inner.no_close)
		want_gap(html, GAP_BLANK);
}

/* "<!" and "<?" at html->at: comments, declarations, instructions vanish. A CDATA section is one of
 * XML, but arrives here where a feed wrapped its text twice: its text is what was meant. */
static void
skip_declaration(struct html *html)
{
	const char *s = html->s + html->at;
	size_t left = html->len - html->at;
	size_t end;

	if (left >= 4 && memcmp(s, "<!--", 4) == 0) {
		bool is_empty =
			left >= 5 && (s[4] == '>' || (left >= 6 && s[4] == '-' && s[5] == '>'));

		end = is_empty ? find_char(html, html->at, '>')
			       : find_string(html, html->at + 4, "-->");
		html->at = end == SIZE_MAX ? html->len : end + (is_empty ? 1 : 3);
		return;
	}
	if (left >= 9 && memcmp(s, "<![CDATA[", 9) == 0 && !html->in_cdata) {
		end = find_string(html, html->at + 9, "]]>");
		size_t stop = end == SIZE_MAX ? html->len : end;
		read_section(html, html->at + 9, stop);
		html->at = end == SIZE_MAX ? html->len : end + 3;
		return;
	}
	end = find_char(html, html->at, '>');
	if (end == SIZE_MAX) {
		html->no_close = true;
		put_less_than(html);
		end = html->at;
	}
	html->at = end + 1;
}

/* What begins with '<' at html->at, and moves behind it. */
static void
read_markup(struct html *html)
{
	struct tag tag;
	char next = html->at + 1 < html->len ? html->s[html->at + 1] : '\0';

	if (!html->no_close && (next == '!' || next == '?')) {
		part_from_less_than(html);
		skip_declaration(html);
	} else if (!html->no_close && read_tag(html, &tag)) {
		part_from_less_than(html);
		html->at = tag.end;
		apply_tag(html, &tag);
	} else {
		put_less_than(html);
		html->at++;
	}
}

static void
read_all(struct html *html)
{
	while (html->at < html->len) {
		size_t end = find_char(html, html->at, '<');

		if (end == SIZE_MAX)
			end = html->len;
		put_text(html, html->s + html->at, end - html->at);
		html->at = end;
		if (html->at < html->len)
			read_markup(html);
	}
}

static char *
convert(struct arena *arena, const char *s, size_t len, bool one_line)
{
	/* What goes must go first, or it would hide tags: a control character in "<scr?ipt>". */
	if (!text_is_clean(s, len, one_line)) {
		s = one_line ? text_line(arena, s, len) : text_clean(arena, s, len);
		len = strlen(s);
	}
	/* Only references grow (five bytes become six), and tags of three bytes become two. */
	size_t room = len + len / 5 + 4;
	struct html html = {.s = s, .len = len, .one_line = one_line};
	html.out = arena_alloc(arena, room);
	read_all(&html);
	html.out[html.out_len] = '\0';
	arena_trim(arena, html.out, room, html.out_len + 1);
	return html.out;
}

char *
text_from_html(struct arena *arena, const char *html, size_t len)
{
	return convert(arena, html, len, false);
}

char *
text_title(struct arena *arena, const char *html, size_t len)
{
	if (!memchr(html, '<', len) && !memchr(html, '&', len))
		return text_line(arena, html, len);
	return convert(arena, html, len, true);
}
