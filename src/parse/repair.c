/*
 * repair.c - broken XML made well formed, in one pass, with a stack of the tags that are open.
 *
 * libxml2's own recovery drops every reference after the first fault, so that links and texts come
 * out wrong without a sign. This keeps them. It does not know what a feed is, but for two things:
 * an item does not stand in an item, and a title or link holds no other field. Elements still open
 * at the end of the data stay open: the reader then drops the item they belong to. Pure.
 */
#include "repair.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mend.h"
#include "rules.h"

static const char *const roots[] = {"rss", "RDF", "feed", "channel", "entry", "item"};
static const char *const items[] = {"item", "entry"};
/* What needs something around it. */
static const char *const inner[] = {"channel", "item", "entry"};
/* End tags that close whatever is open within, items too. */
static const char *const structure[] = {"item", "entry", "channel", "rss", "RDF", "feed"};
/* Of those, what a document has once. */
static const char *const singles[] = {"channel", "rss", "RDF", "feed"};
/* Fields that hold text and nothing else, and what follows one that was not closed. */
static const char *const leaves[] = {"title", "link", "guid", "pubDate", "category", "comments",
	"id", "updated", "published", "language", "ttl", "lastBuildDate", "generator", "docs",
	"copyright", "managingEditor", "webMaster"};
static const char *const fields[] = {"title", "link", "guid", "pubDate", "category", "comments",
	"id", "updated", "published", "language", "ttl", "lastBuildDate", "generator", "docs",
	"copyright", "managingEditor", "webMaster", "description", "summary", "content", "author",
	"enclosure", "source", "image", "item", "entry"};
/* Fields that hold some of their own, but no item. */
static const char *const groups[] = {"contributor", "owner", "textInput", "skipHours", "skipDays"};
/* People, and what they have. */
static const char *const people[] = {"author", "contributor", "owner"};
static const char *const of_people[] = {"name", "email", "uri", "url", "link", "image"};
/* Fields that hold markup. */
static const char *const contents[] = {
	"description", "encoded", "content", "summary", "subtitle", "tagline"};
/* Fields whose names no markup has. */
static const char *const feed_words[] = {"guid", "pubDate", "enclosure", "lastBuildDate",
	"managingEditor", "webMaster", "updated", "published"};
/* Fields that hold nothing at all. */
static const char *const empties[] = {"enclosure", "thumbnail", "cloud", "in-reply-to"};
/* HTML that is never closed; those whose names are no names of feeds. */
static const char *const voids[] = {
	"br", "hr", "img", "wbr", "input", "embed", "area", "col", "meta"};

struct word {
	const char *s;
	size_t len;
};

static struct word
local_name(const char *name, size_t len)
{
	const char *colon = memchr(name, ':', len);

	return colon ? (struct word){colon + 1, len - (size_t)(colon + 1 - name)}
		     : (struct word){name, len};
}

static bool
is_one_of(struct word word, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strlen(list[i]) == word.len && strncasecmp(list[i], word.s, word.len) == 0)
			return true;
	return false;
}
#define IS_ONE_OF(word, list) is_one_of(word, list, ARRAY_SIZE(list))

static void
close_top(struct mender *mender)
{
	const struct open_tag *top = &mender->open[--mender->depth];

	mend_put(mender, "</", 2);
	mend_put(mender, top->name, top->len);
	mend_put(mender, ">", 1);
	mender->closed = mender->depth == 0;
}

static void
close_to(struct mender *mender, size_t depth, const char *at)
{
	if (mender->depth > depth + 1)
		mend_note(mender, "an element that was not closed", at);
	while (mender->depth > depth)
		close_top(mender);
}

/* 3: the very name, 2: in another case, 1: under another prefix, 0: no. */
static int
match(const struct open_tag *open, struct word name)
{
	if (open->len == name.len && memcmp(open->name, name.s, name.len) == 0)
		return 3;
	if (open->len == name.len && strncasecmp(open->name, name.s, name.len) == 0)
		return 2;
	struct word a = local_name(open->name, open->len), b = local_name(name.s, name.len);
	return a.len == b.len && strncasecmp(a.s, b.s, a.len) == 0;
}

/* The place in the stack that an end tag closes, or -1. What is no structure closes nothing outside
 * of its item. */
