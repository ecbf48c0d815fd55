/*
 * element.c - what an element means where it stands: the rules' actions.
 *
 * sax.c tells of elements, value.c reads their texts. Pure.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "feedd/date.h"
#include "feedd/text.h"
#include "feedd/url.h"
#include "reader.h"

#define BASE_MAX ((size_t)2048)
/* rel of Atom links may be written as an address. */
#define RELATION "http://www.iana.org/assignments/relation/"

static bool
is_attribute(const xmlChar **attribute, enum ns ns, const char *name)
{
	const char *prefix = (const char *)attribute[1];

	if (((*attribute[0] ^ (unsigned char)*name) & ~0x20) ||
		strcasecmp((const char *)attribute[0], name) != 0)
		return false;
	if (!prefix || ns == NS_UNKNOWN)
		return !prefix && ns == NS_UNKNOWN;
	/* This prefix is bound to its namespace by XML itself. */
	if (ns == NS_XML)
		return strcmp(prefix, "xml") == 0;
	return namespace_find((const char *)attribute[2], prefix, NS_UNKNOWN) == ns;
}

const char *
attribute_get(struct reader *reader, const xmlChar **attributes, int n_attributes, enum ns ns,
	const char *name)
{
	for (int i = 0; i < n_attributes; i++, attributes += 5) {
		if (!is_attribute(attributes, ns, name))
			continue;
		char *copy = arena_strndup(&reader->side, (const char *)attributes[3],
			(size_t)(attributes[4] - attributes[3]));
		/* libxml2 leaves "&#38;" for every '&'. */
		char *to = strchr(copy, '&');
		for (const char *from = to; from && (*to = *from); from++, to++)
			if (*from == '&' && strncmp(from, "&#38;", 5) == 0)
				from += 4;
		return copy;
	}
	return NULL;
}

/* An attribute of the element's own, without a prefix. */
static const char *
attribute(struct reader *reader, const xmlChar **attributes, int n, const char *name)
{
	return n ? attribute_get(reader, attributes, n, NS_UNKNOWN, name) : NULL;
}

static const char *
url_attribute(struct reader *reader, const xmlChar **attributes, int n, const char *name)
{
	const char *value = attribute(reader, attributes, n, name);

	return value ? builder_url(&reader->builder, reader->levels[reader->depth].base, value,
			       strlen(value))
		     : NULL;
}

/* An address in RDF's way. */
static const char *
resource_attribute(struct reader *reader, const xmlChar **attributes, int n)
{
	const char *value = n ? attribute_get(reader, attributes, n, NS_RDF, "resource") : NULL;

	return value ? builder_url(&reader->builder, reader->levels[reader->depth].base, value,
			       strlen(value))
		     : url_attribute(reader, attributes, n, "resource");
}

static const char *
line_attribute(struct reader *reader, const xmlChar **attributes, int n, const char *name)
{
	const char *value = attribute(reader, attributes, n, name);

	return value
		? builder_line(&reader->builder, value, strlen(value), reader->limits->max_title)
		: NULL;
}

/* A number of bytes, seconds or answers, or -1. */
static int64_t
number_of(const char *value)
{
	if (!value)
		return -1;
	value += strspn(value, " \t\r\n");
	if (*value < '0' || *value > '9' || strspn(value, "0123456789") > 15)
		return -1;
	return strtoll(value, NULL, 10);
}

static int64_t
number_attribute(struct reader *reader, const xmlChar **attributes, int n, const char *name)
{
	return number_of(attribute(reader, attributes, n, name));
}

static void
take_enclosure(struct reader *reader, const xmlChar **attributes, int n)
{
	struct attachment attachment = {
		.url = url_attribute(reader, attributes, n, "url"),
		.mime_type = line_attribute(reader, attributes, n, "type"),
		.size_in_bytes = number_attribute(reader, attributes, n, "length"),
		.duration_in_seconds = -1,
	};

	if (!attachment.url)
		attachment.url = url_attribute(reader, attributes, n, "href");
	if (!attachment.url)
		attachment.url = resource_attribute(reader, attributes, n);
	if (attachment.url)
		builder_attachment(&reader->builder, &attachment);
}

