/* log.c - see log.h. Formats on the caller's stack and writes a line with one write(2). */
#include "feedd/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "feedd/text.h"

#define ELLIPSIS "…"
#define ELLIPSIS_LEN (sizeof(ELLIPSIS) - 1)

static atomic_int log_level = LOG_INFO; /* a reload may change it while others log */
static int log_prefix;
static log_sink *log_out;

static void
write_stderr(const struct log_record *record)
{
	char line[LOG_LINE_MAX + 64];
	int len = log_prefix ? snprintf(line, sizeof(line), "<%d>%s\n", record->level, record->text)
			     : snprintf(line, sizeof(line), "feedd: %s\n", record->text);

	if (len < 0)
		return;
	if ((size_t)len >= sizeof(line))
		len = (int)sizeof(line) - 1;
	if (write(STDERR_FILENO, line, (size_t)len) < 0) {
		/* a log that cannot be written has nowhere to say so */
	}
}

void
log_init(int level, int prefix)
{
	log_level = level;
	log_prefix = prefix;
}

void
log_set_sink(log_sink *sink)
{
	log_out = sink;
}

void
log_set_level(int level)
{
	log_level = level;
}

int
log_wants(int level)
{
	return level <= log_level;
}

/* True for what must not reach a terminal or a log raw: C0, DEL, C1, line separators, bidi
 * controls. */
static bool
is_unsafe(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029 ||
		text_is_bidi_control(c);
}

void
log_escape(struct buf *out, const char *text, size_t len)
{
	size_t i = 0;

	while (i < len) {
		uint32_t c;
		size_t n = text_decode(text + i, len - i, &c);

		if (n == 0) { /* not UTF-8 */
			buf_printf(out, "\\x%02x", (unsigned char)text[i]);
			i++;
			continue;
		}
		if (c == '\n')
			buf_puts(out, "\\n");
		else if (c == '\t')
			buf_puts(out, "\\t");
		else if (is_unsafe(c))
			buf_printf(out, c < 0x80 ? "\\x%02x" : "\\u%04x", c);
		else
			buf_append(out, text + i, n);
		i += n;
	}
}

void
log_write(int level, const char *file, int line, const char *func, const struct log_about *about,
	const char *fmt, ...)
{
	if (!log_wants(level))
		return;
	char raw[LOG_LINE_MAX];
	va_list args;
	va_start(args, fmt);
	int len = vsnprintf(raw, sizeof(raw), fmt, args);
	va_end(args);
	if (len < 0)
		return;
	AUTO(buf_fini) struct buf text = BUF_INIT(4 * sizeof(raw) + 8);
	size_t kept = (size_t)len < sizeof(raw) ? (size_t)len : text_cut(raw, sizeof(raw) - 1);
	log_escape(&text, raw, kept);
	/* Escaping makes it longer, up to four times. */
	if (kept < (size_t)len || text.len > LOG_LINE_MAX) {
		if (text.len > LOG_LINE_MAX - ELLIPSIS_LEN)
			text.len = text_cut(text.data, LOG_LINE_MAX - ELLIPSIS_LEN);
		buf_puts(&text, ELLIPSIS);
	}
	struct log_record record = {
		.level = level,
		.file = file,
		.func = func,
		.line = line,
		.text = text.data ? text.data : "",
	};
	if (about)
		record.about = *about;
	(log_out ? log_out : write_stderr)(&record);
}