static ptrdiff_t
find_open(const struct mender *mender, struct word name)
{
	bool structural = IS_ONE_OF(local_name(name.s, name.len), structure);
	ptrdiff_t best = -1;
	int best_match = 0;

	for (size_t i = mender->depth; i-- > 0;) {
		const struct open_tag *open = &mender->open[i];
		int m = match(open, name);

		if (m > best_match) {
			best = (ptrdiff_t)i;
			best_match = m;
		}
		if (m == 3 ||
			(!structural && IS_ONE_OF(local_name(open->name, open->len), structure)))
			break;
	}
	return best;
}

/* Behind the next mark of so many bytes, or NULL. */
static const char *
past(struct mender *mender, const char *at, enum mark mark, size_t len)
{
	const char *found = mend_find(mender, at, mark);

	return found < mender->end ? found + len : NULL;
}

/* The end of a field that is not open, in an unknown element where fields stand: its name was
 * written in another way. */
static bool
is_misspelled(const struct mender *mender, struct word name)
{
	if (mender->depth < 2 || !(IS_ONE_OF(name, fields) || IS_ONE_OF(name, contents)))
		return false;
	const struct open_tag *top = &mender->open[mender->depth - 1];
	const struct open_tag *around = &mender->open[mender->depth - 2];
	struct word open = {top->name, top->len};

	return IS_ONE_OF(local_name(around->name, around->len), structure) &&
		!IS_ONE_OF(open, fields) && !IS_ONE_OF(open, contents) &&
		!IS_ONE_OF(open, structure) && !IS_ONE_OF(open, groups);
}

static const char *
end_tag(struct mender *mender, const char *at)
{
	struct word name = {at + 2, 0};

	while (name.s + name.len < mender->end && tag_is_name(name.s[name.len]))
		name.len++;
	const char *next = name.s + name.len;
	while (next < mender->end && *next != '>' && *next != '<')
		next++;
	if (next == mender->end)
		return next;
	ptrdiff_t open = name.len ? find_open(mender, name) : -1;
	if (open < 0 && is_misspelled(mender, name))
		open = (ptrdiff_t)mender->depth - 1;
	if (open < 0) {
		mend_note(mender, "an end tag without a start", at);
	} else {
		if (match(&mender->open[open], name) < 3)
			mend_note(mender, "an end tag with another name", at);
		close_to(mender, (size_t)open, at);
	}
	return *next == '>' ? next + 1 : next;
}

/* An item closes the one before it; without one, a field of the feed that was not closed. */
static void
close_before_item(struct mender *mender, const char *at)
{
	size_t field = mender->depth;

	for (size_t i = mender->depth; i-- > 0;) {
		struct word name = local_name(mender->open[i].name, mender->open[i].len);

		if (IS_ONE_OF(name, items)) {
			mend_note(mender, "an item within an item", at);
			close_to(mender, i, at);
			return;
		}
		if (IS_ONE_OF(name, structure))
			break;
		if (IS_ONE_OF(name, fields) || IS_ONE_OF(name, contents) || IS_ONE_OF(name, groups))
			field = i;
	}
	if (field == mender->depth)
		return;
	mend_note(mender, "an element that was not closed", at);
	close_to(mender, field, at);
}

/* "dc:creator" and its like: a prefix that feeds have and markup has not. */
static bool
has_feed_prefix(const char *name, size_t len)
{
	const char *colon = memchr(name, ':', len);
	char prefix[16];

	if (!colon || (size_t)(colon - name) >= sizeof(prefix))
		return false;
	memcpy(prefix, name, (size_t)(colon - name));
	prefix[colon - name] = '\0';
	enum ns ns = namespace_find(NULL, prefix, NS_UNKNOWN);
	return ns != NS_UNKNOWN && ns != NS_XHTML && ns != NS_RDF;
}

/* Of those, the ones whose elements hold text alone. */
static bool
has_text_prefix(const struct open_tag *open)
{
	static const char *const flat[] = {"dc", "dcterms", "slash", "sy", "wfw", "feedburner"};
	const char *colon = memchr(open->name, ':', open->len);

	return colon && IS_ONE_OF(((struct word){open->name, (size_t)(colon - open->name)}), flat);
}

