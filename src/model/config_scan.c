/* config_scan.c - cuts a configuration file into statements. Pure; see config_scan.h. */
#include "config_scan.h"

#include <stdbool.h>
#include <string.h>

enum token_kind { TOKEN_END, TOKEN_WORD, TOKEN_STRING, TOKEN_MARK, TOKEN_BAD };

struct token {
	enum token_kind kind;
	char mark; /* one of = + { } ( ) , for TOKEN_MARK; + stands for += */
	int line;
	char *at; /* without quotes for TOKEN_STRING */
	size_t len;
	const char *error;
};

void
config_scan_init(struct config_scan *scan, char *text, size_t len)
{
	*scan = (struct config_scan){.at = text, .end = text + len, .line = 1};
}

static bool
looking_at(const struct config_scan *scan, const char *what)
{
	size_t len = strlen(what);

	return (size_t)(scan->end - scan->at) >= len && memcmp(scan->at, what, len) == 0;
}

static void
step(struct config_scan *scan)
{
	if (*scan->at == '\n')
		scan->line++;
	scan->at++;
}

static const char *
skip_comment(struct config_scan *scan)
{
	scan->at += 2;
	while (scan->at < scan->end && !looking_at(scan, "*/"))
		step(scan);
	if (scan->at == scan->end)
		return "this comment has no end";
	scan->at += 2;
	return NULL;
}

/* To the next byte that matters. The text of a fault, or NULL. */
static const char *
skip_blanks(struct config_scan *scan, int *ret_line)
{
	while (scan->at < scan->end) {
		*ret_line = scan->line;
		if (*scan->at == '#' || looking_at(scan, "//")) {
			while (scan->at < scan->end && *scan->at != '\n')
				scan->at++;
		} else if (looking_at(scan, "/*")) {
			const char *error = skip_comment(scan);
			if (error)
				return error;
		} else if (strchr(" \t\r\n\v\f", *scan->at)) {
			step(scan);
		} else {
			break;
		}
	}
	*ret_line = scan->line;
	return NULL;
}

/* An escape that the lexer would refuse in the middle of a string, from which it does not recover.
 */
static const char *
check_escape(const struct config_scan *scan)
{
	const char *p = scan->at + 1;
	size_t digits = 0;
	unsigned value = 0;

	if (p < scan->end && *p == 'x' && scan->end - p > 1 && p[1] == '0' &&
		(scan->end - p < 3 || p[2] == '0' || !strchr("123456789abcdefABCDEF", p[2])))
		return "a string cannot hold a NUL character";
	while (p + digits < scan->end && p[digits] >= '0' && p[digits] <= '9') {
		if (p[digits] > '7' || digits == 3)
			return "bad escape sequence (write \\\\ for a backslash)";
		value = value * 8 + (unsigned)(p[digits++] - '0');
	}
	if (value > 255)
		return "bad escape sequence (write \\\\ for a backslash)";
	if (digits > 0 && value == 0)
		return "a string cannot hold a NUL character";
	return NULL;
}

/* ${NAME} and ${NAME:-default}: to its closing brace. */
static const char *
skip_variable(struct config_scan *scan)
{
	while (scan->at < scan->end && *scan->at != '}') {
		if (*scan->at == '\n' || *scan->at == '"')
			return "${ is not closed by } (write \\${ for the characters themselves)";
		scan->at++;
	}
	if (scan->at == scan->end)
		return "${ is not closed by }";
	return NULL;
}

static void
read_string(struct config_scan *scan, struct token *token)
{
	char quote = *scan->at++;

	token->at = scan->at;
	while (scan->at < scan->end && *scan->at != quote) {
		const char *error = NULL;
		if (*scan->at == '\\' && quote == '"')
			error = check_escape(scan);
		else if (quote == '"' && looking_at(scan, "${"))
			error = skip_variable(scan);
		if (!token->error)
			token->error = error;
		if (*scan->at == '\\' && scan->at + 1 < scan->end)
			scan->at++;
		if (scan->at < scan->end && (!error || *scan->at != quote))
			step(scan);
	}
	token->len = (size_t)(scan->at - token->at);
	if (scan->at == scan->end)
		token->error = "this string has no end";
	else
		scan->at++;
	token->kind = token->error ? TOKEN_BAD : TOKEN_STRING;
}

static void
read_word(struct config_scan *scan, struct token *token)
{
	token->kind = TOKEN_WORD;
	token->at = scan->at;
	if (looking_at(scan, "${")) {
		token->error = skip_variable(scan);
		if (token->error)
			token->kind = TOKEN_BAD;
		else
			scan->at++;
	} else {
		while (scan->at < scan->end && !strchr(" #\"'\t\n\r={}()+,*", *scan->at))
			scan->at++;
	}
	token->len = (size_t)(scan->at - token->at);
}

static void
read_token(struct config_scan *scan, struct token *token)
{
	*token = (struct token){0};
	token->error = skip_blanks(scan, &token->line);
	if (token->error) {
		token->kind = TOKEN_BAD;
	} else if (scan->at == scan->end) {
		token->kind = TOKEN_END;
	} else if (strchr("={}(),", *scan->at) || looking_at(scan, "+=")) {
		token->kind = TOKEN_MARK;
		token->mark = *scan->at;
		scan->at += *scan->at == '+' ? 2 : 1;
	} else if (*scan->at == '"' || *scan->at == '\'') {
		read_string(scan, token);
	} else if (*scan->at == '+' || *scan->at == '*') {
		token->kind = TOKEN_BAD;
		token->error = *scan->at == '+' ? "unexpected +" : "unexpected *";
		scan->at++;
	} else {
		read_word(scan, token);
	}
}

