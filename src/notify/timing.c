/* timing.c - see timing.h. Nothing but arithmetic, and the local time zone. */
#include "timing.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#define HOUR_MS ((int64_t)3600 * 1000)

int64_t
retry_wait(int32_t tries)
{
	int64_t wait = RETRY_WAIT_FIRST;

	for (int32_t i = 1; i < tries && wait < RETRY_WAIT_MAX; i++)
		wait *= 2;
	return wait < RETRY_WAIT_MAX ? wait : RETRY_WAIT_MAX;
}

int64_t
retry_jitter(int64_t wait, uint32_t random)
{
	int64_t ms = wait * 1000;

	return ms + (int64_t)random % (ms / 4 + 1);
}

int
digest_parse(const char *at)
{
	int digits[4] = {0};
	static const int places[4] = {0, 1, 3, 4};

	if (strlen(at) != 5 || at[2] != ':')
		return -EINVAL;
	for (int i = 0; i < 4; i++) {
		if (at[places[i]] < '0' || at[places[i]] > '9')
			return -EINVAL;
		digits[i] = at[places[i]] - '0';
	}
	int hour = digits[0] * 10 + digits[1], minute = digits[2] * 10 + digits[3];
	return hour < 24 && minute < 60 ? hour * 60 + minute : -EINVAL;
}

/* That minute of the local day of now, moved by days. */
static int64_t
minute_of_day(int minute, int64_t now, int days)
{
	time_t when = (time_t)now;
	struct tm tm;

	localtime_r(&when, &tm);
	tm.tm_mday += days;
	tm.tm_hour = minute / 60;
	tm.tm_min = minute % 60;
	tm.tm_sec = 0;
	tm.tm_isdst = -1;
	return (int64_t)mktime(&tm);
}

int64_t
digest_last(int minute, int64_t now)
{
	int64_t today = minute_of_day(minute, now, 0);

	return today <= now ? today : minute_of_day(minute, now, -1);
}

int64_t
digest_next(int minute, int64_t now)
{
	int64_t today = minute_of_day(minute, now, 0);

	return today > now ? today : minute_of_day(minute, now, 1);
}

int64_t
quota_left(struct quota *quota, int64_t per_hour, int64_t mono)
{
	if (quota->used > 0 && mono >= quota_ends(quota))
		*quota = (struct quota){0};
	return per_hour - quota->used;
}

void
quota_use(struct quota *quota, int64_t mono)
{
	if (quota->used++ == 0)
		quota->began_mono = mono;
}

int64_t
quota_ends(const struct quota *quota)
{
	return quota->began_mono + HOUR_MS;
}
