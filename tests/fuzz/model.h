/*
 * model.h - what fuzz_polls holds a feed's memory to, written down a second time and without a
 * database.
 *
 * An identity is stored once and told once; what stands in a feed when it is first read is not told
 * but for the backlog; an edit is told, so many times at most; new ids for articles that are known
 * are held back; a document that is not whole changes nothing that is known. What the model cannot
 * foresee (which of two spellings a third one is taken for) ends the run.
 */
#ifndef FUZZ_MODEL_H
#define FUZZ_MODEL_H

#include <stdio.h>
#include <stdlib.h>

#include "site.h"

#define MODEL_KNOWN 512
#define MODEL_UPDATES 24
#define MODEL_DAY 86400

/* An article as a feed has shown it: one identity. */
struct known {
	struct shown row;  /* as the database has it */
	uint32_t exacts;   /* the spellings of its key that were seen, a bit each */
	bool alone;	   /* SITE_SAME: known by its guid, from before it was seen to repeat */
	bool by_link;	   /* SITE_SAME: known by guid and link */
	int64_t item;	   /* id of its row; 0 while it is not known, or where there is none */
	bool stored, held; /* it has a row; which waits for a release */
	bool listed;	   /* by the last whole document, or one after it */
	bool faint;	   /* the database may have forgotten it */
	int updates;
	int64_t first_seen, last_listed, seq; /* seq: of its newest event; 0 for none */
};

struct expected {
	bool update;
	int known;
};

struct model {
	enum site_mode mode;
	int64_t now, backlog;
	bool first; /* the next document is the first one */
	bool sticky, over;
	struct known known[MODEL_KNOWN];
	int n;
	/* what the last document should have brought */
	struct expected events[2 * SITE_LISTED + 2];
	int n_events, n_new, n_held;
};

/* The steps so far, for whoever has to find out why a rule was broken. */
static struct {
	struct {
		const char *step;
		int arguments[4];
		int n;
	} at[256];
	int n;
} diary;

_Noreturn static inline void
broken(const char *rule)
{
	for (int i = 0; i < diary.n; i++) {
		fprintf(stderr, "%s", diary.at[i].step);
		for (int j = 0; j < diary.at[i].n; j++)
			fprintf(stderr, " %d", diary.at[i].arguments[j]);
		fprintf(stderr, "\n");
	}
	fprintf(stderr, "broken: %s\n", rule);
	abort();
}

static inline void
must(bool held, const char *rule)
{
	if (!held)
		broken(rule);
}

/* Which spelling of its key this is. */
static inline uint32_t
model_exact(const struct model *model, const struct shown *item)
{
	switch (model->mode) {
	case SITE_GUID:
		return 1u << item->spelling;
	case SITE_LINK:
		return 1u << (item->spelling + SITE_SPELLINGS * item->title);
	case SITE_TEXT:
		return 1;
	case SITE_SAME:
		return 1u << item->title;
	}
	return 0;
}

/* True if the two have the same identity, whatever its spelling. */
static inline bool
model_same(const struct model *model, const struct known *known, const struct shown *item)
{
	if (model->mode == SITE_SAME && !model->sticky)
		return known->alone;
	if (model->mode == SITE_SAME && !known->by_link)
		return false;
	if (known->row.article != item->article || known->row.generation != item->generation)
		return false;
	return model->mode != SITE_TEXT ||
		(known->row.title == item->title && known->row.text == item->text);
}

static inline bool
model_same_content(const struct model *model, const struct shown *a, const struct shown *b)
{
	return a->article == b->article && a->title == b->title && a->text == b->text &&
		(model->mode != SITE_LINK || a->spelling == b->spelling);
}

/* Guids that repeat with different articles in one document make guid and link the key, for good.
 */
static inline void
model_judge_guids(struct model *model, const struct shown *items, int n)
{
	for (int i = 1; model->mode == SITE_SAME && i < n; i++)
		model->sticky = model->sticky || items[i].article != items[0].article;
}

/* An item known by its guid alone is known by guid and link from when guids were seen to repeat. */
static inline struct known *
model_find_former(struct model *model, const struct shown *item)
{
	for (int i = 0; i < model->n; i++) {
		struct known *known = &model->known[i];

		if (model->mode == SITE_SAME && known->alone && known->stored &&
			known->row.article == item->article) {
			known->by_link = true;
			return known;
		}
	}
	return NULL;
}

/* crowded: the document shows the same article in another spelling, too. */
static inline struct known *
model_find(struct model *model, const struct shown *item, bool crowded)
{
	struct known *found = NULL;

	for (int i = 0; i < model->n; i++) {
		struct known *known = &model->known[i];

		if (!model_same(model, known, item))
			continue;
		if (known->exacts & model_exact(model, item))
			return known;
		if (crowded)
			continue;
		model->over = model->over || found;
		found = known;
	}
	return found ? found : model_find_former(model, item);
}