static bool
is_mark(const struct token *token, char mark)
{
	return token->kind == TOKEN_MARK && token->mark == mark;
}

static bool
is_value(const struct token *token)
{
	return token->kind == TOKEN_WORD || token->kind == TOKEN_STRING;
}

/* Makes the statement a bad one and goes on behind it: at the next line, and behind the braces that
 * were opened here. */
static void
give_up(struct config_scan *scan, struct config_statement *st, const struct token *token,
	const char *error)
{
	int depth = is_mark(token, '{') ? 1 : 0;
	bool unended = token->kind == TOKEN_BAD && scan->at == scan->end;

	st->kind = STATEMENT_BAD;
	st->line = token->line;
	st->error = token->error ? token->error : error;
	if (unended || token->kind == TOKEN_END)
		return;
	while (scan->at < scan->end && (depth > 0 || *scan->at != '\n')) {
		struct config_scan before = *scan;
		struct token next;
		read_token(scan, &next);
		if (next.kind == TOKEN_END)
			return;
		if (depth == 0 && (next.line != before.line || is_mark(&next, '}'))) {
			*scan = before;
			return;
		}
		depth += is_mark(&next, '{') - is_mark(&next, '}');
	}
}

/* Over the rest of a list that is wrong: behind its closing mark, or where the next statement seems
 * to begin. */
static const char *
skip_list(struct config_scan *scan, char closing)
{
	struct config_scan before = *scan, last = *scan;
	struct token token;

	for (;;) {
		read_token(scan, &token);
		if (is_mark(&token, closing))
			return "a comma is missing or too many in this list";
		if (token.kind == TOKEN_BAD)
			return token.error;
		if (token.kind == TOKEN_END || !(is_value(&token) || is_mark(&token, ',')))
			break;
		last = before;
		before = *scan;
	}
	*scan = is_mark(&token, '=') || is_mark(&token, '+') ? last : before;
	return closing == '}' ? "this list is not closed by }"
			      : "these arguments are not closed by )";
}

/* The rest of a list or of arguments, up to the closing mark. */
static void
read_until(struct config_scan *scan, struct config_statement *st, char closing)
{
	struct config_scan start = *scan;
	struct token token;
	bool want_value = true;

	for (;;) {
		read_token(scan, &token);
		if (is_mark(&token, closing))
			break;
		if (want_value ? !is_value(&token) : !is_mark(&token, ',')) {
			*scan = start;
			st->kind = STATEMENT_BAD;
			st->error = skip_list(scan, closing);
			return;
		}
		want_value = !want_value;
	}
	st->len = (size_t)(scan->at - st->text);
}

static void
read_set(struct config_scan *scan, struct config_statement *st)
{
	struct token token;
	struct config_scan before = *scan;

	st->kind = STATEMENT_SET;
	read_token(scan, &token);
	if (is_mark(&token, '{')) {
		read_until(scan, st, '}');
	} else if (is_value(&token)) {
		st->len = (size_t)(scan->at - st->text);
	} else {
		if (is_mark(&token, '}'))
			*scan = before;
		give_up(scan, st, &token, "a value is missing behind =");
	}
}

/* What follows the first word of a statement. */
static void
read_rest(struct config_scan *scan, struct config_statement *st)
{
	struct config_scan before = *scan;
	struct token token;

	read_token(scan, &token);
	if (is_mark(&token, '=') || is_mark(&token, '+')) {
		read_set(scan, st);
		return;
	}
	if (is_mark(&token, '(')) {
		st->kind = STATEMENT_CALL;
		read_until(scan, st, ')');
		return;
	}
	if (is_value(&token)) {
		st->title = token.at;
		st->title_len = token.len;
		before = *scan;
		read_token(scan, &token);
	}
	if (is_mark(&token, '{')) {
		st->kind = STATEMENT_OPEN;
		return;
	}
	if (token.kind != TOKEN_BAD) {
		*scan = before;
		token = (struct token){.kind = TOKEN_WORD, .line = st->line};
	}
	give_up(scan, st, &token, st->title ? "{ is missing" : "= or { is missing");
}

void
config_scan_next(struct config_scan *scan, struct config_statement *ret_statement)
{
	struct config_statement *st = ret_statement;
	struct token token;

	*st = (struct config_statement){0};
	read_token(scan, &token);
	st->line = token.line;
	if (token.kind == TOKEN_END) {
		st->kind = STATEMENT_END;
	} else if (is_mark(&token, '}')) {
		st->kind = STATEMENT_CLOSE;
	} else if (token.kind == TOKEN_WORD) {
		size_t len = token.len < sizeof(st->name) - 1 ? token.len : sizeof(st->name) - 1;
		memcpy(st->name, token.at, len);
		st->text = token.at;
		read_rest(scan, st);
	} else {
		give_up(scan, st, &token, "the name of an option or section was expected here");
	}
}
