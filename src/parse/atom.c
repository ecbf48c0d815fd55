/* atom.c - the elements of Atom 0.3 and 1.0, alone and as guests in RSS. A table, nothing else. */
#include "feedd/mem.h"
#include "rules.h"

static const struct rule rules[] = {
	{"author", NS_ATOM, IN_ANY, READ_AUTHOR, SLOT_NONE, 1},
	{"category", NS_ATOM, IN_ITEM, READ_TAG, SLOT_NONE, 1},
	{"content", NS_ATOM, IN_ITEM, READ_CONSTRUCT, SLOT_CONTENT, 1},
	{"created", NS_ATOM, IN_ITEM, READ_DATE, SLOT_PUBLISHED, 3},
	{"email", NS_ATOM, IN_PERSON, READ_PERSON, SLOT_EMAIL, 1},
	{"entry", NS_ATOM, IN_FEED | IN_OTHER | IN_DOCUMENT, ENTER_ITEM, SLOT_NONE, 1},
	{"feed", NS_ATOM, IN_DOCUMENT, ENTER_ATOM, SLOT_NONE, 1},
	{"homepage", NS_ATOM, IN_PERSON, READ_PERSON, SLOT_URL, 3},
	{"icon", NS_ATOM, IN_FEED, READ_URL, SLOT_FAVICON, 1},
	{"id", NS_ATOM, IN_ITEM, READ_ID, SLOT_ID, 2},
	{"issued", NS_ATOM, IN_ITEM, READ_DATE, SLOT_PUBLISHED, 2},
	{"link", NS_ATOM, IN_ANY, READ_LINK, SLOT_LINK, 2},
	{"logo", NS_ATOM, IN_FEED, READ_URL, SLOT_IMAGE, 1},
	{"modified", NS_ATOM, IN_ANY, READ_DATE, SLOT_MODIFIED, 1},
	{"name", NS_ATOM, IN_PERSON, READ_PERSON, SLOT_NAME, 1},
	{"published", NS_ATOM, IN_ITEM, READ_DATE, SLOT_PUBLISHED, 1},
	{"subtitle", NS_ATOM, IN_FEED, READ_CONSTRUCT, SLOT_DESCRIPTION, 1},
	{"summary", NS_ATOM, IN_ITEM, READ_CONSTRUCT, SLOT_DESCRIPTION, 1},
	{"tagline", NS_ATOM, IN_FEED, READ_CONSTRUCT, SLOT_DESCRIPTION, 2},
	{"title", NS_ATOM, IN_ANY, READ_TITLE_CONSTRUCT, SLOT_TITLE, 1},
	{"updated", NS_ATOM, IN_ANY, READ_DATE, SLOT_MODIFIED, 1},
	{"uri", NS_ATOM, IN_PERSON, READ_PERSON, SLOT_URL, 1},
	{"url", NS_ATOM, IN_PERSON, READ_PERSON, SLOT_URL, 2},
};

const struct rule_table RULES_ATOM = {rules, ARRAY_SIZE(rules)};
