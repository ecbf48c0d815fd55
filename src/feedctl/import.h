/* import.h - the verb that makes feed blocks of a subscription list. */
#ifndef FEEDCTL_IMPORT_H
#define FEEDCTL_IMPORT_H

#include "feedctl.h"
#include "feedd/mem.h"
#include "feedd/opml.h"

/* Appends a block for feedd.conf(5) for each feed. Whatever the list holds, the blocks hold nothing
 * but names, addresses, titles and tags. */
void import_blocks(const struct opml *opml, struct buf *out);
/* The verb: feedctl import FILE.opml, "-" for standard input. */
int verb_import(const struct ctl *ctl, int argc, char **argv);

#endif
