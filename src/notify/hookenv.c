/* hookenv.c - see hookenv.h. */
#include "hookenv.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "feedd/text.h"

/* What a hook gets of the daemon's own environment, and what stands there else. Everything else of
 * it is the service manager's business and may hold secrets. */
static const struct {
	const char *name, *otherwise;
} inherited[] = {
	{"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
	{"LANG", "C.UTF-8"},
	{"HOME", "/"},
};

static const struct {
	const char *name;
	size_t offset; /* of a const char * in struct rendered */
} fields[] = {
	{"FEEDD_EVENT", offsetof(struct rendered, event)},
	{"FEEDD_FEED", offsetof(struct rendered, feed)},
	{"FEEDD_ID", offsetof(struct rendered, id)},
	{"FEEDD_TITLE", offsetof(struct rendered, title)},
	{"FEEDD_URL", offsetof(struct rendered, url)},
	{"FEEDD_DATE_PUBLISHED", offsetof(struct rendered, date_published)},
};

static const char *
field_of(const struct rendered *event, size_t offset)
{
	const char *const *field = (const void *)((const char *)event + offset);

	return *field ? *field : "";
}

/* The value that all events have in common, else "". */
static const char *
shared_field(const struct rendered *events, size_t n, size_t offset)
{
	for (size_t i = 1; i < n; i++)
		if (strcmp(field_of(&events[0], offset), field_of(&events[i], offset)) != 0)
			return "";
	return n ? field_of(&events[0], offset) : "";
}

static char *
assign(struct arena *arena, const char *name, const char *value)
{
	const char *line = text_line(arena, value, strlen(value));
	size_t len = strlen(line), most = HOOKENV_MAX - strlen(name) - 2;

	if (len > most)
		len = text_cut(line, most);
	return arena_printf(arena, "%s=%.*s", name, (int)len, line);
}

char **
hookenv_make(struct arena *arena, const char *notify, const struct rendered *events, size_t n)
{
	char **env = arena_zalloc(
		arena, (ARRAY_SIZE(inherited) + ARRAY_SIZE(fields) + 3) * sizeof(char *));
	char seq[24] = "";
	size_t at = 0;

	for (size_t i = 0; i < ARRAY_SIZE(inherited); i++) {
		const char *value = getenv(inherited[i].name);

		env[at++] = arena_printf(
			arena, "%s=%s", inherited[i].name, value ? value : inherited[i].otherwise);
	}
	if (n == 1)
		snprintf(seq, sizeof(seq), "%" PRId64, events[0].seq);
	env[at++] = assign(arena, "FEEDD_SEQ", seq);
	env[at++] = assign(arena, "FEEDD_NOTIFY", notify);
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		env[at++] =
			assign(arena, fields[i].name, shared_field(events, n, fields[i].offset));
	return env;
}
