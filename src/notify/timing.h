/* timing.h - when to try again, when a digest is due, how many calls an hour still allows. Knows no
 * clock: `now` comes in. */
#ifndef FEEDD_NOTIFY_TIMING_H
#define FEEDD_NOTIFY_TIMING_H

#include <stdint.h>

#define RETRY_WAIT_FIRST 5
#define RETRY_WAIT_MAX 3600

/* Seconds to wait after that many tries without success (at least 1): 5, 10, 20 … 3600. */
int64_t retry_wait(int32_t tries);
/* The wait in ms, lengthened by up to a quarter. random: any number. */
int64_t retry_jitter(int64_t wait, uint32_t random);

/* Minutes after midnight of "HH:MM", or -EINVAL. */
int digest_parse(const char *at);
/* The last time that the local clock showed that minute, not after now; unix seconds. */
int64_t digest_last(int minute, int64_t now);
/* The first time that it will, after now. */
int64_t digest_next(int minute, int64_t now);

/* Calls in an hour, which begins with the first of them. A zeroed one has nothing used. */
struct quota {
	int64_t began_mono; /* ms */
	int64_t used;
};

/* Calls that are still allowed out of `per_hour`; begins a new hour where the old one is over. */
int64_t quota_left(struct quota *quota, int64_t per_hour, int64_t mono);
void quota_use(struct quota *quota, int64_t mono);
/* When the hour will be over, ms. */
int64_t quota_ends(const struct quota *quota);

#endif
