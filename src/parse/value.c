/*
 * value.c - the text of an element as the value that its rule asks for: lines, titles, markup,
 * dates, people, numbers. Pure.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "feedd/date.h"
#include "feedd/text.h"
#include "feedd/url.h"
#include "reader.h"

/* Attachments and documents hold numbers of at most so many digits. */
#define DIGITS_MAX ((size_t)15)

static bool
contains(const char *s, const char *what)
{
	return s && strcasestr(s, what);
}

/* Atom 1.0's three words, then media types. Base64 is what is neither text nor XML. */
static enum form
form_of_type(const char *type, bool *ret_base64)
{
	if (!type || !*type || strcasecmp(type, "text") == 0 || strcasecmp(type, "plain") == 0)
		return FORM_PLAIN;
	if (strcasecmp(type, "html") == 0 || strncasecmp(type, "text/html", 9) == 0)
		return FORM_HTML;
	if (strcasecmp(type, "xhtml") == 0 || contains(type, "xhtml+xml") ||
		contains(type, "/xml") || contains(type, "+xml"))
		return FORM_XHTML;
	*ret_base64 = strchr(type, '/') && strncasecmp(type, "text/", 5) != 0;
	return FORM_PLAIN;
}

enum form
value_form(struct reader *reader, const struct rule *rule, const xmlChar **attributes,
	int n_attributes, bool *ret_base64)
{
	*ret_base64 = false;
	if (rule->action == READ_XHTML)
		return FORM_XHTML;
	if (rule->action != READ_CONSTRUCT && rule->action != READ_TITLE_CONSTRUCT)
		return rule->action == READ_HTML || rule->action == READ_TITLE ? FORM_HTML
									       : FORM_PLAIN;
	const char *type = attribute_get(reader, attributes, n_attributes, NS_UNKNOWN, "type");
	const char *mode = attribute_get(reader, attributes, n_attributes, NS_UNKNOWN, "mode");
	if (type)
		type += strspn(type, " \t\r\n");
	enum form form = form_of_type(type, ret_base64);
	if (!mode && reader->builder.document->format != FORMAT_ATOM_03)
		return form;
	/* Atom 0.3: the mode says how it is written, "xml" where it says nothing; the type what it
	 * is. */
	*ret_base64 = contains(mode, "base64");
	if (*ret_base64)
		return form == FORM_XHTML ? FORM_HTML : form;
	if (contains(mode, "escaped"))
		return !type || !*type || form != FORM_PLAIN ? FORM_HTML : FORM_PLAIN;
	return form == FORM_PLAIN && type && *type && !contains(type, "html") ? FORM_PLAIN
									      : FORM_XHTML;
}

static int
base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	if (c == '/' || c == '_')
		return 63;
	return -1;
}

/* In place; what is no letter of base64 is passed over. The length, 0 where the bytes are no text.
 */
static size_t
decode_base64(char *text, size_t len)
{
	uint32_t bits = 0;
	unsigned n_bits = 0;
	size_t out = 0;

	for (size_t i = 0; i < len && text[i] != '='; i++) {
		int value = base64_value(text[i]);

		if (value < 0)
			continue;
		bits = bits << 6 | (uint32_t)value;
		n_bits += 6;
		if (n_bits >= 8) {
			n_bits -= 8;
			text[out++] = (char)(bits >> n_bits & 0xff);
		}
	}
	text[out] = '\0';
	return text_is_utf8(text, out) ? out : 0;
}

/* White space at both ends is the document's layout. */
static char *
trim(char *text, size_t *len)
{
	while (*len > 0 && strchr(" \t\r\n", text[*len - 1]))
		text[--*len] = '\0';
	while (*len > 0 && strchr(" \t\r\n", *text)) {
		text++;
		--*len;
	}
	return text;
}

