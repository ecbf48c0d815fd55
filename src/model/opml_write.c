/* opml_write.c - names for feeds of subscription lists, and the lists as documents. Pure; see
 * opml.h. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "feedd/opml.h"
#include "feedd/url.h"
#include "opml_repair.h"

#define NAME_MAX_BYTES 100

char *
opml_name(struct arena *arena, const char *text)
{
	char name[NAME_MAX_BYTES];
	size_t n = 0;
	bool gap = false;

	for (; *text && n < NAME_MAX_BYTES; text++) {
		bool letter = (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') ||
			(*text >= '0' && *text <= '9');
		if (!letter && *text != '.' && *text != '_') {
			gap = true;
			continue;
		}
		if (gap && n > 0 && n < NAME_MAX_BYTES - 1)
			name[n++] = '-';
		gap = false;
		name[n++] = *text >= 'A' && *text <= 'Z' ? (char)(*text - 'A' + 'a') : *text;
	}
	while (n > 0 && (name[n - 1] == '.' || name[n - 1] == '-'))
		n--;
	return n > 0 ? arena_strndup(arena, name, n) : arena_strdup(arena, "feed");
}

/* Feeds by name or by address: open addressing, with room for twice as many as there will be. */
struct index {
	struct opml_feed **slots;
	size_t mask;
};

static void
index_init(struct index *index, size_t n)
{
	index->mask = 63;
	while (index->mask < n * 2)
		index->mask = index->mask * 2 + 1;
	index->slots = xcalloc(index->mask + 1, sizeof(struct opml_feed *));
}

static struct opml_feed **
find_url(const struct index *index, const char *url)
{
	size_t i = (size_t)hash64_str(0, url) & index->mask;

	while (index->slots[i] && strcmp(index->slots[i]->url, url) != 0)
		i = (i + 1) & index->mask;
	return &index->slots[i];
}

static struct opml_feed **
find_name(const struct index *index, const char *name)
{
	size_t i = (size_t)hash64_str(0, name) & index->mask;

	while (index->slots[i] && strcmp(index->slots[i]->name, name) != 0)
		i = (i + 1) & index->mask;
	return &index->slots[i];
}

static void
merge_tags(struct opml_feed *into, const struct opml_feed *from, struct arena *arena)
{
	size_t n = into->n_tags;

	if (n == OPML_TAGS_MAX || from->n_tags == 0)
		return;
	const char **tags = arena_alloc(arena, (n + from->n_tags + 1) * sizeof(*tags));
	if (n > 0)
		memcpy(tags, into->tags, n * sizeof(*tags));
	for (size_t i = 0; i < from->n_tags; i++) {
		size_t j = 0;
		while (j < n && strcmp(tags[j], from->tags[i]) != 0)
			j++;
		if (j == n && n < OPML_TAGS_MAX)
			tags[n++] = from->tags[i];
	}
	tags[n] = NULL;
	into->tags = tags;
	into->n_tags = n;
}

static void
merge_feeds(struct opml *opml, struct index *index, struct arena *arena)
{
	size_t n = 0;

	for (size_t i = 0; i < opml->n_feeds; i++) {
		struct opml_feed **slot = find_url(index, opml->feeds[i].url);
		if (*slot) {
			merge_tags(*slot, &opml->feeds[i], arena);
			continue;
		}
		opml->feeds[n] = opml->feeds[i];
		*slot = &opml->feeds[n++];
	}
	opml->n_feeds = n;
}

static void
name_feed(struct opml_feed *feed, struct index *index, struct arena *arena)
{
	const char *host = feed->title ? NULL : url_host(arena, feed->url);
	char *name = opml_name(arena, feed->title ? feed->title : host ? host : "");
	uint64_t hash = hash64_str(0, feed->url);

	if (feed->title && strcmp(name, "feed") == 0) {
		host = url_host(arena, feed->url);
		name = opml_name(arena, host ? host : "");
	}
	feed->name = name;
	struct opml_feed **slot = find_name(index, name);
	for (; *slot; hash++) {
		feed->name = arena_printf(arena, "%.90s-%06x", name, (unsigned)(hash & 0xffffff));
		slot = find_name(index, feed->name);
	}
	*slot = feed;
}

