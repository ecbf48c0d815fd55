/*
 * filter.c - `where`: an SQL expression over the columns of items.
 *
 * The expression is compiled on an in-memory database of its own as SELECT (expression) FROM
 * (SELECT ?1 AS id, …): SQLite's expressions without any table in reach. An authorizer denies
 * whatever is not a plain function call, a second SELECT above all; a progress handler bounds the
 * steps; REGEXP is PCRE2 with match limits. Values that come from the network are bound, never
 * spelled out. What an evaluation may allocate is bounded, and functions whose time grows with the
 * product of their arguments are left out or done otherwise: texts may be of 4 MiB.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <errno.h>
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "quota.h"
#include "room.h"

#define MAX_STEPS 1000000
#define MAX_EXPRESSION 16384
#define MATCH_LIMIT 100000
/* What one evaluation may allocate, all in all. */
#define MEMORY_MAX ((size_t)64 << 20)
#define LIKE_PATTERN_MAX 250
#define DEPTH_LIMIT 1000

struct filter {
	sqlite3 *handle;
	pcre2_general_context *memory; /* of REGEXP */
	sqlite3_stmt *stmt;
	int selects;	 /* SELECTs seen while compiling: two are ours */
	const char *why; /* what the authorizer denied */
};

static const char *const column_names[] = {"id", "feed", "event", "seq", "guid", "url",
	"external_url", "title", "summary", "content_html", "content_text", "authors", "tags",
	"attachments", "image", "banner_image", "language", "base_url", "published", "modified",
	"extensions", "first_seen"};

/* Functions that reach beyond their arguments, make much of little, or take long. */
static const char *const denied_functions[] = {"load_extension", "readfile", "writefile", "edit",
	"fts3_tokenizer", "randomblob", "zeroblob", "printf", "format", "replace",
	"sqlite_compileoption_get", "sqlite_compileoption_used"};

static int
deny(struct filter *filter, const char *why)
{
	if (!filter->why)
		filter->why = why;
	return SQLITE_DENY;
}

static int
authorize(void *arg, int action, const char *first, const char *second, const char *database,
	const char *trigger)
{
	struct filter *filter = arg;

	(void)first;
	(void)database;
	(void)trigger;
	switch (action) {
	case SQLITE_SELECT:
		return ++filter->selects <= 2
			? SQLITE_OK
			: deny(filter, "an expression is wanted, without SELECT");
	case SQLITE_READ: /* columns of our own subquery */
		return SQLITE_OK;
	case SQLITE_FUNCTION:
		for (size_t i = 0; i < ARRAY_SIZE(denied_functions); i++)
			if (second && strcasecmp(second, denied_functions[i]) == 0)
				return deny(filter, "this function is not allowed here");
		return SQLITE_OK;
	default:
		return deny(filter, "only an expression is allowed here");
	}
}

static void *
take(size_t size, void *arg)
{
	(void)arg;
	return xmalloc(size);
}

static void
give(void *block, void *arg)
{
	(void)arg;
	free(block);
}

static void
free_pattern(void *pattern)
{
	pcre2_code_free(pattern);
}

static pcre2_code *
compile_pattern(sqlite3_context *context, sqlite3_value *value)
{
	int code;
	PCRE2_SIZE offset;
	const unsigned char *text = sqlite3_value_text(value);
	struct filter *filter = sqlite3_user_data(context);

	if (!text)
		return NULL;
	pcre2_compile_context *by = pcre2_compile_context_create(filter->memory);
	pcre2_code *pattern = pcre2_compile(text, PCRE2_ZERO_TERMINATED,
		PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C, &code, &offset, by);
	pcre2_compile_context_free(by);
	if (pattern)
		return pattern;
	PCRE2_UCHAR message[160];
	char error[256];
	pcre2_get_error_message(code, message, sizeof(message));
	snprintf(error, sizeof(error), "REGEXP: %s at offset %zu", (char *)message, offset);
	sqlite3_result_error(context, error, -1);
	return NULL;
}

/* regexp(pattern, text), which is what "text REGEXP pattern" calls. A pattern that costs too much
 * does not match. */
