/*
 * parsing.h - what tests of the parser share: libxml2 set up, and an arena as long-lived as they.
 */
#ifndef TESTS_PARSING_H
#define TESTS_PARSING_H

#include "test.h"

#include "feedd/mem.h"
#include "feedd/parse.h"

static struct arena arena;

static inline int
parsing_setup(void **state)
{
	(void)state;
	parse_init();
	return 0;
}

static inline int
parsing_teardown(void **state)
{
	(void)state;
	arena_fini(&arena);
	parse_fini();
	return 0;
}

#endif
