/*
 * verbs.h - the verbs that talk to the daemon, by file. Each takes its name in argv[0], reads its
 * options, and returns an exit status of feedctl.h. See feedctl(1).
 */
#ifndef FEEDCTL_VERBS_H
#define FEEDCTL_VERBS_H

#include "feedctl.h"

/* status.c */
int verb_status(const struct ctl *ctl, int argc, char **argv);
/* state.c */
int verb_feeds(const struct ctl *ctl, int argc, char **argv);
int verb_show(const struct ctl *ctl, int argc, char **argv);
/* act.c */
int verb_poll(const struct ctl *ctl, int argc, char **argv);
int verb_reload(const struct ctl *ctl, int argc, char **argv);
int verb_resume(const struct ctl *ctl, int argc, char **argv);
int verb_accept_move(const struct ctl *ctl, int argc, char **argv);
int verb_release(const struct ctl *ctl, int argc, char **argv);
int verb_ack(const struct ctl *ctl, int argc, char **argv);
/* why.c */
int verb_why(const struct ctl *ctl, int argc, char **argv);
/* items.c */
int verb_items(const struct ctl *ctl, int argc, char **argv);
/* deliver.c */
int verb_failed(const struct ctl *ctl, int argc, char **argv);
int verb_retry(const struct ctl *ctl, int argc, char **argv);
int verb_test(const struct ctl *ctl, int argc, char **argv);
int verb_match(const struct ctl *ctl, int argc, char **argv);
/* follow.c */
int verb_follow(const struct ctl *ctl, int argc, char **argv);
/* copy.c */
int verb_backup(const struct ctl *ctl, int argc, char **argv);
int verb_export(const struct ctl *ctl, int argc, char **argv);
/* parse.c: without a daemon */
int verb_parse(const struct ctl *ctl, int argc, char **argv);
int verb_discover(const struct ctl *ctl, int argc, char **argv);

#endif
