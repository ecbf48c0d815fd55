/*
 * elements.c - the elements of HTML as plain text sees them. Pure: data, and a search in it.
 */
#include "elements.h"

#include <string.h>

#include "feedd/mem.h"

#define INLINE ELEMENT_INLINE
#define CELL ELEMENT_CELL
#define LINE ELEMENT_LINE
#define PARA ELEMENT_PARA
#define BREAK ELEMENT_BREAK
#define IMAGE ELEMENT_IMAGE
#define CODE ELEMENT_CODE
#define HIDDEN ELEMENT_HIDDEN

/* Sorted by strcmp(3). */
/* clang-format off */
const struct element ELEMENTS[] = {
	{"a", INLINE}, {"abbr", INLINE}, {"acronym", INLINE}, {"address", LINE}, {"area", INLINE},
	{"article", PARA}, {"aside", PARA}, {"audio", INLINE}, {"b", INLINE}, {"base", INLINE},
	{"bdi", INLINE}, {"bdo", INLINE}, {"big", INLINE}, {"blink", INLINE}, {"blockquote", PARA},
	{"body", LINE}, {"br", BREAK}, {"button", INLINE}, {"canvas", INLINE}, {"caption", LINE},
	{"center", LINE}, {"cite", INLINE}, {"code", INLINE}, {"col", LINE}, {"colgroup", LINE},
	{"data", INLINE}, {"datalist", LINE}, {"dd", LINE}, {"del", INLINE}, {"details", LINE},
	{"dfn", INLINE}, {"dialog", LINE}, {"dir", PARA}, {"div", LINE}, {"dl", PARA}, {"dt", LINE},
	{"em", INLINE}, {"embed", INLINE}, {"fieldset", LINE}, {"figcaption", LINE},
	{"figure", PARA}, {"font", INLINE}, {"footer", PARA}, {"form", LINE}, {"frame", LINE},
	{"frameset", LINE}, {"h1", PARA}, {"h2", PARA}, {"h3", PARA}, {"h4", PARA}, {"h5", PARA},
	{"h6", PARA}, {"head", LINE}, {"header", PARA}, {"hgroup", LINE}, {"hr", PARA},
	{"html", LINE}, {"i", INLINE}, {"iframe", HIDDEN}, {"img", IMAGE}, {"input", INLINE},
	{"ins", INLINE}, {"kbd", INLINE}, {"label", INLINE}, {"legend", LINE}, {"li", LINE},
	{"link", INLINE}, {"main", LINE}, {"map", INLINE}, {"mark", INLINE}, {"marquee", LINE},
	{"math", INLINE}, {"menu", PARA}, {"meta", INLINE}, {"meter", INLINE}, {"nav", PARA},
	{"nobr", INLINE}, {"noembed", HIDDEN}, {"noframes", HIDDEN}, {"noscript", INLINE},
	{"object", INLINE}, {"ol", PARA}, {"optgroup", LINE}, {"option", LINE}, {"output", INLINE},
	{"p", PARA}, {"param", INLINE}, {"picture", INLINE}, {"pre", PARA}, {"progress", INLINE},
	{"q", INLINE}, {"rb", INLINE}, {"rp", INLINE}, {"rt", INLINE}, {"rtc", INLINE},
	{"ruby", INLINE}, {"s", INLINE}, {"samp", INLINE}, {"script", CODE}, {"search", LINE},
	{"section", PARA}, {"select", INLINE}, {"small", INLINE}, {"source", INLINE},
	{"span", INLINE}, {"strike", INLINE}, {"strong", INLINE}, {"style", CODE}, {"sub", INLINE},
	{"summary", LINE}, {"sup", INLINE}, {"svg", INLINE}, {"table", PARA}, {"tbody", LINE},
	{"td", CELL}, {"template", HIDDEN}, {"textarea", LINE}, {"tfoot", LINE}, {"th", CELL},
	{"thead", LINE}, {"time", INLINE}, {"title", HIDDEN}, {"tr", LINE}, {"track", INLINE},
	{"tt", INLINE}, {"u", INLINE}, {"ul", PARA}, {"var", INLINE}, {"video", INLINE},
	{"wbr", INLINE}, {"xmp", PARA},
};
/* clang-format on */
_Static_assert(ARRAY_SIZE(ELEMENTS) <= ELEMENTS_MAX, "ELEMENTS_MAX");

/* Of "blockquote" and "figcaption". */
#define NAME_MAX_LEN 10

const struct element *
element_find(const char *name, size_t len)
{
	char lower[NAME_MAX_LEN + 1];
	size_t low = 0;
	size_t high = ARRAY_SIZE(ELEMENTS);

	if (len > NAME_MAX_LEN)
		return NULL;
	for (size_t i = 0; i < len; i++)
		lower[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] | 0x20 : name[i]);
	lower[len] = '\0';
	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = strcmp(ELEMENTS[middle].name, lower);

		if (order == 0)
			return &ELEMENTS[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}
