/*
 * announce.c - the feeds that an HTML page announces: <link rel="alternate">, rel="feed", then
 * links that look like feeds.
 *
 * Start tags are read as repair.c reads them; the page's structure does not matter. Pure.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "encoding.h"
#include "feedd/text.h"
#include "feedd/url.h"
#include "mend.h"

/* More than that is a link farm. */
#define ANNOUNCED_MAX ((size_t)64)
#define RANK_ALTERNATE 100
#define RANK_FEED 90
#define RANK_ANCHOR 40

static const struct {
	const char *type;
	int less; /* than the best of its kind */
} types[] = {
	{"application/atom+xml", 0},
	{"application/rss+xml", 0},
	{"application/feed+json", 2},
	{"application/json", 12},
	{"application/rdf+xml", 4},
	{"application/rss", 5},
	{"application/atom", 5},
	{"application/x-rss+xml", 5},
	{"application/xml", 10},
	{"text/xml", 10},
	{"text/rss+xml", 5},
	{"text/rss", 5},
	{"text/atom+xml", 5},
};

/* Ends of addresses that are feeds as a rule. */
static const char *const endings[] = {"/feed", "/feed/", "/rss", "/rss/", "/atom", "/atom/", ".rss",
	".atom", ".rdf", "/feed.xml", "/rss.xml", "/atom.xml", "/index.xml", "/feed.json", "/feeds",
	"/index.rdf"};

struct page {
	struct mender *mender; /* for tag_read() and mend_find() */
	struct arena *arena;
	const char *base;
	struct announced_feed feeds[ANNOUNCED_MAX];
	size_t n;
};

static bool
is_name(const struct tag *tag, const char *name)
{
	return tag->name_len == strlen(name) && strncasecmp(tag->name, name, tag->name_len) == 0;
}

/* The value of an attribute, its references decoded, on one line; NULL without one. */
static const char *
value_of(const struct page *page, const struct tag *tag, const char *name)
{
	for (size_t i = 0; i < tag->n_attributes; i++) {
		const struct tag_attribute *attribute = &tag->attributes[i];

		if (attribute->name_len != strlen(name) ||
			strncasecmp(attribute->name, name, attribute->name_len) != 0)
			continue;
		if (!attribute->value)
			return NULL;
		const char *text =
			text_unescape(page->arena, attribute->value, attribute->value_len);
		return text_line(page->arena, text, strlen(text));
	}
	return NULL;
}

static bool
has_word(const char *list, const char *word)
{
	size_t len = strlen(word);

	while (list && *(list += strspn(list, " "))) {
		size_t n = strcspn(list, " ");

		if (n == len && strncasecmp(list, word, n) == 0)
			return true;
		list += n;
	}
	return false;
}

static void
add(struct page *page, const char *href, const char *title, const char *type, int rank)
{
	const char *url = href && *href ? url_resolve(page->arena, page->base, href) : NULL;

	if (!url && href && *href && !page->base)
		url = href;
	/* A relative address of a page whose own is unknown may stay one. */
	if (!url || (!url_is_http(url) && (page->base || url[strcspn(url, ":/?#")] == ':')))
		return;
	/* Comments are somebody else's feed. */
	if (strcasestr(url, "comment") || (title && strcasestr(title, "comment")))
		rank -= 30;
	for (size_t i = 0; i < page->n; i++) {
		if (strcmp(page->feeds[i].url, url) != 0)
			continue;
		if (page->feeds[i].rank < rank)
			page->feeds[i].rank = rank;
		return;
	}
	if (page->n < ANNOUNCED_MAX)
		page->feeds[page->n++] = (struct announced_feed){url, title, type, rank};
}

static void
read_link(struct page *page, const struct tag *tag)
{
	const char *rel = value_of(page, tag, "rel");
	const char *type = value_of(page, tag, "type");
	const char *href = value_of(page, tag, "href");
	const char *title = value_of(page, tag, "title");

	if (has_word(rel, "feed")) {
		add(page, href, title, type, RANK_FEED);
		return;
	}
	if (!has_word(rel, "alternate") || has_word(rel, "stylesheet") || !type)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (strncasecmp(type, types[i].type, strlen(types[i].type)) != 0)
			continue;
		/* Some JSON is another view of the page, for programs. */
		if (strcmp(types[i].type, "application/json") == 0 && href &&
			strstr(href, "wp-json"))
			return;
		add(page, href, title, types[i].type, RANK_ALTERNATE - types[i].less);
		return;
	}
}

