/*
 * mem_guard.c - libraries that go on when memory is gone, and with what they have: a document that
 * lost its texts, an event that lost its fields, a TLS without its ciphers. They get an allocator
 * that does not return then.
 *
 * May touch: the settings of jansson, libxml2 and OpenSSL, nothing else.
 */
#include <jansson.h>
#include <libxml/xmlmemory.h>
#include <openssl/crypto.h>
#include <stdlib.h>

#include "feedd/mem.h"

static void *
take(size_t size, const char *file, int line)
{
	(void)file, (void)line;
	return size ? xmalloc(size) : NULL;
}

static void *
retake(void *old, size_t size, const char *file, int line)
{
	(void)file, (void)line;
	if (size)
		return xresize(old, size);
	free(old);
	return NULL;
}

static void
give(void *block, const char *file, int line)
{
	(void)file, (void)line;
	free(block);
}

void
mem_guard_libraries(void)
{
	json_set_alloc_funcs(xmalloc, free);
	xmlMemSetup(free, xmalloc, xresize, xstrdup);
	CRYPTO_set_mem_functions(take, retake, give);
}
