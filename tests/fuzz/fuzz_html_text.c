/* fuzz_html_text.c - text out of anything: valid UTF-8 without controls, on one line where it must
 * be, never markup that the input did not hide in references, and in linear time (the runner's
 * limit watches that). */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "feedd/mem.h"
#include "feedd/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(int holds)
{
	if (!holds)
		abort();
}

/* What every text that leaves must be; `line`: for fields of one line. */
static void
require_clean(const char *text, int line)
{
	size_t len = strlen(text);
	uint32_t c;

	require(text_is_utf8(text, len));
	for (size_t i = 0; i < len;) {
		i += text_decode(text + i, len - i, &c);
		require((c >= 0x20 && c < 0x7f) || c >= 0xa0 ||
			(!line && (c == '\n' || c == '\t')));
		require(!line || !text_is_bidi_control(c));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(arena_fini) struct arena arena = {0};
	const char *html = (const char *)data;
	char *title = text_title(&arena, html, size);
	char *text = text_from_html(&arena, html, size);
	char *line = text_line(&arena, html, size);
	char *token = text_token(&arena, html, size);
	char *clean = text_clean(&arena, html, size);

	require_clean(title, 1);
	require_clean(line, 1);
	require_clean(token, 1);
	require_clean(text, 0);
	require_clean(clean, 0);
	require(!strstr(line, "  ") && !strstr(title, "  ") && !strstr(text, "\n\n\n"));
	/* Cleaning what is clean changes nothing. */
	require(strcmp(text_line(&arena, line, strlen(line)), line) == 0);
	require(strcmp(text_token(&arena, token, strlen(token)), token) == 0);
	require(strcmp(text_clean(&arena, clean, strlen(clean)), clean) == 0);
	if (!memchr(data, '&', size) && !strcasestr(clean, "alt"))
		require(!strcasestr(title, "<script>") && !strcasestr(text, "<script>"));
	text = text_unescape(&arena, html, size);
	require(memchr(data, '&', size) || memcmp(text, data, size) == 0);
	return 0;
}