static void
read_anchor(struct page *page, const struct tag *tag, const char *end)
{
	const char *href = value_of(page, tag, "href");
	const char *rel = value_of(page, tag, "rel");

	if (!href)
		return;
	const char *close = memchr(tag->next, '<', (size_t)(end - tag->next));
	const char *title = close && close - tag->next < 200
		? text_title(page->arena, tag->next, (size_t)(close - tag->next))
		: NULL;
	if (title && !*title)
		title = NULL;
	if (has_word(rel, "feed")) {
		add(page, href, title, NULL, RANK_FEED - 1);
		return;
	}
	size_t len = strcspn(href, "?#");
	for (size_t i = 0; i < ARRAY_SIZE(endings); i++) {
		size_t n = strlen(endings[i]);

		if (len >= n && strncasecmp(href + len - n, endings[i], n) == 0) {
			add(page, href, title, NULL, RANK_ANCHOR);
			return;
		}
	}
}

/* Behind a script or style, whose text is no markup. */
static const char *
past_raw(const struct tag *tag, const char *end)
{
	const char *close = is_name(tag, "script") ? "</script" : "</style";

	for (const char *at = tag->next; (at = memchr(at, '<', (size_t)(end - at))); at++)
		if ((size_t)(end - at) > strlen(close) &&
			strncasecmp(at, close, strlen(close)) == 0)
			return at;
	return end;
}

static void
read_page(struct page *page, const char *data, size_t len)
{
	const char *end = data + len;
	struct tag tag = {0};

	for (const char *at = data;
		at < end && !page->mender->stopped && (at = memchr(at, '<', (size_t)(end - at)));) {
		if (end - at > 4 && memcmp(at, "<!--", 4) == 0) {
			const char *close = mend_find(page->mender, at, MARK_COMMENT_END);

			at = close < end ? close + 3 : at + 4;
			continue;
		}
		if (!tag_read(page->mender, at, &tag)) {
			at++;
			continue;
		}
		at = tag.next;
		if (is_name(&tag, "link"))
			read_link(page, &tag);
		else if (is_name(&tag, "a"))
			read_anchor(page, &tag, end);
		else if (is_name(&tag, "base") && value_of(page, &tag, "href"))
			page->base =
				url_resolve(page->arena, page->base, value_of(page, &tag, "href"));
		else if (is_name(&tag, "script") || is_name(&tag, "style"))
			at = past_raw(&tag, end);
	}
	free(tag.attributes);
}

/* Best first, and of equals the first. */
static void
sort(struct announced_feed *feeds, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct announced_feed feed = feeds[i];
		size_t k = i;

		for (; k > 0 && feeds[k - 1].rank < feed.rank; k--)
			feeds[k] = feeds[k - 1];
		feeds[k] = feed;
	}
}

size_t
parse_announced(
	const struct parse_input *input, struct arena *arena, struct announced_feed **ret_feeds)
{
	struct encoding_guess guess;
	struct repair_report report = {0};
	AUTO(buf_fini) struct buf text = BUF_INIT(input->len * 4 + 64);

	encoding_guess(input, arena, &guess);
	if (encoding_convert(&guess.encoding, input->data + guess.skip, input->len - guess.skip,
		    &text) < 0 ||
		!text.data)
		return 0;
	AUTO(freep) struct mender *mender = xcalloc(1, sizeof(*mender));
	mender->data = text.data;
	mender->end = text.data + text.len;
	mender->limits = input->limits ? input->limits : &PARSE_LIMITS;
	mender->report = &report;
	AUTO(freep) struct page *page = xcalloc(1, sizeof(*page));
	page->mender = mender;
	page->arena = arena;
	page->base = input->url;
	read_page(page, text.data, text.len);
	sort(page->feeds, page->n);
	*ret_feeds = arena_alloc(arena, (page->n ? page->n : 1) * sizeof(**ret_feeds));
	if (page->n)
		memcpy(*ret_feeds, page->feeds, page->n * sizeof(**ret_feeds));
	return page->n;
}