/* media:content is not. */
static bool
is_content(const struct open_tag *open)
{
	struct word field = local_name(open->name, open->len);
	bool prefixed = open->len > field.len;

	return IS_ONE_OF(field, contents) &&
		!(prefixed && field.len == 7 && strncasecmp(field.s, "content", 7) == 0);
}

/* Whether an open field, which may hold text or markup or neither, ends where a tag starts. */
static bool
ends_field(const struct open_tag *open, const struct tag *tag)
{
	struct word field = local_name(open->name, open->len);
	struct word name = local_name(tag->name, tag->name_len);
	bool plain = name.len == tag->name_len;
	bool prefixed = open->len > field.len;

	if (IS_ONE_OF(field, empties))
		return true;
	if (IS_ONE_OF(field, people))
		return plain && IS_ONE_OF(name, fields) && !IS_ONE_OF(name, of_people);
	if (IS_ONE_OF(field, leaves) || (has_text_prefix(open) && !is_content(open)) ||
		(prefixed && field.len == 5 && strncasecmp(field.s, "image", 5) == 0))
		return plain ? IS_ONE_OF(name, fields) : has_feed_prefix(tag->name, tag->name_len);
	/* Markup has titles and links too, but seldom right within a description. */
	if (!is_content(open))
		return false;
	bool again = name.len == field.len && strncasecmp(name.s, field.s, name.len) == 0 &&
		field.s[0] != 's'; /* HTML has a summary */
	return plain ? again || IS_ONE_OF(name, leaves) || IS_ONE_OF(name, empties)
		     : has_feed_prefix(tag->name, tag->name_len);
}

/* The same where elements of the markup are open too: only names that markup does not have count.
 */
static bool
ends_markup(const struct open_tag *open, const struct tag *tag)
{
	struct word name = {tag->name, tag->name_len};

	return is_content(open) &&
		(memchr(name.s, ':', name.len) ? has_feed_prefix(name.s, name.len)
					       : IS_ONE_OF(name, feed_words));
}

/* What a start tag closes: the item before it, or a field that holds no other field. */
static void
close_before(struct mender *mender, const struct tag *tag)
{
	if (IS_ONE_OF(local_name(tag->name, tag->name_len), items)) {
		close_before_item(mender, tag->name);
		return;
	}
	size_t field = mender->depth - 1;
	while (field > 0 && field < mender->depth &&
		!IS_ONE_OF(local_name(mender->open[field - 1].name, mender->open[field - 1].len),
			structure))
		field--;
	if (field == 0 || field >= mender->depth)
		return;
	bool is_top = field + 1 == mender->depth;
	if (is_top ? !ends_field(&mender->open[field], tag)
		   : !ends_markup(&mender->open[field], tag))
		return;
	mend_note(mender, "an element that was not closed", tag->name);
	close_to(mender, field, tag->name);
}

/* Items or a channel without anything around them: the root is missing, and XML has one. It has the
 * namespaces of the first item. */
static void
open_root(struct mender *mender, const struct tag *item)
{
	bool atom = local_name(item->name, item->name_len).len == sizeof("entry") - 1;
	struct open_tag root = {atom ? "feed" : "rss", atom ? 4 : 3};

	mender->rootless = true;
	mender->open[mender->depth++] = root;
	mend_put(mender, "<", 1);
	mend_put(mender, root.name, root.len);
	for (size_t i = 0; i < item->n_attributes; i++)
		if (strncmp(item->attributes[i].name, "xmlns", 5) == 0)
			tag_write_attribute(mender, &item->attributes[i]);
	mend_put(mender, ">", 1);
}

/* A tag, or one with attributes that cannot be read, or that another follows before its '>': only
 * items and what is around them, since words behind a '<' are text in all else. */
static bool
read_tag(struct mender *mender, const char *at, struct tag *tag)
{
	if (tag_read(mender, at, tag))
		return true;
	if (!tag_read_name(mender, at, tag) ||
		!IS_ONE_OF(local_name(tag->name, tag->name_len), structure))
		return false;
	mend_note(mender, "a tag that cannot be read", at);
	return true;
}

