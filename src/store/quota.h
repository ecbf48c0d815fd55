/*
 * quota.h - what the calls of one thread may allocate of SQLite's memory.
 *
 * Private to src/store. An expression of a few bytes can build strings of many megabytes, one after
 * the other: each evaluation has so much, all in all, and then SQLite is told that there is no
 * more. Where there really is no more the process ends, see mem.h.
 */
#ifndef STORE_QUOTA_H
#define STORE_QUOTA_H

#include <stddef.h>

/* Before SQLite is used for the first time; any number of times, by any thread. */
void quota_init(void);
/* From here on this thread may allocate so many bytes in total, until quota_end. What it frees does
 * not count. */
void quota_begin(size_t bytes);
void quota_end(void);

#endif
