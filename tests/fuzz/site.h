/*
 * site.h - the server's side of fuzz_polls: articles, and the document that shows them.
 *
 * An article is a number. It has a title and a text that can be edited, and the feed's way to tell
 * its articles apart decides what of it is its id. All that the document says can be read back out
 * of a row of the database: see model.h.
 */
#ifndef FUZZ_SITE_H
#define FUZZ_SITE_H

#include <stdbool.h>
#include <string.h>

#include "feedd/date.h"
#include "feedd/mem.h"

#define SITE_LISTED 64
#define SITE_ARTICLES 250
#define SITE_TITLES 8
#define SITE_SPELLINGS 3
#define SITE_BEGAN 1700000000

enum site_mode {
	SITE_GUID, /* a guid each, which looks like an address */
	SITE_LINK, /* no guid */
	SITE_TEXT, /* neither guid nor link */
	SITE_SAME, /* one guid for all */
};

struct site {
	enum site_mode mode;
	bool dated, mixed;     /* all articles have a date; two of three have one */
	bool guid_last;	       /* the guid stands behind the text */
	int list[SITE_LISTED]; /* what is shown, newest on top */
	int n, next;	       /* so many; the number of the next new article */
	int titles[SITE_ARTICLES], texts[SITE_ARTICLES]; /* how often each was edited */
	int generation, spelling;			 /* of the guids */
	int twice; /* place of an article that is shown twice, -1 for none */
	int twice_spelling;
};

/* One article as the document shows it. */
struct shown {
	int article, title, text, generation, spelling;
	int64_t date; /* DATE_NONE for none */
	size_t end;   /* offset of the first byte behind it */
};

struct page {
	struct buf body;
	struct shown items[SITE_LISTED + 1];
	int n;
};

/* How a document can be wrong without hiding an article. */
enum site_fault { SITE_SOUND, SITE_AMPERSAND, SITE_NO_END, SITE_BAD_END, SITE_JUNK, SITE_FAULTS };

static inline int64_t
site_date(const struct site *site, int article)
{
	if (!site->dated || (site->mixed && article % 3 == 0))
		return DATE_NONE;
	return SITE_BEGAN + article / 4 * 600;
}

static inline void
site_address(struct buf *out, const char *host, int spelling, int article)
{
	buf_printf(out, "%s%s/%d%s", spelling == 1 ? "https://www." : "http://", host, article,
		spelling == 2 ? "/" : "");
}

static inline void
site_guid(const struct site *site, struct buf *out, const struct shown *item)
{
	char host[32];

	if (site->mode == SITE_LINK || site->mode == SITE_TEXT)
		return;
	buf_puts(out, "<guid isPermaLink=\"false\">");
	if (site->mode == SITE_SAME) {
		buf_puts(out, "same");
	} else {
		snprintf(host, sizeof(host), "g%d.example", item->generation);
		site_address(out, host, item->spelling, item->article);
	}
	buf_puts(out, "</guid>");
}

static inline void
site_item(const struct site *site, struct page *page, int article, int spelling)
{
	struct buf *out = &page->body;
	struct shown *item = &page->items[page->n++];

	*item = (struct shown){
		.article = article,
		.title = site->titles[article],
		.text = site->texts[article],
		.generation = site->generation,
		.spelling = spelling,
		.date = site_date(site, article),
	};
	buf_puts(out, "<item>");
	if (!site->guid_last)
		site_guid(site, out, item);
	buf_printf(out, "<title>t%d.%d</title>", article, item->title);
	if (site->mode != SITE_TEXT) {
		buf_puts(out, "<link>");
		site_address(out, "site.example", site->mode == SITE_LINK ? spelling : 0, article);
		buf_puts(out, "</link>");
	}
	if (item->date != DATE_NONE) {
		char date[DATE_SIZE];

		buf_printf(out, "<pubDate>%s</pubDate>", date_format(item->date, date));
	}
	buf_printf(out, "<description>#%d.%d#</description>", article, item->text);
	if (site->guid_last)
		site_guid(site, out, item);
	buf_puts(out, "</item>");
	item->end = out->len;
	buf_putc(out, '\n');
}

/* The document as it stands now. page must be zeroed but for the ceiling of its body. */
static inline void
site_page(const struct site *site, struct page *page, enum site_fault fault)
{
	static const char *const ends[] = {"</channel></rss>", "</channel></rss>", "",
		"</chanel></rss>", "</channel></rss>trailing"};

	buf_printf(&page->body, "<rss version=\"2.0\"><channel><title>Site%s</title>\n",
		fault == SITE_AMPERSAND ? " & Co" : "");
	for (int i = 0; i < site->n; i++) {
		site_item(site, page, site->list[i], site->spelling);
		if (i == site->twice)
			site_item(site, page, site->list[i], site->twice_spelling);
	}
	buf_puts(&page->body, ends[fault]);
}

static inline bool
site_lists(const struct site *site, int article)
{
	for (int i = 0; i < site->n; i++)
		if (site->list[i] == article)
			return true;
	return false;
}

static inline void
site_insert(struct site *site, int at, int article)
{
	if (site->n == SITE_LISTED - 1 || article >= SITE_ARTICLES || site_lists(site, article))
		return;
	memmove(&site->list[at + 1], &site->list[at], (size_t)(site->n - at) * sizeof(int));
	site->list[at] = article;
	site->n++;
}

static inline void
site_remove(struct site *site, int at)
{
	memmove(&site->list[at], &site->list[at + 1], (size_t)(--site->n - at) * sizeof(int));
}

static inline void
site_publish(struct site *site, int n)
{
	while (n-- > 0 && site->next < SITE_ARTICLES && site->n < SITE_LISTED - 1)
		site_insert(site, 0, site->next++);
}

static inline void
site_rotate(struct site *site, int by)
{
	int list[SITE_LISTED];

	for (int i = 0; i < site->n; i++)
		list[i] = site->list[(i + by) % site->n];
	memcpy(site->list, list, sizeof(list));
}

#endif
