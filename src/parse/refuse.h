/* refuse.h - one sentence for people on what a document is instead of a feed. Private to the room.
 */
#ifndef PARSE_REFUSE_H
#define PARSE_REFUSE_H

#include "feedd/parse.h"

/* data: the document in UTF-8 as far as that could be found out.
 * In the arena. */
const char *
refuse(const struct parse_input *input, const char *data, size_t len, struct arena *arena);
/* True for what begins like an HTML page. */
bool refuse_is_html(const char *data, size_t len);

#endif
