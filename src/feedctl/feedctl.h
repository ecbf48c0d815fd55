/*
 * feedctl.h - what the verbs of the client share.
 *
 * A verb is a function in a file named after its group; the table in main.c is the only list of
 * them. Exit status: 0 done, 1 the thing asked for failed, 2 wrong usage, 3 no daemon at the
 * socket.
 */
#ifndef FEEDCTL_H
#define FEEDCTL_H

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_NO_DAEMON = 3 };

struct ctl {
	const char *socket; /* path of the daemon's socket */
};

struct verb {
	const char *name;
	const char *usage; /* what follows the name, "" for nothing */
	const char *help;  /* one line */
	/* argv[0] is the verb's name; options are read with getopt_long(3), which begins anew. */
	int (*run)(const struct ctl *ctl, int argc, char **argv);
};

/* One line on standard error, "feedctl: VERB: …". Returns EXIT_USAGE. */
int verb_usage(const struct verb *verb);
/* The table entry of a verb, for its usage. */
const struct verb *verb_find(const char *name);

#endif
