/*
 * mem_guard.c - libraries that go on when memory is gone, and with what they have: a document that
 * lost its texts, an event that lost its fields. They get an allocator that does not return then.
 *
 * May touch: the settings of jansson and libxml2, nothing else.
 */
#include <jansson.h>
#include <libxml/xmlmemory.h>
#include <stdlib.h>

#include "feedd/mem.h"

void
mem_guard_libraries(void)
{
	json_set_alloc_funcs(xmalloc, free);
	xmlMemSetup(free, xmalloc, xresize, xstrdup);
}