static void
sql_regexp(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	(void)argc;
	struct filter *filter = sqlite3_user_data(context);
	pcre2_code *pattern = sqlite3_get_auxdata(context, 0);
	const unsigned char *text = sqlite3_value_text(argv[1]);

	if (!pattern) {
		pattern = compile_pattern(context, argv[0]);
		if (!pattern)
			return;
		sqlite3_set_auxdata(context, 0, pattern, free_pattern);
		pattern = sqlite3_get_auxdata(context, 0);
	}
	if (!text || !pattern)
		return; /* NULL */
	pcre2_match_data *match = pcre2_match_data_create_from_pattern(pattern, NULL);
	pcre2_match_context *limits = pcre2_match_context_create(filter->memory);
	pcre2_set_match_limit(limits, MATCH_LIMIT);
	pcre2_set_depth_limit(limits, DEPTH_LIMIT);
	int r = pcre2_match(
		pattern, text, (PCRE2_SIZE)sqlite3_value_bytes(argv[1]), 0, 0, match, limits);
	sqlite3_result_int(context, r >= 0);
	pcre2_match_context_free(limits);
	pcre2_match_data_free(match);
}

static int
stop_long_runs(void *arg)
{
	(void)arg;
	return 1;
}

/* instr(text, part): where the part begins, in characters from 1, or 0. SQLite's own takes the
 * product of both lengths. */
static void
sql_instr(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	(void)argc;
	const unsigned char *text = sqlite3_value_text(argv[0]);
	const unsigned char *part = sqlite3_value_text(argv[1]);

	if (!text || !part)
		return; /* NULL */
	const unsigned char *found = memmem(text, (size_t)sqlite3_value_bytes(argv[0]), part,
		(size_t)sqlite3_value_bytes(argv[1]));
	sqlite3_int64 at = found ? 1 : 0;
	for (const unsigned char *c = text; found && c < found; c++)
		at += (*c & 0xc0) != 0x80;
	sqlite3_result_int64(context, at);
}

/* trim(text, characters) and its like take the product of both lengths, too. */
static void
sql_refuse(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	(void)argc;
	(void)argv;
	sqlite3_result_error(context, "trim() with characters is not allowed here", -1);
}

static void
add_functions(struct filter *filter)
{
	static const struct {
		const char *name;
		void (*run)(sqlite3_context *context, int argc, sqlite3_value **argv);
	} functions[] = {{"regexp", sql_regexp}, {"instr", sql_instr}, {"trim", sql_refuse},
		{"ltrim", sql_refuse}, {"rtrim", sql_refuse}};

	for (size_t i = 0; i < ARRAY_SIZE(functions); i++)
		sqlite3_create_function_v2(filter->handle, functions[i].name, 2,
			SQLITE_UTF8 | SQLITE_DETERMINISTIC, filter, functions[i].run, NULL, NULL,
			NULL);
}

static void
limit(sqlite3 *handle)
{
	sqlite3_limit(handle, SQLITE_LIMIT_EXPR_DEPTH, 200);
	sqlite3_limit(handle, SQLITE_LIMIT_LIKE_PATTERN_LENGTH, LIKE_PATTERN_MAX);
	sqlite3_limit(handle, SQLITE_LIMIT_LENGTH, 32 << 20);
	sqlite3_limit(handle, SQLITE_LIMIT_ATTACHED, 0);
	sqlite3_limit(handle, SQLITE_LIMIT_COMPOUND_SELECT, 1);
	sqlite3_limit(handle, SQLITE_LIMIT_FUNCTION_ARG, 32);
}

static int
prepare(struct filter *filter, const char *where)
{
	AUTO(buf_fini) struct buf sql = BUF_INIT(MAX_EXPRESSION + 2048);

	/* The line feed ends a comment, so that "--" cannot swallow what follows. */
	buf_printf(&sql, "SELECT (%s\n) FROM (SELECT ", where);
	for (size_t i = 0; i < ARRAY_SIZE(column_names); i++)
		buf_printf(&sql, "%s?%zu AS %s", i ? ", " : "", i + 1, column_names[i]);
	buf_puts(&sql, ")");
	const char *tail = NULL;
	int code = sqlite3_prepare_v2(filter->handle, sql.data, -1, &filter->stmt, &tail);
	if (code == SQLITE_OK && tail && *tail) {
		filter->why = "only one expression is allowed here";
		return -EINVAL;
	}
	if (code == SQLITE_OK &&
		(!filter->stmt ||
			sqlite3_bind_parameter_count(filter->stmt) !=
				(int)ARRAY_SIZE(column_names) ||
			sqlite3_column_count(filter->stmt) != 1)) {
		filter->why = "only one expression without parameters is allowed here";
		return -EINVAL;
	}
	return code == SQLITE_OK ? 0 : -EINVAL;
}