/* A known article stands in the document. */
static inline void
model_sight(struct model *model, struct known *known, const struct shown *item, bool whole)
{
	bool edited = whole && !model_same_content(model, &known->row, item);

	known->exacts |= model_exact(model, item);
	known->listed = true;
	known->faint = false;
	if (known->last_listed < model->now)
		known->last_listed = model->now;
	if (!edited)
		return;
	known->row = *item;
	if (!known->stored)
		return;
	if (known->updates++ < MODEL_UPDATES && !model->first && !known->held)
		model->events[model->n_events++] =
			(struct expected){true, (int)(known - model->known)};
}

static inline int
model_compare(const void *a, const void *b)
{
	const struct shown *x = *(const struct shown *const *)a,
			   *y = *(const struct shown *const *)b;

	if (x->date != y->date)
		return x->date < y->date ? -1 : 1;
	return x > y ? -1 : x < y;
}

/* The order of the log: by date where all have one, else from the bottom to the top. */
static inline void
model_sort(const struct shown **news, int n)
{
	const struct shown *turned[SITE_LISTED + 1];
	bool dated = true;

	for (int i = 0; i < n; i++)
		dated = dated && news[i]->date != DATE_NONE;
	if (dated) {
		qsort(news, (size_t)n, sizeof(*news), model_compare);
		return;
	}
	for (int i = 0; i < n; i++)
		turned[i] = news[n - 1 - i];
	memcpy(news, turned, (size_t)n * sizeof(*news));
}

/* True if a new id stands at a link (where there are none, a title) that is stored already. */
static inline bool
model_familiar(
	const struct model *model, const struct shown *item, const struct shown *items, int n)
{
	bool text = model->mode == SITE_TEXT, known = false;
	int times = 0;

	for (int i = 0; i < n; i++)
		times += items[i].article == item->article &&
			(!text || items[i].title == item->title);
	for (int i = 0; i < model->n && !known; i++)
		known = model->known[i].stored && model->known[i].row.article == item->article &&
			(!text || model->known[i].row.title == item->title);
	return known && times == 1;
}

enum model_fate { FATE_TOLD, FATE_SILENT, FATE_HELD, FATE_IGNORED };

static inline void
model_add(struct model *model, const struct shown *item, enum model_fate fate)
{
	if (model->n == MODEL_KNOWN) {
		model->over = true;
		return;
	}
	struct known *known = &model->known[model->n];
	*known = (struct known){
		.row = *item,
		.exacts = model_exact(model, item),
		.alone = model->mode == SITE_SAME && !model->sticky,
		.by_link = model->mode == SITE_SAME && model->sticky,
		.stored = fate != FATE_IGNORED,
		.held = fate == FATE_HELD,
		.listed = true,
		.first_seen = model->now,
		.last_listed = model->now,
	};
	if (fate == FATE_TOLD)
		model->events[model->n_events++] = (struct expected){false, model->n};
	model->n_held += fate == FATE_HELD;
	model->n_new++;
	model->n++;
}

/* What becomes of each of the new ones, in the order of the log. */
static inline void
model_add_all(struct model *model, const struct shown **news, int n_news, const struct shown *items,
	int n)
{
	enum model_fate fate = FATE_HELD;
	int familiar = 0;

	for (int i = 0; i < n_news; i++)
		familiar += model_familiar(model, news[i], items, n);
	bool rekeyed = !model->first && familiar > 20 && familiar * 5 > n * 4;
	for (int i = 0; i < model->n; i++)
		if (model->known[i].held)
			fate = FATE_IGNORED;
	bool known[SITE_LISTED + 1];
	for (int i = 0; i < n_news; i++)
		known[i] = rekeyed && model_familiar(model, news[i], items, n);
	for (int i = 0; i < n_news; i++) {
		bool told = !model->first || model->backlog >= n_news - i;

		model_add(model, news[i], known[i] ? fate : told ? FATE_TOLD : FATE_SILENT);
	}
}

/* A document was read: model->events is what should have entered the log. whole: it was not
 * repaired, cut, or of the new items only. */
static inline void
model_read(struct model *model, const struct shown *items, int n, bool whole)
{
	const struct shown *news[SITE_LISTED + 1];
	int n_news = 0;

	model->n_events = model->n_new = model->n_held = 0;
	model_judge_guids(model, items, n);
	for (int i = 0; whole && i < model->n; i++)
		model->known[i].listed = false;
	for (int i = 0; i < n; i++) {
		bool repeated = false, crowded = false;

		for (int j = 0; j < n; j++) {
			bool twin = j != i && items[j].article == items[i].article;
			bool alike = twin && items[j].spelling == items[i].spelling;

			repeated = repeated || (alike && j < i);
			crowded = crowded || (twin && !alike);
		}
		struct known *known = repeated ? NULL : model_find(model, &items[i], crowded);
		if (known)
			model_sight(model, known, &items[i], whole);
		else if (!repeated)
			news[n_news++] = &items[i];
	}
	model_sort(news, n_news);
	model_add_all(model, news, n_news, items, n);
	model->first = false;
}

#endif
