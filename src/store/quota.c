/*
 * quota.c - see quota.h. Puts itself between SQLite and its allocator.
 *
 * Touches SQLite's configuration. The one state is of the thread: what it has left.
 */
#include "quota.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>

#include "feedd/mem.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static sqlite3_mem_methods below;
static _Thread_local bool counting;
static _Thread_local size_t left;

static bool
take(size_t bytes)
{
	if (!counting)
		return true;
	if (bytes > left)
		return false;
	left -= bytes;
	return true;
}

/* Memory that is gone ends the process here as elsewhere: a filter that cannot say whether an event
 * passes, a column that comes as NULL, would lose what nobody misses. */
static void *
given(void *block, int size)
{
	if (!block)
		mem_exhausted((size_t)size);
	return block;
}

static void *
counted_malloc(int size)
{
	return take((size_t)size) ? given(below.xMalloc(size), size) : NULL;
}

static void *
counted_realloc(void *old, int size)
{
	int had = below.xSize(old);

	return take(size > had ? (size_t)(size - had) : 0) ? given(below.xRealloc(old, size), size)
							   : NULL;
}

static void
configure(void)
{
	sqlite3_mem_methods methods;

	/* Where SQLite is in use already, as in a test with an allocator of its own, all stays as
	 * it is. */
	if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &below) != SQLITE_OK)
		return;
	methods = below;
	methods.xMalloc = counted_malloc;
	methods.xRealloc = counted_realloc;
	sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
}

void
quota_init(void)
{
	pthread_once(&once, configure);
}

void
quota_begin(size_t bytes)
{
	left = bytes;
	counting = true;
}

void
quota_end(void)
{
	counting = false;
}
