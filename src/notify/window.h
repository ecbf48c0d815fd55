/* window.h - which events past the cursor are open and which are settled, so that the cursor
 * follows the oldest open one. */
#ifndef FEEDD_NOTIFY_WINDOW_H
#define FEEDD_NOTIFY_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct slot {
	int64_t seq;
	bool settled; /* delivered, or has a row of its own */
};

/* Slots by seq. A zeroed one is empty. */
struct window {
	struct slot *slots;
	size_t first, n, cap; /* slots[first .. first + n) */
};

/* Adds an event: true, or false where it is known already. Cheap at the end, else linear. */
bool window_add(struct window *window, int64_t seq, bool settled);
/* Marks it as settled; unknown ones (behind the cursor) are no matter. */
void window_settle(struct window *window, int64_t seq);
/* Forgets all that is open, but what `keep` holds on to. */
void
window_forget(struct window *window, bool (*keep)(const void *arg, int64_t seq), const void *arg);
/* Drops what is settled in front, up to scanned_to, and returns the cursor: everything up to it is
 * settled or was not asked for. scanned_to: all up to there was looked at. */
int64_t window_cursor(struct window *window, int64_t scanned_to);
void window_fini(struct window *window);

#endif
