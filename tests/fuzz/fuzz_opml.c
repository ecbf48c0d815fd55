/*
 * fuzz_opml.c - any bytes as a subscription list.
 *
 * Oracle: what is read has valid and unique names, addresses with http or https and clean text;
 * written again and read back it is the same list.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "feedd/opml.h"
#include "feedd/text.h"
#include "feedd/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(int condition)
{
	if (!condition)
		abort();
}

static void
check_text(const char *text)
{
	if (!text)
		return;
	require(text_is_utf8(text, strlen(text)));
	for (; *text; text++)
		require((unsigned char)*text >= 0x20);
}

static void
check_feed(const struct opml_feed *feed)
{
	const char *letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

	require(*feed->name && feed->name[strspn(feed->name, letters)] == '\0');
	require(strlen(feed->name) <= 128 && url_is_http(feed->url) && feed->line > 0);
	check_text(feed->url);
	check_text(feed->title);
	check_text(feed->home_page_url);
	for (size_t i = 0; i < feed->n_tags; i++)
		check_text(feed->tags[i]);
}

static const struct opml_feed *
find(const struct opml *opml, const char *url)
{
	for (size_t i = 0; i < opml->n_feeds; i++)
		if (strcmp(opml->feeds[i].url, url) == 0)
			return &opml->feeds[i];
	return NULL;
}

static void
check_round_trip(const struct opml *opml)
{
	struct arena arena = {0};
	char *text = opml_write(opml);
	struct opml back;
	const char *error;
	int line;

	require(opml_read(text, strlen(text), &arena, &back, &error, &line) == 0);
	require(back.n_feeds == opml->n_feeds && back.n_skipped == 0);
	for (size_t i = 0; i < opml->n_feeds; i++) {
		const struct opml_feed *feed = &opml->feeds[i], *same = find(&back, feed->url);
		require(same != NULL);
		require(strcmp(same->title, feed->title ? feed->title : feed->name) == 0);
		require((feed->n_tags > 0) == (same->n_tags > 0));
	}
	free(text);
	arena_fini(&arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = {0};
	const char *error = NULL;
	struct opml opml;
	int line = 0;

	if (opml_read((const char *)data, size, &arena, &opml, &error, &line) < 0) {
		require(error && *error && line > 0);
		arena_fini(&arena);
		return 0;
	}
	for (size_t i = 0; i < opml.n_feeds; i++) {
		check_feed(&opml.feeds[i]);
		for (size_t j = i + 1; j < opml.n_feeds && j < i + 50; j++)
			require(strcmp(opml.feeds[i].name, opml.feeds[j].name) != 0);
	}
	check_round_trip(&opml);
	arena_fini(&arena);
	return 0;
}
