/*
 * fuzz_feed.c - bytes with a content type through the parser to JSON.
 *
 * The last byte chooses the content type and the size of the pieces that libxml2 gets. Whatever
 * comes out must be valid JSON and UTF-8, within the limits, and the same for other pieces.
 */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "feedd/feed.h"
#include "feedd/mem.h"
#include "feedd/parse.h"
#include "feedd/text.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const types[] = {NULL, "text/xml", "application/rss+xml; charset=iso-8859-1",
	"text/html; charset=utf-8", "application/xml; charset=\"utf-16\"",
	"text/xml; charset=shift_jis", "application/feed+json", "text/xml; charset=hz"};

static void
check(bool holds)
{
	if (!holds)
		abort();
}

/* The document as JSON, or the error; malloc'd. */
static char *
run(const char *data, size_t len, const char *type, size_t chunk)
{
	AUTO(arena_fini) struct arena arena = {0};
	struct parse_limits limits = PARSE_LIMITS;
	limits.chunk = chunk;
	limits.max_items = 50;
	struct parse_input input = {.data = data,
		.len = len,
		.content_type = type,
		.url = "https://example.org/feed",
		.limits = &limits};
	struct document *document;
	const char *error = NULL;

	if (parse_feed(&input, &arena, &document, &error) < 0) {
		check(error && *error && text_is_utf8(error, strlen(error)));
		return xstrdup(error);
	}
	check(document->n_items <= limits.max_items);
	for (size_t i = 0; i < document->n_items; i++) {
		struct item *item = &document->items[i];

		check(!item->title || strlen(item->title) <= limits.max_title);
		check(!item->id || strlen(item->id) <= limits.max_id);
		check(!item->url || strlen(item->url) <= limits.max_url);
		item_finish(item, &arena);
	}
	return document_to_json(document, &arena);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	parse_init();
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	const char *type = types[data[size - 1] % 8];
	const char *body = (const char *)data;
	AUTO(freep) char *whole = run(body, size - 1, type, 16384);
	AUTO(freep) char *pieces = run(body, size - 1, type, (size_t)1 + data[size - 1] / 8);

	check(strcmp(whole, pieces) == 0);
	check(text_is_utf8(whole, strlen(whole)));
	if (*whole != '{')
		return 0;
	json_t *json = json_loads(whole, JSON_REJECT_DUPLICATES, NULL);
	check(json != NULL);
	json_decref(json);
	return 0;
}
