/*
 * sax.c - drives libxml2's push parser over a document and hands its elements on.
 *
 * Nothing is fetched, no entity is replaced by libxml2, no tree is built. Limits of our own stand
 * in for those that XML_PARSE_HUGE takes away: it is set because real feeds pass libxml2's. Pure.
 */
#include <libxml/globals.h>
#include <libxml/parser.h>
#include <libxml/threads.h>
#include <libxml/xmlerror.h>
#include <stdlib.h>
#include <string.h>

#include "feedd/queue.h"
#include "feedd/text.h"
#include "reader.h"
#include "repair.h"

/* What the values of the smallest document may take; of others four times their size. */
#define MEMORY_MIN ((size_t)4 << 20)
/* After so many bytes the time is looked at. */
#define TIMED_BYTES ((size_t)16 << 10)
#define OPTIONS                                                                                    \
	(XML_PARSE_NONET | XML_PARSE_NOCDATA | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |           \
		XML_PARSE_IGNORE_ENC | XML_PARSE_HUGE)

void
reader_over(struct reader *reader, const char *fmt, size_t limit)
{
	if (reader->over)
		return;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	reader->over = arena_printf(&reader->side, fmt, limit);
#pragma GCC diagnostic pop
	xmlStopParser(reader->xml);
}

static const struct cached_name *
name_of(struct reader *reader, const xmlChar *local, const xmlChar *prefix, const xmlChar *uri)
{
	/* Interned names lie close together: every bit of their addresses counts. */
	uint64_t hash =
		((uint64_t)(uintptr_t)local * 31 + (uint64_t)(uintptr_t)uri) * 0x9e3779b97f4a7c15u;
	size_t set = (hash >> 40) % NAME_SETS;
	struct cached_name *name = reader->names[set];

	for (size_t i = 0; i < NAME_WAYS; i++, name++)
		if (name->local == local && name->prefix == prefix && name->uri == uri)
			return name;
	name = &reader->names[set][reader->oldest[set]++ % NAME_WAYS];
	name->local = local;
	name->len = strlen((const char *)local);
	name->prefix = prefix;
	name->uri = uri;
	name->ns = namespace_find((const char *)uri, (const char *)prefix, reader->dialect);
	name->n_rules = (uint8_t)rules_find((const char *)local, name->ns, name->rules);
	name->is_void = capture_is_void((const char *)local);
	return name;
}

/* RDF that declares a namespace of RSS at its root is a feed, even an empty one. */
static void
note_rdf(struct reader *reader, const xmlChar **namespaces, int n)
{
	for (int i = 0; i < n; i++) {
		const char *uri = (const char *)namespaces[2 * i + 1];

		if (namespace_find(uri, NULL, NS_UNKNOWN) != NS_RSS)
			continue;
		reader->has_feed = true;
		if (strstr(uri, "simple/0.9"))
			reader->builder.document->format = FORMAT_RSS_090;
	}
}

static void
on_start(void *user, const xmlChar *local, const xmlChar *prefix, const xmlChar *uri,
	int n_namespaces, const xmlChar **namespaces, int n_attributes, int n_defaulted,
	const xmlChar **attributes)
{
	struct reader *reader = user;

	(void)n_defaulted;
	if (reader->over)
		return;
	/* libxml2 looks through them one by one, for each element. It counts both parts of each. */
	if ((size_t)reader->xml->nsNr / 2 > reader->limits->max_scope) {
		reader_over(reader, "more than %zu namespaces in force at the same time",
			reader->limits->max_scope);
		return;
	}
	enum ns dialect = reader->dialect;
	const struct cached_name *name = name_of(reader, local, prefix, uri);
	if (reader->capture.rule && !element_has_parts(reader, name)) {
		capture_start_tag(reader, name, attributes, n_attributes);
		return;
	}
	element_start(reader, name, attributes, n_attributes);
	if (reader->depth == 1 && reader->builder.document->format == FORMAT_RSS_10)
		note_rdf(reader, namespaces, n_namespaces);
	/* The root said what names without a namespace mean. */
	if (reader->dialect != dialect)
		memset(reader->names, 0, sizeof(reader->names));
}

