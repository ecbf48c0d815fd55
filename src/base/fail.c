/* fail.c - see fail.h. Empty but in builds for tests. Reads the environment, and ends the process.
 */
#include "feedd/fail.h"

#ifdef FEEDD_FAILPOINTS
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static atomic_int reached; /* so often was the point reached that is wanted */

void
fail_point(const char *name)
{
	const char *wanted = getenv("FEEDD_FAIL");
	size_t len = strlen(name);

	if (!wanted || strncmp(wanted, name, len) != 0 || wanted[len] != ':')
		return;
	const char *nth = strchr(wanted + len + 1, ':');
	if (atomic_fetch_add(&reached, 1) + 1 < (nth ? strtoll(nth + 1, NULL, 10) : 1))
		return;
	if (strncmp(wanted + len + 1, "abort", 5) == 0)
		abort();
	raise(SIGKILL);
}
#endif
