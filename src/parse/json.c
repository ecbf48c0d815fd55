/* json.c - JSON Feed 1.0 and 1.1: which member is which value. The members are a table. Pure. */
#include "json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "builder.h"
#include "feedd/date.h"
#include "feedd/text.h"
#include "scanner.h"

enum json_how {
	AS_LINE,
	AS_TITLE,
	AS_MARKUP,
	AS_TEXT,
	AS_URL,
	AS_ID,
	AS_DATE,
	AS_TAGS,
	AS_AUTHORS,
	AS_ATTACHMENTS,
	AS_ITEMS,
	AS_HUBS,
	AS_EXPIRED,
	AS_VERSION
};

struct member {
	const char *name;
	enum json_how how;
	enum slot slot;
	uint8_t rank;
};

struct json_feed {
	struct builder builder;
	struct scanner scanner;
	struct arena *arena;
	struct arena side; /* keys */
	const char *base;
	const char *version;
	bool has_items;
};

static const struct member feed_members[] = {
	{"author", AS_AUTHORS, SLOT_NONE, 2},
	{"authors", AS_AUTHORS, SLOT_NONE, 1},
	{"description", AS_TEXT, SLOT_DESCRIPTION, 1},
	{"expired", AS_EXPIRED, SLOT_NONE, 1},
	{"favicon", AS_URL, SLOT_FAVICON, 1},
	{"feed_url", AS_URL, SLOT_SELF, 1},
	{"home_page_url", AS_URL, SLOT_LINK, 1},
	{"hubs", AS_HUBS, SLOT_NONE, 1},
	{"icon", AS_URL, SLOT_IMAGE, 1},
	{"items", AS_ITEMS, SLOT_NONE, 1},
	{"language", AS_LINE, SLOT_LANGUAGE, 1},
	{"next_url", AS_URL, SLOT_NEXT, 1},
	{"title", AS_LINE, SLOT_TITLE, 1},
	{"version", AS_VERSION, SLOT_NONE, 1},
	{0},
};

static const struct member item_members[] = {
	{"attachments", AS_ATTACHMENTS, SLOT_NONE, 1},
	{"author", AS_AUTHORS, SLOT_NONE, 2},
	{"authors", AS_AUTHORS, SLOT_NONE, 1},
	{"banner_image", AS_URL, SLOT_BANNER, 1},
	{"content_html", AS_MARKUP, SLOT_CONTENT, 1},
	{"content_text", AS_TEXT, SLOT_TEXT, 1},
	{"date_modified", AS_DATE, SLOT_MODIFIED, 1},
	{"date_published", AS_DATE, SLOT_PUBLISHED, 1},
	{"external_url", AS_URL, SLOT_EXTERNAL, 1},
	{"id", AS_ID, SLOT_ID, 1},
	{"image", AS_URL, SLOT_IMAGE, 1},
	{"language", AS_LINE, SLOT_LANGUAGE, 1},
	{"summary", AS_TEXT, SLOT_SUMMARY, 1},
	{"tags", AS_TAGS, SLOT_NONE, 1},
	{"title", AS_LINE, SLOT_TITLE, 1},
	{"url", AS_URL, SLOT_LINK, 1},
	{0},
};

/* A string, or a number as it is written; NULL for all else, which is passed over. */
static const char *
scalar(struct json_feed *json, size_t *ret_len)
{
	struct scanner *scanner = &json->scanner;
	enum json_kind kind = scanner_peek(scanner);

	if (kind == JSON_TEXT)
		return scanner_text(scanner, json->arena, ret_len);
	if (kind == JSON_NUMBER) {
		const char *number = scanner_word(scanner, ret_len);

		return arena_strndup(json->arena, number, *ret_len);
	}
	scanner_skip(scanner);
	return NULL;
}

static const char *
read_line(struct json_feed *json)
{
	size_t len;
	const char *text = scalar(json, &len);

	return text ? builder_line(&json->builder, text, len, json->builder.limits->max_title)
		    : NULL;
}

static const char *
read_url(struct json_feed *json)
{
	size_t len;
	const char *text = scalar(json, &len);

	return text ? builder_url(&json->builder, json->base, text, len) : NULL;
}

/* Bytes or seconds: a number, not below zero. */
static int64_t
read_measure(struct json_feed *json)
{
	size_t len;
	const char *text = scalar(json, &len);

	if (!text || *text < '0' || *text > '9' || strspn(text, "0123456789") > 15)
		return -1;
	return strtoll(text, NULL, 10);
}

