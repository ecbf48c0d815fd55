/*
 * offline.c - tells a network that is down from feeds that are. Touches nothing but the list that
 * it is given.
 */
#include "feedd/offline.h"

#include <string.h>

#include "feedd/mem.h"

enum { PERCENT = 90 };

void
offline_note(struct offline *offline, const char *host, bool reached)
{
	uint64_t hash = hash64_str(0, host);
	size_t at = 0;

	while (at < offline->n && offline->hosts[at] != hash)
		at++;
	/* A host that is new pushes out the oldest once the list is full. */
	if (at == offline->n) {
		if (offline->n < OFFLINE_HOSTS)
			offline->n++;
		else
			at--;
	}
	memmove(&offline->hosts[1], &offline->hosts[0], at * sizeof(offline->hosts[0]));
	memmove(&offline->reached[1], &offline->reached[0], at * sizeof(offline->reached[0]));
	offline->hosts[0] = hash;
	offline->reached[0] = reached;
}

bool
offline_is(const struct offline *offline)
{
	unsigned failed = 0;

	for (size_t i = 0; i < offline->n; i++)
		failed += !offline->reached[i];
	return offline->n >= OFFLINE_LEAST && failed * 100 >= offline->n * PERCENT;
}
