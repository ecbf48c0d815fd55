"""clock.py - a daemon's clocks moved by the test: a library that is loaded before all others, and the file that it asks."""
import os
import subprocess

import pytest

SOURCE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

/* Seconds to add stand in a file: to the wall clock, and to the one that counts suspended time. The monotonic clock stays. */
static long
shift(int which)
{
	FILE *file = fopen(getenv("CLOCK_SHIFT"), "re");
	long seconds[2] = {0, 0};

	if (file) {
		if (fscanf(file, "%ld %ld", &seconds[0], &seconds[1]) != 2)
			seconds[0] = seconds[1] = 0;
		fclose(file);
	}
	return seconds[which];
}

int
clock_gettime(clockid_t id, struct timespec *now)
{
	static int (*real)(clockid_t, struct timespec *);
	if (!real)
		real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
	int r = real(id, now);
	if (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)
		now->tv_sec += shift(0);
	if (id == CLOCK_BOOTTIME)
		now->tv_sec += shift(1);
	return r;
}

time_t
time(time_t *ret)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	if (ret)
		*ret = now.tv_sec;
	return now.tv_sec;
}

int
gettimeofday(struct timeval *restrict ret, void *restrict zone)
{
	struct timespec now;
	(void)zone;
	clock_gettime(CLOCK_REALTIME, &now);
	ret->tv_sec = now.tv_sec;
	ret->tv_usec = now.tv_nsec / 1000;
	return 0;
}
"""


@pytest.fixture
def clock(tmp_path, feedd):
    """clock(seconds) moves the daemon's wall clock; clock(seconds, asleep) also has the machine sleep for so long."""
    if "FEEDD_WRAP" in os.environ or "ASAN_OPTIONS" in os.environ or "TSAN_OPTIONS" in os.environ:
        pytest.skip("a preloaded clock and a sanitizer do not go together")
    source, library, file = tmp_path / "clock.c", tmp_path / "clock.so", tmp_path / "shift"
    source.write_text(SOURCE)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    feedd.environment.update(LD_PRELOAD=str(library), CLOCK_SHIFT=str(file))

    def move(seconds, asleep=0):
        new = file.with_suffix(".new")
        new.write_text(f"{seconds} {asleep}")
        new.rename(file)

    move(0)
    return move
