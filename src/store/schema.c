/*
 * schema.c - the tables, and the way from older ones.
 *
 * Everything happens in one transaction, so a database has the old schema or the new one, never
 * something between. Writes the database only where it is empty or older.
 */
#include <errno.h>
#include <string.h>

#include "feedd/fail.h"
#include "room.h"

/* "feed" in ASCII: PRAGMA application_id of a feedd database. */
#define APPLICATION_ID 0x66656564

/* clang-format off */
static const char schema_sql[] =
	"CREATE TABLE meta(name TEXT PRIMARY KEY, value) WITHOUT ROWID;"

	/* One row a feed that was ever configured. Times are unix seconds. */
	"CREATE TABLE feeds("
	" id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, url TEXT NOT NULL,"
	" title TEXT, home_page_url TEXT, language TEXT, tags TEXT NOT NULL DEFAULT '[]',"
	" title_set TEXT, configured INT NOT NULL DEFAULT 1,"
	" health TEXT NOT NULL DEFAULT 'new', status INT NOT NULL DEFAULT 0, detail TEXT, reason TEXT,"
	" etag TEXT, last_modified TEXT, body_hash INT NOT NULL DEFAULT 0,"
	" first_poll INT NOT NULL DEFAULT 0, last_poll INT NOT NULL DEFAULT 0, last_success INT NOT NULL DEFAULT 0,"
	" last_change INT NOT NULL DEFAULT 0, next_poll INT NOT NULL DEFAULT 0, full_fetch INT NOT NULL DEFAULT 0,"
	" failing_since INT NOT NULL DEFAULT 0, fails INT NOT NULL DEFAULT 0, retry_after INT NOT NULL DEFAULT 0,"
	" moved_to TEXT, accepted_url TEXT, moved_since INT NOT NULL DEFAULT 0, silent_told INT NOT NULL DEFAULT 0,"
	" hint INT NOT NULL DEFAULT 0, ttl INT NOT NULL DEFAULT 0, update_period INT NOT NULL DEFAULT 0,"
	" skip_hours INT NOT NULL DEFAULT 0, skip_days INT NOT NULL DEFAULT 0, sticky INT NOT NULL DEFAULT 0,"
	" polls INT NOT NULL DEFAULT 0, polls_304 INT NOT NULL DEFAULT 0, items INT NOT NULL DEFAULT 0,"
	" bytes INT NOT NULL DEFAULT 0, schedule BLOB);"
	/* Feeds that left the configuration, to know them again under another name. */
	"CREATE INDEX feeds_left ON feeds(url) WHERE configured = 0;"

	/* One row an item, told or not. guid is the event's id; authors, tags and attachments are JSON arrays,
	 * extensions is an object: comments, in_reply_to, location. */
	"CREATE TABLE items("
	" id INTEGER PRIMARY KEY AUTOINCREMENT, feed INT NOT NULL, first_seen INT NOT NULL, seq INT NOT NULL DEFAULT 0,"
	" article INT, text_hash INT, updates INT NOT NULL DEFAULT 0, held INT NOT NULL DEFAULT 0, key INT NOT NULL DEFAULT 0, identity TEXT,"
	" published INT, modified INT, guid TEXT NOT NULL, url TEXT, external_url TEXT, title TEXT, summary TEXT,"
	" authors TEXT, tags TEXT, attachments TEXT, image TEXT, banner_image TEXT, language TEXT, base_url TEXT,"
	" content_html TEXT, content_text TEXT, extensions TEXT);"
	"CREATE INDEX items_feed ON items(feed, id);"
	"CREATE INDEX items_held ON items(feed) WHERE held;"

	/* What a feed has shown, longer than its items are kept. fold and exact: struct item_key; last: last sighting, to the day. */
	"CREATE TABLE seen(feed INT, fold INT, exact INT, item INT NOT NULL, content INT NOT NULL, last INT NOT NULL,"
	" PRIMARY KEY(feed, fold, exact)) WITHOUT ROWID;"

	/* The log. AUTOINCREMENT: a seq is never given twice, not even after its row was deleted. */
	"CREATE TABLE events(seq INTEGER PRIMARY KEY AUTOINCREMENT, item INT, feed INT NOT NULL, event TEXT NOT NULL,"
	" at INT NOT NULL, title TEXT);"
	"CREATE INDEX events_item ON events(item) WHERE item IS NOT NULL;"

	/* Consumers of the log: those of notify blocks and those that streams name. */
	"CREATE TABLE cursors(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, notifier INT NOT NULL,"
	" seq INT NOT NULL, at INT NOT NULL, configured INT NOT NULL DEFAULT 1, UNIQUE(notifier, name));"
	"CREATE TABLE deliveries(cursor INT, seq INT, state INT NOT NULL, attempts INT NOT NULL, first_at INT NOT NULL,"
	" at INT NOT NULL, next_at INT NOT NULL, detail TEXT, PRIMARY KEY(cursor, seq)) WITHOUT ROWID;"
	"CREATE INDEX deliveries_open ON deliveries(cursor, seq) WHERE state != 0;"

	"INSERT INTO meta VALUES('uuid', lower(hex(randomblob(16)))), ('clean', 1), ('key_version', 1);";

