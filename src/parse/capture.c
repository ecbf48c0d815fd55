/*
 * capture.c - gathers the text of an element, and writes the elements within it as markup.
 *
 * Large texts grow at the tip of the arena and stay where they are, so that a content is copied
 * once out of libxml2 and never again. While one is gathered nothing else may be put into the
 * arena. Pure.
 */
#include <string.h>
#include <strings.h>

#include "feedd/text.h"
#include "reader.h"

/* From here on a text gets all the room that the rest of the document could need; pages never
 * touched cost nothing. */
#define LARGE ((size_t)64 << 10)

/* HTML elements that have no end tag. */
static const char *const void_elements[] = {"area", "base", "br", "col", "embed", "hr", "img",
	"input", "link", "meta", "param", "source", "track", "wbr"};

enum { CONTROL = 1, MARKUP = 2, QUOTES = 4 };

/* What bytes need care; 0xc2 starts U+0080 to U+009F, but not they alone. */
static const unsigned char classes[256] = {
	[0x00 ... 0x08] = CONTROL,
	[0x0b ... 0x1f] = CONTROL,
	[0x7f] = CONTROL,
	[0xc2] = CONTROL,
	['&'] = MARKUP,
	['<'] = MARKUP,
	['>'] = MARKUP,
	['"'] = QUOTES,
};

void
capture_begin(struct reader *reader, const struct rule *rule, enum form form)
{
	reader->capture = (struct capture){
		.rule = rule,
		.form = form,
		.to_arena = rule->action == READ_HTML || rule->action == READ_XHTML ||
			rule->action == READ_CONSTRUCT,
		.at = reader->builder.arena->at,
		.base = reader->levels[reader->depth].base,
	};
	buf_reset(&reader->scratch);
}

/* Makes room for n more bytes and a NUL at the tip of the arena. */
static void
grow(struct reader *reader, size_t n)
{
	struct capture *capture = &reader->capture;
	struct arena *arena = reader->builder.arena;

	if (arena->left > capture->len + n)
		return;
	size_t want = (capture->len + n) * 2 + 256;
	if (capture->len + n > LARGE) {
		size_t rest = capture->len + n + reader->remaining + 1;

		/* Escaping may have made more of the bytes than there were: then by half. */
		want = (capture->len + n) + (capture->len + n) / 2;
		if (want < rest)
			want = rest;
	}
	char *at = arena_alloc(arena, want);
	if (capture->len)
		memcpy(at, capture->at, capture->len);
	arena->at = at;
	arena->left += want;
	capture->at = at;
}

static inline void
put(struct reader *reader, const char *s, size_t len)
{
	struct capture *capture = &reader->capture;

	if (len > reader->limits->max_content - capture->len)
		len = text_cut(s, reader->limits->max_content - capture->len);
	if (capture->to_arena) {
		if (reader->builder.arena->left <= capture->len + len)
			grow(reader, len);
		memcpy(capture->at + capture->len, s, len);
	} else if (buf_append(&reader->scratch, s, len) < 0) {
		return;
	}
	capture->len += len;
}

static void
put_string(struct reader *reader, const char *s)
{
	put(reader, s, strlen(s));
}

/* The control character that starts at s takes so many bytes; 0 where there is none: U+00A0 and its
 * like start with the same byte. */
static size_t
control_length(const char *s, const char *end)
{
	if ((unsigned char)*s != 0xc2)
		return 1;
	return s + 1 < end && (unsigned char)s[1] < 0xa0 ? 2 : 0;
}

static const char *
escaped(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	}
	return "&quot;";
}

/* Control characters go (tabs and line feeds stay), and of MARKUP and QUOTES what is asked for is
 * escaped. */
static void
put_filtered(struct reader *reader, const char *s, size_t len, unsigned mask)
{
	const char *end = s + len;

	while (s < end) {
		const char *start = s;

		while (s < end && !(classes[(unsigned char)*s] & mask))
			s++;
		if (s > start)
			put(reader, start, (size_t)(s - start));
		if (s == end)
			return;
		if (classes[(unsigned char)*s] & CONTROL) {
			size_t n = control_length(s, end);

			if (n == 0)
				put(reader, s, 1);
			s += n ? n : 1;
		} else {
			put_string(reader, escaped(*s++));
		}
	}
}

void
capture_text(struct reader *reader, const char *s, size_t len)
{
	if (reader->capture.form == FORM_XHTML)
		put_filtered(reader, s, len, CONTROL | MARKUP);
	else if (reader->dirty ||
		len <= 4) /* a reference comes alone, and may name what the bytes may not hold */
		put_filtered(reader, s, len, CONTROL);
	else
		put(reader, s, len);
}

bool
capture_is_void(const char *name)
{
	if (strlen(name) > sizeof("source") - 1)
		return false;
	for (size_t i = 0; i < sizeof(void_elements) / sizeof(void_elements[0]); i++)
		if (strcasecmp(name, void_elements[i]) == 0)
			return true;
	return false;
}

