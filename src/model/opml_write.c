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

/* A set of strings by open addressing, with room for twice as many as there will be. */
struct names {
	const char **slots;
	size_t mask;
};

/* False if it is there already. */
static bool
add_name(struct names *names, const char *name)
{
	size_t i = (size_t)hash64_str(0, name) & names->mask;

	for (; names->slots[i]; i = (i + 1) & names->mask)
		if (strcmp(names->slots[i], name) == 0)
			return false;
	names->slots[i] = name;
	return true;
}

void
opml_names(struct opml *opml, struct arena *arena)
{
	struct names names = {.mask = 63};

	while (names.mask < opml->n_feeds * 2)
		names.mask = names.mask * 2 + 1;
	names.slots = xcalloc(names.mask + 1, sizeof(*names.slots));
	for (size_t i = 0; i < opml->n_feeds; i++) {
		struct opml_feed *feed = &opml->feeds[i];
		const char *name = opml_name(arena, feed->title ? feed->title : "");
		if (strcmp(name, "feed") == 0) {
			const char *host = url_host(arena, feed->url);
			name = opml_name(arena, host ? host : "");
		}
		feed->name = name;
		uint64_t hash = hash64_str(0, feed->url);
		for (uint64_t try = 0; !add_name(&names, feed->name); try++)
			feed->name = arena_printf(
				arena, "%.90s-%06x", name, (unsigned)((hash + try) & 0xffffff));
	}
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