static bool
starts_with(const char *s, const char *prefix)
{
	return s && strncasecmp(s, prefix, strlen(prefix)) == 0;
}

static void
take_media(struct reader *reader, const xmlChar **attributes, int n)
{
	const char *medium = attribute(reader, attributes, n, "medium");
	struct attachment attachment = {
		.url = url_attribute(reader, attributes, n, "url"),
		.mime_type = line_attribute(reader, attributes, n, "type"),
		.size_in_bytes = number_attribute(reader, attributes, n, "fileSize"),
		.duration_in_seconds = number_attribute(reader, attributes, n, "duration"),
	};

	if (!attachment.url)
		return;
	builder_attachment(&reader->builder, &attachment);
	if (starts_with(medium, "image") || starts_with(attachment.mime_type, "image/"))
		builder_text(&reader->builder, SLOT_IMAGE, 4, attachment.url);
}

/* False where no attribute says it: then the text may. */
static bool
take_image(struct reader *reader, const struct rule *rule, const xmlChar **attributes, int n)
{
	const char *url = url_attribute(reader, attributes, n, "href");

	if (!url)
		url = url_attribute(reader, attributes, n, "url");
	builder_text(&reader->builder, rule->slot, rule->rank, url);
	return url != NULL;
}

/* What an item answers: the first that it names. */
static void
take_reply(struct reader *reader, const xmlChar **attributes, int n)
{
	struct builder *builder = &reader->builder;
	const char *ref = attribute(reader, attributes, n, "ref");

	if (!builder_wants(builder, SLOT_REPLY_ID, 1) || !builder_wants(builder, SLOT_REPLY_URL, 1))
		return;
	if (ref)
		builder_text(builder, SLOT_REPLY_ID, 1, builder_id(builder, ref, strlen(ref)));
	builder_text(builder, SLOT_REPLY_URL, 1, url_attribute(reader, attributes, n, "href"));
}

/* Where an item is answered: a feed unless the type says that it is a page. */
static void
take_replies(struct reader *reader, const char *url, const xmlChar **attributes, int n)
{
	const char *type = attribute(reader, attributes, n, "type");
	bool page = starts_with(type, "text/html") || starts_with(type, "application/xhtml");
	int64_t count = number_of(attribute_get(reader, attributes, n, NS_THREAD, "count"));

	builder_text(&reader->builder, page ? SLOT_COMMENTS : SLOT_COMMENTS_FEED, 2, url);
	if (count >= 0)
		builder_number(&reader->builder, SLOT_COMMENTS_COUNT, 3, count);
}

/* One relation of atom:link. */
static void
take_relation(struct reader *reader, const struct rule *rule, const char *rel,
	const xmlChar **attributes, int n)
{
	struct builder *builder = &reader->builder;
	const char *url = url_attribute(reader, attributes, n, "href");
	const char *base = reader->levels[reader->depth].base;

	/* An empty address is the document's own, which says something of the feed alone. */
	if (!url && base && !reader->builder.in_item && attribute(reader, attributes, n, "href"))
		url = builder_url(&reader->builder, NULL, base, strlen(base));
	if (!url)
		return;
	if (strcasecmp(rel, "alternate") == 0) {
		const char *type = attribute(reader, attributes, n, "type");
		bool page = !type || starts_with(type, "text/html") ||
			starts_with(type, "application/xhtml");

		builder_text(builder, SLOT_LINK, (uint8_t)(rule->rank + (page ? 0 : 1)), url);
	} else if (strcasecmp(rel, "enclosure") == 0) {
		struct attachment attachment = {
			.url = url,
			.mime_type = line_attribute(reader, attributes, n, "type"),
			.title = line_attribute(reader, attributes, n, "title"),
			.size_in_bytes = number_attribute(reader, attributes, n, "length"),
			.duration_in_seconds = -1,
		};

		builder_attachment(builder, &attachment);
	} else if (strcasecmp(rel, "image") == 0 || strcasecmp(rel, "icon") == 0) {
		builder_text(builder, SLOT_IMAGE, 4, url);
	} else if (strcasecmp(rel, "replies") == 0) {
		take_replies(reader, url, attributes, n);
	} else if (builder->in_item) {
		return;
	} else if (strcasecmp(rel, "self") == 0) {
		builder_text(builder, SLOT_SELF, 1, url);
	} else if (strcasecmp(rel, "next") == 0) {
		builder_text(builder, SLOT_NEXT, 1, url);
	} else if (strcasecmp(rel, "hub") == 0) {
		builder_hub(builder, url);
	}
}

