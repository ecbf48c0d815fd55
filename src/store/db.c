/* db.c - see db.h. Touches SQLite and nothing else. */
#include "db.h"

#include <errno.h>
#include <string.h>

#include "quota.h"

int
db_errno(int code)
{
	switch (code & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_CANTOPEN: /* not -ENOENT, which says that there is no such row */
		return -EACCES;
	case SQLITE_CORRUPT:
		return -EUCLEAN;
	case SQLITE_NOTADB:
		return -EMEDIUMTYPE;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_IOERR:
		return -EIO;
	default:
		return -EINVAL;
	}
}

int
db_open(struct db *db, const char *path, int flags)
{
	quota_init();
	*db = (struct db){0};
	int code = sqlite3_open_v2(path, &db->handle, flags | SQLITE_OPEN_NOMUTEX, NULL);
	if (code != SQLITE_OK) {
		int why = code == SQLITE_CANTOPEN ? sqlite3_system_errno(db->handle) : 0;

		db_close(db);
		return why ? -why : db_errno(code);
	}
	sqlite3_extended_result_codes(db->handle, 1);
	sqlite3_busy_timeout(db->handle, 5000);
	sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(db->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	return 0;
}

void
db_close(struct db *db)
{
	for (size_t i = 0; i < DB_STATEMENTS; i++)
		sqlite3_finalize(db->statements[i].stmt);
	sqlite3_close(db->handle);
	*db = (struct db){0};
}

static void
bind_all(sqlite3_stmt *stmt, size_t count, const struct bind *values)
{
	for (size_t i = 0; i < count; i++) {
		const struct bind *value = &values[i];
		int at = (int)i + 1;

		switch (value->type) {
		case BIND_NULL:
			sqlite3_bind_null(stmt, at);
			break;
		case BIND_INT:
			sqlite3_bind_int64(stmt, at, value->integer);
			break;
		case BIND_REAL:
			sqlite3_bind_double(stmt, at, value->real);
			break;
		case BIND_TEXT:
			sqlite3_bind_text(stmt, at, value->data, -1, SQLITE_STATIC);
			break;
		case BIND_BLOB:
			sqlite3_bind_blob64(stmt, at, value->data, value->len, SQLITE_STATIC);
			break;
		}
	}
}

/* The slot of a literal: its own, or the first free one. The table is never full: DB_STATEMENTS is
 * several times the number of literals in this room. */
static struct db_statement *
statement_slot(struct db *db, const char *sql)
{
	size_t i = ((uintptr_t)sql >> 3) % DB_STATEMENTS;

	while (db->statements[i].sql && db->statements[i].sql != sql)
		i = (i + 1) % DB_STATEMENTS;
	return &db->statements[i];
}

sqlite3_stmt *
db_query(struct db *db, const char *sql, size_t count, const struct bind *values)
{
	struct db_statement *slot = statement_slot(db, sql);

	if (!slot->stmt) {
		int code = sqlite3_prepare_v3(
			db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &slot->stmt, NULL);

		if (code != SQLITE_OK) {
			db->error = db_errno(code);
			return NULL;
		}
		slot->sql = sql;
	} else {
		sqlite3_reset(slot->stmt);
	}
	bind_all(slot->stmt, count, values);
	return slot->stmt;
}

int
db_step(struct db *db, sqlite3_stmt *stmt)
{
	if (!stmt)
		return db->error;
	int code = sqlite3_step(stmt);
	if (code == SQLITE_ROW)
		return 1;
	sqlite3_reset(stmt);
	return db_errno(code);
}

int
db_run(struct db *db, const char *sql, size_t count, const struct bind *values)
{
	sqlite3_stmt *stmt = db_query(db, sql, count, values);
	int r = db_step(db, stmt);

	if (r > 0) /* a statement that gives rows where none are wanted, e.g. a pragma */
		sqlite3_reset(stmt);
	return r < 0 ? r : 0;
}

int
db_exec(struct db *db, const char *sql)
{
	return db_errno(sqlite3_exec(db->handle, sql, NULL, NULL, NULL));
}

int
db_int(struct db *db, int64_t *ret_value, const char *sql, size_t count, const struct bind *values)
{
	sqlite3_stmt *stmt = db_query(db, sql, count, values);
	int r = db_step(db, stmt);

	if (r > 0) {
		*ret_value = sqlite3_column_int64(stmt, 0);
		sqlite3_reset(stmt);
	}
	return r;
}
