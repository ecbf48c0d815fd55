/*
 * url.h - addresses: resolve, compare, redact, and say whether one is private.
 *
 * Layer 0, pure. Relies on libcurl's URL API (RFC 3986 as curl reads it), so that what is checked
 * is what is fetched.
 */
#ifndef FEEDD_URL_H
#define FEEDD_URL_H

#include <stdbool.h>
#include <stddef.h>

#include "feedd/mem.h"

struct sockaddr;

#define URL_MAX 8192

/* Resolves reference against base (RFC 3986, 5.2), in the arena. base may be NULL or relative: then
 * the reference must be absolute to be resolved. NULL where nothing usable comes out or it is over
 * URL_MAX bytes. Absolute references come back byte for byte (white space trimmed, blanks inside
 * made %20); internationalised hosts stay. */
char *url_resolve(struct arena *arena, const char *base, const char *reference);
/* True for schemes that an event may carry in `url` and attachments: http, https, mailto, ftp,
 * magnet, news, xmpp, tag-less others without script; never javascript, data, file, vbscript. */
bool url_is_safe(const char *url);
/* True for http:// and https:// with a host. */
bool url_is_http(const char *url);
/* The host as libcurl connects to it: lower case, without brackets and port, internationalised
 * names in their ASCII form, IPv4 addresses in four decimals. NULL where there is none. In the
 * arena. */
char *url_host(struct arena *arena, const char *url);
/* "scheme://host:port", lower case, default ports named too. NULL where there is none. */
char *url_origin(struct arena *arena, const char *url);
/* The registrable domain of a host by the public suffix list (libpsl); the host itself for
 * addresses, single labels and public suffixes. In the arena. */
char *url_site(struct arena *arena, const char *host);
/* The address without user:password, for logs, status and events. Works on anything; in the arena.
 */
char *url_redact(struct arena *arena, const char *url);
/* Splits user:password off: the address without them is returned, *ret_user and *ret_password
 * (decoded) are NULL where absent. In the arena. NULL if it is no address. */
char *
url_split_userinfo(struct arena *arena, const char *url, char **ret_user, char **ret_password);
/* For comparison of ids and links only: scheme, "www.", fragment-less trailing slash and default
 * ports folded, host in lower case. Things that are no http(s) address come back as they are. In
 * the arena. */
char *url_fold(struct arena *arena, const char *url);
/* For comparison of articles across feeds: url_fold and further: known tracking parameters and the
 * fragment gone, "amp" and mobile hosts folded. In the arena. */
char *url_article(struct arena *arena, const char *url);
/* The local path of a file:// address or of an absolute path; NULL if it is neither. In the arena.
 */
char *url_file_path(struct arena *arena, const char *url);
/* True if the host is written as a private or loopback address, or is "localhost" (or below it). */
bool url_host_is_private(const char *host);
/* True if a socket address is one that a public feed may never connect to: the list (0/8, 10/8,
 * 100.64/10, 127/8, 169.254/16, 172.16/12, 192.168/16, 224/4, 240/4, ::, ::1, fc00::/7, fe80::/10,
 * ff00::/8, v4-mapped and 64:ff9b::/96 of these). Unknown families are private. */
bool url_address_is_private(const struct sockaddr *address);

#endif
