/*
 * client.h - one question to the daemon, and what verbs do with the answer.
 */
#ifndef FEEDCTL_CLIENT_H
#define FEEDCTL_CLIENT_H

#include <jansson.h>
#include <stdbool.h>

#include "feedctl.h"

/*
 * Asks the daemon. EXIT_DONE and the answer's object in *ret_answer (json_decref), else what went
 * wrong was said on standard error and the exit status is returned. An answer with an error status
 * is said and returned as EXIT_FAILED.
 */
int client_ask(const struct ctl *ctl, const char *method, const char *path, json_t **ret_answer);
/* The same, with the answer printed as it is where json is set: then *ret_answer is NULL. */
int client_show(const struct ctl *ctl, const char *path, bool json, json_t **ret_answer);
/* POST without interest in the answer. */
int client_tell(const struct ctl *ctl, const char *path);
/* POST, then adds the answer's number of that name to *sum. */
int client_count(const struct ctl *ctl, const char *path, const char *name, json_int_t *sum);
/* A path, printf(3)-like, in which each %s is percent-encoded. Only %s. malloc'd; caller frees. */
char *client_path(const char *fmt, ...);
/* Appends "?name=value" (or "&…") percent-encoded; nothing where value is NULL. *path is malloc'd.
 */
void client_parameter(char **path, const char *name, const char *value);

/* A string member, or NULL; a number member, or 0. */
const char *client_text(const json_t *object, const char *name);
json_int_t client_number(const json_t *object, const char *name);

/*
 * Options of a verb that has no others than these. Sets *ret_json for --json where it is not NULL.
 * Returns EXIT_DONE, or prints the usage and returns EXIT_USAGE; --help prints it and exits.
 * Afterwards argv[optind] is the first operand, and there are at least min and at most max of them.
 */
int verb_options(int argc, char **argv, bool *ret_json, int min, int max);
/* For --help of verbs with options of their own: prints the usage and exits with EXIT_DONE. */
void verb_help(const char *name) __attribute__((noreturn));
/* Says a wrong argument and the usage of the verb; EXIT_USAGE. */
int verb_wrong(const char *name, const char *what);

#endif
