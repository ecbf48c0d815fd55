/*
 * opml.c - reads subscription lists by libxml2's SAX interface.
 *
 * Strict first; where the document is not well formed its bytes are repaired (opml_repair.c) and
 * read once more. Entities are never declared nor loaded: whatever is not one of XML's five is the
 * repair's matter. Pure.
 */
#include "feedd/opml.h"

#include <errno.h>
#include <libxml/parser.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "feedd/text.h"
#include "feedd/url.h"
#include "opml_repair.h"

/* libxml2 reads a start tag in time that grows with the square of its declarations; no outline
 * comes near. */
#define START_TAG_MAX ((size_t)64 << 10)
#define DEPTH_MAX 64
#define TITLE_MAX 1024

/* An open outline. */
struct level {
	const char **tags; /* of what stands in it, NULL-ended array shared by all of them */
	size_t n_tags;
	bool is_folder;
};

struct reading {
	struct arena *arena;
	struct opml *opml;
	size_t capacity;
	struct level levels[DEPTH_MAX + 1];
	size_t depth;	/* outlines that are open */
	size_t ignored; /* of them too deep to be looked at */
	bool in_title, is_opml;
	struct buf title, values;
	xmlParserCtxtPtr parser;
	const char *error;
	int line;
};

/* The attributes of an outline that are looked at. */
enum { A_XML_URL, A_URL, A_HTML_URL, A_TITLE, A_TEXT, A_TYPE, A_CATEGORY, N_ATTRIBUTES };

static const char *const attribute_names[N_ATTRIBUTES] = {
	"xmlUrl", "url", "htmlUrl", "title", "text", "type", "category"};

/* An attribute's value as it is meant: libxml2 keeps an ampersand as &#38; where references stay.
 */
static void
append_value(struct buf *out, const char *value, size_t len)
{
	const char *end = value + len, *and;

	while ((and = memchr(value, '&', (size_t)(end - value))) != NULL) {
		buf_append(out, value, (size_t)(and-value) + 1);
		value = and+(end - and >= 5 && memcmp(and, "&#38;", 5) == 0 ? 5 : 1);
	}
	buf_append(out, value, (size_t)(end - value));
	buf_append(out, "", 1);
}

/* The values stay until the next call. */
static void
read_attributes(struct reading *reading, int n, const xmlChar **attributes,
	const char *values[N_ATTRIBUTES])
{
	struct buf *buf = &reading->values;
	size_t places[N_ATTRIBUTES] = {0};

	buf_reset(buf);
	buf_append(buf, "", 1);
	for (int i = 0; i < n; i++) {
		const char *name = (const char *)attributes[i * 5];
		const char *value = (const char *)attributes[i * 5 + 3];
		size_t len = (size_t)(attributes[i * 5 + 4] - attributes[i * 5 + 3]);
		for (size_t a = 0; a < N_ATTRIBUTES; a++) {
			/* the first letters differ in most pairs */
			if ((name[0] | 0x20) != attribute_names[a][0] ||
				strcasecmp(name, attribute_names[a]) != 0)
				continue;
			places[a] = buf->len;
			append_value(buf, value, len);
		}
	}
	for (size_t a = 0; a < N_ATTRIBUTES; a++)
		values[a] = places[a] > 0 ? buf->data + places[a] : NULL;
}

static char *
short_line(struct arena *arena, const char *text)
{
	char *line = text_line(arena, text, strlen(text));

	if (strlen(line) > TITLE_MAX)
		line[text_cut(line, TITLE_MAX)] = '\0';
	return line;
}

static void
add_tag(struct reading *reading, const char **tags, size_t *n, const char *text)
{
	char *tag = short_line(reading->arena, text);

	if (*tag == '\0' || *n == OPML_TAGS_MAX)
		return;
	for (size_t i = 0; i < *n; i++)
		if (strcmp(tags[i], tag) == 0)
			return;
	tags[(*n)++] = tag;
}

/* The tags of the innermost folder, and those of a category: "a,/b/c" gives a, b and c. */
static void
feed_tags(struct reading *reading, const char *category, struct opml_feed *feed)
{
	const struct level *level = &reading->levels[reading->depth - 1];
	char *rest = NULL;

	feed->tags = level->tags;
	feed->n_tags = level->n_tags;
	if (!category || *category == '\0')
		return;
	feed->tags = arena_alloc(reading->arena, (OPML_TAGS_MAX + 1) * sizeof(*feed->tags));
	if (level->n_tags > 0)
		memcpy(feed->tags, level->tags, level->n_tags * sizeof(*feed->tags));
	char *copy = arena_strdup(reading->arena, category);
	for (char *word = strtok_r(copy, ",/", &rest); word; word = strtok_r(NULL, ",/", &rest))
		add_tag(reading, feed->tags, &feed->n_tags, word);
	feed->tags[feed->n_tags] = NULL;
}

