/*
 * db.h - one connection to SQLite: statements kept by their text, typed binding, errors as -errno.
 *
 * Private to the store. A statement that could not be prepared makes db_step() return the reason,
 * so callers check once.
 */
#ifndef STORE_DB_H
#define STORE_DB_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "feedd/mem.h"

#define DB_STATEMENTS 256

struct db {
	sqlite3 *handle;
	int error; /* of the last statement that could not be prepared, -errno */
	struct db_statement {
		const char *sql; /* the literal's address is the key */
		sqlite3_stmt *stmt;
	} statements[DB_STATEMENTS];
};

/* One value to bind. */
struct bind {
	enum { BIND_NULL, BIND_INT, BIND_REAL, BIND_TEXT, BIND_BLOB } type;
	int64_t integer;
	double real;
	const void *data;
	size_t len;
};

static inline struct bind
INT(int64_t value) {
	return (struct bind){.type = BIND_INT, .integer = value};
}

/* NULL binds NULL. */
static inline struct bind
TEXT(const char *value) {
	return (struct bind){.type = value ? BIND_TEXT : BIND_NULL, .data = value};
}

static inline struct bind
BLOB(const void *data, size_t len) {
	return (struct bind){.type = BIND_BLOB, .data = data, .len = len};
}

/* NULL where the value is `none`, else an integer. */
static inline struct bind
INT_OR_NULL(int64_t value, int64_t none) {
	return (struct bind){.type = value == none ? BIND_NULL : BIND_INT, .integer = value};
}

/* Opens with SQLITE_OPEN flags; busy timeout 5 s. Returns -errno. */
int
db_open(struct db *db, const char *path, int flags) MUST_USE;
void db_close(struct db *db);
/* -errno for an SQLite result code; 0 for OK, ROW and DONE. */
int db_errno(int code);
/* The kept statement for a literal, reset and with `count` values bound; data must outlive its last
 * step. NULL: see db->error. */
sqlite3_stmt *db_query(struct db *db, const char *sql, size_t count, const struct bind *values);
/* 1: a row, 0: done (and reset), else -errno (and reset). */
int db_step(struct db *db, sqlite3_stmt *stmt) MUST_USE;
/* Runs a statement that gives no rows. */
int db_run(struct db *db, const char *sql, size_t count, const struct bind *values) MUST_USE;
/* Runs statements without values, not kept. */
int db_exec(struct db *db, const char *sql) MUST_USE;
/* The first column of the first row as integer into *ret_value; 1 if there was a row, 0 if not
 * (untouched), else -errno. */
int db_int(struct db *db, int64_t *ret_value, const char *sql, size_t count,
	const struct bind *values) MUST_USE;

#define BINDS(...)                                                                                 \
	ARRAY_SIZE(((const struct bind[]){__VA_ARGS__})), (const struct bind[])                    \
	{                                                                                          \
		__VA_ARGS__                                                                        \
	}
#define NO_BINDS 0, NULL

/* Column helpers: text or NULL, valid until the next step. */
static inline const char *
column_text(sqlite3_stmt *stmt, int column)
{
	return (const char *)sqlite3_column_text(stmt, column);
}

/* The integer, or `none` where the column is NULL. */
static inline int64_t
column_int_or(sqlite3_stmt *stmt, int column, int64_t none)
{
	return sqlite3_column_type(stmt, column) == SQLITE_NULL
		? none
		: sqlite3_column_int64(stmt, column);
}

#endif