/* What a document has once, twice. */
static bool
is_open(const struct mender *mender, const struct tag *tag)
{
	struct word name = {tag->name, tag->name_len};

	if (!IS_ONE_OF(local_name(name.s, name.len), singles))
		return false;
	for (size_t i = 0; i < mender->depth; i++)
		if (match(&mender->open[i], name) == 3 && !(i == 0 && mender->rootless))
			return true;
	return false;
}

static const char *
start_tag(struct mender *mender, const char *at, struct tag *tag)
{
	if (!read_tag(mender, at, tag))
		return NULL;
	struct word name = local_name(tag->name, tag->name_len);
	if (mender->depth == 0 && (mender->closed || !IS_ONE_OF(name, roots))) {
		mend_note(mender,
			mender->closed ? "text behind the document" : "text before the document",
			at);
		return tag->next;
	}
	if (is_open(mender, tag)) {
		mend_note(mender, "an element within itself", at);
		return tag->next;
	}
	if (mender->depth == 0 && tag->empty) {
		mend_note(mender, "a root that ends where it starts", at);
		tag->empty = false;
	}
	if (mender->depth == 0 && IS_ONE_OF(name, inner))
		open_root(mender, tag);
	else if (mender->depth == 1 && mender->rootless)
		mend_note(mender, "no element around the items", at);
	close_before(mender, tag);
	if (!tag->empty && mender->depth > 2 && name.len == tag->name_len &&
		IS_ONE_OF(name, voids)) {
		mend_note(mender, "an element that was not closed", at);
		tag->empty = true;
	}
	if (!tag->empty) {
		if (mender->depth == OPEN_MAX) {
			mender->stopped = true;
			return tag->next;
		}
		mender->open[mender->depth++] = (struct open_tag){tag->name, tag->name_len};
	}
	tag_write(mender, tag);
	return tag->next;
}

/* The length of what starts a CDATA section, in any spelling: "<![CDATA[", "<!CDATA[",
 * "<![ cdata [". 0 if it is none. */
static size_t
cdata_length(const char *at, const char *end)
{
	static const char *const parts[] = {"[", "cdata", "["};
	const char *s = at + 2;

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		size_t n = strlen(parts[i]);

		while (i > 0 && s < end && *s == ' ')
			s++;
		if ((size_t)(end - s) >= n && strncasecmp(s, parts[i], n) == 0)
			s += n;
		else if (i > 0)
			return 0;
	}
	return (size_t)(s - at);
}

/* A section without an end that reaches over the end tag of its element into another section ends
 * at that tag. */
static const char *
cdata(struct mender *mender, const char *at, size_t mark)
{
	const char *start = at + mark;
	const char *next = past(mender, start, MARK_CDATA_END, 3);
	const char *stop = next ? next - 3 : mender->end;
	const char *another = mend_find(mender, start, MARK_CDATA);

	if (another >= stop)
		another = NULL;
	if (mender->depth > 0 && (another || !next)) {
		const struct open_tag *top = &mender->open[mender->depth - 1];
		char end[64];

		if (top->len < sizeof(end) - 2) {
			memcpy(end, "</", 2);
			memcpy(end + 2, top->name, top->len);
			const char *limit = another ? another : stop;
			const char *tag = memmem(start, (size_t)(limit - start), end, top->len + 2);
			if (tag) {
				mend_note(mender, "a CDATA section without an end", at);
				stop = next = tag;
			}
		}
	}
	if (!next)
		mend_note(mender, "a CDATA section without an end", at);
	if (mender->depth > 0)
		mend_cdata(mender, start, (size_t)(stop - start));
	return next ? next : mender->end;
}

static bool
names_dtd(const char *at, size_t len)
{
	return memmem(at, len, "SYSTEM", 6) || memmem(at, len, "PUBLIC", 6);
}

/* Behind the DOCTYPE: at the '>' after its subset, whose entities are kept. */
static const char *
doctype(struct mender *mender, const char *at)
{
	const char *close = mend_find(mender, at, MARK_CLOSE);
	const char *subset = mend_find(mender, at, MARK_SUBSET);

	if (close == mender->end)
		return mender->end;
	if (subset > close) {
		mender->entities.external |= names_dtd(at, (size_t)(close - at));
		return close + 1;
	}
	mender->entities.external |= names_dtd(at, (size_t)(subset - at));
	for (close = subset; (close = memchr(close, ']', (size_t)(mender->end - close))); close++) {
		const char *next = close + 1;

		while (next < mender->end && (*next == ' ' || (*next >= '\t' && *next <= '\r')))
			next++;
		if (next == mender->end || *next != '>')
			continue;
		entities_read(&mender->entities, subset, (size_t)(close - subset));
		return next + 1;
	}
	return mender->end;
}