static void
add_feed(struct reading *reading, const char *values[N_ATTRIBUTES], const char *address)
{
	struct opml *opml = reading->opml;
	struct arena *arena = reading->arena;
	const char *title = values[A_TITLE] && *values[A_TITLE] ? values[A_TITLE] : values[A_TEXT];
	char *url = text_token(arena, address, strlen(address));

	if (!url_is_http(url) || strlen(url) >= URL_MAX) {
		opml->n_skipped++;
		return;
	}
	if (opml->n_feeds == reading->capacity) {
		size_t capacity = reading->capacity ? reading->capacity * 2 : 64;
		struct opml_feed *feeds = arena_alloc(arena, capacity * sizeof(*feeds));
		if (opml->n_feeds > 0)
			memcpy(feeds, opml->feeds, opml->n_feeds * sizeof(*feeds));
		opml->feeds = feeds;
		reading->capacity = capacity;
	}
	struct opml_feed *feed = &opml->feeds[opml->n_feeds++];
	*feed = (struct opml_feed){.url = url, .line = xmlSAX2GetLineNumber(reading->parser)};
	title = title ? short_line(arena, title) : "";
	feed->title = *title ? title : NULL;
	const char *home = values[A_HTML_URL];
	home = home ? text_token(arena, home, strlen(home)) : "";
	feed->home_page_url = url_is_http(home) && strlen(home) < URL_MAX ? home : NULL;
	feed_tags(reading, values[A_CATEGORY], feed);
}

/* A folder's text becomes a tag of all that stands below it. */
static void
open_folder(struct reading *reading, const char *text, bool is_folder)
{
	struct level *level = &reading->levels[reading->depth];
	const struct level *above = &reading->levels[reading->depth - 1];

	*level = *above;
	if (!is_folder || !text || *text == '\0')
		return;
	level->tags = arena_alloc(reading->arena, (above->n_tags + 2) * sizeof(*level->tags));
	if (above->n_tags > 0)
		memcpy(level->tags, above->tags, above->n_tags * sizeof(*level->tags));
	add_tag(reading, level->tags, &level->n_tags, text);
	level->tags[level->n_tags] = NULL;
}

static void
on_outline(struct reading *reading, int n, const xmlChar **attributes)
{
	const char *values[N_ATTRIBUTES] = {0};

	if (reading->depth == DEPTH_MAX) {
		reading->ignored++;
		return;
	}
	read_attributes(reading, n, attributes, values);
	const char *address = values[A_XML_URL];
	bool is_feed = address && *address;
	if (!is_feed && values[A_TYPE] && strcasecmp(values[A_TYPE], "rss") == 0 && values[A_URL]) {
		address = values[A_URL];
		is_feed = true;
	}
	if (is_feed)
		add_feed(reading, values, address);
	const char *text = values[A_TEXT] && *values[A_TEXT] ? values[A_TEXT] : values[A_TITLE];
	open_folder(reading, text, !is_feed);
	reading->depth++;
}

static void
on_start(void *user, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
	int n_namespaces, const xmlChar **namespaces, int n_attributes, int n_defaulted,
	const xmlChar **attributes)
{
	struct reading *reading = user;

	(void)prefix;
	(void)uri;
	(void)n_namespaces;
	(void)namespaces;
	(void)n_defaulted;
	if (strcasecmp((const char *)name, "opml") == 0)
		reading->is_opml = true;
	else if (strcasecmp((const char *)name, "outline") == 0)
		on_outline(reading, n_attributes, attributes);
	else if (strcasecmp((const char *)name, "title") == 0)
		reading->in_title = reading->depth == 1;
}

static void
on_end(void *user, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
	struct reading *reading = user;

	(void)prefix;
	(void)uri;
	reading->in_title = false;
	if (strcasecmp((const char *)name, "outline") != 0)
		return;
	if (reading->ignored > 0)
		reading->ignored--;
	else if (reading->depth > 1)
		reading->depth--;
}

static void
on_text(void *user, const xmlChar *text, int len)
{
	struct reading *reading = user;

	if (reading->in_title)
		buf_append(&reading->title, text, (size_t)len);
}

