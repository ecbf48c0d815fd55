/*
 * builder.c - collects the values of a feed and its items and makes the document of them.
 *
 * Knows neither XML nor JSON: values come with a slot and a rank, and the better rank stays. Pure.
 */
#include "builder.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "feedd/text.h"
#include "feedd/url.h"

/* Tags, authors, attachments of one item; more add nothing but time. */
#define LIST_MAX ((size_t)256)

void
builder_init(struct builder *builder, const struct parse_input *input,
	const struct parse_limits *limits, struct arena *arena, struct document *document,
	size_t items)
{
	size_t cap = items < limits->max_items ? items : limits->max_items;

	*builder = (struct builder){
		.arena = arena,
		.limits = limits,
		.document = document,
		.url = input->url,
		.items_cap = cap,
	};
	*document = (struct document){.updated_at = DATE_NONE};
	if (cap > 0)
		document->items = arena_alloc(arena, cap * sizeof(struct item));
}

static void
scope_fini(struct scope *scope)
{
	free(scope->authors.rows);
	free(scope->tags.rows);
	free(scope->attachments.rows);
	free(scope->hubs.rows);
	*scope = (struct scope){0};
}

void
builder_fini(struct builder *builder)
{
	scope_fini(&builder->feed);
	scope_fini(&builder->item);
}

struct scope *
builder_scope(struct builder *builder)
{
	return builder->in_item ? &builder->item : &builder->feed;
}

void
builder_begin_item(struct builder *builder)
{
	struct scope *scope = &builder->item;

	memset(scope->values, 0, sizeof(scope->values));
	scope->authors.n = scope->tags.n = scope->attachments.n = 0;
	scope->permalink = scope->content_elsewhere = false;
	builder->in_item = true;
}

bool
builder_wants(struct builder *builder, enum slot slot, uint8_t rank)
{
	const struct value *value = &builder_scope(builder)->values[slot];

	return !value->rank || rank < value->rank;
}

static void
set(struct builder *builder, enum slot slot, const struct value *value)
{
	if (builder_wants(builder, slot, value->rank))
		builder_scope(builder)->values[slot] = *value;
}

void
builder_text(struct builder *builder, enum slot slot, uint8_t rank, const char *text)
{
	if (text && *text)
		set(builder, slot, &(struct value){.text = text, .rank = rank});
}

void
builder_markup(
	struct builder *builder, enum slot slot, uint8_t rank, const char *text, const char *base)
{
	if (text && *text)
		set(builder, slot,
			&(struct value){.text = text, .base = base, .rank = rank, .html = true});
}

void
builder_number(struct builder *builder, enum slot slot, uint8_t rank, int64_t number)
{
	set(builder, slot, &(struct value){.number = number, .rank = rank});
}

/* Room for one more row of size bytes, or NULL if the list is full. */
static void *
list_add(struct list *list, size_t size)
{
	if (list->n >= LIST_MAX)
		return NULL;
	if (list->n == list->cap) {
		list->cap = list->cap ? list->cap * 2 : 8;
		list->rows = xrealloc(list->rows, list->cap, size);
	}
	return (char *)list->rows + list->n++ * size;
}

void
builder_author(struct builder *builder, uint8_t rank, const struct author *author)
{
	struct list *list = &builder_scope(builder)->authors;
	const struct author *known = list->rows;

	if (list->n > 0 && rank > list->rank)
		return;
	if (list->n > 0 && rank < list->rank)
		list->n = 0;
	for (size_t i = 0; i < list->n; i++)
		if (known[i].name && author->name && strcmp(known[i].name, author->name) == 0)
			return;
	struct author *row = list_add(list, sizeof(*row));
	if (row)
		*row = *author;
	list->rank = rank;
}

static void
add_once(struct list *list, const char *text)
{
	const char *const *known = list->rows;

	for (size_t i = 0; i < list->n; i++)
		if (strcmp(known[i], text) == 0)
			return;
	const char **row = list_add(list, sizeof(*row));
	if (row)
		*row = text;
}

void
builder_tag(struct builder *builder, const char *tag)
{
	if (tag && *tag)
		add_once(&builder_scope(builder)->tags, tag);
}

void
builder_hub(struct builder *builder, const char *url)
{
	if (url)
		add_once(&builder->feed.hubs, url);
}

void
builder_attachment(struct builder *builder, const struct attachment *attachment)
{
	struct list *list = &builder_scope(builder)->attachments;
	struct attachment *known = list->rows;

	/* Media RSS repeats what an enclosure said, with more about it. */
	for (size_t i = 0; i < list->n; i++) {
		if (strcmp(known[i].url, attachment->url) != 0)
			continue;
		if (!known[i].mime_type)
			known[i].mime_type = attachment->mime_type;
		if (known[i].size_in_bytes < 0)
			known[i].size_in_bytes = attachment->size_in_bytes;
		if (known[i].duration_in_seconds < 0)
			known[i].duration_in_seconds = attachment->duration_in_seconds;
		return;
	}
	struct attachment *row = list_add(list, sizeof(*row));
	if (row)
		*row = *attachment;
}