/* A name without the quotes that mail puts around it. */
static const char *
author_name(struct builder *builder, const char *s, size_t len)
{
	const char *name = builder_line(builder, s, len, builder->limits->max_title);
	size_t n = name ? strlen(name) : 0;

	return n > 2 && name[0] == '"' && name[n - 1] == '"'
		? builder_line(builder, name + 1, n - 2, builder->limits->max_title)
		: name;
}

/* "me@x.org (Name)", "Name (me@x.org)", "Name <me@x.org>", "mailto:me@x.org", or just a name. */
static void
read_author(struct reader *reader, uint8_t rank, const char *text, size_t len)
{
	struct builder *builder = &reader->builder;
	const char *line = builder_title(builder, text, len);
	const char *open = memchr(text, '<', len);
	const char *at = open ? memchr(open, '@', (size_t)(text + len - open)) : NULL;
	const char *name = NULL;

	/* An address in brackets, and no markup. */
	size_t n = open ? strcspn(open, " \t\r\n\">") : 0;
	if (at && at < open + n) {
		const char *stop = open + n < text + len ? open + n : text + len;

		name = author_name(builder, text, (size_t)(open - text));
		if (!name)
			line = builder_line(builder, open + 1, (size_t)(stop - open - 1),
				reader->limits->max_title);
		else if (strchr(name, '@'))
			name = NULL;
	}
	if (!line)
		return;
	at = strchr(line, '@');
	open = strchr(line, '(');
	const char *close = strrchr(line, ')');
	if (!name && at && open && close && open < close && close[1] == '\0') {
		if (at < open)
			name = author_name(builder, open + 1, (size_t)(close - open - 1));
		if (!name)
			name = author_name(builder, line, (size_t)(open - line));
	}
	if (!name)
		name = line;
	if (strncasecmp(name, "mailto:", 7) == 0)
		name += 7;
	if (*name)
		builder_author(builder, rank, &(struct author){.name = name});
}

/* Behind the first of several people, each with an address, that commas or semicolons part. Those
 * in quotes and brackets part nothing. */
static size_t
author_length(const char *text, size_t len)
{
	size_t brackets = 0;
	bool address = false, quoted = false;

	for (size_t i = 0; i < len; i++) {
		address |= text[i] == '@';
		quoted ^= text[i] == '"';
		brackets += text[i] == '(';
		brackets -= text[i] == ')' && brackets > 0;
		if ((text[i] == ',' || text[i] == ';') && address && !quoted && brackets == 0 &&
			memchr(text + i, '@', len - i))
			return i;
	}
	return len;
}

static void
read_authors(struct reader *reader, uint8_t rank, const char *text, size_t len)
{
	while (len > 0) {
		size_t n = author_length(text, len);

		read_author(reader, rank, text, n);
		n += n < len;
		text += n;
		len -= n;
	}
}

static void
read_tags(struct reader *reader, const char *text, size_t len)
{
	const char *end = text + len;

	while (text < end) {
		const char *comma = memchr(text, ',', (size_t)(end - text));
		const char *stop = comma ? comma : end;

		builder_tag(&reader->builder,
			builder_title(&reader->builder, text, (size_t)(stop - text)));
		text = stop + 1;
	}
}

/* A number of seconds, minutes or times, or -1. */
static int64_t
read_number(const char *text, size_t len)
{
	size_t digits = strspn(text, "0123456789");

	if (digits == 0 || digits > DIGITS_MAX || (digits < len && text[digits] != '.'))
		return -1;
	return strtoll(text, NULL, 10);
}

static int64_t
read_period(const char *text)
{
	static const struct {
		const char *word;
		int64_t seconds;
	} periods[] = {
		{"hourly", 3600},
		{"daily", 86400},
		{"weekly", 7 * 86400},
		{"monthly", 30 * 86400},
		{"yearly", 365 * 86400},
	};

	for (size_t i = 0; i < ARRAY_SIZE(periods); i++)
		if (strcasecmp(text, periods[i].word) == 0)
			return periods[i].seconds;
	return -1;
}

