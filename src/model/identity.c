/*
 * identity.c - how the items of one feed are told apart.
 *
 * Pure. The numbers are stored in databases: whoever changes how one is made must give every stored
 * item its new key before anything is announced.
 */
#include <errno.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "feedd/feed.h"
#include "feedd/url.h"

/* What a key was made of; part of the hash, so that a guid never equals a link by chance. */
enum seed {
	SEED_GUID = 1,
	SEED_GUID_LINK,
	SEED_LINK,
	SEED_TEXT,
	SEED_TITLE,
	SEED_PATTERN,
	SEED_CONTENT
};

/* So many bytes of the text count for items that have nothing better. */
#define TEXT_BYTES 1024

static uint64_t
never_0(uint64_t hash)
{
	return hash ? hash : 1;
}

static uint64_t
hash_folded(uint64_t seed, const char *text, struct arena *arena)
{
	return never_0(hash64_str(seed, text ? url_fold(arena, text) : NULL));
}

static const char *
item_text(const struct item *item)
{
	return item->content_html    ? item->content_html
		: item->content_text ? item->content_text
				     : item->summary;
}

static uint64_t
content_hash(const struct item *item)
{
	const char *const parts[] = {item->title, item->url, item->summary, item->content_html,
		item->content_html ? NULL : item->content_text};
	uint64_t hash = SEED_CONTENT;

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		hash = hash64_str(hash, parts[i]);
	for (size_t i = 0; i < item->n_attachments; i++)
		hash = hash64_str(hash, item->attachments[i].url);
	return hash;
}

/* By link; a new title under a known link is a new spelling of the same item. */
static void
key_by_link(const struct item *item, struct item_key *key, struct arena *arena)
{
	key->identity = "link";
	key->fold = hash_folded(SEED_LINK, item->url, arena);
	key->exact = never_0(hash64_str(hash64_str(SEED_LINK, item->url), item->title));
}

static void
key_by_text(const struct item *item, struct item_key *key)
{
	const char *text = item_text(item);
	uint64_t hash = hash64_str(SEED_TEXT, item->title);

	hash = hash64(hash, &item->published_at, sizeof(item->published_at));
	hash = hash64(hash, text ? text : "", text ? strnlen(text, TEXT_BYTES) : 0);
	key->identity = "text";
	key->fold = key->exact = never_0(hash);
}

static void
key_by_title(const struct item *item, struct item_key *key)
{
	key->identity = "title";
	key->fold = key->exact = never_0(hash64_str(SEED_TITLE, item->title));
}

static void
key_by_guid(const struct item *item, struct item_key *key, struct arena *arena)
{
	key->identity = "guid";
	key->fold = hash_folded(SEED_GUID, item->id, arena);
	key->exact = never_0(hash64_str(SEED_GUID, item->id));
}

/* The title tells apart what has both in common; alone, it may change. */
static void
key_by_guid_link(const struct item *item, struct item_key *key)
{
	uint64_t hash = hash64_str(hash64_str(SEED_GUID_LINK, item->id), item->url);

	key->identity = "guid+link";
	key->fold = never_0(hash);
	key->exact = never_0(hash64_str(hash, item->title));
}

/* The guid, else the link, without what the pattern matches. */
static void
key_by_pattern(const struct item *item, struct item_key *key, const regex_t *pattern)
{
	const char *text = item->id ? item->id : item->url;
	AUTO(buf_fini) struct buf kept = BUF_INIT(1 << 20);
	regmatch_t match;
	int flags = 0;

	errno = 0;
	while (*text && regexec(pattern, text, 1, &match, flags) == 0) {
		buf_append(&kept, text, (size_t)match.rm_so);
		if (match.rm_eo == match.rm_so) { /* an empty match: step over one byte */
			if (!text[match.rm_eo])
				break;
			buf_putc(&kept, text[match.rm_eo]);
			match.rm_eo++;
		}
		text += match.rm_eo;
		flags = REG_NOTBOL;
	}
	/* The C library's regexec(3) calls it no match where memory is gone. */
	if (errno == ENOMEM)
		mem_exhausted(0);
	buf_puts(&kept, text);
	key->identity = "pattern";
	key->fold = key->exact = never_0(hash64_str(SEED_PATTERN, kept.data));
}