/* migrations[i] makes a schema of version i + 1 one of version i + 2. */
static const char *const migrations[] = {
	"ALTER TABLE items ADD COLUMN extensions TEXT",
};
/* clang-format on */
_Static_assert(
	ARRAY_SIZE(migrations) == STORE_SCHEMA_VERSION - 1, "a new schema needs a migration");

int
meta_get(struct db *db, const char *name, int64_t *ret_value)
{
	*ret_value = 0;
	int r = db_int(db, ret_value, "SELECT value FROM meta WHERE name = ?", BINDS(TEXT(name)));
	return r < 0 ? r : 0;
}

int
meta_set(struct db *db, const char *name, int64_t value)
{
	return db_run(db,
		"INSERT INTO meta VALUES(?, ?) ON CONFLICT(name) DO UPDATE SET value = "
		"excluded.value",
		BINDS(TEXT(name), INT(value)));
}

static int
schema_create(struct db *db)
{
	/* EXTRA: the rollback journal must not come back after a power cut and undo what followed.
	 */
	int r = db_exec(db, "PRAGMA synchronous = EXTRA; BEGIN IMMEDIATE");

	if (r == 0)
		r = db_exec(db, schema_sql);
	if (r == 0)
		r = db_exec(db, "PRAGMA application_id = 1717921124; PRAGMA user_version = 2");
	FAIL_POINT("in_creation");
	if (r == 0)
		r = db_exec(db, "COMMIT");
	if (r < 0 && !sqlite3_get_autocommit(db->handle))
		sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
	return r;
}
_Static_assert(APPLICATION_ID == 1717921124, "the same number twice");
_Static_assert(STORE_SCHEMA_VERSION == 2, "the number is in schema_create as well");

int
schema_prepare(struct db *db, char **ret_error)
{
	int64_t application = 0, version = 0, tables = 0;
	int r = db_int(db, &application, "PRAGMA application_id", NO_BINDS);

	if (r >= 0)
		r = db_int(db, &version, "PRAGMA user_version", NO_BINDS);
	if (r >= 0)
		r = db_int(db, &tables, "SELECT count(*) FROM sqlite_schema", NO_BINDS);
	if (r < 0) {
		*ret_error = xasprintf("cannot be read: %s", sqlite3_errmsg(db->handle));
		return r;
	}
	if (tables == 0 && application == 0 && version == 0) {
		r = schema_create(db);
		if (r < 0)
			*ret_error = xasprintf("cannot be set up: %s", strerror(-r));
		return r;
	}
	if (application != APPLICATION_ID) {
		*ret_error = xstrdup(
			"is an SQLite database, but not one of feedd; it was left untouched");
		return -EMEDIUMTYPE;
	}
	if (version > STORE_SCHEMA_VERSION) {
		*ret_error = xasprintf("has schema version %lld, this feedd knows %d: it was "
				       "written by a newer feedd; "
				       "it was left untouched",
			(long long)version, STORE_SCHEMA_VERSION);
		return -EPROTO;
	}
	return 0;
}

int
schema_migrate(struct db *db, char **ret_error)
{
	int64_t version = 0;
	int r = db_int(db, &version, "PRAGMA user_version", NO_BINDS);

	if (r < 0 || version == STORE_SCHEMA_VERSION)
		return r < 0 ? r : 0;
	if (version < 1) {
		*ret_error = xasprintf("has no schema version that feedd ever wrote");
		return -EPROTO;
	}
	r = db_exec(db, "BEGIN IMMEDIATE");
	for (int64_t i = version - 1; r == 0 && i < (int64_t)ARRAY_SIZE(migrations); i++)
		r = db_exec(db, migrations[i]);
	FAIL_POINT("in_migration");
	if (r == 0)
		r = db_exec(db, "PRAGMA user_version = 2; COMMIT");
	if (r < 0) {
		*ret_error = xasprintf("of schema version %lld cannot be brought to version %d: %s",
			(long long)version, STORE_SCHEMA_VERSION, sqlite3_errmsg(db->handle));
		if (!sqlite3_get_autocommit(db->handle))
			sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
	}
	return r;
}