/* Markup that HTML knows by its bare name; all else keeps its prefix. */
static bool
needs_prefix(const struct cached_name *name)
{
	return name->prefix && name->ns != NS_XHTML && name->ns != NS_SVG && name->ns != NS_MATHML;
}

static void
put_name(struct reader *reader, const struct cached_name *name)
{
	if (needs_prefix(name)) {
		put_string(reader, (const char *)name->prefix);
		put(reader, ":", 1);
	}
	put(reader, (const char *)name->local, name->len);
}

/* libxml2 leaves "&#38;" in the values for every '&'. */
static void
put_attribute_value(struct reader *reader, const char *s, size_t len)
{
	const char *end = s + len;

	while (s < end) {
		const char *reference = memchr(s, '&', (size_t)(end - s));
		bool found =
			reference && end - reference >= 5 && memcmp(reference, "&#38;", 5) == 0;
		const char *stop = found ? reference : reference ? reference + 1 : end;

		put_filtered(reader, s, (size_t)(stop - s), CONTROL | MARKUP | QUOTES);
		if (found)
			put_string(reader, "&amp;");
		s = found ? reference + 5 : stop;
	}
}

/* A feed's own attributes are no markup: only those without a prefix, xml:lang and xlink. */
static void
put_attributes(struct reader *reader, const xmlChar **attributes, int n_attributes)
{
	for (int i = 0; i < n_attributes; i++, attributes += 5) {
		put(reader, " ", 1);
		if (attributes[1]) {
			put_string(reader, (const char *)attributes[1]);
			put(reader, ":", 1);
		}
		put_string(reader, (const char *)attributes[0]);
		put(reader, "=\"", 2);
		put_attribute_value(reader, (const char *)attributes[3],
			(size_t)(attributes[4] - attributes[3]));
		put(reader, "\"", 1);
	}
}

static bool
only_blanks(const struct reader *reader)
{
	const struct capture *capture = &reader->capture;
	const char *text = capture->to_arena ? capture->at : reader->scratch.data;

	for (size_t i = 0; i < capture->len; i++)
		if (!strchr(" \t\r\n", text[i]))
			return false;
	return true;
}

static bool
holds_markup(const struct capture *capture)
{
	return capture->rule->action >= READ_TITLE && capture->rule->action <= READ_TITLE_CONSTRUCT;
}

/* Elements stand in what was called plain text: it is markup, and what came before is its text. */
static void
become_markup(struct reader *reader)
{
	struct capture *capture = &reader->capture;
	size_t len = capture->len;
	const char *gathered = capture->to_arena ? capture->at : reader->scratch.data;
	AUTO(freep) char *text = xstrndup(len ? gathered : "", len);

	capture->form = FORM_XHTML;
	capture->len = 0;
	buf_reset(&reader->scratch);
	put_filtered(reader, text, len, MARKUP);
}

void
capture_start_tag(struct reader *reader, const struct cached_name *name, const xmlChar **attributes,
	int n_attributes)
{
	struct capture *capture = &reader->capture;

	capture->depth++;
	capture->has_markup = true;
	if (capture->depth > CONTENT_DEPTH_MAX) {
		reader_over(
			reader, "more than %zu levels of markup in a content", CONTENT_DEPTH_MAX);
		return;
	}
	if (!holds_markup(capture)) /* it keeps its text only */
		return;
	if (capture->form == FORM_PLAIN && !capture->base64)
		become_markup(reader);
	if (capture->form == FORM_XHTML && capture->depth == 1 && !capture->in_div &&
		only_blanks(reader) && strcasecmp((const char *)name->local, "div") == 0) {
		capture->base = element_base(reader, capture->base, attributes, n_attributes);
		capture->in_div = true;
		return;
	}
	put(reader, "<", 1);
	put_name(reader, name);
	put_attributes(reader, attributes, n_attributes);
	put(reader, ">", 1);
}

void
capture_end_tag(struct reader *reader, const struct cached_name *name)
{
	struct capture *capture = &reader->capture;

	capture->depth--;
	if (!holds_markup(capture))
		return;
	if (capture->depth == 0 && capture->in_div &&
		strcasecmp((const char *)name->local, "div") == 0) {
		capture->in_div = false;
		return;
	}
	if (name->is_void)
		return;
	put(reader, "</", 2);
	put_name(reader, name);
	put(reader, ">", 1);
}

char *
capture_end(struct reader *reader, size_t *ret_len)
{
	struct capture *capture = &reader->capture;

	*ret_len = capture->len;
	if (!capture->to_arena) {
		buf_append(&reader->scratch, "", 0);
		return reader->scratch.data;
	}
	grow(reader, 0);
	char *text = capture->at;
	text[capture->len] = '\0';
	reader->builder.arena->at += capture->len + 1;
	reader->builder.arena->left -= capture->len + 1;
	return text;
}
