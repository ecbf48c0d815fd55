/*
 * url_parts.h - the parts of an address, for the url_*.c files. Pure; private to this room.
 */
#ifndef FEEDD_URL_PARTS_H
#define FEEDD_URL_PARTS_H

#include "feedd/url.h"

/* A stretch of an address; at is NULL where the part is absent (which is not the same as empty). */
struct span {
	const char *at;
	size_t len;
};

/* RFC 3986, appendix B: nothing decoded, nothing checked but the scheme's letters. */
struct url_parts {
	struct span scheme;    /* without the colon */
	struct span authority; /* without // */
	struct span path;      /* never absent */
	struct span query;     /* without ? */
	struct span fragment;  /* without # */
};

/* Takes an address or a relative reference apart. */
void url_take_apart(const char *url, struct url_parts *ret_parts);
/* The authority in three: "user:password" or absent, the host as written, the port's digits or
 * absent. */
void url_take_authority(const struct span *authority, struct span *ret_userinfo,
	struct span *ret_host, struct span *ret_port);
/* True if the span is the word, in any case. */
bool span_is(const struct span *span, const char *word);
/* The host as libcurl connects to it: lower case, decoded, ACE, numbers of an IPv4 address put
 * right, IPv6 without brackets and zone. NULL if libcurl would refuse it. *ret_port is the port,
 * also a default one, in decimal. */
char *url_curl_host(struct arena *arena, const char *url, const char **ret_port);
/* "https" or "http" for what is one of them, else NULL. */
const char *url_http_scheme(const struct span *scheme);
/* True for an ordinary name: letters, digits, - and . only, its last label of letters, nothing
 * empty. There all readers of addresses agree. */
bool url_host_is_plain(const struct span *host);

#endif
