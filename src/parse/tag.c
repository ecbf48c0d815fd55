/* tag.c - start tags as people write them: values without quotes or without end, names twice, no
 * '>'. Pure. */
#include <string.h>

#include "mend.h"

/* Of bytes that are read in vain, besides once the document. */
#define WASTE_MAX ((size_t)1 << 20)

bool
tag_is_name_start(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool
tag_is_name(char c)
{
	return tag_is_name_start(c) || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == ':';
}

static bool
is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* "a b="c": a quote that nothing follows as behind a value opens the next one, whose name stands
 * before it. Where the first value ends then, or NULL. */
static const char *
missing_quote(const char *at, const char *quote, const char *end)
{
	const char *name = quote;

	if (quote + 1 == end || is_space(quote[1]) || strchr("/>?", quote[1]) || name[-1] != '=')
		return NULL;
	for (name--; name > at && tag_is_name(name[-1]);)
		name--;
	if (name <= at + 1 || !tag_is_name_start(*name) || !is_space(name[-1]))
		return NULL;
	while (name > at + 1 && is_space(name[-1]))
		name--;
	return name;
}

/*
 * A value in quotes, *at being the first: where it ends, with *next behind it. Where a '<' and a
 * '>' come before the closing quote, that quote belongs to another tag, and the value ends with the
 * tag.
 */
static const char *
quoted_end(struct mender *mender, const char *at, const char *end, const char **next)
{
	const char *quote = memchr(at + 1, *at, (size_t)(end - at - 1));
	const char *close = mend_find(mender, at, MARK_CLOSE);

	if (close >= end)
		close = NULL;
	if (quote && (!close || quote < close || !memchr(close, '<', (size_t)(quote - close)))) {
		const char *missing = missing_quote(at, quote, end);

		*next = missing ? missing : quote + 1;
		return missing ? missing : quote;
	}
	const char *stop = close ? close : end;
	*next = stop;
	return stop;
}

/* The value behind '='. */
static const char *
read_value(struct mender *mender, const char *at, const char *end, struct tag_attribute *attribute)
{
	while (at < end && is_space(*at))
		at++;
	if (at == end)
		return end;
	const char *next = at, *stop;
	if (*at == '"' || *at == '\'') {
		stop = quoted_end(mender, at, end, &next);
		at++;
	} else {
		for (stop = at; stop < end && !is_space(*stop) && *stop != '>' && *stop != '<';)
			stop++;
		if (stop > at && stop < end && *stop == '>' && stop[-1] == '/')
			stop--;
		next = stop;
		/* The closing quote of a value whose opening one is missing. */
		if (stop > at && (stop[-1] == '"' || stop[-1] == '\''))
			stop--;
	}
	attribute->value = at;
	attribute->value_len = (size_t)(stop - at);
	return next;
}

/* One attribute; NULL if what stands there makes this no tag. */
static const char *
read_attribute(
	struct mender *mender, const char *at, const char *end, struct tag_attribute *attribute)
{
	if (!tag_is_name_start(*at) && *at != ':')
		return NULL;
	*attribute = (struct tag_attribute){.name = at};
	while (at < end && tag_is_name(*at))
		at++;
	attribute->name_len = (size_t)(at - attribute->name);
	const char *next = at;
	while (next < end && is_space(*next))
		next++;
	if (next < end && *next == '=')
		return read_value(mender, next + 1, end, attribute);
	if (at < end && !is_space(*at) && !strchr(">/\"'", *at))
		return NULL;
	return at;
}

static bool
add_attribute(struct mender *mender, struct tag *tag, const struct tag_attribute *attribute)
{
	for (size_t i = 0; i < tag->n_attributes; i++) {
		const struct tag_attribute *known = &tag->attributes[i];

		if (known->name_len == attribute->name_len &&
			memcmp(known->name, attribute->name, known->name_len) == 0) {
			mend_note(mender, "an attribute twice on one tag", attribute->name);
			return true;
		}
	}
	if (tag->n_attributes == mender->limits->max_attributes)
		return false;
	if (!tag->attributes)
		tag->attributes = xcalloc(mender->limits->max_attributes, sizeof(*tag->attributes));
	tag->attributes[tag->n_attributes++] = *attribute;
	return true;
}

/* Reads from *at, which is left where it came to. */
static bool
read_start(struct mender *mender, const char **ret_at, const char *end, struct tag *tag)
{
	const char *at = *ret_at + 1;
	bool valued = false;

	tag->name = at;
	tag->n_attributes = 0;
	tag->empty = false;
	while (at < end && tag_is_name(*at))
		at++;
	*ret_at = at;
	tag->name_len = (size_t)(at - tag->name);
	if (at < end && !is_space(*at) && *at != '>' && *at != '/')
		return false;
	if (at[-1] == ':') /* "<http://…>" */
		return false;
	while (at < end && *at != '>' && *at != '<') {
		struct tag_attribute attribute;

		*ret_at = at;
		if (is_space(*at) || *at == '"' || *at == '\'' || *at == '/') {
			tag->empty = *at == '/' && at + 1 < end && at[1] == '>';
			at++;
			continue;
		}
		at = read_attribute(mender, at, end, &attribute);
		if (!at || !add_attribute(mender, tag, &attribute))
			return false;
		valued |= attribute.value != NULL;
	}
	*ret_at = at;
	if (at == end || (*at == '<' && !valued))
		return false;
	tag->next = *at == '>' ? at + 1 : at;
	return true;
}

bool
tag_read(struct mender *mender, const char *at, struct tag *tag)
{
	const char *end = mender->end;
	const char *stop = at;

	if ((size_t)(end - at) > mender->limits->max_start_tag)
		end = at + mender->limits->max_start_tag;
	if (at + 1 >= end || !tag_is_name_start(at[1]))
		return false;
	if (read_start(mender, &stop, end, tag))
		return true;
	/* What stands in a quoted value is read again, from each '<' in it. */
	mender->wasted += (size_t)(stop - at);
	if (mender->wasted > WASTE_MAX + (size_t)(mender->end - mender->data))
		mender->stopped = true;
	return false;
}

bool
tag_read_name(struct mender *mender, const char *at, struct tag *tag)
{
	const char *end = mender->end;

	*tag = (struct tag){.name = at + 1, .attributes = tag->attributes};
	for (at++; at < end && tag_is_name(*at); at++)
		tag->name_len++;
	if (tag->name_len == 0 || at == end || !(is_space(*at) || *at == '<'))
		return false;
	while (at < end && *at != '>' && *at != '<')
		at++;
	tag->next = at < end && *at == '>' ? at + 1 : at;
	return at < end;
}

void
tag_write_attribute(struct mender *mender, const struct tag_attribute *attribute)
{
	mend_put(mender, " ", 1);
	mend_put(mender, attribute->name, attribute->name_len);
	mend_put(mender, "=\"", 2);
	if (attribute->value)
		mend_text(mender, attribute->value, attribute->value_len, true);
	else
		mend_put(mender, attribute->name, attribute->name_len);
	mend_put(mender, "\"", 1);
}

void
tag_write(struct mender *mender, const struct tag *tag)
{
	mend_put(mender, "<", 1);
	mend_put(mender, tag->name, tag->name_len);
	for (size_t i = 0; i < tag->n_attributes; i++)
		tag_write_attribute(mender, &tag->attributes[i]);
	mend_put(mender, tag->empty ? "/>" : ">", tag->empty ? 2 : 1);
}
