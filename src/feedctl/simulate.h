/*
 * simulate.h - the daemon's schedule against a recorded trace of publications, for tests and for
 * the verb of that name.
 */
#ifndef FEEDCTL_SIMULATE_H
#define FEEDCTL_SIMULATE_H

#include <stdbool.h>
#include <stdio.h>

#include "feedctl.h"

struct simulation {
	double polls_per_feed_per_day;
	bool fixed;  /* policy: one interval for all */
	FILE *in;    /* the trace, JSON Lines */
	FILE *out;   /* the result, one JSON object on a line */
	FILE *polls; /* one line a poll, or NULL */
};

/* Runs the whole trace. 0, or -EINVAL for a malformed trace with what and where it was wrong in
 * fault (nothing was written to out then), or another -errno of reading. The same input gives the
 * same bytes. */
int simulate_run(const struct simulation *simulation, char *fault, size_t fault_size);
/* The verb: feedctl simulate [--budget N] [--policy adaptive|fixed] [--polls FILE] < TRACE. */
int verb_simulate(const struct ctl *ctl, int argc, char **argv);

#endif
