/* entity.c - the general entities that a document declares in its own DTD: a short list with a
 * ceiling. Pure. */
#include "entity.h"

#include <stdlib.h>
#include <string.h>

#include "feedd/mem.h"

const char *
entities_find(const struct entities *entities, const char *name, size_t len)
{
	for (size_t i = 0; i < entities->n; i++)
		if (strncmp(entities->list[i].name, name, len) == 0 &&
			entities->list[i].name[len] == '\0')
			return entities->list[i].value;
	return NULL;
}

void
entities_add(struct entities *entities, const char *name, size_t name_len, const char *value,
	size_t value_len)
{
	if (entities->n == ENTITIES_MAX || value_len > ENTITY_VALUE_MAX ||
		name_len > ENTITY_VALUE_MAX)
		return;
	if (entities_find(entities, name, name_len))
		return;
	if (!entities->list)
		entities->list = xcalloc(ENTITIES_MAX, sizeof(*entities->list));
	entities->list[entities->n++] =
		(struct entity){xstrndup(name, name_len), xstrndup(value, value_len)};
}

void
entities_read(struct entities *entities, const char *subset, size_t len)
{
	static const char blanks[] = " \t\r\n";
	/* A string, so that spans stop at its end. */
	AUTO(freep) char *text = xstrndup(subset, len);

	for (const char *at = text; (at = strstr(at, "<!ENTITY"));) {
		at += 8;
		const char *name = at + strspn(at, blanks);
		size_t name_len = strcspn(name, " \t\r\n<>\"'&;%");
		const char *value = name + name_len + strspn(name + name_len, blanks);
		if (name_len == 0 || (*value != '"' && *value != '\''))
			continue;
		const char *end = strchr(value + 1, *value);
		if (!end)
			return;
		entities_add(entities, name, name_len, value + 1, (size_t)(end - value - 1));
		at = end;
	}
}

void
entities_fini(struct entities *entities)
{
	for (size_t i = 0; i < entities->n; i++) {
		free(entities->list[i].name);
		free(entities->list[i].value);
	}
	free(entities->list);
	*entities = (struct entities){0};
}