/* The rows of a list in the arena; NULL for none. */
static void *
list_keep(struct builder *builder, const struct list *list, size_t size)
{
	if (list->n == 0)
		return NULL;
	return memcpy(arena_alloc(builder->arena, list->n * size), list->rows, list->n * size);
}

static const char *
text_of(const struct scope *scope, enum slot slot)
{
	return scope->values[slot].text;
}

static int64_t
date_of(const struct scope *scope, enum slot slot)
{
	const struct value *value = &scope->values[slot];

	return value->rank ? value->number : DATE_NONE;
}

/* What stands alone is the content, whatever it is called; beside a content it is the summary. */
static void
finish_content(struct builder *builder, struct item *item)
{
	struct scope *scope = &builder->item;
	const struct value *content = &scope->values[SLOT_CONTENT];
	const struct value *description = &scope->values[SLOT_DESCRIPTION];
	const struct value *text = &scope->values[SLOT_TEXT];

	item->summary = text_of(scope, SLOT_SUMMARY);
	if (content->text || scope->content_elsewhere)
		item->summary = description->text ? description->text : item->summary;
	else
		content = description;
	if (content->html)
		item->content_html = content->text;
	else
		item->content_text = content->text;
	if (text->text && !item->content_text && (text->rank == 1 || !item->content_html))
		item->content_text = text->text;
	item->base_url = content->base;
}

static void
finish_attachments(struct builder *builder, struct item *item)
{
	const struct value *duration = &builder->item.values[SLOT_DURATION];
	struct attachment *first = builder->item.attachments.rows;

	if (duration->rank && builder->item.attachments.n > 0 && first->duration_in_seconds < 0)
		first->duration_in_seconds = duration->number;
	item->attachments =
		list_keep(builder, &builder->item.attachments, sizeof(struct attachment));
	item->n_attachments = builder->item.attachments.n;
}

static const struct item_extras *
finish_extras(struct builder *builder)
{
	const struct scope *scope = &builder->item;
	const struct value *values = scope->values;
	bool any = false;

	for (int slot = SLOT_COMMENTS; slot <= SLOT_PLACE; slot++)
		any |= values[slot].rank != 0;
	if (!any)
		return NULL;
	struct item_extras *extras = arena_alloc(builder->arena, sizeof(*extras));
	*extras = (struct item_extras){
		.comments_url = text_of(scope, SLOT_COMMENTS),
		.comments_feed_url = text_of(scope, SLOT_COMMENTS_FEED),
		.n_comments =
			values[SLOT_COMMENTS_COUNT].rank ? values[SLOT_COMMENTS_COUNT].number : -1,
		.reply_id = text_of(scope, SLOT_REPLY_ID),
		.reply_url = text_of(scope, SLOT_REPLY_URL),
		.place = text_of(scope, SLOT_PLACE),
		.has_place = values[SLOT_LATITUDE].rank && values[SLOT_LONGITUDE].rank,
	};
	if (extras->has_place) {
		extras->latitude_e7 = (int32_t)values[SLOT_LATITUDE].number;
		extras->longitude_e7 = (int32_t)values[SLOT_LONGITUDE].number;
	}
	return extras;
}

/* The next place in the array, or NULL when the limit is reached. The array was made as large as
 * the document promised; where that was wrong it doubles. */
static struct item *
next_item(struct builder *builder)
{
	struct document *document = builder->document;

	if (document->n_items == builder->limits->max_items)
		return NULL;
	if (document->n_items == builder->items_cap) {
		size_t cap = builder->items_cap ? builder->items_cap * 2 : 16;
		struct item *items = arena_alloc(builder->arena, cap * sizeof(*items));

		if (document->n_items)
			memcpy(items, document->items, document->n_items * sizeof(*items));
		document->items = items;
		builder->items_cap = cap;
	}
	return &document->items[document->n_items++];
}

void
builder_end_item(struct builder *builder)
{
	struct scope *scope = &builder->item;
	struct item *item = next_item(builder);

	builder->in_item = false;
	if (!item) {
		builder->document->n_dropped++;
		return;
	}
	*item = (struct item){
		.id = text_of(scope, SLOT_ID),
		.url = text_of(scope, SLOT_LINK),
		.external_url = text_of(scope, SLOT_EXTERNAL),
		.title = text_of(scope, SLOT_TITLE),
		.image = text_of(scope, SLOT_IMAGE),
		.banner_image = text_of(scope, SLOT_BANNER),
		.language = text_of(scope, SLOT_LANGUAGE),
		.published_at = date_of(scope, SLOT_PUBLISHED),
		.modified_at = date_of(scope, SLOT_MODIFIED),
	};
	if (!item->url && scope->permalink && item->id && url_is_http(item->id))
		item->url = item->id;
	finish_content(builder, item);
	finish_attachments(builder, item);
	item->authors = list_keep(builder, &scope->authors, sizeof(struct author));
	item->n_authors = scope->authors.n;
	item->tags = list_keep(builder, &scope->tags, sizeof(char *));
	item->n_tags = scope->tags.n;
	item->extras = finish_extras(builder);
}

