/* output.c - see output.h. Touches standard output and error, the terminal's width and the clock.
 */
#include "output.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#include "feedctl.h"
#include "feedd/date.h"
#include "feedd/log.h"
#include "feedd/text.h"

static const char *const colours[] = {
	[COLOUR_NONE] = "",
	[COLOUR_HEAD] = "\033[1m",
	[COLOUR_GOOD] = "\033[32m",
	[COLOUR_WARN] = "\033[33m",
	[COLOUR_BAD] = "\033[31m",
	[COLOUR_FAINT] = "\033[2m",
};

static bool
is_terminal(void)
{
	static int known = -1;

	if (known < 0)
		known = isatty(STDOUT_FILENO);
	return known > 0;
}

static bool
wants_colour(void)
{
	const char *term = getenv("TERM");
	const char *no = getenv("NO_COLOR");

	return is_terminal() && !(no && *no) && !(term && strcmp(term, "dumb") == 0);
}

char *
output_escape(const char *text)
{
	struct buf out = BUF_INIT(SIZE_MAX / 2);

	if (text)
		log_escape(&out, text, strlen(text));
	return buf_steal(&out);
}

/* Columns on the screen of one character. */
static size_t
char_width(uint32_t c)
{
	int width = wcwidth((wchar_t)c);

	return width >= 0 ? (size_t)width : 1;
}

static size_t
text_width(const char *text)
{
	size_t width = 0;
	size_t len = strlen(text);

	for (size_t i = 0; i < len;) {
		uint32_t c;
		size_t n = text_decode(text + i, len - i, &c);

		width += n ? char_width(c) : 1;
		i += n ? n : 1;
	}
	return width;
}

/* Bytes of text that fit into so many columns. */
static size_t
fitting(const char *text, size_t columns)
{
	size_t len = strlen(text);
	size_t i = 0;

	while (i < len) {
		uint32_t c;
		size_t n = text_decode(text + i, len - i, &c);
		size_t width = n ? char_width(c) : 1;

		if (width > columns)
			break;
		columns -= width;
		i += n ? n : 1;
	}
	return i;
}

static void
add_cell(struct table *table, enum colour colour, char *text)
{
	if (table->n_cells == table->room) {
		table->room = table->room ? 2 * table->room : 64;
		table->cells = xrealloc(table->cells, table->room, sizeof(*table->cells));
	}
	table->cells[table->n_cells++] = (struct table_cell){.text = text, .colour = colour};
}

void
table_begin(struct table *table, const char *const *headings)
{
	*table = (struct table){0};
	for (; headings[table->columns]; table->columns++)
		add_cell(table, COLOUR_HEAD, xstrdup(headings[table->columns]));
}

void
table_add(struct table *table, enum colour colour, const char *text)
{
	add_cell(table, colour, output_escape(text && *text ? text : "-"));
}

void
table_addf(struct table *table, enum colour colour, const char *fmt, ...)
{
	char text[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	table_add(table, colour, text);
}

static size_t
terminal_width(void)
{
	struct winsize size;

	if (is_terminal() && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col;
	return SIZE_MAX;
}

static void
print_cell(const struct table_cell *cell, size_t width, bool last, size_t left)
{
	bool colour = cell->colour != COLOUR_NONE && wants_colour();
	size_t len = last ? fitting(cell->text, left) : strlen(cell->text);

	if (colour)
		fputs(colours[cell->colour], stdout);
	fwrite(cell->text, 1, len, stdout);
	if (colour)
		fputs("\033[0m", stdout);
	if (last)
		putchar('\n');
	else
		printf("%*s", (int)(width - text_width(cell->text) + 2), "");
}

int
table_print(struct table *table)
{
	size_t *widths = xcalloc(table->columns, sizeof(*widths));
	size_t total = terminal_width();

	for (size_t i = 0; i < table->n_cells; i++) {
		size_t width = text_width(table->cells[i].text);

		if (width > widths[i % table->columns])
			widths[i % table->columns] = width;
	}
	for (size_t i = 0; i + 1 < table->columns && total != SIZE_MAX; i++)
		total = total > widths[i] + 2 ? total - widths[i] - 2 : 0;
	if (total < 8)
		total = SIZE_MAX; /* too narrow for columns: let it wrap */
	for (size_t i = 0; i < table->n_cells; i++) {
		size_t column = i % table->columns;

		if (table->n_cells > table->columns) /* headings of nothing tell nothing */
			print_cell(&table->cells[i], widths[column], column + 1 == table->columns,
				total);
		free(table->cells[i].text);
	}
	free(widths);
	free(table->cells);
	*table = (struct table){0};
	return output_end();
}

static char *
format(const char *fmt, va_list args)
{
	char *text;

	if (vasprintf(&text, fmt, args) < 0)
		mem_exhausted(0);
	char *clean = output_escape(text);
	free(text);
	return clean;
}

void
output_field(const char *name, const char *text)
{
	if (!text || !*text)
		return;
	AUTO(freep) char *clean = output_escape(text);
	printf("%s%-18s%s %s\n", wants_colour() ? colours[COLOUR_HEAD] : "", name,
		wants_colour() ? "\033[0m" : "", clean);
}

void
output_fieldf(const char *name, const char *fmt, ...)
{
	char text[1024];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	output_field(name, text);
}

void
output_line(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	AUTO(freep) char *text = format(fmt, args);
	va_end(args);
	puts(text);
}

void
output_error(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	AUTO(freep) char *text = format(fmt, args);
	va_end(args);
	fprintf(stderr, "feedctl: %s\n", text);
}

int
output_raw(const char *data, size_t len)
{
	fwrite(data, 1, len, stdout);
	return output_end();
}

int
output_end(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return EXIT_DONE;
	output_error("standard output cannot be written: %m");
	return EXIT_FAILED;
}

/* The next of four buffers. */
static char *
next_text(void)
{
	static char texts[4][48];
	static unsigned turn;

	return texts[turn++ % ARRAY_SIZE(texts)];
}

const char *
output_span(int64_t seconds)
{
	static const struct {
		int64_t below, unit;
		const char *name;
	} units[] = {
		{120, 1, "s"},
		{2 * 3600, 60, "min"},
		{2 * 86400, 3600, "h"},
		{INT64_MAX, 86400, "d"},
	};
	char *text = next_text();
	size_t i = 0;

	while (seconds >= units[i].below && i + 1 < ARRAY_SIZE(units))
		i++;
	snprintf(text, 48, "%lld %s", (long long)(seconds / units[i].unit), units[i].name);
	return text;
}

const char *
output_ago(const char *date)
{
	int64_t at = date ? date_parse(date, strlen(date)) : DATE_NONE;

	if (at == DATE_NONE)
		return "-";
	int64_t since = time(NULL) - at;
	char *text = next_text();
	if (since >= 0)
		snprintf(text, 48, "%s ago", output_span(since));
	else
		snprintf(text, 48, "in %s", output_span(-since));
	return text;
}

const char *
output_bytes(int64_t bytes)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
	char *text = next_text();
	double value = (double)bytes;
	size_t i = 0;

	for (; value >= 1024 && i + 1 < ARRAY_SIZE(units); i++)
		value /= 1024;
	snprintf(text, 48, "%.*f %s", i ? 1 : 0, value, units[i]);
	return text;
}