/* Calls read for each element of an array, or for what stands there instead of one. */
static void
each(struct json_feed *json, void (*read)(struct json_feed *json, uint8_t rank), uint8_t rank)
{
	struct scanner *scanner = &json->scanner;
	bool first = true;

	if (scanner_peek(scanner) != JSON_ARRAY_START) {
		read(json, rank);
		return;
	}
	scanner_enter(scanner);
	while (scanner_element(scanner, &first))
		read(json, rank);
}

/* Enters an object; false if something else stands there, which is passed over. */
static bool
enter_object(struct json_feed *json)
{
	if (scanner_peek(&json->scanner) != JSON_OBJECT_START) {
		scanner_skip(&json->scanner);
		return false;
	}
	scanner_enter(&json->scanner);
	return true;
}

static void
read_author(struct json_feed *json, uint8_t rank)
{
	struct author author = {0};
	bool first = true;
	const char *key;

	if (scanner_peek(&json->scanner) == JSON_TEXT) {
		author.name = read_line(json);
		if (author.name)
			builder_author(&json->builder, rank, &author);
		return;
	}
	if (!enter_object(json))
		return;
	while (scanner_member(&json->scanner, &first, &json->side, &key)) {
		if (strcmp(key, "name") == 0)
			author.name = read_line(json);
		else if (strcmp(key, "url") == 0)
			author.url = read_url(json);
		else if (strcmp(key, "avatar") == 0)
			author.avatar = read_url(json);
		else
			scanner_skip(&json->scanner);
	}
	if (author.name || author.url || author.avatar)
		builder_author(&json->builder, rank, &author);
}

static void
read_tag(struct json_feed *json, uint8_t rank)
{
	(void)rank;
	builder_tag(&json->builder, read_line(json));
}

static void
read_attachment(struct json_feed *json, uint8_t rank)
{
	struct attachment attachment = {.size_in_bytes = -1, .duration_in_seconds = -1};
	bool first = true;
	const char *key;

	(void)rank;
	if (!enter_object(json))
		return;
	while (scanner_member(&json->scanner, &first, &json->side, &key)) {
		if (strcmp(key, "url") == 0)
			attachment.url = read_url(json);
		else if (strcmp(key, "mime_type") == 0)
			attachment.mime_type = read_line(json);
		else if (strcmp(key, "title") == 0)
			attachment.title = read_line(json);
		else if (strcmp(key, "size_in_bytes") == 0)
			attachment.size_in_bytes = read_measure(json);
		else if (strcmp(key, "duration_in_seconds") == 0)
			attachment.duration_in_seconds = read_measure(json);
		else
			scanner_skip(&json->scanner);
	}
	if (attachment.url)
		builder_attachment(&json->builder, &attachment);
}

static void
read_hub(struct json_feed *json, uint8_t rank)
{
	bool first = true;
	const char *key;

	(void)rank;
	if (!enter_object(json))
		return;
	while (scanner_member(&json->scanner, &first, &json->side, &key)) {
		if (strcmp(key, "url") == 0)
			builder_hub(&json->builder, read_url(json));
		else
			scanner_skip(&json->scanner);
	}
}

static void read_object(struct json_feed *json, const struct member *members);

static void
read_item(struct json_feed *json, uint8_t rank)
{
	(void)rank;
	if (scanner_peek(&json->scanner) != JSON_OBJECT_START) {
		scanner_skip(&json->scanner);
		return;
	}
	builder_begin_item(&json->builder);
	read_object(json, item_members);
	/* What the end of the data closed is not known whole. */
	if (!json->scanner.cut_off && !json->scanner.too_deep)
		builder_end_item(&json->builder);
	json->builder.in_item = false;
	arena_fini(&json->side);
}

static void
read_text(struct json_feed *json, const struct member *member)
{
	struct builder *builder = &json->builder;
	size_t len = 0;
	const char *text = scalar(json, &len);

	if (!text)
		return;
	switch (member->how) {
	case AS_LINE:
		builder_text(builder, member->slot, member->rank,
			builder_line(builder, text, len, builder->limits->max_title));
		break;
	case AS_TITLE:
		builder_text(
			builder, member->slot, member->rank, builder_title(builder, text, len));
		break;
	case AS_MARKUP:
		builder_markup(builder, member->slot, member->rank, text, NULL);
		break;
	case AS_ID:
		builder_text(builder, member->slot, member->rank, builder_id(builder, text, len));
		break;
	case AS_DATE: {
		int64_t date = date_parse(text, len);

		if (date != DATE_NONE)
			builder_number(builder, member->slot, member->rank, date);
		break;
	}
	case AS_VERSION:
		json->version = text;
		break;
	case AS_TEXT:
	case AS_URL:
	case AS_TAGS:
	case AS_AUTHORS:
	case AS_ATTACHMENTS:
	case AS_ITEMS:
	case AS_HUBS:
	case AS_EXPIRED:
		builder_text(builder, member->slot, member->rank, text);
		break;
	}
}

