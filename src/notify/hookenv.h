/* hookenv.h - the environment of a hook. Pure but for reading the daemon's own environment. */
#ifndef FEEDD_NOTIFY_HOOKENV_H
#define FEEDD_NOTIFY_HOOKENV_H

#include "feedd/mem.h"
#include "feedd/store.h"

/* No string of the environment is longer, with its name and its NUL. */
#define HOOKENV_MAX 4096

/* The whole environment of a hook, NULL-ended, in the arena: PATH, LANG and HOME of the daemon (or
 * defaults), and FEEDD_*: always all of them, empty where an event has no such field or where the
 * events of a batch differ in it. Names are fixed; values are one line each. */
char **hookenv_make(
	struct arena *arena, const char *notify, const struct rendered *events, size_t n) MUST_USE;

#endif