static void
read_day(struct reader *reader, const char *text)
{
	static const char days[] = "sunmontuewedthufrisat";

	for (unsigned day = 0; day < 7; day++)
		if (strncasecmp(text, days + (size_t)day * 3, 3) == 0)
			reader->builder.document->hints.skip_days |= (uint8_t)(1u << day);
}

/* Hours run from 0 to 23; 24 is what some call midnight. */
static void
read_hour(struct reader *reader, const char *text, size_t len)
{
	int64_t hour = read_number(text, len);

	if (hour >= 0 && hour <= 24)
		reader->builder.document->hints.skip_hours |= 1u << (hour % 24);
}

static void
read_person_part(struct reader *reader, const struct rule *rule, const char *text, size_t len)
{
	struct value *value = &reader->person[rule->slot];
	struct builder *builder = &reader->builder;

	if (value->rank && value->rank <= rule->rank)
		return;
	const char *part = rule->slot == SLOT_URL
		? builder_url(builder, reader->capture.base, text, len)
		: builder_line(builder, text, len, reader->limits->max_title);
	if (part)
		*value = (struct value){.text = part, .rank = rule->rank};
}

void
value_person(struct reader *reader, uint8_t rank)
{
	const struct value *person = reader->person;
	struct author author = {
		.name = person[SLOT_NAME].text ? person[SLOT_NAME].text : person[SLOT_EMAIL].text,
		.url = person[SLOT_URL].text,
	};

	if (author.name || author.url)
		builder_author(&reader->builder, rank, &author);
}

/* Degrees in 1e-7, of at most `max` degrees: their end in the text, or NULL. */
static const char *
read_degrees(const char *text, int max, int64_t *ret_e7)
{
	bool negative = *text == '-';
	int64_t value = 0;

	text += *text == '-' || *text == '+';
	if (*text < '0' || *text > '9')
		return NULL;
	for (; *text >= '0' && *text <= '9' && value <= max; text++)
		value = value * 10 + *text - '0';
	if (value > max)
		return NULL;
	value *= 10000000;
	text += *text == '.';
	for (int64_t unit = 1000000; *text >= '0' && *text <= '9'; text++, unit /= 10)
		value += (*text - '0') * unit;
	if (value > (int64_t)max * 10000000)
		return NULL;
	*ret_e7 = negative ? -value : value;
	return text;
}

/* "45.256 -71.92", also with a comma: both or nothing. */
static void
read_point(struct reader *reader, uint8_t rank, const char *text)
{
	int64_t latitude, longitude;
	const char *end = read_degrees(text, 90, &latitude);

	if (!end || *end == '\0')
		return;
	end = read_degrees(end + strspn(end, ", \t\r\n"), 180, &longitude);
	if (!end || end[strspn(end, " \t\r\n")] != '\0')
		return;
	builder_number(&reader->builder, SLOT_LATITUDE, rank, latitude);
	builder_number(&reader->builder, SLOT_LONGITUDE, rank, longitude);
}

static void
read_coordinate(struct reader *reader, const struct rule *rule, const char *text)
{
	int64_t degrees;
	const char *end = read_degrees(text, rule->slot == SLOT_LATITUDE ? 90 : 180, &degrees);

	if (end && *end == '\0')
		builder_number(&reader->builder, rule->slot, rule->rank, degrees);
}

static void
read_number_into(struct reader *reader, const struct rule *rule, int64_t number)
{
	if (number >= 0)
		builder_number(&reader->builder, rule->slot, rule->rank, number);
}

/* Texts that are markup or may be. */
static void
read_markup(struct reader *reader, const struct rule *rule, char *text, size_t len)
{
	struct builder *builder = &reader->builder;
	bool html = reader->capture.form != FORM_PLAIN;

	if (rule->action == READ_TITLE || rule->action == READ_TITLE_CONSTRUCT) {
		const char *title = html
			? builder_title(builder, text, len)
			: builder_line(builder, text, len, reader->limits->max_title);

		builder_text(builder, rule->slot, rule->rank, title);
		return;
	}
	if (strspn(text, " \t\r\n") == len)
		return;
	if (html)
		builder_markup(builder, rule->slot, rule->rank, text,
			builder_base(builder, reader->capture.base));
	else
		builder_text(builder, rule->slot, rule->rank, text);
}

