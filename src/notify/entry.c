/* entry.c - see entry.h. Memory only. */
#include "entry.h"

#include <stdlib.h>

#include "feedd/mem.h"

struct bundle *
bundle_new(struct entry *entries, size_t n)
{
	struct bundle *bundle = xcalloc(1, sizeof(*bundle));

	bundle->entries = entries;
	bundle->n = n;
	return bundle;
}

void
bundle_free(struct bundle *bundle)
{
	if (!bundle)
		return;
	while (bundle->entries) {
		struct entry *entry = bundle->entries;

		bundle->entries = entry->next;
		free(entry);
	}
	free(bundle);
}

static int
by_seq(const void *a, const void *b)
{
	const struct entry *const *left = a, *const *right = b;

	return ((*left)->seq > (*right)->seq) - ((*left)->seq < (*right)->seq);
}

void
bundle_sort(struct bundle *bundle)
{
	if (bundle->n < 2)
		return;
	AUTO(freep) struct entry **all = xcalloc(bundle->n, sizeof(struct entry *));
	size_t n = 0;

	for (struct entry *entry = bundle->entries; entry; entry = entry->next)
		all[n++] = entry;
	qsort(all, n, sizeof(struct entry *), by_seq);
	for (size_t i = 0; i < n; i++)
		all[i]->next = i + 1 < n ? all[i + 1] : NULL;
	bundle->entries = all[0];
}

static void
swap(struct waiting *waiting, size_t a, size_t b)
{
	struct bundle *kept = waiting->heap[a];

	waiting->heap[a] = waiting->heap[b];
	waiting->heap[b] = kept;
}

static bool
earlier(const struct waiting *waiting, size_t a, size_t b)
{
	return waiting->heap[a]->due_mono < waiting->heap[b]->due_mono;
}

void
waiting_push(struct waiting *waiting, struct bundle *bundle)
{
	if (waiting->n == waiting->cap) {
		waiting->cap = waiting->cap ? waiting->cap * 2 : 16;
		waiting->heap = xrealloc(waiting->heap, waiting->cap, sizeof(struct bundle *));
	}
	size_t i = waiting->n++;

	waiting->heap[i] = bundle;
	waiting->n_events += bundle->n;
	for (; i > 0 && earlier(waiting, i, (i - 1) / 2); i = (i - 1) / 2)
		swap(waiting, i, (i - 1) / 2);
}

struct bundle *
waiting_first(const struct waiting *waiting)
{
	return waiting->n ? waiting->heap[0] : NULL;
}

struct bundle *
waiting_pop(struct waiting *waiting)
{
	if (waiting->n == 0)
		return NULL;
	struct bundle *first = waiting->heap[0];

	waiting->heap[0] = waiting->heap[--waiting->n];
	waiting->n_events -= first->n;
	for (size_t i = 0;;) {
		size_t child = 2 * i + 1;

		if (child + 1 < waiting->n && earlier(waiting, child + 1, child))
			child++;
		if (child >= waiting->n || !earlier(waiting, child, i))
			break;
		swap(waiting, i, child);
		i = child;
	}
	return first;
}

void
waiting_fini(struct waiting *waiting)
{
	for (size_t i = 0; i < waiting->n; i++)
		bundle_free(waiting->heap[i]);
	free(waiting->heap);
	*waiting = (struct waiting){0};
}
