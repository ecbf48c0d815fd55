/*
 * parse.c - from bytes to a document: the order of things. Encoding, one look over the bytes,
 * strict reading, repair.
 *
 * The room trusts nothing. Who finds out what: encoding.c the encoding, guard.c sizes and UTF-8,
 * sax.c and element.c XML, repair.c what strictness refused, json.c JSON Feed, refuse.c why it is
 * no feed. Pure.
 */
#include "feedd/parse.h"

#include <errno.h>
#include <libxml/parser.h>
#include <libxml/xmlIO.h>
#include <stdlib.h>
#include <string.h>

#include "encoding.h"
#include "feedd/queue.h"
#include "feedd/text.h"
#include "guard.h"
#include "json.h"
#include "reader.h"
#include "refuse.h"

const struct parse_limits PARSE_LIMITS = {
	.max_items = 5000,
	.max_depth = 64,
	.max_attributes = 1000,
	.max_namespaces = 256,
	.max_scope = 512,
	.max_names = 10000,
	.max_start_tag = (size_t)64 << 10,
	.max_dtd = (size_t)64 << 10,
	.max_title = (size_t)4 << 10,
	.max_url = (size_t)8 << 10,
	.max_id = (size_t)4 << 10,
	.max_content = (size_t)4 << 20,
	.max_seconds = 10,
	.chunk = (size_t)16 << 10,
};

/* By so many bytes refuse.c tells archives and pictures. */
#define HEAD_SIZE ((size_t)16)

/* The document as UTF-8. */
struct decoded {
	const char *data;
	size_t len;
	const char *name;  /* of the encoding it was read in */
	const char *fault; /* bytes that it cannot hold, or NULL */
	struct buf buf;	   /* what was converted */
	struct guard guard;
	int guarded; /* result of guard_scan() */
};

static xmlParserInputPtr
no_entity(const char *url, const char *id, xmlParserCtxtPtr context)
{
	(void)url, (void)id, (void)context;
	return NULL;
}

/* A few faults are reported past the handlers of the reader; standard error is not libxml2's. */
static void
no_message(void *user, const char *fmt, ...)
{
	(void)user, (void)fmt;
}

void
parse_init(void)
{
	setenv("XML_CATALOG_FILES", "", 1);
	xmlInitParser();
	/* For this thread, and for those to come. */
	xmlSetGenericErrorFunc(NULL, no_message);
	xmlThrDefSetGenericErrorFunc(NULL, no_message);
	xmlSetExternalEntityLoader(no_entity);
}

void
parse_fini(void)
{
	xmlCleanupParser();
}

static void
scan(struct decoded *decoded, const struct parse_limits *limits)
{
	decoded->guarded = guard_scan(decoded->data, decoded->len, limits, &decoded->guard);
}

/* Takes what encoding_convert() makes of the body. False if it cannot be read in that encoding at
 * all. */
static bool
convert(struct decoded *decoded, const struct encoding *encoding, const char *body, size_t len)
{
	long bad = encoding_convert(encoding, body, len, &decoded->buf);

	if (bad < 0)
		return false;
	decoded->data = decoded->buf.data ? decoded->buf.data : "";
	decoded->len = decoded->buf.len;
	decoded->name = encoding->name;
	decoded->fault = bad > 0 ? "bytes that are not valid in the encoding" : NULL;
	return true;
}

/* It should be UTF-8 and is not. Another witness may be right; without one, bytes without a single
 * valid sequence are not UTF-8 with faults in it, but what most people took who did not know of
 * encodings. */
static void
decode_invalid_utf8(
	struct decoded *decoded, const struct encoding_guess *guess, const char *body, size_t len)
{
	if (guess->declared.iconv && convert(decoded, &guess->declared, body, len) &&
		!decoded->fault) {
		decoded->fault = "bytes that are not valid in the charset that HTTP names";
		return;
	}
	struct encoding guessed;
	if (guess->source != ENCODING_BYTES &&
		encoding_detect(body, len, guess->source != ENCODING_DEFAULT, &guessed) &&
		convert(decoded, &guessed, body, len))
		decoded->fault = "an encoding that is not declared";
	else if (convert(decoded, &ENCODING_UTF8, body, len))
		decoded->fault = "bytes that are not valid UTF-8";
}

static void
decode(const struct parse_input *input, const struct parse_limits *limits, struct arena *arena,
	struct decoded *decoded)
{
	struct encoding_guess guess;

	encoding_guess(input, arena, &guess);
	const char *body = input->data + guess.skip;
	size_t len = input->len - guess.skip;
	*decoded = (struct decoded){
		.data = body,
		.len = len,
		.name = guess.encoding.name,
		.buf = BUF_INIT(len * 4 + 64),
	};
	if (!guess.encoding.iconv) {
		scan(decoded, limits);
		if (decoded->guarded != -EILSEQ)
			return;
		decode_invalid_utf8(decoded, &guess, body, len);
		scan(decoded, limits);
		return;
	}
	struct guard as_it_is = {0};
	bool utf8 = guess.source != ENCODING_BYTES && guard_utf8(body, len, &as_it_is);
	if (utf8 && (as_it_is.multibyte || strcmp(guess.encoding.name, "us-ascii") == 0)) {
		/* Few texts in another encoding happen to be UTF-8; many are called by another
		 * name. */
		decoded->name = as_it_is.multibyte ? ENCODING_UTF8.name : guess.encoding.name;
	} else {
		if (strcmp(guess.encoding.name, "us-ascii") == 0)
			guess.encoding = ENCODING_WINDOWS_1252;
		if (!convert(decoded, &guess.encoding, body, len))
			decode_invalid_utf8(decoded, &guess, body, len);
	}
	scan(decoded, limits);
}

