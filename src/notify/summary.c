/* summary.c - objects that are in no log: what max_per_hour held back, and the sample of a test.
 * Pure. */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

#include "feedd/date.h"
#include "feedd/event.h"

#include "notifier.h"

/* Events by feed, in the order in which the feeds first come. */
struct tally {
	int64_t feed, first_seq, n;
};

/* Finds the feed among n, or adds it while there is room: NULL where there is none. */
static struct tally *
tally_get(struct tally *tallies, size_t *n, size_t max, const struct entry *entry)
{
	for (size_t i = 0; i < *n; i++)
		if (tallies[i].feed == entry->feed)
			return &tallies[i];
	if (*n == max)
		return NULL;
	tallies[*n] = (struct tally){.feed = entry->feed, .first_seq = entry->seq};
	return &tallies[(*n)++];
}

size_t
summary_seqs(const struct bundle *bundle, int64_t *seqs, size_t max)
{
	AUTO(freep) struct tally *tallies = xcalloc(max, sizeof(*tallies));
	size_t n = 0;

	for (const struct entry *entry = bundle->entries; entry; entry = entry->next)
		(void)!tally_get(tallies, &n, max, entry);
	for (size_t i = 0; i < n; i++)
		seqs[i] = tallies[i].first_seq;
	return n;
}

/* {"hn": 120, "lwn": 23}; feeds that were not rendered stay unnamed. */
static json_t *
count_feeds(const struct bundle *bundle, const struct rendered *events, size_t n, struct buf *text)
{
	json_t *feeds = json_object();

	for (size_t i = 0; i < n; i++) {
		json_int_t count = 0;

		for (const struct entry *entry = bundle->entries; entry; entry = entry->next)
			count += entry->feed == events[i].feed_id;
		if (!events[i].feed || count == 0)
			continue;
		json_object_set_new(feeds, events[i].feed, json_integer(count));
		buf_printf(text, "%s: %" JSON_INTEGER_FORMAT "\n", events[i].feed, count);
	}
	return feeds;
}

char *
summary_json(const struct notifier *notifier, const struct bundle *bundle,
	const struct rendered *events, size_t n)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(65536);
	json_t *feeds = count_feeds(bundle, events, n, &text);
	const struct entry *last = bundle->entries;

	while (last->next)
		last = last->next;
	AUTO(freep)
	char *id = xasprintf("urn:feedd:summary:%s:%" PRId64, notifier->name, last->seq);
	AUTO(freep) char *title = xasprintf("%zu more events were held back", bundle->n);
	json_t *object = json_pack("{s:s, s:s, s:s, s:{s:I, s:s, s:s, s:{s:I, s:I, s:I, s:o}}}",
		"id", id, "title", title, "content_text", text.data ? text.data : "", "_feedd",
		"seq", (json_int_t)last->seq, "event", "notify.summary", "notify", notifier->name,
		"held", "count", (json_int_t)bundle->n, "first_seq",
		(json_int_t)bundle->entries->seq, "last_seq", (json_int_t)last->seq, "feeds",
		feeds);
	char *json = json_dumps(object, JSON_COMPACT);
	json_decref(object);
	return json ? json : xstrdup("{}");
}

char *
sample_json(int64_t now)
{
	const struct item item = {
		.id = "urn:feedd:sample",
		.url = "https://example.org/sample",
		.title = "A sample event of feedd",
		.content_html = "<p>Sent by <code>feedctl test</code>.</p>",
		.content_text = "Sent by feedctl test.",
		.published_at = now,
		.modified_at = DATE_NONE,
	};
	const struct event event = {
		.kind = EVENT_ITEM_NEW,
		.at = now,
		.feed = {.name = "sample",
			.title = "Samples of feedd",
			.url = "https://example.org/feed"},
		.item = &item,
	};

	return event_to_json(&event);
}
