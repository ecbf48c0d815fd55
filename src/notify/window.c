/* window.c - see window.h. Memory only. */
#include "window.h"

#include <stdlib.h>
#include <string.h>

#include "feedd/mem.h"

/* The first slot with at least that seq, as an index from window->first. */
static size_t
find(const struct window *window, int64_t seq)
{
	size_t low = 0, high = window->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (window->slots[window->first + middle].seq < seq)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Room for one more at the end: moves to the front what stands behind a gap, or grows. */
static void
make_room(struct window *window)
{
	if (window->first + window->n < window->cap)
		return;
	if (window->first > window->cap / 2) {
		memmove(window->slots, window->slots + window->first,
			window->n * sizeof(struct slot));
		window->first = 0;
		return;
	}
	window->cap = window->cap ? window->cap * 2 : 64;
	window->slots = xrealloc(window->slots, window->cap, sizeof(struct slot));
}

bool
window_add(struct window *window, int64_t seq, bool settled)
{
	size_t i = find(window, seq);

	if (i < window->n && window->slots[window->first + i].seq == seq)
		return false;
	make_room(window);
	struct slot *slot = window->slots + window->first + i;
	memmove(slot + 1, slot, (window->n - i) * sizeof(*slot));
	*slot = (struct slot){.seq = seq, .settled = settled};
	window->n++;
	return true;
}

void
window_settle(struct window *window, int64_t seq)
{
	size_t i = find(window, seq);

	if (i < window->n && window->slots[window->first + i].seq == seq)
		window->slots[window->first + i].settled = true;
}

void
window_forget(struct window *window, bool (*keep)(const void *arg, int64_t seq), const void *arg)
{
	size_t kept = 0;

	for (size_t i = 0; i < window->n; i++) {
		struct slot slot = window->slots[window->first + i];

		if (slot.settled || keep(arg, slot.seq))
			window->slots[window->first + kept++] = slot;
	}
	window->n = kept;
}

int64_t
window_cursor(struct window *window, int64_t scanned_to)
{
	while (window->n > 0) {
		const struct slot *slot = &window->slots[window->first];

		if (!slot->settled)
			return slot->seq - 1 < scanned_to ? slot->seq - 1 : scanned_to;
		if (slot->seq > scanned_to)
			break;
		window->first++;
		window->n--;
	}
	return scanned_to;
}

void
window_fini(struct window *window)
{
	free(window->slots);
	*window = (struct window){0};
}