void
opml_finish(struct opml *opml, struct arena *arena)
{
	struct index urls, names;

	index_init(&urls, opml->n_feeds);
	index_init(&names, opml->n_feeds);
	merge_feeds(opml, &urls, arena);
	for (size_t i = 0; i < opml->n_feeds; i++)
		name_feed(&opml->feeds[i], &names, arena);
	free(urls.slots);
	free(names.slots);
}

static void
write_escaped(struct buf *out, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '&':
			buf_puts(out, "&amp;");
			break;
		case '<':
			buf_puts(out, "&lt;");
			break;
		case '>':
			buf_puts(out, "&gt;");
			break;
		case '"':
			buf_puts(out, "&quot;");
			break;
		default:
			buf_putc(out, *text);
		}
	}
}

static void
write_attribute(struct buf *out, const char *name, const char *value)
{
	if (!value || *value == '\0')
		return;
	buf_printf(out, " %s=\"", name);
	write_escaped(out, value);
	buf_putc(out, '"');
}

static const char *
folder_of(const struct opml_feed *feed)
{
	return feed->n_tags > 0 ? feed->tags[0] : "";
}

/* Feeds by folder, those without one first, otherwise in the order in which they came. */
static int
compare_folders(const void *a, const void *b)
{
	const struct opml_feed *x = *(const struct opml_feed *const *)a;
	const struct opml_feed *y = *(const struct opml_feed *const *)b;
	int order = strcmp(folder_of(x), folder_of(y));

	return order != 0 ? order : (x > y) - (x < y);
}

static void
write_feed(struct buf *out, const struct opml_feed *feed)
{
	buf_puts(out, *folder_of(feed) ? "\t\t\t" : "\t\t");
	buf_puts(out, "<outline type=\"rss\"");
	write_attribute(out, "text", feed->title ? feed->title : feed->name);
	write_attribute(out, "title", feed->title);
	write_attribute(out, "xmlUrl", feed->url);
	write_attribute(out, "htmlUrl", feed->home_page_url);
	if (feed->n_tags > 1) {
		buf_puts(out, " category=\"");
		for (size_t i = 1; i < feed->n_tags; i++) {
			buf_puts(out, i > 1 ? "," : "");
			write_escaped(out, feed->tags[i]);
		}
		buf_putc(out, '"');
	}
	buf_puts(out, "/>\n");
}

char *
opml_write(const struct opml *opml)
{
	struct buf out = BUF_INIT(SIZE_MAX / 2);
	const struct opml_feed **sorted = xcalloc(opml->n_feeds + 1, sizeof(*sorted));
	const char *folder = "";

	for (size_t i = 0; i < opml->n_feeds; i++)
		sorted[i] = &opml->feeds[i];
	qsort(sorted, opml->n_feeds, sizeof(*sorted), compare_folders);
	buf_puts(&out,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<opml version=\"2.0\">\n"
		"\t<head>\n\t\t<title>");
	write_escaped(&out, opml->title ? opml->title : "feedd");
	buf_puts(&out, "</title>\n\t</head>\n\t<body>\n");
	for (size_t i = 0; i < opml->n_feeds; i++) {
		const char *next = folder_of(sorted[i]);
		if (strcmp(next, folder) != 0) {
			buf_puts(&out, *folder ? "\t\t</outline>\n" : "");
			buf_puts(&out, "\t\t<outline");
			write_attribute(&out, "text", next);
			buf_puts(&out, ">\n");
			folder = next;
		}
		write_feed(&out, sorted[i]);
	}
	buf_puts(&out, *folder ? "\t\t</outline>\n" : "");
	buf_puts(&out, "\t</body>\n</opml>\n");
	free(sorted);
	return buf_steal(&out);
}
