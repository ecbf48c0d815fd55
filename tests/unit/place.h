/* place.h - a folder with configuration files, and what was read from it, for the tests of the
 * configuration. */
#ifndef FEEDD_TEST_PLACE_H
#define FEEDD_TEST_PLACE_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "feedd/config.h"

/* A folder with files, and the configuration that was read from it last. */
struct place {
	char folder[64];
	struct config *config;
	struct config_faults faults;
};

static inline int
setup(void **state)
{
	struct place *place = xcalloc(1, sizeof(*place));

	strcpy(place->folder, "/tmp/feedd-test-XXXXXX");
	assert_non_null(mkdtemp(place->folder));
	unsetenv("STATE_DIRECTORY");
	unsetenv("CREDENTIALS_DIRECTORY");
	*state = place;
	return 0;
}

static inline void
forget(struct place *place)
{
	config_free(place->config);
	config_faults_fini(&place->faults);
	place->config = NULL;
}

static inline int
teardown(void **state)
{
	struct place *place = *state;
	char command[128];

	forget(place);
	snprintf(command, sizeof(command), "rm -rf %s", place->folder);
	assert_int_equal(system(command), 0);
	free(place);
	return 0;
}

static inline const char *
path_of(const struct place *place, const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", place->folder, name);
	return path;
}

static inline void
put(const struct place *place, const char *name, const char *text, mode_t mode)
{
	FILE *f = fopen(path_of(place, name), "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path_of(place, name), mode), 0);
}

static inline int
load(struct place *place, const char *text)
{
	forget(place);
	put(place, "feedd.conf", text, 0600);
	return config_load(path_of(place, "feedd.conf"), &place->config, &place->faults);
}

static inline void
load_well(struct place *place, const char *text)
{
	int rc = load(place, text);

	for (size_t i = 0; i < place->faults.n; i++)
		print_message("%s\n", place->faults.at[i]);
	assert_int_equal(rc, 0);
	assert_int_equal(place->faults.n, 0);
}

/* True if a fault (or warning) begins with FILE:LINE: and holds the words. */
static inline bool
is_told(char *const *at, size_t n, const char *file, int line, const char *words)
{
	char where[128];

	snprintf(where, sizeof(where), "/%s:%d: ", file, line);
	for (size_t i = 0; i < n; i++) {
		const char *found = strstr(at[i], where);
		if (found && strstr(found, words))
			return true;
	}
	return false;
}

static inline void
expect(const struct place *place, const char *file, int line, const char *words)
{
	const struct config_faults *faults = &place->faults;

	if (is_told(faults->at, faults->n, file, line, words))
		return;
	for (size_t i = 0; i < faults->n; i++)
		print_message("%s\n", faults->at[i]);
	fail_msg("no fault %s:%d: %s", file, line, words);
}

#endif
