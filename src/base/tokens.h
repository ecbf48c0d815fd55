/*
 * tokens.h - a date cut into words, numbers and signs, for words.c. Pure; private to this room.
 */
#ifndef FEEDD_TOKENS_H
#define FEEDD_TOKENS_H

#include "calendar.h"

/* A date has no more than this; longer texts are none. */
#define TOKENS_MAX 32
#define ZONE_NAME_MAX 8

enum token_kind {
	TOKEN_NONE, /* behind the last one */
	TOKEN_NUMBER,
	TOKEN_WORD, /* a month or weekday */
	TOKEN_ZONE,
	TOKEN_HALF_DAY, /* value 1 for PM */
	TOKEN_SIGN,	/* value 1 or -1 */
	TOKEN_COLON,
	TOKEN_SLASH,
	TOKEN_DOT,
	TOKEN_COMMA,
	TOKEN_YEAR, /* 年 and its like, behind a number */
	TOKEN_MONTH,
	TOKEN_DAY,
	TOKEN_HOUR,
	TOKEN_MINUTE,
	TOKEN_SECOND,
};

struct token {
	enum token_kind kind;
	int value;		      /* of a number: up to nine digits */
	int digits;		      /* of a number */
	bool spaced;		      /* a blank stands before it */
	const struct date_name *name; /* of a TOKEN_WORD */
	char zone[ZONE_NAME_MAX]; /* of a TOKEN_ZONE, and of a word that may be one; upper case */
	size_t zone_len;
};

struct tokens {
	struct token token[TOKENS_MAX];
	size_t n;
	struct token comment; /* a zone in parentheses, kind TOKEN_ZONE */
	bool has_clock;	      /* a colon was seen */
	bool is_korean;	      /* without a zone it is Korean time, the only one there is */
};

/* Cuts s; false if there is something in it that no date has. */
bool tokens_read(struct tokens *tokens, const char *s, size_t len);

#endif
