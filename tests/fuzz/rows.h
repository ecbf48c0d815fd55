/*
 * rows.h - the database as a script sees it, held to the model of fuzz_polls.
 */
#ifndef FUZZ_ROWS_H
#define FUZZ_ROWS_H

#include <sqlite3.h>

#include "model.h"

#define ROWS_EVENTS 8192

enum rows_question {
	ROWS_ITEMS,
	ROWS_ITEM,
	ROWS_EVENT,
	ROWS_CURSOR,
	ROWS_HAS_EVENT,
	ROWS_OLDEST,
	ROWS_COUNT
};

struct rows {
	sqlite3 *db;
	sqlite3_stmt *stmts[ROWS_COUNT];
};

struct item_row {
	int64_t id, seq;
	bool held;
	struct shown shown;
};

struct event_row {
	int64_t seq, item, at;
	char kind[32];
};

#define ROWS_ITEM_COLUMNS "SELECT id, seq, held, guid, url, title, content_html FROM items"

static inline void
rows_open(struct rows *rows, const char *path)
{
	static const char *const sql[] = {
		ROWS_ITEM_COLUMNS " ORDER BY id",
		ROWS_ITEM_COLUMNS " WHERE id = ?",
		"SELECT seq, coalesce(item, 0), at, event FROM events WHERE seq > ? ORDER BY seq"
		" LIMIT 1",
		"SELECT seq FROM cursors WHERE notifier = ?",
		"SELECT 1 FROM events WHERE seq = ?",
		"SELECT min(seq) FROM events WHERE seq > ?",
	};

	must(sqlite3_open_v2(path, &rows->db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK,
		"the database can be read");
	for (int i = 0; i < ROWS_COUNT; i++)
		must(sqlite3_prepare_v2(rows->db, sql[i], -1, &rows->stmts[i], NULL) == SQLITE_OK,
			sqlite3_errmsg(rows->db));
}

static inline void
rows_close(struct rows *rows)
{
	for (int i = 0; i < ROWS_COUNT; i++)
		sqlite3_finalize(rows->stmts[i]);
	sqlite3_close(rows->db);
	*rows = (struct rows){0};
}

static inline sqlite3_stmt *
rows_ask(struct rows *rows, enum rows_question question, int64_t parameter)
{
	sqlite3_stmt *stmt = rows->stmts[question];

	sqlite3_reset(stmt);
	sqlite3_bind_int64(stmt, 1, parameter);
	return stmt;
}

/* What the row says of the article, read out of what the document said. */
static inline struct shown
rows_shown(sqlite3_stmt *stmt, enum site_mode mode)
{
	const char *guid = (const char *)sqlite3_column_text(stmt, 3),
		   *url = (const char *)sqlite3_column_text(stmt, 4),
		   *title = (const char *)sqlite3_column_text(stmt, 5),
		   *text = (const char *)sqlite3_column_text(stmt, 6),
		   *key = mode == SITE_GUID ? guid
		: mode == SITE_LINK	    ? url
					    : NULL;
	struct shown shown = {0};
	int again = -1;

	must(guid && title && text && (url || mode == SITE_TEXT), "a row is whole");
	must(sscanf(title, "t%d.%d", &shown.article, &shown.title) == 2, "a title is kept");
	must(sscanf(text, "#%d.%d#", &again, &shown.text) == 2, "a text is kept");
	must(again == shown.article, "a row is one article");
	if (key && strncmp(key, "https://www.", 12) == 0)
		shown.spelling = 1;
	else if (key && key[strlen(key) - 1] == '/')
		shown.spelling = 2;
	if (mode == SITE_GUID)
		must(sscanf(strchr(guid, 'g'), "g%d.", &shown.generation) == 1, "an id is kept");
	return shown;
}

static inline bool
rows_step_item(struct rows *rows, sqlite3_stmt *stmt, enum site_mode mode, struct item_row *row)
{
	int code = sqlite3_step(stmt);

	must(code == SQLITE_ROW || code == SQLITE_DONE, sqlite3_errmsg(rows->db));
	if (code == SQLITE_DONE) {
		sqlite3_reset(stmt);
		return false;
	}
	*row = (struct item_row){
		.id = sqlite3_column_int64(stmt, 0),
		.seq = sqlite3_column_int64(stmt, 1),
		.held = sqlite3_column_int(stmt, 2),
		.shown = rows_shown(stmt, mode),
	};
	return true;
}

/* Whether the item (ROWS_ITEM) or the event (ROWS_HAS_EVENT) of that number is there. */
static inline bool
rows_has(struct rows *rows, enum rows_question what, int64_t number)
{
	sqlite3_stmt *stmt = rows_ask(rows, what, number);
	int code = sqlite3_step(stmt);

	sqlite3_reset(stmt);
	return code == SQLITE_ROW;
}

/* The first event after this seq. */
static inline bool
rows_event(struct rows *rows, int64_t after, struct event_row *event)
{
	sqlite3_stmt *stmt = rows_ask(rows, ROWS_EVENT, after);
	int code = sqlite3_step(stmt);

	if (code == SQLITE_ROW) {
		*event = (struct event_row){
			.seq = sqlite3_column_int64(stmt, 0),
			.item = sqlite3_column_int64(stmt, 1),
			.at = sqlite3_column_int64(stmt, 2),
		};
		snprintf(event->kind, sizeof(event->kind), "%s", sqlite3_column_text(stmt, 3));
	}
	sqlite3_reset(stmt);
	return code == SQLITE_ROW;
}

/* seq of the oldest event that is kept; 0 where there is none. */
static inline int64_t
rows_oldest(struct rows *rows)
{
	sqlite3_stmt *stmt = rows_ask(rows, ROWS_OLDEST, 0);
	int64_t seq = sqlite3_step(stmt) == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;

	sqlite3_reset(stmt);
	return seq;
}

/* -1 where it is gone. */
static inline int64_t
rows_cursor(struct rows *rows, bool notifier)
{
	sqlite3_stmt *stmt = rows_ask(rows, ROWS_CURSOR, notifier);
	int64_t seq = sqlite3_step(stmt) == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : -1;

	sqlite3_reset(stmt);
	return seq;
}

/* The identity whose row this is: by its id, or the one that got its row just now. Rows come in the
 * order of their ids, and so do identities: *from is where to look first. */
static inline struct known *
rows_owner(struct model *model, const struct item_row *row, int *from)
{
	for (int i = 0; i < model->n; i++) {
		int at = (*from + i) % model->n;

		if (model->known[at].item == row->id) {
			*from = at;
			return &model->known[at];
		}
	}
	for (int i = 0; i < model->n; i++) {
		struct known *known = &model->known[i];

		if (!known->item && known->stored &&
			known->row.generation == row->shown.generation &&
			(model->mode != SITE_GUID || known->row.spelling == row->shown.spelling) &&
			model_same_content(model, &known->row, &row->shown))
			return known;
	}
	return NULL;
}

/* What the database may have forgotten, and has: it was stored as new. */
static inline void
rows_recall(struct rows *rows, struct model *model)
{
	sqlite3_stmt *stmt = rows_ask(rows, ROWS_ITEMS, 0);
	struct item_row row;

	while (rows_step_item(rows, stmt, model->mode, &row)) {
		bool owned = false;

		for (int i = 0; i < model->n && !owned; i++)
			owned = model->known[i].item == row.id;
		for (int i = 0; i < model->n && !owned; i++) {
			struct known *known = &model->known[i];

			if (known->faint && model_same(model, known, &row.shown))
				*known = (struct known){.row.article = -1};
		}
	}
}

/* Each identity that is stored has its one row, as it was shown last. */
static inline void
rows_check_items(struct rows *rows, struct model *model)
{
	sqlite3_stmt *stmt = rows_ask(rows, ROWS_ITEMS, 0);
	struct item_row row;
	int stored = 0, from = 0;

	while (rows_step_item(rows, stmt, model->mode, &row)) {
		struct known *known = rows_owner(model, &row, &from);

		if (!known || !known->stored)
			broken("an identity is stored once");
		must(model_same_content(model, &known->row, &row.shown),
			"an item is kept as it was shown last");
		must(known->held == row.held, "what is held, and only that, is held");
		known->item = row.id;
		known->seq = row.seq;
		stored++;
	}
	for (int i = 0; i < model->n; i++)
		stored -= model->known[i].stored;
	must(stored == 0, "what is new is stored");
}

#endif
