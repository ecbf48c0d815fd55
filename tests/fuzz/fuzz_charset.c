/*
 * fuzz_charset.c - any bytes in any encoding come out as UTF-8 without NUL and control characters.
 *
 * Up to the first line feed the input is a charset; the rest becomes the title of a feed.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "feedd/feed.h"
#include "feedd/mem.h"
#include "feedd/parse.h"
#include "feedd/text.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(const char *text)
{
	for (const char *at = text; *at;) {
		uint32_t c;
		size_t n = text_decode(at, strlen(at), &c);

		if (n == 0 || c < 0x20 || (c >= 0x7f && c < 0xa0))
			abort();
		at += n;
	}
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
	AUTO(arena_fini) struct arena arena = {0};
	AUTO(buf_fini) struct buf body = BUF_INIT(size + 256);
	const uint8_t *line = size ? memchr(data, '\n', size) : NULL;
	struct document *document;
	const char *error;

	if (!line)
		return 0;
	AUTO(freep) char *charset = xstrndup((const char *)data, (size_t)(line - data));
	AUTO(freep) char *type = xasprintf("text/xml; charset=%s", charset);
	free(parse_charset(&arena, NULL));
	buf_puts(&body, "<rss version='2.0'><channel><title>");
	buf_append(&body, line + 1, size - (size_t)(line + 1 - data));
	buf_puts(&body, "</title></channel></rss>");
	struct parse_input input = {.data = body.data, .len = body.len, .content_type = type};
	if (parse_feed(&input, &arena, &document, &error) < 0) {
		check(error);
		return 0;
	}
	if (document->title)
		check(document->title);
	return 0;
}
