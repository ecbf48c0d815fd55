/*
 * log.h - one record, one line, and nothing hostile in it.
 *
 * Layer 0. Layers 0 to 3 log nothing above debug; 4 and 5 log once, where it is decided what
 * happens next. Every byte below space, DEL and every invalid UTF-8 byte is escaped (\n, \x1b) at
 * this one door, so callers may pass text from the network as an argument (never as the format).
 * Thread-safe. A line is at most LOG_LINE_MAX bytes; the rest is cut with "…".
 */
#ifndef FEEDD_LOG_H
#define FEEDD_LOG_H

#include <stdint.h>
#include <syslog.h> /* LOG_ERR, LOG_WARNING, LOG_NOTICE, LOG_INFO, LOG_DEBUG */

#include "feedd/mem.h"

#define LOG_LINE_MAX 2048

/* What a record is about; all may be absent. Become journal fields, see daemon/journal.c. */
struct log_about {
	const char *feed;	/* FEEDD_FEED= */
	const char *notify;	/* FEEDD_NOTIFY= */
	int64_t seq;		/* FEEDD_SEQ=, 0 for none */
	const char *message_id; /* MESSAGE_ID=, 32 hex digits, one for each kind of message */
};

struct log_record {
	int level; /* of syslog.h */
	const char *file, *func;
	int line;
	struct log_about about;
	const char *text; /* escaped, without a line feed */
};

/* Where records go. The default writes to standard error, with "<N>" before it if asked for. */
typedef void log_sink(const struct log_record *record);

/* level: the least important one that is written. prefix: "<N>" of sd-daemon(3) before each line.
 */
void log_init(int level, int prefix);
/* The least important level that is written, from now on. Any thread. */
void log_set_level(int level);
/* Replaces the sink (the daemon's journal). NULL: standard error again. Before threads start. */
void log_set_sink(log_sink *sink);
/* True if records of this level are written: spares the work of making their arguments. */
int log_wants(int level);

/* Writes one record, if the level is wanted. What the macros below call; fmt is theirs, about may
 * be NULL. */
void log_write(int level, const char *file, int line, const char *func,
	const struct log_about *about, const char *fmt, ...) PRINTF_LIKE(6, 7);

#define log_at(level, about, ...) log_write(level, __FILE__, __LINE__, __func__, about, __VA_ARGS__)
#define log_error(...) log_at(LOG_ERR, NULL, __VA_ARGS__)
#define log_warning(...) log_at(LOG_WARNING, NULL, __VA_ARGS__)
#define log_notice(...) log_at(LOG_NOTICE, NULL, __VA_ARGS__)
#define log_info(...) log_at(LOG_INFO, NULL, __VA_ARGS__)
#define log_debug(...) log_at(LOG_DEBUG, NULL, __VA_ARGS__)

/* Appends len bytes of text to out, escaped as above. Also used for hooks' output. */
void log_escape(struct buf *out, const char *text, size_t len);

#endif
