/*
 * url.c - addresses: taken apart, resolved, and the parts that others ask for. Pure: touches
 * nothing but its arguments, and the public suffix list that libpsl was built with.
 *
 * Whatever decides about a connection asks libcurl for the host, since libcurl makes the
 * connection. But where a host is an ordinary name there is only one way to read it, and that way
 * is short.
 */
#include "feedd/url.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <libpsl.h>
#include <locale.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "feedd/mem.h"
#include "url_parts.h"

static bool
is_letter(char c)
{
	return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool
span_is(const struct span *span, const char *word)
{
	return span->at && strlen(word) == span->len && strncasecmp(span->at, word, span->len) == 0;
}

/* The length of "scheme:" without the colon, 0 if url does not begin with one. */
static size_t
scheme_length(const char *url)
{
	size_t n = 0;

	if (!is_letter(url[0]))
		return 0;
	while (is_letter(url[n]) || is_digit(url[n]) || url[n] == '+' || url[n] == '-' ||
		url[n] == '.')
		n++;
	return url[n] == ':' ? n : 0;
}

void
url_take_apart(const char *url, struct url_parts *ret_parts)
{
	size_t n = scheme_length(url);

	*ret_parts = (struct url_parts){0};
	if (n > 0) {
		ret_parts->scheme = (struct span){url, n};
		url += n + 1;
	}
	if (url[0] == '/' && url[1] == '/') {
		n = strcspn(url + 2, "/?#");
		ret_parts->authority = (struct span){url + 2, n};
		url += n + 2;
	}
	n = strcspn(url, "?#");
	ret_parts->path = (struct span){url, n};
	url += n;
	if (*url == '?') {
		n = strcspn(url, "#");
		ret_parts->query = (struct span){url + 1, n - 1};
		url += n;
	}
	if (*url == '#')
		ret_parts->fragment = (struct span){url + 1, strlen(url + 1)};
}

void
url_take_authority(const struct span *authority, struct span *ret_userinfo, struct span *ret_host,
	struct span *ret_port)
{
	const char *at = memrchr(authority->at, '@', authority->len);
	const char *end = authority->at + authority->len;
	const char *host = at ? at + 1 : authority->at;
	const char *bracket = memrchr(host, ']', (size_t)(end - host));
	const char *after = bracket ? bracket : host;
	const char *colon = memchr(after, ':', (size_t)(end - after));

	*ret_userinfo = *ret_port = (struct span){0};
	if (at)
		*ret_userinfo = (struct span){authority->at, (size_t)(at - authority->at)};
	if (colon)
		*ret_port = (struct span){colon + 1, (size_t)(end - colon - 1)};
	*ret_host = (struct span){host, (size_t)((colon ? colon : end) - host)};
}

/*
 * Resolving
 */

/* A reference as people write it into feeds: line feeds, tabs and other controls taken out, blanks
 * at the ends too, those within made %20. */
static char *
tidy_reference(struct arena *arena, const char *reference)
{
	while (*reference && (unsigned char)*reference <= ' ')
		reference++;
	size_t len = strlen(reference);
	while (len > 0 && (unsigned char)reference[len - 1] <= ' ')
		len--;
	size_t clean = 0;
	while (clean < len && (unsigned char)reference[clean] > ' ' && reference[clean] != 0x7f)
		clean++;
	if (clean == len)
		return arena_strndup(arena, reference, len);
	if (len > URL_MAX)
		return NULL;
	size_t blanks = 0;
	for (size_t i = clean; i < len; i++)
		blanks += reference[i] == ' ';
	char *out = arena_alloc(arena, len + 2 * blanks + 1);
	char *at = out;
	for (size_t i = 0; i < len; i++) {
		if (reference[i] == ' ')
			at = mempcpy(at, "%20", 3);
		else if ((unsigned char)reference[i] > ' ' && reference[i] != 0x7f)
			*at++ = reference[i];
	}
	*at = '\0';
	return out;
}

/* RFC 3986, 5.2.4, in place. */
static size_t
remove_dot_segments(char *path, size_t len)
{
	size_t in = 0;
	size_t out = 0;

	while (in < len) {
		size_t next = in + 1;

		while (next < len && path[next] != '/')
			next++;
		size_t size = next - in;
		bool dot = size == 2 && memcmp(path + in, "/.", 2) == 0;
		bool dots = size == 3 && memcmp(path + in, "/..", 3) == 0;

		if (dots) {
			while (out > 0 && path[--out] != '/')
				;
		}
		if (!dot && !dots) {
			memmove(path + out, path + in, size);
			out += size;
		} else if (next == len) {
			path[out++] = '/';
		}
		in = next;
	}
	return out;
}

static char *
put_span(char *at, const char *before, const struct span *span)
{
	if (!span->at)
		return at;
	at = mempcpy(at, before, strlen(before));
	return mempcpy(at, span->at, span->len);
}

/* Path of the reference, merged with the base's (5.2.3) unless it begins with a slash, at `at`. */
static char *
put_path(char *at, const struct url_parts *base, const struct url_parts *reference)
{
	char *start = at;

	if (reference->path.len > 0 && reference->path.at[0] != '/') {
		const char *slash = memrchr(base->path.at, '/', base->path.len);

		if (slash)
			at = mempcpy(at, base->path.at, (size_t)(slash - base->path.at) + 1);
		else
			*at++ = '/';
	}
	at = mempcpy(at, reference->path.at, reference->path.len);
	return start + remove_dot_segments(start, (size_t)(at - start));
}

char *
url_resolve(struct arena *arena, const char *base, const char *reference)
{
	struct url_parts from, to;
	char *tidy = tidy_reference(arena, reference);

	if (!tidy || !*tidy || strlen(tidy) > URL_MAX)
		return NULL;
	if (scheme_length(tidy) > 0)
		return tidy;
	base = base ? tidy_reference(arena, base) : NULL;
	if (!base || strlen(base) > URL_MAX)
		return NULL;
	url_take_apart(base, &from);
	url_take_apart(tidy, &to);
	/* "mailto:x" and "urn:x" are no ground to stand on. */
	if (!from.scheme.at || (!from.authority.at && from.path.at[0] != '/'))
		return NULL;
	char *out = arena_alloc(arena, strlen(base) + strlen(tidy) + 3);
	char *at = mempcpy(out, from.scheme.at, from.scheme.len);
	*at++ = ':';
	at = put_span(at, "//", to.authority.at ? &to.authority : &from.authority);
	if (to.authority.at) {
		char *start = at;

		at = mempcpy(at, to.path.at, to.path.len);
		at = start + remove_dot_segments(start, (size_t)(at - start));
	} else if (to.path.len > 0) {
		at = put_path(at, &from, &to);
	} else {
		at = mempcpy(at, from.path.at, from.path.len);
		if (!to.query.at)
			at = put_span(at, "?", &from.query);
	}
	at = put_span(at, "?", &to.query);
	at = put_span(at, "#", &to.fragment);
	*at = '\0';
	return (size_t)(at - out) > URL_MAX ? NULL : out;
}

/*
 * Schemes
 */
bool
url_is_safe(const char *url)
{
	/* Things to read, to load down, to subscribe to or to write to. What runs code, reads files
	 * or opens a program nobody thought of is not among them. */
	static const char *const schemes[] = {"http", "https", "mailto", "ftp", "ftps", "sftp",
		"magnet", "news", "nntp", "snews", "xmpp", "irc", "ircs", "ircs6", "gopher",
		"gophers", "gemini", "geo", "tel", "sms", "sip", "sips", "matrix", "feed", "rtsp",
		"rtmp", "mms", "mmsh", "webcal", "bitcoin", "ed2k", "ipfs", "ipns", "dat", "cid",
		"urn", "tag", "doi", "info", "acct", "at", "bitmessage", "nostr"};
	struct span scheme = {url, scheme_length(url)};

	for (size_t i = 0; i < ARRAY_SIZE(schemes) && scheme.len > 0; i++)
		if (span_is(&scheme, schemes[i]))
			return true;
	return false;
}

const char *
url_http_scheme(const struct span *scheme)
{
	return span_is(scheme, "https") ? "https" : span_is(scheme, "http") ? "http" : NULL;
}

bool
url_is_http(const char *url)
{
	struct url_parts parts;
	struct span user, host, port;

	url_take_apart(url, &parts);
	if (!url_http_scheme(&parts.scheme) || !parts.authority.at)
		return false;
	url_take_authority(&parts.authority, &user, &host, &port);
	return host.len > 0;
}

/*
 * Hosts
 */
bool
url_host_is_plain(const struct span *host)
{
	const char *end = host->at + host->len;
	const char *label = host->at;

	for (const char *at = host->at; at < end; at++) {
		if (*at == '.') {
			if (at == label)
				return false;
			label = at + 1;
		} else if (!is_letter(*at) && !is_digit(*at) && *at != '-') {
			return false;
		}
	}
	/* "127.1" and "0x7f" are addresses: their last label is a number. */
	for (const char *at = label; at < end; at++)
		if (!is_letter(*at))
			return false;
	return end > label && host->len <= 253;
}

static char *
lower_copy(struct arena *arena, const char *s, size_t len)
{
	char *copy = arena_strndup(arena, s, len);

	for (size_t i = 0; i < len; i++)
		if (copy[i] >= 'A' && copy[i] <= 'Z')
			copy[i] |= 0x20;
	return copy;
}

static void
free_curl(char **string)
{
	curl_free(*string);
}

static void
free_handle(CURLU **handle)
{
	curl_url_cleanup(*handle);
}

/* libcurl reads internationalised names in the charset of the locale, and services often run
 * without one. */
static CURLUcode
get_ascii_host(CURLU *handle, const char *url, char **ret_host)
{
	while (*url && (unsigned char)*url < 0x80)
		url++;
	if (!*url)
		return curl_url_get(handle, CURLUPART_HOST, ret_host, 0);
	locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	if (utf8 == (locale_t)0 && errno == ENOMEM)
		mem_exhausted(0);
	if (utf8 == (locale_t)0)
		return CURLUE_BAD_HOSTNAME;
	locale_t before = uselocale(utf8);
	CURLUcode code = curl_url_get(handle, CURLUPART_HOST, ret_host, CURLU_PUNYCODE);
	uselocale(before);
	freelocale(utf8);
	return code;
}

char *
url_curl_host(struct arena *arena, const char *url, const char **ret_port)
{
	AUTO(free_handle) CURLU *handle = curl_url();
	AUTO(free_curl) char *host = NULL;
	AUTO(free_curl) char *port = NULL;

	if (!handle)
		mem_exhausted(0);
	/* Schemes that libcurl does not know have hosts too, but it will not connect to them. */
	CURLUcode code = curl_url_set(handle, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME);
	if (code == CURLUE_OK)
		code = get_ascii_host(handle, url, &host);
	/* "Out of memory" is also what libcurl says of bytes that are no name in any language. */
	if (code != CURLUE_OK || !*host)
		return NULL;
	if (curl_url_get(handle, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK)
		*ret_port = arena_strdup(arena, port);
	size_t len = strlen(host);
	if (host[0] == '[' && host[len - 1] == ']')
		return lower_copy(arena, host + 1, len - 2);
	return lower_copy(arena, host, len);
}

/* The same by the short way where that is safe. */
static char *
read_host(struct arena *arena, const char *url, struct url_parts *ret_parts, const char **ret_port)
{
	struct span user, host, port;

	*ret_port = NULL;
	url_take_apart(url, ret_parts);
	const char *scheme = url_http_scheme(&ret_parts->scheme);
	if (!scheme || !ret_parts->authority.at)
		return url_curl_host(arena, url, ret_port);
	url_take_authority(&ret_parts->authority, &user, &host, &port);
	if (user.at || port.at || !url_host_is_plain(&host))
		return url_curl_host(arena, url, ret_port);
	*ret_port = scheme[4] ? "443" : "80";
	return lower_copy(arena, host.at, host.len);
}

char *
url_host(struct arena *arena, const char *url)
{
	struct url_parts parts;
	const char *port;

	return read_host(arena, url, &parts, &port);
}

char *
url_origin(struct arena *arena, const char *url)
{
	struct url_parts parts;
	const char *port;
	char *host = read_host(arena, url, &parts, &port);

	if (!host || !parts.scheme.at || !port)
		return NULL;
	const char *scheme = lower_copy(arena, parts.scheme.at, parts.scheme.len);
	return strchr(host, ':') ? arena_printf(arena, "%s://[%s]:%s", scheme, host, port)
				 : arena_printf(arena, "%s://%s:%s", scheme, host, port);
}

char *
url_site(struct arena *arena, const char *host)
{
	char *lower = lower_copy(arena, host, strlen(host));
	unsigned char address[16];
	size_t len = strlen(lower);

	if (len > 1 && lower[len - 1] == '.')
		lower[len - 1] = '\0';
	if (strchr(lower, ':') || inet_pton(AF_INET, lower, address) == 1)
		return lower;
	const psl_ctx_t *list = psl_builtin();
	const char *site = list ? psl_registrable_domain(list, lower) : NULL;
	return site ? arena_strdup(arena, site) : lower;
}

/*
 * Passwords
 */

/* Where the user and password of an address end: behind the '@'. NULL if it has none. A slash
 * within a password cuts the authority short; then what stands before it is no host and port. */
static const char *
userinfo_end(const char *authority)
{
	size_t len = strcspn(authority, "/?# \t\r\n");
	const char *at = memrchr(authority, '@', len);

	if (at)
		return at + 1;
	const char *colon = authority[0] == '[' ? NULL : memchr(authority, ':', len);
	if (!colon || colon[1 + strspn(colon + 1, "0123456789")] == authority[len])
		return NULL;
	at = memrchr(authority, '@', strcspn(authority, " \t\r\n"));
	return at ? at + 1 : NULL;
}

char *
url_redact(struct arena *arena, const char *url)
{
	char *out = arena_alloc(arena, strlen(url) + 1);
	char *at = out;

	while (*url) {
		/* "http:/host" is one too for libcurl, and "//host" is one without its scheme. */
		bool starts = (url[0] == ':' || url[0] == '/') && url[1] == '/';

		*at++ = *url++;
		if (!starts)
			continue;
		for (const char *end = url; end; end = userinfo_end(url)) {
			url = end;
			while (*url == '/')
				*at++ = *url++;
		}
	}
	*at = '\0';
	return out;
}

static int
hex_value(char c)
{
	if (is_digit(c))
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Percent-decoded; NULL where a NUL would come out. */
static char *
decode(struct arena *arena, const char *s, size_t len)
{
	char *out = arena_alloc(arena, len + 1);
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		char c = s[i];

		if (c == '%' && i + 2 < len && hex_value(s[i + 1]) >= 0 &&
			hex_value(s[i + 2]) >= 0) {
			c = (char)(hex_value(s[i + 1]) * 16 + hex_value(s[i + 2]));
			i += 2;
		}
		if (c == '\0')
			return NULL;
		out[n++] = c;
	}
	out[n] = '\0';
	return out;
}

char *
url_split_userinfo(struct arena *arena, const char *url, char **ret_user, char **ret_password)
{
	struct url_parts parts;
	struct span user, host, port;

	url_take_apart(url, &parts);
	if (!parts.scheme.at || !parts.authority.at)
		return NULL;
	url_take_authority(&parts.authority, &user, &host, &port);
	*ret_user = *ret_password = NULL;
	if (!user.at)
		return arena_strdup(arena, url);
	const char *colon = memchr(user.at, ':', user.len);
	size_t user_len = colon ? (size_t)(colon - user.at) : user.len;
	*ret_user = decode(arena, user.at, user_len);
	if (colon)
		*ret_password = decode(arena, colon + 1, user.len - user_len - 1);
	if (!*ret_user || (colon && !*ret_password))
		return NULL;
	return arena_printf(arena, "%.*s%s", (int)(user.at - url), url, user.at + user.len + 1);
}

char *
url_file_path(struct arena *arena, const char *url)
{
	struct url_parts parts;

	if (url[0] == '/')
		return url[1] == '/' ? NULL : arena_strdup(arena, url);
	url_take_apart(url, &parts);
	if (!span_is(&parts.scheme, "file") || parts.path.len == 0 || parts.path.at[0] != '/')
		return NULL;
	if (parts.authority.len > 0 && !span_is(&parts.authority, "localhost"))
		return NULL;
	return decode(arena, parts.path.at, parts.path.len);
}
