/*
 * feeds.h - generated feeds for benchmarks: the same bytes for the same number and version,
 * everywhere.
 */
#ifndef BENCH_FEEDS_H
#define BENCH_FEEDS_H

#include "feedd/mem.h"

/* Feed number n as RSS 2.0: 15 to 31 items of 2.6 KB (mean 23). version: so many more items on top,
 * where n % 10 == 0. */
void bench_feed(struct buf *out, unsigned n, unsigned version);
/* The version that feed n has: `version`, or 0 for the nine in ten that never change. */
unsigned bench_version(unsigned n, unsigned version);

#endif
