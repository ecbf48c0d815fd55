/* entity.h - the general entities that a document declares in its own DTD. Private to the room. */
#ifndef PARSE_ENTITY_H
#define PARSE_ENTITY_H

#include <stdbool.h>
#include <stddef.h>

/* More are not kept, nor longer values. */
#define ENTITIES_MAX ((size_t)256)
#define ENTITY_VALUE_MAX ((size_t)1024)

struct entity {
	char *name, *value;
};

struct entities {
	struct entity *list;
	size_t n;
	bool external; /* the DOCTYPE names a DTD that we do not read: unknown entities are no fault
			  then */
};

/* Takes what an internal subset declares: "<!ENTITY name 'value'>". */
void entities_read(struct entities *entities, const char *subset, size_t len);
/* Keeps an internal entity; the first declaration counts. */
void entities_add(struct entities *entities, const char *name, size_t name_len, const char *value,
	size_t value_len);
/* Its value (UTF-8, may hold markup), or NULL. */
const char *entities_find(const struct entities *entities, const char *name, size_t len);
void entities_fini(struct entities *entities);

#endif