static int
fail(const char *error, const char **ret_error)
{
	*ret_error = error;
	return -EBADMSG;
}

static int
read_xml(const struct parse_input *input, const struct parse_limits *limits,
	const struct decoded *decoded, struct arena *arena, struct document *document,
	const char **ret_error)
{
	const struct reading reading = {decoded->data, decoded->len, decoded->guard.items,
		decoded->guard.controls,
		thread_processor_ns() + (int64_t)limits->max_seconds * 1000000000};
	struct arena mark = *arena;
	struct xml_report report;

	xml_read(input, limits, &reading, arena, document, &report);
	if (report.result == XML_BROKEN) {
		bool entities_only = report.entities_only;

		arena_rewind(arena, &mark);
		xml_read_mended(input, limits, &reading, arena, document, &report);
		/* Nothing to mend: a fault that the repair does not know, or libxml2 was cut in the
		 * wrong place (within "<!-->", for instance). It tells which when it gets all at
		 * once. */
		if (report.well_formed && !entities_only) {
			struct parse_limits whole = *limits;

			whole.chunk = decoded->len;
			arena_rewind(arena, &mark);
			xml_read(input, &whole, &reading, arena, document, &report);
			if (report.result == XML_BROKEN) {
				arena_rewind(arena, &mark);
				xml_read_mended(input, limits, &reading, arena, document, &report);
				report.well_formed = false;
				report.detail = "not well formed";
			}
		}
	}
	if (report.result == XML_OVER)
		return fail(arena_printf(arena, "refused: %s", report.detail), ret_error);
	if (!report.has_feed)
		return fail(refuse(input, decoded->data, decoded->len, arena), ret_error);
	document->bozo = !report.well_formed;
	document->error = report.detail;
	document->incomplete = report.incomplete;
	return 0;
}

static bool
is_json(const struct decoded *decoded)
{
	size_t i = 0;

	while (i < decoded->len &&
		(decoded->data[i] == ' ' || (decoded->data[i] >= '\t' && decoded->data[i] <= '\r')))
		i++;
	return i < decoded->len && decoded->data[i] == '{';
}

static int
read_decoded(const struct parse_input *input, const struct parse_limits *limits,
	const struct decoded *decoded, struct arena *arena, struct document *document,
	const char **ret_error)
{
	const char *over = NULL;

	if (is_json(decoded)) {
		struct parse_input clean = *input;

		clean.data = decoded->data;
		clean.len = decoded->len;
		clean.limits = limits;
		int r = json_read(&clean, arena, document, &over);

		if (r == -E2BIG)
			return fail(arena_printf(arena, "refused: %s", over), ret_error);
		return r < 0 ? fail(refuse(input, decoded->data, decoded->len, arena), ret_error)
			     : 0;
	}
	if (decoded->guarded == -E2BIG && !refuse_is_html(decoded->data, decoded->len)) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		over = arena_printf(arena, decoded->guard.over, decoded->guard.limit);
#pragma GCC diagnostic pop
		return fail(arena_printf(arena, "refused: %s", over), ret_error);
	}
	if (decoded->guarded == -E2BIG)
		return fail(refuse(input, decoded->data, decoded->len, arena), ret_error);
	return read_xml(input, limits, decoded, arena, document, ret_error);
}

/* What was turned to UTF-8 need not be kept twice: the first bytes are enough to tell what is no
 * text at all. */
static void
let_go(struct parse_input *input, const struct decoded *decoded, struct arena *arena)
{
	if (!input->spent || decoded->data != decoded->buf.data)
		return;
	input->len = input->len < HEAD_SIZE ? input->len : HEAD_SIZE;
	input->data = arena_strndup(arena, input->data, input->len);
	buf_fini(input->spent);
	input->spent = NULL;
}

int
parse_feed(const struct parse_input *input, struct arena *arena, struct document **ret_document,
	const char **ret_error)
{
	const struct parse_limits *limits = input->limits ? input->limits : &PARSE_LIMITS;
	struct document *document = arena_zalloc(arena, sizeof(*document));
	struct parse_input rest = *input;
	struct decoded decoded;

	decode(input, limits, arena, &decoded);
	let_go(&rest, &decoded, arena);
	int r = read_decoded(&rest, limits, &decoded, arena, document, ret_error);
	document->encoding = arena_strdup(arena, decoded.name);
	if (decoded.fault) {
		document->bozo = true;
		document->error = document->error ? document->error : decoded.fault;
	}
	if (input->truncated)
		document->incomplete = true;
	buf_fini(&decoded.buf);
	if (r < 0)
		return r;
	*ret_document = document;
	return 0;
}