static void
key_by_default(const struct item *item, struct item_key *key, struct arena *arena)
{
	if (item->id)
		key_by_guid(item, key, arena);
	else if (item->url)
		key_by_link(item, key, arena);
	else
		key_by_text(item, key);
}

static void
make_key(const struct item *item, enum identity_kind kind, const regex_t *pattern,
	struct item_key *key, struct arena *arena)
{
	switch (kind) {
	case IDENTITY_GUID:
		key_by_default(item, key, arena);
		return;
	case IDENTITY_LINK:
		if (item->url)
			key_by_link(item, key, arena);
		else
			key_by_default(item, key, arena);
		return;
	case IDENTITY_GUID_LINK:
		if (item->id)
			key_by_guid_link(item, key);
		else
			key_by_default(item, key, arena);
		return;
	case IDENTITY_TITLE:
		if (item->title && *item->title)
			key_by_title(item, key);
		else
			key_by_default(item, key, arena);
		return;
	case IDENTITY_REGEX:
		if (item->id || item->url)
			key_by_pattern(item, key, pattern);
		else
			key_by_default(item, key, arena);
		return;
	}
}

/* One item as the sort sees it. */
struct ranked {
	uint64_t first, second;
	size_t index;
};

static int
compare_ranked(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	if (x->second != y->second)
		return x->second < y->second ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

/* True if there are items that have the same guid, and another link or title. */
static bool
guids_collide(const struct document *document, struct ranked *ranked)
{
	size_t n = 0;
	bool any = false;

	for (size_t i = 0; i < document->n_items; i++) {
		const struct item *item = &document->items[i];

		if (item->id)
			ranked[n++] = (struct ranked){hash64_str(SEED_GUID, item->id),
				hash64_str(hash64_str(0, item->url), item->title), i};
	}
	qsort(ranked, n, sizeof(*ranked), compare_ranked);
	for (size_t i = 1; i < n; i++)
		any = any ||
			(ranked[i].first == ranked[i - 1].first &&
				ranked[i].second != ranked[i - 1].second);
	return any;
}

/* Within one document: what repeats an item before it, and folds that several items share. */
static void
mark_repeats(struct item_key *keys, size_t n, struct ranked *ranked)
{
	for (size_t i = 0; i < n; i++)
		ranked[i] = (struct ranked){keys[i].fold, keys[i].exact, i};
	qsort(ranked, n, sizeof(*ranked), compare_ranked);
	for (size_t from = 0, to; from < n; from = to) {
		for (to = from + 1; to < n && ranked[to].first == ranked[from].first; to++)
			keys[ranked[to].index].duplicate =
				ranked[to].second == ranked[to - 1].second;
		bool crowded = ranked[to - 1].second != ranked[from].second;
		for (size_t i = from; i < to; i++)
			keys[ranked[i].index].crowded = crowded;
	}
}

struct item_key *
identity_keys(const struct document *document, const struct identity *identity, bool sticky,
	bool *ret_sticky, struct arena *arena)
{
	size_t n = document->n_items;
	struct item_key *keys = arena_zalloc(arena, (n + 1) * sizeof(*keys));
	AUTO(freep) struct ranked *ranked = xcalloc(n, sizeof(*ranked));
	enum identity_kind kind = identity->kind;
	regex_t pattern;

	/* The configuration was checked: a pattern that is refused now is a shortage of memory. */
	if (kind == IDENTITY_REGEX && !identity->pattern)
		kind = IDENTITY_GUID;
	else if (kind == IDENTITY_REGEX && regcomp(&pattern, identity->pattern, REG_EXTENDED) != 0)
		mem_exhausted(0);
	bool collides = kind == IDENTITY_GUID && guids_collide(document, ranked);
	*ret_sticky = kind == IDENTITY_GUID && (sticky || collides);
	if (*ret_sticky)
		kind = IDENTITY_GUID_LINK;
	for (size_t i = 0; i < n; i++) {
		const struct item *item = &document->items[i];

		make_key(item, kind, &pattern, &keys[i], arena);
		keys[i].content = content_hash(item);
		keys[i].guid_fold = item->id ? hash_folded(SEED_GUID, item->id, arena) : 0;
	}
	if (kind == IDENTITY_REGEX)
		regfree(&pattern);
	mark_repeats(keys, n, ranked);
	return keys;
}
