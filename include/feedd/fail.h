/*
 * fail.h - points at which a test may have the process die: `make FAILPOINTS=1`, then
 * FEEDD_FAIL=NAME:abort or NAME:kill; NAME:kill:3 dies when it is there for the third time.
 *
 * Layer 0. Nothing is left of them in other builds.
 */
#ifndef FEEDD_FAIL_H
#define FEEDD_FAIL_H

#ifdef FEEDD_FAILPOINTS
/* Ends the process here if $FEEDD_FAIL names this point: by abort(3), or by SIGKILL. */
void fail_point(const char *name);
#define FAIL_POINT(name) fail_point(name)
#else
#define FAIL_POINT(name) ((void)0)
#endif

#endif