/* Texts that are one thing on one line. */
static void
read_token(struct reader *reader, const struct rule *rule, char *text, size_t len)
{
	struct builder *builder = &reader->builder;

	text = trim(text, &len);
	if (len == 0 && !reader->capture.label)
		return;
	if (rule->action == READ_LINE) {
		builder_text(builder, rule->slot, rule->rank,
			builder_line(builder, text, len, reader->limits->max_title));
	} else if (rule->action == READ_URL || rule->action == READ_LINK) {
		/* The address of an image counts as much as the image. */
		uint8_t rank =
			rule->in == IN_IMAGE ? reader->levels[reader->depth - 1].rank : rule->rank;

		if (rule->slot != SLOT_NONE)
			builder_text(builder, rule->slot, rank,
				builder_url(builder, reader->capture.base, text, len));
	} else if (rule->action == READ_ID) {
		if (builder_wants(builder, rule->slot, rule->rank))
			builder_scope(builder)->permalink = reader->capture.permalink;
		builder_text(builder, rule->slot, rule->rank, builder_id(builder, text, len));
	} else if (rule->action == READ_AUTHOR) {
		read_authors(reader, rule->rank, text, len);
	} else if (rule->action == READ_PERSON) {
		read_person_part(reader, rule, text, len);
	} else if (rule->action == READ_TAG) {
		bool label = reader->capture.label && !(reader->capture.spare && len > 0);

		builder_tag(
			builder, label ? reader->capture.label : builder_title(builder, text, len));
	} else if (rule->action == TAKE_IMAGE) {
		/* Words are no address. */
		if (url_is_http(text) || *text == '/')
			builder_text(builder, rule->slot, rule->rank,
				builder_url(builder, reader->capture.base, text, len));
	} else if (rule->action == READ_TAGS) {
		read_tags(reader, text, len);
	}
}

static void
read_measure(struct reader *reader, const struct rule *rule, char *text, size_t len)
{
	text = trim(text, &len);
	if (len == 0)
		return;
	if (rule->action == READ_DATE) {
		int64_t date = date_parse(text, len);

		if (date == DATE_NONE)
			return;
		bool both = rule->slot == SLOT_DATE;
		builder_number(
			&reader->builder, both ? SLOT_PUBLISHED : rule->slot, rule->rank, date);
		if (both)
			builder_number(
				&reader->builder, SLOT_MODIFIED, (uint8_t)(rule->rank + 4), date);
	} else if (rule->action == READ_NUMBER) {
		read_number_into(reader, rule, read_number(text, len));
	} else if (rule->action == READ_DURATION) {
		read_number_into(reader, rule, date_duration(text, len));
	} else if (rule->action == READ_POINT) {
		read_point(reader, rule->rank, text);
	} else if (rule->action == READ_DEGREES) {
		read_coordinate(reader, rule, text);
	} else if (rule->action == READ_PERIOD) {
		read_number_into(reader, rule, read_period(text));
	} else if (rule->action == READ_HOUR) {
		read_hour(reader, text, len);
	} else if (rule->action == READ_DAY) {
		read_day(reader, text);
	}
}

void
value_read(struct reader *reader, const struct rule *rule, char *text, size_t len)
{
	if (reader->capture.base64) {
		len = decode_base64(text, len);
		text = text_clean(reader->builder.arena, text, len);
		len = strlen(text);
	}
	if (rule->action >= READ_TITLE && rule->action <= READ_TITLE_CONSTRUCT)
		read_markup(reader, rule, text, len);
	else if (rule->action == READ_DATE ||
		(rule->action >= READ_NUMBER && rule->action <= READ_DAY))
		read_measure(reader, rule, text, len);
	else
		read_token(reader, rule, text, len);
}