/* rel is a list in HTML, and some write it so here. */
static void
take_link(struct reader *reader, const struct rule *rule, const xmlChar **attributes, int n)
{
	const char *rel = attribute(reader, attributes, n, "rel");
	char word[64];

	if (!rel || !rel[strspn(rel, " \t\r\n")])
		rel = "alternate";
	if (starts_with(rel, RELATION))
		rel += strlen(RELATION);
	while (*(rel += strspn(rel, " \t\r\n"))) {
		size_t len = strcspn(rel, " \t\r\n");

		if (len < sizeof(word)) {
			memcpy(word, rel, len);
			word[len] = '\0';
			take_relation(reader, rule, word, attributes, n);
		}
		rel += len;
	}
}

/* The element's own address, or that of what is around it. */
const char *
element_base(struct reader *reader, const char *outer, const xmlChar **attributes, int n)
{
	const char *base = n ? attribute_get(reader, attributes, n, NS_XML, "base") : NULL;

	if (!base)
		return outer;
	const char *resolved = url_resolve(&reader->side, outer, base);
	/* Each relative link becomes as long as the base at least. */
	return resolved && strlen(resolved) <= BASE_MAX ? resolved : outer;
}

static void
take_language(struct reader *reader, const xmlChar **attributes, int n)
{
	const char *language = n ? attribute_get(reader, attributes, n, NS_XML, "lang") : NULL;

	if (language)
		builder_text(&reader->builder, SLOT_LANGUAGE, 3,
			builder_line(&reader->builder, language, strlen(language),
				reader->limits->max_title));
}

static enum feed_format
rss_format(const char *version)
{
	static const struct {
		const char *version;
		enum feed_format format;
	} formats[] = {
		{"0.91", FORMAT_RSS_091},
		{"0.92", FORMAT_RSS_092},
		{"0.93", FORMAT_RSS_093},
		{"0.94", FORMAT_RSS_094},
		{"0.9", FORMAT_RSS_090},
		{"1.", FORMAT_RSS_10},
	};

	for (size_t i = 0; version && i < ARRAY_SIZE(formats); i++)
		if (starts_with(version + strspn(version, " \t\r\n"), formats[i].version))
			return formats[i].format;
	return FORMAT_RSS_20;
}

static enum feed_format
atom_format(const char *version, const xmlChar *uri)
{
	bool old =
		starts_with(version, "0.") || (uri && !strcasestr((const char *)uri, "2005/atom"));

	return old ? FORMAT_ATOM_03 : FORMAT_ATOM_10;
}

/* A document without the root that it should have: an item or channel alone. */
static void
need_format(struct reader *reader, const struct cached_name *name)
{
	struct document *document = reader->builder.document;

	reader->has_feed = true;
	if (document->format == FORMAT_NONE && name->ns == NS_ATOM)
		reader->dialect = NS_ATOM;
	if (document->format == FORMAT_NONE)
		document->format =
			reader->dialect == NS_ATOM ? atom_format(NULL, name->uri) : FORMAT_RSS_20;
	/* RDF is RSS 1.0 unless the names say that it is its ancestor. */
	if (document->format == FORMAT_RSS_10 && name->uri &&
		strstr((const char *)name->uri, "simple/0.9"))
		document->format = FORMAT_RSS_090;
}

static void
enter_root(struct reader *reader, const struct rule *rule, const struct cached_name *name,
	const xmlChar **attributes, int n)
{
	struct document *document = reader->builder.document;
	const char *version = attribute(reader, attributes, n, "version");
	struct level *level = &reader->levels[reader->depth];

	take_language(reader, attributes, n);
	reader->dialect = NS_RSS;
	level->in = IN_ROOT;
	if (rule->action == ENTER_RSS) {
		document->format = rss_format(version);
		reader->has_feed = true;
	} else if (rule->action == ENTER_RDF) {
		document->format = FORMAT_RSS_10;
	} else {
		reader->dialect = NS_ATOM;
		document->format = atom_format(version, name->uri);
		reader->has_feed = true;
		level->in = IN_CHANNEL;
	}
}