static void
read_member(struct json_feed *json, const struct member *member)
{
	size_t len;

	switch (member->how) {
	case AS_LINE:
	case AS_TITLE:
	case AS_MARKUP:
	case AS_TEXT:
	case AS_ID:
	case AS_DATE:
	case AS_VERSION:
		read_text(json, member);
		break;
	case AS_URL:
		builder_text(&json->builder, member->slot, member->rank, read_url(json));
		break;
	case AS_TAGS:
		each(json, read_tag, member->rank);
		break;
	case AS_AUTHORS:
		each(json, read_author, member->rank);
		break;
	case AS_ATTACHMENTS:
		each(json, read_attachment, member->rank);
		break;
	case AS_HUBS:
		each(json, read_hub, member->rank);
		break;
	case AS_ITEMS:
		json->has_items = scanner_peek(&json->scanner) == JSON_ARRAY_START;
		each(json, read_item, member->rank);
		break;
	case AS_EXPIRED:
		if (scanner_peek(&json->scanner) == JSON_WORD)
			json->builder.document->expired =
				*scanner_word(&json->scanner, &len) == 't';
		else
			scanner_skip(&json->scanner);
		break;
	}
}

static void
read_object(struct json_feed *json, const struct member *members)
{
	bool first = true;
	const char *key;

	scanner_enter(&json->scanner);
	while (scanner_member(&json->scanner, &first, &json->side, &key)) {
		const struct member *member = members;

		while (member->name && strcmp(member->name, key) != 0)
			member++;
		if (member->name)
			read_member(json, member);
		else
			scanner_skip(&json->scanner);
	}
}

/* A version that is not JSON Feed's is another format; none at all is forgiven where there are
 * items. */
static enum feed_format
format_of(const struct json_feed *json)
{
	if (!json->version)
		return json->has_items ? FORMAT_JSON_11 : FORMAT_NONE;
	const char *version = strstr(json->version, "jsonfeed.org/version/1");
	if (!version)
		return FORMAT_NONE;
	version += strlen("jsonfeed.org/version/1");
	return *version == '\0' || strncmp(version, ".0", 2) == 0 || *version == '/'
		? FORMAT_JSON_10
		: FORMAT_JSON_11;
}

static void
report(struct json_feed *json, struct document *document)
{
	struct scanner *scanner = &json->scanner;

	if (!scanner->cut_off && scanner_peek(scanner) != JSON_NOTHING && !scanner->fault) {
		scanner->fault = "text behind the document";
		scanner->fault_at = (size_t)(scanner->at - scanner->data);
	}
	document->incomplete = scanner->cut_off;
	document->bozo = scanner->fault != NULL;
	if (scanner->fault)
		document->error = arena_printf(
			json->arena, "byte %zu: %s", scanner->fault_at, scanner->fault);
}

int
json_read(const struct parse_input *input, struct arena *arena, struct document *document,
	const char **ret_over)
{
	const struct parse_limits *limits = input->limits;
	struct json_feed json = {
		.scanner = {.data = input->data,
			.at = input->data,
			.end = input->data + input->len,
			.max_depth = limits->max_depth,
			.max_text = limits->max_content},
		.arena = arena,
		.base = input->url,
	};

	builder_init(&json.builder, input, limits, arena, document, 0);
	if (scanner_peek(&json.scanner) == JSON_OBJECT_START)
		read_object(&json, feed_members);
	builder_finish(&json.builder);
	builder_fini(&json.builder);
	arena_fini(&json.side);
	if (json.scanner.too_deep) {
		*ret_over =
			arena_printf(arena, "more than %zu levels of brackets", limits->max_depth);
		return -E2BIG;
	}
	document->format = format_of(&json);
	if (document->format == FORMAT_NONE)
		return -ENOMSG;
	report(&json, document);
	return 0;
}
