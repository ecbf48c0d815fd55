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
entities_add(struct entities *entities, const char *name, const char *value)
{
	if (entities->n == ENTITIES_MAX || strlen(value) > ENTITY_VALUE_MAX ||
		strlen(name) > ENTITY_VALUE_MAX)
		return;
	if (entities_find(entities, name, strlen(name)))
		return;
	if (!entities->list)
		entities->list = xcalloc(ENTITIES_MAX, sizeof(*entities->list));
	entities->list[entities->n++] = (struct entity){xstrdup(name), xstrdup(value)};
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
