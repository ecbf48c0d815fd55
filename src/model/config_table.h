/*
 * config_table.h - every option of feedd.conf(5): its name, type, bounds, default and place.
 *
 * Private to the configuration. Pure. A new option is a line in a table, a member of a struct, and
 * its entries in manual and sample, which a test compares with the tables.
 */
#ifndef FEEDD_CONFIG_TABLE_H
#define FEEDD_CONFIG_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "feedd/config.h"

enum option_type {
	OPTION_DURATION,    /* int64_t, seconds */
	OPTION_DURATION_MS, /* int64_t, milliseconds */
	OPTION_SIZE,	    /* int64_t, bytes */
	OPTION_COUNT,	    /* int64_t */
	OPTION_NUMBER,	    /* double */
	OPTION_BOOL,	    /* bool */
	OPTION_CHOICE,	    /* int, the index in words */
	OPTION_SWITCH,	    /* bool, true for the second of two words */
	OPTION_WORD,	    /* const char *, one of words */
	OPTION_TEXT,	    /* const char * */
	OPTION_LIST,	    /* struct string_list */
	OPTION_IDENTITY,    /* struct identity */
};

struct option {
	const char *name;
	enum option_type type;
	size_t offset;		  /* in the struct of its section */
	const char *initial;	  /* the default as it would be written, or NULL */
	int64_t min, max;	  /* bounds of numbers; max 0: none */
	const char *const *words; /* CHOICE, SWITCH, WORD: what may be said. Others: one word more
				     beside the numbers … */
	int64_t word_value;	  /* … and the number that it stands for */
	const char *(*check)(const char *text); /* of TEXT and of each word of a LIST, or NULL */
};

/* What a block, or the top level for all, says of a feed beside its address. Tags are apart, since
 * feeds that share all else need not share them. */
struct settings_block {
	struct feed_settings settings;
	struct string_list tags;
};

enum option_section { SECTION_TOP, SECTION_SETTINGS, SECTION_FEED, SECTION_HOST, SECTION_NOTIFY };
#define N_SECTIONS 5

/* The tables. SETTINGS are those of a feed that have their defaults at the top level, FEED what
 * only the block itself has. */
struct option_table {
	const struct option *options;
	size_t n;
};
extern const struct option_table option_tables[N_SECTIONS];

/* The option of that name in a table, or NULL. */
const struct option *option_find(enum option_section section, const char *name);
/* Puts the option's default into the struct. */
void option_reset(const struct option *option, void *base, struct arena *arena);
/* Puts values into the struct; append: behind those that a list has already. 0, or -EINVAL with a
 * sentence in message. */
struct option_values {
	const char *const *at;
	size_t n;
	bool append;
};
int option_set(const struct option *option, void *base, const struct option_values *values,
	struct arena *arena, char message[256]) MUST_USE;
/* Copies the option's value from one struct to another of the same kind. */
void option_copy(const struct option *option, void *to, const void *from);

#endif