static void
on_end(void *user, const xmlChar *local, const xmlChar *prefix, const xmlChar *uri)
{
	struct reader *reader = user;
	const struct rule *rule = reader->capture.rule;

	if (reader->over)
		return;
	if (rule && reader->capture.depth > 0) {
		capture_end_tag(reader, name_of(reader, local, prefix, uri));
		return;
	}
	if (rule) {
		size_t len;
		char *text = capture_end(reader, &len);

		value_read(reader, rule, text, len);
		reader->capture.rule = NULL;
	}
	element_end(reader);
}

static void
on_text(void *user, const xmlChar *text, int len)
{
	struct reader *reader = user;

	if (reader->capture.rule && !reader->over)
		capture_text(reader, (const char *)text, (size_t)len);
}

/* Never an entity: one in an attribute would come out as a single byte of its UTF-8. The repair
 * replaces them. */
static xmlEntityPtr
on_entity(void *user, const xmlChar *name)
{
	struct reader *reader = user;

	(void)name;
	reader->wants_repair = true;
	return NULL;
}

/* Namespace faults come in hundreds; the message is taken from the context afterwards. */
static void
on_error(void *user, const xmlError *error)
{
	(void)user, (void)error;
}

static void
reader_init(struct reader *reader, const struct parse_input *input,
	const struct parse_limits *limits, const struct reading *reading, struct arena *arena)
{
	memset(reader, 0, sizeof(*reader));
	reader->input = input;
	reader->limits = limits;
	reader->dialect = NS_RSS;
	reader->dirty = reading->dirty;
	reader->remaining = reading->len;
	reader->until_ns = reading->until_ns;
	reader->scratch = BUF_INIT(limits->max_content);
	reader->levels[0] = (struct level){.in = IN_DOCUMENT, .action = READ_LINE};
	reader->max_memory = arena->total + reading->len * 4 + MEMORY_MIN;
	/* Allocated once, so that going back to the mark of a level frees nothing as a rule. */
	reader->levels[0].base = arena_strdup(&reader->side, input->url ? input->url : "");
	if (!input->url)
		reader->levels[0].base = NULL;
	xmlSAXHandler handler = {
		.initialized = XML_SAX2_MAGIC,
		.getEntity = on_entity,
		.characters = on_text,
		.ignorableWhitespace = on_text,
		.startElementNs = on_start,
		.endElementNs = on_end,
	};
	/* libxml2 goes on without its settings for this thread where it has no memory for them. */
	if (!xmlGetGlobalState())
		mem_exhausted(sizeof(xmlGlobalState));
	/* It is copied. */
	reader->xml = xmlCreatePushParserCtxt(&handler, reader, NULL, 0, NULL);
	if (!reader->xml)
		mem_exhausted(0);
	xmlCtxtUseOptions(reader->xml, OPTIONS);
	reader->xml->sax->serror = (xmlStructuredErrorFunc)on_error;
}

static void
reader_fini(struct reader *reader)
{
	if (reader->xml->myDoc)
		xmlFreeDoc(reader->xml->myDoc);
	xmlFreeParserCtxt(reader->xml);
	builder_fini(&reader->builder);
	buf_fini(&reader->scratch);
	arena_fini(&reader->side);
}

/* All that could take long is bounded; should anything be left that is not, it does not keep a
 * worker for good. */
static void
look_at_time(struct reader *reader, size_t n)
{
	reader->untimed += n;
	if (reader->untimed < TIMED_BYTES)
		return;
	reader->untimed = 0;
	if (thread_processor_ns() > reader->until_ns)
		reader_over(reader, "more than %zu s of processor time for one document",
			reader->limits->max_seconds);
}

/* libxml2's table of names stops growing at 16,384 places, and each new name is compared with all
 * others of its place: a million of them take a minute. */
static void
check_names(struct reader *reader)
{
	int names = xmlDictSize(reader->xml->dict);

	if (names > 0 && (size_t)names > reader->limits->max_names)
		reader_over(reader, "more than %zu different names", reader->limits->max_names);
}

