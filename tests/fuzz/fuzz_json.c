/* fuzz_json.c - JSON Feed: what the reader makes of it is valid, and what a strict reader takes for
 * JSON is no fault. */
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
	AUTO(buf_fini) struct buf body = BUF_INIT(size + 2);
	struct document *document;
	const char *error;

	/* All of it is meant as an object. */
	if (size == 0 || data[0] != '{')
		buf_putc(&body, '{');
	buf_append(&body, data, size);
	struct parse_input input = {.data = body.data, .len = body.len};
	if (parse_feed(&input, &arena, &document, &error) < 0)
		return 0;
	json_t *strict = json_loadb(body.data, body.len, JSON_ALLOW_NUL, NULL);
	if (strict && document->bozo)
		abort();
	json_decref(strict);
	AUTO(freep) char *line = document_to_json(document, &arena);
	if (!text_is_utf8(line, strlen(line)))
		abort();
	json_t *json = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
	if (!json)
		abort();
	json_decref(json);
	return 0;
}
