/*
 * estimate.h - what observe.c learns and plan.c and price.c use. Private to the room.
 */
#ifndef FEEDD_SCHEDULE_ESTIMATE_H
#define FEEDD_SCHEDULE_ESTIMATE_H

#include <stdint.h>

#include "feedd/schedule.h"

#define DAY 86400
#define HOUR 3600
#define TAU (21.0 * DAY)      /* memory of the rate, seconds */
#define BURST_TAU 5400.0      /* memory of a burst, seconds */
#define EVENT_GAP 120	      /* items closer together than this are one publication event */
#define PRIOR_ITEMS 0.3	      /* the rate before anything was seen: 0.3 items ... */
#define PRIOR_SECONDS 51840.0 /* ... in 0.6 days */
#define GAP_UNIT 8	      /* seconds of one unit of min_gap */

enum {
	FLAG_FULL = 1,	  /* all that the last poll listed was new: more may have fallen out of the
			     window unseen */
	FLAG_UNDATED = 2, /* the last new items carried no dates */
};

/* Which hour (0 to 23) and day (0 = Sunday) it is at t, UTC; also before 1970, where a clock may be
 * set to. */
static inline unsigned
hour_of(int64_t t)
{
	return (unsigned)((t / HOUR % 24 + 24) % 24);
}

static inline unsigned
day_of(int64_t t)
{
	return (unsigned)(((t / DAY + 4) % 7 + 7) % 7);
}

#endif
