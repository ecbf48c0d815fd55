/*
 * rules.h - the tables that say which element of which dialect means what. Private to the room.
 *
 * A rule is a line: an element's name and namespace, where it may stand, how its text is to be
 * read, and the value that it gives. An element more is a line more. Where several elements give
 * one value, the lowest rank wins, then the first.
 */
#ifndef PARSE_RULES_H
#define PARSE_RULES_H

#include <stddef.h>
#include <stdint.h>

/* Namespaces, under whatever address or prefix they come. NS_RSS is also "none" in a RSS document.
 */
enum ns {
	NS_UNKNOWN,
	NS_RSS,
	NS_ATOM,
	NS_RDF,
	NS_DC,
	NS_DCTERMS,
	NS_CONTENT,
	NS_MEDIA,
	NS_ITUNES,
	NS_PODCAST,
	NS_SY,
	NS_FEEDBURNER,
	NS_SLASH,
	NS_WFW,
	NS_THREAD,
	NS_GEORSS,
	NS_GEO,
	NS_GML,
	NS_XHTML,
	NS_WEBFEEDS,
	NS_PRISM,
	NS_SVG,
	NS_MATHML,
	NS_XML,
};

/* Where we are: the element around. */
enum {
	IN_NOTHING = 0, /* nothing within is looked at */
	IN_DOCUMENT =
		1 << 0, /* above the root, or in something that is no feed: a feed within counts */
	IN_ROOT = 1 << 1,    /* rss, rdf:RDF */
	IN_CHANNEL = 1 << 2, /* channel, atom:feed */
	IN_ITEM = 1 << 3,
	IN_IMAGE = 1 << 4, /* image of a channel */
	IN_PERSON = 1 << 5,
	IN_MEDIA = 1 << 6, /* media:group, media:content */
	IN_OTHER = 1 << 7, /* unknown element of a channel: items within count */
	IN_HOURS = 1 << 8,
	IN_DAYS = 1 << 9,
	IN_TAG = 1 << 10,   /* itunes:category, which may hold another */
	IN_PLACE = 1 << 11, /* what holds a point */
	IN_TAGS = 1 << 12,  /* a list of categories */
	IN_FEED = IN_ROOT | IN_CHANNEL,
	IN_ANY = IN_FEED | IN_ITEM,
};

/* What to do with an element. READ_… wait for its text, TAKE_… need its attributes alone, ENTER_…
 * look at what is in it. */
enum action {
	ENTER_RSS,
	ENTER_RDF,
	ENTER_ATOM,
	ENTER_CHANNEL,
	ENTER_ITEM,
	ENTER_IMAGE,
	ENTER_PERSON, /* never in a table: READ_AUTHOR becomes it */
	ENTER_MEDIA,
	ENTER_PLACE,
	ENTER_TAGS,
	ENTER_HOURS,
	ENTER_DAYS,
	READ_LINE,	/* plain text on one line */
	READ_TITLE,	/* markup, to become one line of plain text */
	READ_HTML,	/* markup, escaped or not, as it stands */
	READ_XHTML,	/* markup as elements */
	READ_CONSTRUCT, /* Atom: the attributes `type` and `mode` say what it is */
	READ_TITLE_CONSTRUCT,
	READ_URL,
	READ_LINK, /* text, or attributes as atom:link has them */
	READ_ID,
	READ_DATE,
	READ_NUMBER,
	READ_DURATION,
	READ_POINT,   /* latitude and longitude, in degrees */
	READ_DEGREES, /* one of them */
	READ_PERIOD,
	READ_HOUR,
	READ_DAY,
	READ_AUTHOR, /* "me@x.org (Name)" and its like, or the parts of a person as elements */
	READ_PERSON, /* a part of a person */
	READ_TAG,    /* text, or the attribute `term` or `text` */
	READ_TAGS,   /* separated by commas */
	TAKE_ENCLOSURE,
	TAKE_MEDIA, /* and enter it */
	TAKE_IMAGE, /* the attribute url or href, an address as text, or an element url */
	TAKE_REPLY, /* the attributes ref and href */
};

/* Values of a feed or of an item. */
enum slot {
	SLOT_NONE,
	SLOT_TITLE,
	SLOT_LINK,
	SLOT_ID,
	SLOT_CONTENT,
	SLOT_DESCRIPTION,
	SLOT_SUMMARY,
	SLOT_TEXT, /* plain text beside the content (rank 1), or for want of it */
	SLOT_DATE, /* published or modified: nobody says which */
	SLOT_PUBLISHED,
	SLOT_MODIFIED,
	SLOT_LANGUAGE,
	SLOT_IMAGE,
	SLOT_BANNER,
	SLOT_EXTERNAL,
	SLOT_FAVICON,
	SLOT_SELF,
	SLOT_NEXT,
	SLOT_TTL,
	SLOT_PERIOD,
	SLOT_FREQUENCY,
	SLOT_DURATION,
	SLOT_NAME, /* of a person */
	SLOT_URL,
	SLOT_EMAIL,
	SLOT_COMMENTS, /* from here to SLOT_PLACE: struct item_extras */
	SLOT_COMMENTS_FEED,
	SLOT_COMMENTS_COUNT,
	SLOT_REPLY_ID,
	SLOT_REPLY_URL,
	SLOT_LATITUDE, /* in 1e-7 degrees */
	SLOT_LONGITUDE,
	SLOT_PLACE,
	SLOT_COUNT,
};

struct rule {
	const char *name; /* local name, lower case */
	uint8_t ns;	  /* enum ns */
	uint16_t in;	  /* IN_… */
	uint8_t action;	  /* enum action */
	uint8_t slot;	  /* enum slot */
	uint8_t rank;	  /* 1 wins over 2 */
};

/* Each sorted by name. */
struct rule_table {
	const struct rule *rules;
	size_t count;
};
extern const struct rule_table RULES_RSS, RULES_RDF, RULES_ATOM, RULES_EXTENSION;

/* The most rules that one name and namespace have in all tables. */
#define RULES_MAX 8

/* All rules of a name (any case) in a namespace: their number, at most RULES_MAX. */
size_t rules_find(const char *name, enum ns ns, const struct rule *ret_rules[RULES_MAX]);

/* namespace.c: what a namespace's address is, or failing that its prefix. uri and prefix may be
 * NULL. Without both, and for an unknown address without a prefix, it is `dialect`. */
enum ns namespace_find(const char *uri, const char *prefix, enum ns dialect);

#endif