static void
on_error(void *user, xmlErrorPtr error)
{
	struct reading *reading = user;

	if (reading->error || error->level < XML_ERR_ERROR || error->domain == XML_FROM_NAMESPACE)
		return;
	reading->error = short_line(reading->arena, error->message ? error->message : "not XML");
	reading->line = error->line;
}

/* The end of what begins with '<' at `at`: its '>', or where it stops being a tag. Quotes count in
 * start tags only, an apostrophe in a comment is none. */
static const char *
tag_end(const char *at, const char *end)
{
	const char *stop = end - at > 1 && (at[1] == '!' || at[1] == '?') ? ">" : "<>\"'";
	char quote = '\0';

	for (at++; at < end; at++) {
		if (*at == '<' && *stop == '<')
			break;
		if (quote)
			quote = *at == quote ? '\0' : quote;
		else if (*at == '>')
			break;
		else if (*at != '\0' && strchr(stop, *at))
			quote = *at;
	}
	return at;
}

/* The line of a start tag that is too long, or 0. */
static int
find_long_tag(const char *data, size_t len)
{
	const char *end = data + len, *at = data;

	while ((at = memchr(at, '<', (size_t)(end - at))) != NULL) {
		const char *close = tag_end(at, end);
		if ((size_t)(close - at) > START_TAG_MAX) {
			int line = 1;
			for (const char *p = data; p < at; p++)
				line += *p == '\n';
			return line;
		}
		at = close == at ? at + 1 : close;
	}
	return 0;
}

static void
parse_bytes(struct reading *reading, const char *data, size_t len)
{
	xmlSAXHandler sax = {.initialized = XML_SAX2_MAGIC,
		.startElementNs = on_start,
		.endElementNs = on_end,
		.characters = on_text,
		.cdataBlock = on_text,
		.serror = (xmlStructuredErrorFunc)on_error};

	reading->parser = xmlCreatePushParserCtxt(&sax, reading, NULL, 0, NULL);
	if (!reading->parser)
		mem_exhausted(0);
	xmlCtxtUseOptions(
		reading->parser, XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	for (size_t at = 0; at < len && !reading->error;) {
		size_t n = len - at < 65536 ? len - at : 65536;
		xmlParseChunk(reading->parser, data + at, (int)n, 0);
		at += n;
	}
	xmlParseChunk(reading->parser, NULL, 0, 1);
	if (!reading->error && !reading->parser->wellFormed && !reading->parser->nsWellFormed)
		reading->error = "not well formed";
	/* A document type with entities leaves a document behind. */
	xmlFreeDoc(reading->parser->myDoc);
	xmlFreeParserCtxt(reading->parser);
	reading->parser = NULL;
}

/* 0, or -EBADMSG with error and line in reading. */
static int
read_once(struct reading *reading, const char *data, size_t len)
{
	reading->depth = 1;
	reading->title.max = TITLE_MAX;
	reading->values.max = START_TAG_MAX * 2;
	parse_bytes(reading, data, len);
	if (!reading->error && !reading->is_opml) {
		reading->error = "this is no OPML document";
		reading->line = 1;
	}
	if (reading->title.len > 0)
		reading->opml->title =
			text_line(reading->arena, reading->title.data, reading->title.len);
	buf_fini(&reading->title);
	buf_fini(&reading->values);
	return reading->error ? -EBADMSG : 0;
}

int
opml_read(const char *data, size_t len, struct arena *arena, struct opml *ret_opml,
	const char **ret_error, int *ret_line)
{
	struct opml opml = {0};
	struct reading first = {.arena = arena, .opml = &opml};
	int line = find_long_tag(data, len);

	if (!memchr(data, '<', len)) {
		*ret_error = "this is no OPML document";
		*ret_line = 1;
		return -EBADMSG;
	}
	if (line > 0) {
		*ret_error = "a tag is longer than 64 KiB";
		*ret_line = line;
		return -EBADMSG;
	}
	if (read_once(&first, data, len) < 0) {
		struct buf repaired = BUF_INIT(len * 8 + 4096);
		struct reading second = {.arena = arena, .opml = &opml};
		opml = (struct opml){0};
		opml_repair(data, len, &repaired);
		int rc = read_once(&second, repaired.data ? repaired.data : "", repaired.len);
		buf_fini(&repaired);
		if (rc < 0) {
			/* the first fault is the one to mend */
			*ret_error = first.error;
			*ret_line = first.line > 0 ? first.line : 1;
			return rc;
		}
	}
	opml_finish(&opml, arena);
	*ret_opml = opml;
	return 0;
}
