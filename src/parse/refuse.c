/* refuse.c - one sentence for people on what a document is instead of a feed. Pure. */
#include "refuse.h"

#include <string.h>
#include <strings.h>

#include "feedd/text.h"

#define ANNOUNCED_MAX ((size_t)3)
#define HEAD_MAX ((size_t)1024)

struct magic {
	const char *bytes;
	size_t len;
	const char *what;
};

static const struct magic magics[] = {
	{"\x1f\x8b", 2, "compressed data (gzip)"},
	{"BZh", 3, "compressed data (bzip2)"},
	{"\xfd"
	 "7zXZ",
		5, "compressed data (xz)"},
	{"\x28\xb5\x2f\xfd", 4, "compressed data (zstd)"},
	{"PK\x03\x04", 4, "a ZIP archive"},
	{"%PDF", 4, "a PDF document"},
	{"\x89PNG", 4, "a PNG image"},
	{"GIF8", 4, "a GIF image"},
	{"\xff\xd8\xff", 3, "a JPEG image"},
	{"RIFF", 4, "a media file"},
	{"ID3", 3, "an MP3 file"},
	{"OggS", 4, "a media file"},
	{"\x7f"
	 "ELF",
		4, "a program"},
};

static size_t
blank(const char *data, size_t len)
{
	size_t n = 0;

	while (n < len && strchr(" \t\r\n\f", data[n]) && data[n])
		n++;
	return n;
}

bool
refuse_is_html(const char *data, size_t len)
{
	size_t head = len < HEAD_MAX ? len : HEAD_MAX;
	size_t start = blank(data, head);

	/* Comments and the XML declaration may come first. */
	while (start + 4 < head && data[start] == '<' &&
		(data[start + 1] == '?' || memcmp(data + start, "<!--", 4) == 0)) {
		const char *end = memchr(data + start, '>', head - start);

		if (!end)
			return false;
		start = (size_t)(end + 1 - data);
		start += blank(data + start, head - start);
	}
	static const char *const starts[] = {"<!doctype html", "<html", "<head", "<body"};
	for (size_t i = 0; i < ARRAY_SIZE(starts); i++)
		if (len - start >= strlen(starts[i]) &&
			strncasecmp(data + start, starts[i], strlen(starts[i])) == 0)
			return true;
	return false;
}

/* The name of the first element, or NULL. */
static const char *
root_of(const char *data, size_t len, struct arena *arena)
{
	const char *end = data + len;

	for (const char *at = data; (at = memchr(at, '<', (size_t)(end - at))) && ++at < end;) {
		size_t n = 0;

		if ((size_t)(end - at) > 3 && memcmp(at, "!--", 3) == 0) {
			const char *close = memmem(at, (size_t)(end - at), "-->", 3);

			if (!close)
				return NULL;
			at = close;
			continue;
		}
		while (at + n < end && n < 64 && at[n] > ' ' && !strchr("!?/<>\"'=&", at[n]))
			n++;
		if (n > 0)
			return text_line(arena, at, n);
	}
	return NULL;
}

static const char *
refuse_html(const struct parse_input *input, const char *data, size_t len, struct arena *arena)
{
	struct parse_input page = *input;
	struct announced_feed *feeds;

	page.data = data;
	page.len = len;
	page.content_type = NULL;
	size_t n = parse_announced(&page, arena, &feeds);
	if (n == 0)
		return "not a feed but an HTML page, which announces none";
	const char *said = "";
	for (size_t i = 0; i < n && i < ANNOUNCED_MAX; i++)
		said = arena_printf(arena, "%s%s%s", said, i ? ", " : "", feeds[i].url);
	return arena_printf(arena, "not a feed but an HTML page, which announces %s%s", said,
		n > ANNOUNCED_MAX ? " and more" : "");
}

const char *
refuse(const struct parse_input *input, const char *data, size_t len, struct arena *arena)
{
	size_t start = blank(data, len);
	const char *root = root_of(data, len, arena);

	for (size_t i = 0; i < ARRAY_SIZE(magics); i++)
		if (input->len >= magics[i].len &&
			memcmp(input->data, magics[i].bytes, magics[i].len) == 0)
			return arena_printf(arena, "not a feed but %s", magics[i].what);
	if (start == len)
		return "not a feed: the document is empty";
	if (refuse_is_html(data, len) || (root && strcasecmp(root, "html") == 0))
		return refuse_html(input, data, len, arena);
	if (data[start] == '{' || data[start] == '[')
		return "not a feed but JSON of another kind";
	if (memchr(data, '\0', len < HEAD_MAX ? len : HEAD_MAX))
		return "not a feed but binary data";
	if (root)
		return arena_printf(
			arena, "not a feed but an XML document whose root is <%s>", root);
	return data[start] == '<' ? "not a feed, nor XML that could be read"
				  : "not a feed but text";
}