/* RSS 1.0 names an item by an attribute. */
static void
take_about(struct reader *reader, const xmlChar **attributes, int n)
{
	const char *about = attribute_get(reader, attributes, n, NS_RDF, "about");

	if (about && *about)
		builder_text(&reader->builder, SLOT_ID, 3,
			builder_id(&reader->builder, about, strlen(about)));
}

static void
enter(struct reader *reader, const struct rule *rule, const struct cached_name *name,
	const xmlChar **attributes, int n)
{
	static const uint16_t inside[] = {
		[ENTER_CHANNEL] = IN_CHANNEL,
		[ENTER_ITEM] = IN_ITEM,
		[ENTER_IMAGE] = IN_IMAGE,
		[ENTER_MEDIA] = IN_MEDIA,
		[ENTER_PLACE] = IN_PLACE,
		[ENTER_TAGS] = IN_TAGS,
		[ENTER_HOURS] = IN_HOURS,
		[ENTER_DAYS] = IN_DAYS,
	};
	struct level *level = &reader->levels[reader->depth];

	level->action = rule->action;
	level->rank = rule->rank;
	if (rule->action <= ENTER_ATOM) {
		enter_root(reader, rule, name, attributes, n);
		return;
	}
	level->in = inside[rule->action];
	if (rule->action == ENTER_CHANNEL || rule->action == ENTER_ITEM)
		need_format(reader, name);
	if (rule->action == ENTER_ITEM) {
		builder_begin_item(&reader->builder);
		take_about(reader, attributes, n);
	}
	if (rule->action == ENTER_CHANNEL || rule->action == ENTER_ITEM)
		take_language(reader, attributes, n);
	if (rule->action == ENTER_IMAGE)
		builder_text(
			&reader->builder, SLOT_IMAGE, 2, resource_attribute(reader, attributes, n));
}

/* Content that lies elsewhere is where the item is, for want of a link. */
static void
take_source(struct reader *reader, const xmlChar **attributes, int n)
{
	const char *source = url_attribute(reader, attributes, n, "src");

	if (!source)
		return;
	builder_text(&reader->builder, SLOT_LINK, 9, source);
	builder_scope(&reader->builder)->content_elsewhere = true;
}

static void
begin_text(struct reader *reader, const struct rule *rule, const xmlChar **attributes, int n)
{
	bool base64 = false;
	enum form form = value_form(reader, rule, attributes, n, &base64);

	if (rule->action == READ_CONSTRUCT && rule->slot == SLOT_CONTENT)
		take_source(reader, attributes, n);
	const char *label = NULL;
	bool spare = false;
	if (rule->action == READ_TAG) {
		label = line_attribute(reader, attributes, n, "term");
		if (!label)
			label = line_attribute(reader, attributes, n, "text");
		spare = !label;
		if (spare)
			label = line_attribute(reader, attributes, n, "label");
	}
	bool permalink = false;
	if (rule->action == READ_ID && rule->ns == NS_RSS) {
		const char *is = attribute(reader, attributes, n, "isPermaLink");

		permalink = !is || !starts_with(is + strspn(is, " \t\r\n"), "false");
	}
	/* Nothing is put into the arena from here on. */
	capture_begin(reader, rule, form);
	reader->capture.base64 = base64;
	reader->capture.permalink = permalink;
	reader->capture.label = label;
	reader->capture.spare = spare;
}

/* Attributes say it: an address, or what else it is than a link to a page. */
static bool
is_atom_link(struct reader *reader, const xmlChar **attributes, int n)
{
	const char *rel = attribute(reader, attributes, n, "rel");

	return attribute(reader, attributes, n, "href") || (rel && !strcasestr(rel, "alternate"));
}

/* A category by attributes: that of iTunes may hold another one. */
static bool
take_tag(struct reader *reader, const struct rule *rule, const xmlChar **attributes, int n)
{
	const char *text =
		rule->ns == NS_ITUNES ? line_attribute(reader, attributes, n, "text") : NULL;

	builder_tag(&reader->builder, text);
	return text != NULL;
}

