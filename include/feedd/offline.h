/*
 * offline.h - is it the feeds that fail, or are we cut off from the network?
 *
 * Layer 2, pure. While we are offline, errors are not counted against feeds: their hosts have done
 * nothing wrong.
 */
#ifndef FEEDD_OFFLINE_H
#define FEEDD_OFFLINE_H

#include <stdbool.h>
#include <stdint.h>

/* So many distinct hosts are looked back on; fewer than OFFLINE_LEAST of them prove nothing. */
#define OFFLINE_HOSTS 20
#define OFFLINE_LEAST 5

/* The last result of each of the hosts that were asked last, newest first. Zeroed: none was. */
struct offline {
	uint64_t hosts[OFFLINE_HOSTS]; /* hashes of names */
	bool reached[OFFLINE_HOSTS];
	uint8_t n;
};

/* Takes in one request. reached: the host answered, whatever it said; false: its name could not be
 * resolved or no connection be made. Hosts of this machine should not be told here: they say
 * nothing of the network. */
void offline_note(struct offline *offline, const char *host, bool reached);
/* True if at least 90 % of the hosts asked last could not be reached. */
bool offline_is(const struct offline *offline);

#endif
