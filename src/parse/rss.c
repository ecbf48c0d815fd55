/* rss.c - the elements of RSS 0.90 to 2.0, and what real feeds add to them without a namespace. A
 * table, nothing else. */
#include "feedd/mem.h"
#include "rules.h"

static const struct rule rules[] = {
	{"abstract", NS_RSS, IN_ANY, READ_HTML, SLOT_DESCRIPTION, 7},
	{"author", NS_RSS, IN_ANY, READ_AUTHOR, SLOT_NONE, 1},
	{"body", NS_RSS, IN_ITEM, READ_XHTML, SLOT_CONTENT, 4},
	{"categories", NS_RSS, IN_ITEM, ENTER_TAGS, SLOT_NONE, 1},
	{"category", NS_RSS, IN_ITEM | IN_TAGS, READ_TAG, SLOT_NONE, 1},
	{"channel", NS_RSS, IN_ROOT | IN_OTHER | IN_DOCUMENT, ENTER_CHANNEL, SLOT_NONE, 1},
	{"comments", NS_RSS, IN_ITEM, READ_URL, SLOT_COMMENTS, 1},
	{"content", NS_RSS, IN_ITEM, READ_HTML, SLOT_CONTENT, 6},
	{"date", NS_RSS, IN_ITEM, READ_DATE, SLOT_PUBLISHED, 7},
	{"day", NS_RSS, IN_DAYS, READ_DAY, SLOT_NONE, 1},
	{"description", NS_RSS, IN_FEED, READ_HTML, SLOT_DESCRIPTION, 1},
	{"description", NS_RSS, IN_ITEM, READ_HTML, SLOT_DESCRIPTION, 1},
	{"enclosure", NS_RSS, IN_ITEM, TAKE_ENCLOSURE, SLOT_NONE, 1},
	{"fullitem", NS_RSS, IN_ITEM, READ_HTML, SLOT_CONTENT, 3},
	{"guid", NS_RSS, IN_ITEM, READ_ID, SLOT_ID, 1},
	{"hour", NS_RSS, IN_HOURS, READ_HOUR, SLOT_NONE, 1},
	{"image", NS_RSS, IN_FEED, ENTER_IMAGE, SLOT_NONE, 1},
	{"image", NS_RSS, IN_ITEM, TAKE_IMAGE, SLOT_IMAGE, 7},
	{"item", NS_RSS, IN_FEED | IN_OTHER | IN_DOCUMENT, ENTER_ITEM, SLOT_NONE, 1},
	{"keywords", NS_RSS, IN_ITEM, READ_TAGS, SLOT_NONE, 1},
	{"language", NS_RSS, IN_FEED, READ_LINE, SLOT_LANGUAGE, 1},
	{"lastbuilddate", NS_RSS, IN_FEED, READ_DATE, SLOT_MODIFIED, 1},
	{"lastbuilddate", NS_RSS, IN_ITEM, READ_DATE, SLOT_MODIFIED, 5},
	{"link", NS_RSS, IN_ANY, READ_LINK, SLOT_LINK, 1},
	{"managingeditor", NS_RSS, IN_FEED, READ_AUTHOR, SLOT_NONE, 1},
	{"pubdate", NS_RSS, IN_FEED, READ_DATE, SLOT_MODIFIED, 4},
	{"pubdate", NS_RSS, IN_ITEM, READ_DATE, SLOT_PUBLISHED, 1},
	{"rdf", NS_RSS, IN_DOCUMENT, ENTER_RDF, SLOT_NONE, 1},
	{"rss", NS_RSS, IN_DOCUMENT, ENTER_RSS, SLOT_NONE, 1},
	{"skipdays", NS_RSS, IN_FEED, ENTER_DAYS, SLOT_NONE, 1},
	{"skiphours", NS_RSS, IN_FEED, ENTER_HOURS, SLOT_NONE, 1},
	{"tags", NS_RSS, IN_ITEM, READ_TAGS, SLOT_NONE, 1},
	{"thumbnail", NS_RSS, IN_ITEM, TAKE_IMAGE, SLOT_IMAGE, 8},
	{"title", NS_RSS, IN_FEED, READ_TITLE, SLOT_TITLE, 1},
	{"title", NS_RSS, IN_ITEM, READ_TITLE, SLOT_TITLE, 1},
	{"ttl", NS_RSS, IN_FEED, READ_NUMBER, SLOT_TTL, 1},
	{"url", NS_RSS, IN_IMAGE, READ_URL, SLOT_IMAGE, 1},
	{"url", NS_RSS, IN_PERSON, READ_PERSON, SLOT_URL, 2},
};

const struct rule_table RULES_RSS = {rules, ARRAY_SIZE(rules)};
