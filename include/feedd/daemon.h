/*
 * daemon.h - the daemon as a whole: owns everything, starts and stops it in order.
 *
 * Layer 5.
 */
#ifndef FEEDD_DAEMON_H
#define FEEDD_DAEMON_H

#include <stdbool.h>

/* Exit statuses of feedd: 2 and 3 must not be restarted by a service manager. */
enum daemon_exit {
	DAEMON_DONE = 0,
	DAEMON_FAILED = 1,   /* failed while running; with once: a feed or a delivery failed */
	DAEMON_CONFIG = 2,   /* usage or configuration */
	DAEMON_DATABASE = 3, /* the database cannot be used; nothing in it was touched */
};

struct daemon_options {
	const char *config_path;
	bool once;
	int verbose; /* so many levels more than `log` says */
};

/* Runs until SIGTERM or SIGINT, or with once until everything was tried. Logs its failures. */
enum daemon_exit daemon_run(const struct daemon_options *options);
/* Reads the configuration and says every fault and warning on standard error. DAEMON_DONE or
 * DAEMON_CONFIG. */
enum daemon_exit daemon_check(const char *config_path);
/* Where the log goes: fields for the journal where standard error is it, lines elsewhere. level: of
 * syslog.h. First of all. */
void daemon_init_log(int level);
/* As PID 1 of a container: runs the daemon in a child, passes signals on, reaps orphans. Returns in
 * the child, and in every process that is not PID 1; in the parent it exits with the child's
 * status. */
void daemon_become_init(void);

#endif