/* "<!" and "<?": what next, or NULL if it is text. */
static const char *
declaration(struct mender *mender, const char *at)
{
	size_t left = (size_t)(mender->end - at);
	const char *next;

	if (at[1] == '?') {
		if (at > mender->data && left > 6 && strncasecmp(at, "<?xml", 5) == 0 &&
			!tag_is_name(at[5]))
			mend_note(mender, "an XML declaration out of place", at);
		next = past(mender, at, MARK_PI_END, 2);
		if (!next)
			next = past(mender, at, MARK_CLOSE, 1);
		return next ? next : mender->end;
	}
	size_t mark = cdata_length(at, mender->end);
	if (mark > 0 && (mark != 9 || memcmp(at, "<![CDATA[", 9) != 0))
		mend_note(mender, "a CDATA section that starts in another way", at);
	if (mark > 0)
		return cdata(mender, at, mark);
	if (left >= 4 && memcmp(at, "<!--", 4) == 0) {
		next = past(mender, at + 4, MARK_COMMENT_END, 3);
		if (!next) {
			mend_note(mender, "a comment without an end", at);
			next = past(mender, at, MARK_CLOSE, 1);
		} else if (memmem(at + 4, (size_t)(next - at - 6), "--", 2)) {
			mend_note(mender, "\"--\" within a comment", at);
		}
		return next ? next : mender->end;
	}
	if (left >= 9 && strncasecmp(at, "<!DOCTYPE", 9) == 0)
		return doctype(mender, at);
	if (left > 2 && !tag_is_name_start(at[2]) && at[2] != '[')
		return NULL;
	mend_note(mender, "a declaration out of place", at);
	next = past(mender, at, MARK_CLOSE, 1);
	return next ? next : mender->end;
}

/* At a '<': where to go on. */
static const char *
markup(struct mender *mender, const char *at, struct tag *tag)
{
	const char *next = NULL;

	if (at + 1 < mender->end) {
		if (at[1] == '/')
			next = end_tag(mender, at);
		else if (at[1] == '!' || at[1] == '?')
			next = declaration(mender, at);
		else
			next = start_tag(mender, at, tag);
	}
	if (next)
		return next;
	if (mender->depth > 0)
		mend_text(mender, at, 1, false);
	return at + 1;
}

static bool
is_blank(const char *s, size_t len)
{
	while (len > 0 && (*s == ' ' || (*s >= '\t' && *s <= '\r'))) {
		s++;
		len--;
	}
	return len == 0;
}

void
repair_run(const char *data, size_t len, const struct parse_limits *limits, repair_sink *sink,
	void *user, struct repair_report *ret_report)
{
	struct mender *mender = xmalloc(sizeof(*mender));
	struct tag tag = {0};
	const char *at = data;

	*ret_report = (struct repair_report){0};
	memset(mender, 0, sizeof(*mender));
	mender->data = data;
	mender->end = data + len;
	mender->limits = limits;
	mender->sink = sink;
	mender->user = user;
	mender->report = ret_report;
	mender->out = BUF_INIT((size_t)64 << 10);
	while (at < mender->end && !mender->stopped) {
		const char *next = memchr(at, '<', (size_t)(mender->end - at));
		size_t n = (size_t)((next ? next : mender->end) - at);

		if (mender->depth > 0)
			mend_text(mender, at, n, false);
		else if (!is_blank(at, n))
			mend_note(mender, "text outside the document", at);
		if (!next)
			break;
		at = markup(mender, next, &tag);
	}
	if (mender->rootless && mender->depth == 1)
		close_top(mender);
	if (!mender->stopped && mender->out.len > 0)
		sink(user, mender->out.data, mender->out.len);
	ret_report->incomplete = !mender->closed;
	free(tag.attributes);
	entities_fini(&mender->entities);
	buf_fini(&mender->out);
	free(mender);
}
