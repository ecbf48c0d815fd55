/* lineup.c - see lineup.h. Memory only. A line exists while it holds an entry: one that fills again
 * joins the ring behind all others. */
#include "lineup.h"

#include <stdlib.h>

#include "feedd/mem.h"

#define BUCKETS ((size_t)4096)

struct line {
	int64_t key;
	struct entry *head, **tail;
	struct line *next, *prev; /* ring */
	struct line *chain;	  /* bucket */
};

static struct line **
line_place(const struct lineup *lineup, int64_t key)
{
	struct line **place = &lineup->buckets[(uint64_t)key % BUCKETS];

	while (*place && (*place)->key != key)
		place = &(*place)->chain;
	return place;
}

/* The line of the key; a new one joins behind all others. */
static struct line *
line_get(struct lineup *lineup, int64_t key)
{
	if (!lineup->buckets)
		lineup->buckets = xcalloc(BUCKETS, sizeof(struct line *));
	struct line **place = line_place(lineup, key);

	if (*place)
		return *place;
	struct line *line = xcalloc(1, sizeof(*line));
	line->key = key;
	line->tail = &line->head;
	*place = line;
	if (lineup->turn) {
		line->next = lineup->turn;
		line->prev = lineup->turn->prev;
		line->prev->next = line->next->prev = line;
	} else {
		line->next = line->prev = lineup->turn = line;
	}
	lineup->n_lines++;
	return line;
}

static void
line_drop(struct lineup *lineup, struct line *line)
{
	struct line **place = line_place(lineup, line->key);

	*place = line->chain;
	line->prev->next = line->next;
	line->next->prev = line->prev;
	if (lineup->turn == line)
		lineup->turn = line->next == line ? NULL : line->next;
	lineup->n_lines--;
	free(line);
}

void
lineup_push(struct lineup *lineup, int64_t key, struct entry *entry)
{
	struct line *line = line_get(lineup, key);

	entry->next = NULL;
	*line->tail = entry;
	line->tail = &entry->next;
	lineup->n++;
}

void
lineup_unpop(struct lineup *lineup, int64_t key, struct entry *entry)
{
	struct line *line = line_get(lineup, key);

	entry->next = line->head;
	if (!line->head)
		line->tail = &entry->next;
	line->head = entry;
	lineup->n++;
	lineup->turn = line;
}

struct entry *
lineup_pop(struct lineup *lineup)
{
	struct line *line = lineup->turn;

	if (!line)
		return NULL;
	struct entry *entry = line->head;
	lineup->turn = line->next;
	lineup->n--;
	line->head = entry->next;
	if (!line->head)
		line_drop(lineup, line);
	entry->next = NULL;
	return entry;
}

const struct entry *
lineup_oldest(const struct lineup *lineup)
{
	const struct entry *oldest = NULL;
	const struct line *line = lineup->turn;

	for (size_t i = 0; i < lineup->n_lines; i++, line = line->next)
		if (!oldest || line->head->queued_mono < oldest->queued_mono)
			oldest = line->head;
	return oldest;
}

void
lineup_each(
	const struct lineup *lineup, void (*fn)(void *arg, const struct entry *entry), void *arg)
{
	const struct line *line = lineup->turn;

	for (size_t i = 0; i < lineup->n_lines; i++, line = line->next)
		for (const struct entry *entry = line->head; entry; entry = entry->next)
			fn(arg, entry);
}

void
lineup_fini(struct lineup *lineup)
{
	struct entry *entry;

	while ((entry = lineup_pop(lineup)))
		free(entry);
	free(lineup->buckets);
	*lineup = (struct lineup){0};
}
