/*
 * deliver.c - consumers of the log: cursors of notifiers and streams, and deliveries beside them.
 *
 * A cursor never goes back. What a notifier finished ahead of its cursor and what waits for another
 * try has a row in `deliveries`; done ones stay as history for as long as their event does.
 */
#include <errno.h>
#include <string.h>

#include "room.h"

/* Deliveries that store_retry takes at once. */
#define RETRY_MAX 4096

#define DELIVERY_COLUMNS "d.seq, e.feed, d.state, d.attempts, d.first_at, d.at, d.next_at, d.detail"

static void
delivery_read(sqlite3_stmt *stmt, struct arena *arena, struct delivery *ret_delivery)
{
	*ret_delivery = (struct delivery){
		.seq = sqlite3_column_int64(stmt, 0),
		.feed = sqlite3_column_int64(stmt, 1),
		.state = (enum delivery_state)sqlite3_column_int(stmt, 2),
		.attempts = sqlite3_column_int(stmt, 3),
		.first_at = sqlite3_column_int64(stmt, 4),
		.at = sqlite3_column_int64(stmt, 5),
		.next_at = sqlite3_column_int64(stmt, 6),
		.detail = arena_strdup(arena, column_text(stmt, 7)),
	};
}

/* All rows of a statement over DELIVERY_COLUMNS into one array of the arena. */
static int
deliveries_read(struct store *store, sqlite3_stmt *stmt, struct arena *arena,
	struct delivery **ret_list, size_t *ret_n)
{
	struct delivery *list = NULL;
	size_t n = 0, cap = 0;
	int r;

	while ((r = db_step(&store->db, stmt)) > 0) {
		if (n == cap) {
			struct delivery *more =
				arena_alloc(arena, (cap = cap ? 2 * cap : 64) * sizeof(*more));

			if (n)
				memcpy(more, list, n * sizeof(*more));
			list = more;
		}
		delivery_read(stmt, arena, &list[n++]);
	}
	*ret_list = list;
	*ret_n = n;
	return r;
}

int
notifiers_configure(struct store *store, const struct config *config)
{
	AUTO(freep) const char **names = xcalloc(config->n_notifies, sizeof(*names));

	for (size_t i = 0; i < config->n_notifies; i++)
		names[i] = config->notifies[i].name;
	AUTO(freep) char *text = strings_json(names, config->n_notifies);
	return db_run(&store->db,
		"UPDATE cursors SET configured = NOT configured WHERE notifier AND configured !="
		" (name IN (SELECT value FROM json_each(?)))",
		BINDS(TEXT(text)));
}

int
write_notify_load(struct store *store, struct store_notify_load *load)
{
	/* A new notifier starts with the first event after it was configured; one that comes back
	 * goes on where it was. */
	int r = db_run(&store->db,
		"INSERT INTO cursors(name, notifier, seq, at) VALUES(?1, 1, ?2, unixepoch()) ON "
		"CONFLICT DO UPDATE SET configured = 1",
		BINDS(TEXT(load->name), INT(store->seq)));
	sqlite3_stmt *stmt;

	if (r < 0)
		return r;
	stmt = db_query(&store->db, "SELECT id, seq FROM cursors WHERE notifier = 1 AND name = ?",
		BINDS(TEXT(load->name)));
	r = db_step(&store->db, stmt);
	if (r <= 0)
		return r < 0 ? r : -EIO;
	load->id = sqlite3_column_int64(stmt, 0);
	load->cursor = sqlite3_column_int64(stmt, 1);
	sqlite3_reset(stmt);
	r = db_int(&store->db, &load->n_failed,
		"SELECT count(*) FROM deliveries WHERE cursor = ? AND state = 2",
		BINDS(INT(load->id)));
	if (r < 0)
		return r;
	stmt = db_query(&store->db,
		"SELECT " DELIVERY_COLUMNS " FROM deliveries d JOIN events e ON e.seq = d.seq"
		" WHERE d.cursor = ?1 AND (d.state = 1 OR d.seq > ?2) ORDER BY d.seq",
		BINDS(INT(load->id), INT(load->cursor)));
	return deliveries_read(store, stmt, &load->arena, &load->open, &load->n_open);
}