/* Patterns that are spelled out are compiled when the row is evaluated first: do it now, so that
 * errors show at the load. */
static int
try_once(struct filter *filter, char **ret_error)
{
	const struct item item = {.id = "", .published_at = 0, .modified_at = 0};
	const struct filter_row row = {.feed = "", .event = "item.new", .item = &item};

	filter_pass(filter, &row);
	int code = sqlite3_errcode(filter->handle);
	sqlite3_reset(filter->stmt);
	const char *said = sqlite3_errmsg(filter->handle);
	/* Other functions may mind that the item is empty. */
	if (code != SQLITE_ERROR ||
		(strncmp(said, "REGEXP", 6) != 0 && strncmp(said, "trim()", 6) != 0))
		return 0;
	*ret_error = xstrdup(said);
	return -EINVAL;
}

struct filter *
filter_new(const char *where, char **ret_error)
{
	*ret_error = NULL;
	if (strlen(where) > MAX_EXPRESSION || strspn(where, " \t\r\n") == strlen(where)) {
		*ret_error = xasprintf("%s",
			*where ? "the expression is empty or longer than 16 KiB"
			       : "the expression is empty");
		return NULL;
	}
	quota_init();
	struct filter *filter = xcalloc(1, sizeof(*filter));
	filter->memory = pcre2_general_context_create(take, give, NULL);
	if (sqlite3_open_v2(":memory:", &filter->handle,
		    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
		*ret_error = xstrdup("out of memory");
		filter_free(filter);
		return NULL;
	}
	limit(filter->handle);
	add_functions(filter);
	sqlite3_set_authorizer(filter->handle, authorize, filter);
	sqlite3_progress_handler(filter->handle, MAX_STEPS, stop_long_runs, NULL);
	if (prepare(filter, where) < 0)
		*ret_error = xstrdup(filter->why ? filter->why : sqlite3_errmsg(filter->handle));
	else if (try_once(filter, ret_error) == 0)
		return filter;
	filter_free(filter);
	return NULL;
}

void
filter_free(struct filter *filter)
{
	if (!filter)
		return;
	sqlite3_finalize(filter->stmt);
	sqlite3_close(filter->handle);
	pcre2_general_context_free(filter->memory);
	free(filter);
}

static void
bind_text(sqlite3_stmt *stmt, int at, const char *value)
{
	if (value)
		sqlite3_bind_text(stmt, at, value, -1, SQLITE_STATIC);
	else
		sqlite3_bind_null(stmt, at);
}

static void
bind_date(sqlite3_stmt *stmt, int at, int64_t date)
{
	if (date != DATE_NONE)
		sqlite3_bind_int64(stmt, at, date);
	else
		sqlite3_bind_null(stmt, at);
}

bool
filter_pass(struct filter *filter, const struct filter_row *row)
{
	static const struct item nothing = {.published_at = DATE_NONE, .modified_at = DATE_NONE};
	const struct item *item = row->item ? row->item : &nothing;
	sqlite3_stmt *stmt = filter->stmt;
	const char *const texts[] = {item->id, item->url, item->external_url,
		row->item ? item->title : row->title, item->summary, item->content_html,
		item->content_text, row->authors_json, row->tags_json, row->attachments_json,
		item->image, item->banner_image, item->language, item->base_url};
	int at = 1;

	sqlite3_reset(stmt);
	sqlite3_bind_int64(stmt, at++, row->id);
	bind_text(stmt, at++, row->feed);
	bind_text(stmt, at++, row->event);
	sqlite3_bind_int64(stmt, at++, row->seq);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		bind_text(stmt, at++, texts[i]);
	bind_date(stmt, at++, item->published_at);
	bind_date(stmt, at++, item->modified_at);
	bind_text(stmt, at++, row->extensions_json);
	sqlite3_bind_int64(stmt, at, row->first_seen);
	quota_begin(MEMORY_MAX);
	bool pass = sqlite3_step(stmt) == SQLITE_ROW && sqlite3_column_int(stmt, 0) != 0;
	quota_end();
	sqlite3_reset(stmt);
	return pass;
}