/* False when the reading is over: a fault or a limit. */
static bool
push(struct reader *reader, const char *data, size_t len)
{
	size_t chunk = reader->limits->chunk;

	for (size_t at = 0; at < len; at += chunk) {
		size_t n = len - at < chunk ? len - at : chunk;

		xmlParseChunk(reader->xml, data + at, (int)n, 0);
		check_names(reader);
		reader->remaining = reader->remaining > n ? reader->remaining - n : 0;
		look_at_time(reader, n);
		if (!reader->xml->wellFormed || reader->over)
			return false;
	}
	return true;
}

/* What libxml2 says of a fault in names, on one line. It names the element; its count of lines
 * depends on the pieces. */
static const char *
describe(struct reader *reader, struct arena *arena)
{
	const xmlError *error = xmlCtxtGetLastError(reader->xml);

	if (!error || !error->message)
		return NULL;
	return text_line(arena, error->message, strlen(error->message));
}

static void
report(struct reader *reader, struct arena *arena, struct xml_report *out)
{
	out->well_formed = reader->xml->wellFormed && reader->xml->nsWellFormed;
	out->result = reader->over				   ? XML_OVER
		: !reader->xml->wellFormed || reader->wants_repair ? XML_BROKEN
								   : XML_OK;
	if (reader->over)
		out->detail = arena_strdup(arena, reader->over);
	else if (!out->well_formed)
		out->detail = describe(reader, arena);
	const xmlError *error = xmlCtxtGetLastError(reader->xml);
	out->entities_only =
		reader->xml->wellFormed || (error && error->code == XML_ERR_UNDECLARED_ENTITY);
	out->has_feed = reader->has_feed;
	builder_finish(&reader->builder);
}

void
xml_read(const struct parse_input *input, const struct parse_limits *limits,
	const struct reading *reading, struct arena *arena, struct document *document,
	struct xml_report *ret_report)
{
	struct reader *reader = xmalloc(sizeof(*reader));

	*ret_report = (struct xml_report){0};
	reader_init(reader, input, limits, reading, arena);
	builder_init(&reader->builder, input, limits, arena, document, reading->items);
	if (push(reader, reading->data, reading->len))
		xmlParseChunk(reader->xml, NULL, 0, 1);
	report(reader, arena, ret_report);
	reader_fini(reader);
	free(reader);
}

static bool
push_mended(void *user, const char *data, size_t len)
{
	return push(user, data, len);
}

/* What was mended and where. libxml2 would say it in other words, but where the bytes are cut into
 * pieces decides which. */
static const char *
describe_repair(const struct reading *reading, struct repair_report *repair, bool mended,
	struct arena *arena)
{
	size_t line = 1;

	if (!mended)
		return "not well formed, in a way that cannot be mended";
	if (!repair->what)
		repair->at = reading->len;
	for (size_t i = 0; i < repair->at && i < reading->len; i++)
		line += reading->data[i] == '\n';
	return arena_printf(arena, "line %zu: %s", line,
		repair->what ? repair->what : "the end of the document is missing");
}

void
xml_read_mended(const struct parse_input *input, const struct parse_limits *limits,
	const struct reading *reading, struct arena *arena, struct document *document,
	struct xml_report *ret_report)
{
	struct reader *reader = xmalloc(sizeof(*reader));
	struct repair_report repair;

	*ret_report = (struct xml_report){0};
	reader_init(reader, input, limits, reading, arena);
	builder_init(&reader->builder, input, limits, arena, document, reading->items);
	repair_run(reading->data, reading->len, limits, push_mended, reader, &repair);
	bool mended = reader->xml->wellFormed;
	xmlParseChunk(reader->xml, NULL, 0, 1);
	report(reader, arena, ret_report);
	ret_report->incomplete = repair.incomplete || !mended;
	ret_report->well_formed =
		!repair.what && !ret_report->incomplete && reader->xml->nsWellFormed;
	if (ret_report->result != XML_OVER && (repair.what || ret_report->incomplete))
		ret_report->detail = describe_repair(reading, &repair, mended, arena);
	reader_fini(reader);
	free(reader);
}