static void
act(struct reader *reader, const struct rule *rule, const struct cached_name *name,
	const xmlChar **attributes, int n)
{
	struct level *level = &reader->levels[reader->depth];

	level->in = IN_NOTHING;
	if (rule->action <= ENTER_DAYS) {
		enter(reader, rule, name, attributes, n);
		return;
	}
	if (rule->action == TAKE_ENCLOSURE) {
		take_enclosure(reader, attributes, n);
	} else if (rule->action == TAKE_MEDIA) {
		take_media(reader, attributes, n);
		level->in = IN_MEDIA;
	} else if (rule->action == TAKE_IMAGE && take_image(reader, rule, attributes, n)) {
		return;
	} else if (rule->action == TAKE_REPLY) {
		take_reply(reader, attributes, n);
	} else if (rule->action == READ_LINK && is_atom_link(reader, attributes, n)) {
		take_link(reader, rule, attributes, n);
	} else if (rule->action == READ_TAG && take_tag(reader, rule, attributes, n)) {
		level->in = IN_TAG;
	} else {
		begin_text(reader, rule, attributes, n);
	}
}

static const struct rule *
rule_here(const struct cached_name *name, uint16_t in, size_t depth)
{
	for (size_t i = 0; i < name->n_rules; i++) {
		const struct rule *rule = name->rules[i];

		if (!(rule->in & in))
			continue;
		/* A channel or item is the document only as its root: elsewhere the words mean too
		 * much. */
		if (in == IN_DOCUMENT && depth > 1 && rule->action >= ENTER_CHANNEL)
			continue;
		return rule;
	}
	return NULL;
}

bool
element_has_parts(struct reader *reader, const struct cached_name *name)
{
	struct level *level = &reader->levels[reader->depth];
	const struct rule *rule = reader->capture.rule;
	bool person = rule->action == READ_AUTHOR;

	if ((!person && rule->action != TAKE_IMAGE) || reader->capture.depth > 0)
		return false;
	level->in = person ? IN_PERSON : IN_IMAGE;
	if (!rule_here(name, level->in, reader->depth)) {
		level->in = IN_NOTHING;
		return false;
	}
	reader->capture.rule = NULL;
	memset(reader->person, 0, sizeof(reader->person));
	level->action = person ? ENTER_PERSON : ENTER_IMAGE;
	level->rank = rule->rank;
	return true;
}

void
element_start(struct reader *reader, const struct cached_name *name, const xmlChar **attributes,
	int n_attributes)
{
	const struct level *outer = &reader->levels[reader->depth];

	if (reader->depth + reader->skip >= reader->limits->max_depth ||
		reader->depth >= DEPTH_MAX) {
		reader_over(reader, "more than %zu levels of elements", reader->limits->max_depth);
		return;
	}
	if (outer->in == IN_NOTHING) {
		reader->skip++;
		return;
	}
	if (reader->builder.arena->total > reader->max_memory) {
		reader_over(reader, "more than %zu bytes of values", reader->max_memory);
		return;
	}
	struct level *level = &reader->levels[++reader->depth];
	*level = (struct level){
		.action = READ_LINE,
		.mark = reader->side,
		.base = element_base(reader, outer->base, attributes, n_attributes),
	};
	const struct rule *rule = rule_here(name, outer->in, reader->depth);
	if (rule) {
		act(reader, rule, name, attributes, n_attributes);
		return;
	}
	if (outer->in & (IN_FEED | IN_OTHER))
		level->in = IN_OTHER;
	else if (outer->in == IN_DOCUMENT)
		level->in = IN_DOCUMENT;
	else if (outer->in == IN_MEDIA)
		level->in = IN_MEDIA;
}

void
element_end(struct reader *reader)
{
	const struct level *level = &reader->levels[reader->depth];

	if (reader->skip > 0) {
		reader->skip--;
		return;
	}
	if (level->action == ENTER_ITEM)
		builder_end_item(&reader->builder);
	else if (level->action == ENTER_PERSON)
		value_person(reader, level->rank);
	arena_rewind(&reader->side, &level->mark);
	reader->depth--;
}
