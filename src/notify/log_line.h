/* log_line.h - what notifiers say, kept from flooding the log. */
#ifndef FEEDD_NOTIFY_LOG_LINE_H
#define FEEDD_NOTIFY_LOG_LINE_H

#include <stdint.h>

#include "feedd/mem.h"

struct notifier;

/* One line about a notifier and an event (seq 0 for none). At most 20 lines in 10 seconds for each
 * notifier; how many were left out is said later. */
void
log_line(struct notifier *notifier, int level, int64_t seq, const char *fmt, ...) PRINTF_LIKE(4, 5);

#endif