/* Where a document says nothing of a base it is its own address; an RSS feed that was not fetched
 * has its site's. */
static void
finish_bases(struct builder *builder)
{
	struct document *document = builder->document;

	document->base_url = builder->url ? builder->url : document->home_page_url;
	for (size_t i = 0; i < document->n_items; i++) {
		struct item *item = &document->items[i];

		if (item->content_html && !item->base_url)
			item->base_url = document->base_url ? document->base_url : item->url;
	}
}

void
builder_finish(struct builder *builder)
{
	struct document *document = builder->document;
	struct scope *feed = &builder->feed;
	const struct value *period = &feed->values[SLOT_PERIOD];
	const struct value *frequency = &feed->values[SLOT_FREQUENCY];
	const struct value *ttl = &feed->values[SLOT_TTL];

	builder->in_item = false;
	document->title = text_of(feed, SLOT_TITLE);
	document->description = text_of(feed, SLOT_DESCRIPTION);
	document->home_page_url = text_of(feed, SLOT_LINK);
	document->feed_url = text_of(feed, SLOT_SELF);
	document->next_url = text_of(feed, SLOT_NEXT);
	document->icon = text_of(feed, SLOT_IMAGE);
	document->favicon = text_of(feed, SLOT_FAVICON);
	document->language = text_of(feed, SLOT_LANGUAGE);
	document->updated_at = date_of(feed, SLOT_MODIFIED);
	document->authors = list_keep(builder, &feed->authors, sizeof(struct author));
	document->n_authors = feed->authors.n;
	document->hubs = list_keep(builder, &feed->hubs, sizeof(char *));
	document->n_hubs = feed->hubs.n;
	if (ttl->rank)
		document->hints.ttl = ttl->number * 60;
	if (period->rank)
		document->hints.update_period = period->number /
			(frequency->rank && frequency->number > 0 ? frequency->number : 1);
	finish_bases(builder);
}

/* Nearly all items of a document have the same. */
const char *
builder_base(struct builder *builder, const char *base)
{
	if (base && (!builder->base || strcmp(base, builder->base) != 0))
		builder->base = arena_strdup(builder->arena, base);
	return base ? builder->base : NULL;
}

const char *
builder_line(struct builder *builder, const char *s, size_t len, size_t max)
{
	char *line = text_line(builder->arena, s, len);

	if (strlen(line) > max)
		line[text_cut(line, max)] = '\0';
	return *line ? line : NULL;
}

const char *
builder_title(struct builder *builder, const char *s, size_t len)
{
	char *title = text_title(builder->arena, s, len);

	if (strlen(title) > builder->limits->max_title)
		title[text_cut(title, builder->limits->max_title)] = '\0';
	return *title ? title : NULL;
}

const char *
builder_id(struct builder *builder, const char *s, size_t len)
{
	const char *id = text_token(builder->arena, s, len);
	size_t id_len = strlen(id);

	if (id_len > builder->limits->max_id)
		return arena_printf(builder->arena, "urn:feedd:%016" PRIx64, hash64(0, id, id_len));
	return id_len ? id : NULL;
}

/* "name:" at its start, as RFC 3986 has it. */
static bool
has_scheme(const char *url)
{
	size_t n = strspn(url, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.");

	return n > 0 && url[n] == ':';
}

/* A '&' that was escaped once too often, by whom CDATA does not undo it: no address means it. In
 * place, at the first '&'. */
static void
unescape_ampersands(char *url)
{
	static const char *const references[] = {"amp;", "#38;", "#038;"};
	char *to = url;

	for (const char *from = url; (*to = *from); to++) {
		if (*from++ != '&')
			continue;
		for (size_t i = 0; i < ARRAY_SIZE(references); i++) {
			size_t n = strlen(references[i]);

			if (strncmp(from, references[i], n) != 0)
				continue;
			from += n;
			break;
		}
	}
}

const char *
builder_url(struct builder *builder, const char *base, const char *s, size_t len)
{
	size_t max = builder->limits->max_url;

	if (len > max * 2)
		return NULL;
	char *token = text_token(builder->arena, s, len);
	if (!*token)
		return NULL;
	char *ampersand = strchr(token, '&');
	if (ampersand)
		unescape_ampersands(ampersand);
	const char *url = url_resolve(builder->arena, base, token);
	/* Without a base a relative address says more as it is than left out. */
	if (!url && !base && !has_scheme(token))
		return strlen(token) <= max ? token : NULL;
	return url && strlen(url) <= max && url_is_safe(url) ? url : NULL;
}