static int
write_delivery(struct store *store, int64_t notify, const struct delivery *delivery)
{
	return db_run(&store->db,
		"INSERT INTO deliveries(cursor, seq, state, attempts, first_at, at, next_at, "
		"detail) VALUES(?, ?, ?, ?, ?, ?, ?, ?)"
		" ON CONFLICT DO UPDATE SET state = excluded.state, attempts = excluded.attempts, "
		"first_at = excluded.first_at,"
		" at = excluded.at, next_at = excluded.next_at, detail = excluded.detail",
		BINDS(INT(notify), INT(delivery->seq), INT(delivery->state),
			INT(delivery->attempts), INT(delivery->first_at), INT(delivery->at),
			INT(delivery->next_at), TEXT(delivery->detail)));
}

int
write_deliver(struct store *store, struct store_deliver *deliver)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < deliver->n_deliveries; i++)
		r = write_delivery(store, deliver->notify, &deliver->deliveries[i]);
	if (r == 0 && deliver->cursor)
		r = db_run(&store->db,
			"UPDATE cursors SET seq = max(seq, ?2), at = unixepoch() WHERE id = ?1",
			BINDS(INT(deliver->notify), INT(deliver->cursor)));
	return r;
}

int
write_retry(struct store *store, struct store_retry *retry)
{
	sqlite3_stmt *stmt = db_query(&store->db,
		"SELECT " DELIVERY_COLUMNS " FROM deliveries d JOIN events e ON e.seq = d.seq"
		" WHERE d.cursor = ?1 AND d.state = 2 AND (?2 = 0 OR d.seq = ?2) ORDER BY d.seq "
		"LIMIT ?3",
		BINDS(INT(retry->notify), INT(retry->seq), INT(RETRY_MAX)));
	int r = deliveries_read(store, stmt, &retry->arena, &retry->open, &retry->n_open);

	for (size_t i = 0; r == 0 && i < retry->n_open; i++) {
		struct delivery *delivery = &retry->open[i];

		delivery->state = DELIVERY_WAITING;
		delivery->attempts = 0;
		delivery->first_at = delivery->next_at = retry->now;
		r = write_delivery(store, retry->notify, delivery);
	}
	return r;
}

/* Without a place, at the start of the log: the seq before the oldest event kept. */
static int
make_consumer(struct store *store, const struct store_consumer *consumer)
{
	int64_t seq = consumer->seq < store->seq ? consumer->seq : store->seq;
	int64_t n = 0;
	int r = db_int(&store->db, &n, "SELECT count(*) FROM cursors WHERE notifier = 0", NO_BINDS);

	if (r < 0)
		return r;
	if (n >= STORE_CONSUMERS_MAX)
		return -EDQUOT;
	return db_run(&store->db,
		"INSERT INTO cursors(name, notifier, seq, at)"
		" VALUES(?1, 0, coalesce(?2, (SELECT min(seq) - 1 FROM events), ?3), ?4)",
		BINDS(TEXT(consumer->name), INT_OR_NULL(consumer->placed ? seq : -1, -1),
			INT(store->seq), INT(consumer->now)));
}

static int
read_consumer(struct store *store, struct store_consumer *consumer)
{
	return db_int(&store->db, &consumer->seq,
		"SELECT seq FROM cursors WHERE notifier = 0 AND name = ?",
		BINDS(TEXT(consumer->name)));
}

int
write_consumer(struct store *store, struct store_consumer *consumer)
{
	int r;

	if (consumer->ack && consumer->seq > store->seq)
		return -ERANGE;
	if (consumer->ack) {
		r = db_int(&store->db, &consumer->seq,
			"UPDATE cursors SET seq = max(seq, ?2), at = ?3"
			" WHERE notifier = 0 AND name = ?1 RETURNING seq",
			BINDS(TEXT(consumer->name), INT(consumer->seq), INT(consumer->now)));
		return r < 0 ? r : r == 0 ? -ENOENT : 0;
	}
	r = read_consumer(store, consumer);
	if (r == 0)
		r = make_consumer(store, consumer);
	if (r == 0)
		r = read_consumer(store, consumer);
	return r < 0 ? r : 0;
}
