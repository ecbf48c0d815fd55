/*
 * config_scan.h - a configuration file as a row of statements.
 *
 * Private to the configuration. libConfuse stops at the first fault of what it is given, so it is
 * given one statement at a time: cut out here, with its line, by the rules of libConfuse's own
 * lexer. A broken statement is left out and the scan goes on behind it. Pure.
 */
#ifndef FEEDD_CONFIG_SCAN_H
#define FEEDD_CONFIG_SCAN_H

#include <stddef.h>

enum config_statement_kind {
	STATEMENT_END,	 /* of the file */
	STATEMENT_SET,	 /* name = value, name += value */
	STATEMENT_CALL,	 /* name(value, …) */
	STATEMENT_OPEN,	 /* name [title] { */
	STATEMENT_CLOSE, /* } */
	STATEMENT_BAD,	 /* error says what is wrong in this line */
};

struct config_statement {
	enum config_statement_kind kind;
	int line;	   /* of its first word; of the fault for STATEMENT_BAD */
	char name[64];	   /* cut if longer: no option is */
	const char *title; /* STATEMENT_OPEN: its bytes without quotes, or NULL */
	size_t title_len;
	char *text; /* SET and CALL: the whole statement */
	size_t len;
	const char *error;
};

struct config_scan {
	char *at, *end;
	int line;
};

/* Begins at the start of the text, which must stay while the scan goes on and is not changed by it.
 */
void config_scan_init(struct config_scan *scan, char *text, size_t len);
/* The next statement. Always ends: each call but the last moves on. */
void config_scan_next(struct config_scan *scan, struct config_statement *ret_statement);

#endif
