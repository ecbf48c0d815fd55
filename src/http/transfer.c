/*
 * transfer.c - what is sent: reads the address of a request and sets libcurl up for one hop of it.
 *
 * May touch: libcurl's easy and URL handles. Everything that a hop may say or reach is decided
 * here.
 */
#include "transfer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "feedd/text.h"
#include "feedd/url.h"

#define TIMEOUT_DEFAULT_MS ((int64_t)60 * 1000)
#define BODY_MAX_DEFAULT ((int64_t)16 << 20)
#define CONNECT_TIMEOUT_MS 10000L
#define BUFFER_PLAIN 16384L
#define BUFFER_HTTP2 131072L

/* Some servers answer a bare wildcard with a page for people, so the formats of feeds come first.
 */
static const char accept_feeds[] =
	"Accept: application/atom+xml, application/rss+xml, application/feed+json, "
	"application/rdf+xml, application/xml;q=0.9, text/xml;q=0.9, application/json;q=0.9, "
	"*/*;q=0.8";

/* The settings that are the same for every hop. */
static const struct {
	CURLoption option;
	long value;
} settings[] = {
	{CURLOPT_NOSIGNAL, 1},
	{CURLOPT_QUICK_EXIT, 1}, /* a name server that hangs must not hang the loop */
	{CURLOPT_NOPROGRESS, 1},
	{CURLOPT_FOLLOWLOCATION, 0}, /* see transfer.h */
	{CURLOPT_UNRESTRICTED_AUTH, 0},
	{CURLOPT_AUTOREFERER, 0},
	{CURLOPT_NETRC, CURL_NETRC_IGNORED},
	{CURLOPT_HTTP09_ALLOWED, 0},
	{CURLOPT_SUPPRESS_CONNECT_HEADERS, 1},
	{CURLOPT_DNS_CACHE_TIMEOUT,
		0}, /* with many hosts libcurl's caches cost more than the request */
	{CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS},
	{CURLOPT_LOW_SPEED_LIMIT, 100},
	{CURLOPT_LOW_SPEED_TIME, 30},
	{CURLOPT_BUFFERSIZE, BUFFER_PLAIN},
};

void
make_printable(char *text)
{
	bool utf8 = text_is_utf8(text, strlen(text));

	for (char *p = text; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f || (!utf8 && (unsigned char)*p >= 0x80))
			*p = '?';
}

void
transfer_fail(struct http_transfer *transfer, enum http_error error, const char *fmt, ...)
{
	struct http_request *request = transfer->request;
	va_list args;

	if (request->error != HTTP_OK)
		return;
	AUTO(freep) char *text = NULL;
	va_start(args, fmt);
	int len = vasprintf(&text, fmt, args);
	va_end(args);
	if (len < 0)
		mem_exhausted(0);
	request->error = error;
	free(request->detail);
	make_printable(text);
	request->detail = text;
	text = NULL;
}

/* Everything that came in is copied: a reload may free the configuration while a request is on its
 * way. */
static void
copy_in(struct http_transfer *transfer)
{
	struct arena *arena = &transfer->arena;
	struct http_request *in = &transfer->in;

	*in = *transfer->request;
	const char **strings[] = {&in->method, &in->url, &in->etag, &in->last_modified,
		&in->user_agent, &in->proxy, &in->ca_file, &in->client_cert, &in->client_key,
		&in->http_version, &in->username, &in->password, &in->private_host};
	for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
		*strings[i] = arena_strdup(arena, *strings[i]);
	char **headers = arena_zalloc(arena, in->n_headers * sizeof(*headers));
	for (size_t i = 0; i < in->n_headers; i++)
		headers[i] = arena_strdup(arena, in->headers[i]);
	in->headers = (const char *const *)headers;
	if (in->body)
		in->body = arena_strndup(arena, in->body, in->body_len);
	if (in->timeout_ms <= 0)
		in->timeout_ms = TIMEOUT_DEFAULT_MS;
	if (in->max_bytes <= 0)
		in->max_bytes = BODY_MAX_DEFAULT;
	if (!in->user_agent)
		in->user_agent = arena_strdup(arena, transfer->http->user_agent);
	if (!in->method)
		in->method = in->body ? "POST" : "GET";
}

/* A part of the hop's URL in the arena, or NULL. */
static char *
url_part(struct http_transfer *transfer, CURLUPart part, unsigned flags)
{
	char *value = NULL;

	if (curl_url_get(transfer->url, part, &value, flags) != CURLUE_OK)
		return NULL;
	char *copy = arena_strdup(&transfer->arena, value);
	curl_free(value);
	return copy;
}

/* A host as it is compared: lower case, without brackets, zone and final dot, IPv6 in one spelling.
 */
static char *
fold_host(struct arena *arena, const char *host)
{
	size_t len = strlen(host);
	struct in6_addr address;
	char text[INET6_ADDRSTRLEN];

	if (len >= 2 && host[0] == '[' && host[len - 1] == ']') {
		host++;
		len -= 2;
	}
	char *fold = arena_strndup(arena, host, len);
	if (strchr(fold, ':')) {
		fold[strcspn(fold, "%")] = '\0';
		if (inet_pton(AF_INET6, fold, &address) == 1 &&
			inet_ntop(AF_INET6, &address, text, sizeof(text)))
			return arena_strdup(arena, text);
		return fold;
	}
	for (char *p = fold; *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	if (len > 1 && fold[len - 1] == '.')
		fold[len - 1] = '\0';
	return fold;
}

static bool
is_ascii(const char *s)
{
	while (*s && (unsigned char)*s < 0x80)
		s++;
	return !*s;
}

/* Makes an internationalised host plain ASCII, as it is looked up and compared. libcurl reads it in
 * the charset of the locale, and services often run without one. */
static void
host_to_ascii(struct http_transfer *transfer)
{
	const char *host = url_part(transfer, CURLUPART_HOST, 0);
	char *ascii = NULL;

	if (!host || is_ascii(host))
		return;
	locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	if (utf8 == (locale_t)0 && errno == ENOMEM)
		mem_exhausted(0);
	if (utf8 == (locale_t)0)
		return;
	locale_t before = uselocale(utf8);
	if (curl_url_get(transfer->url, CURLUPART_HOST, &ascii, CURLU_PUNYCODE) == CURLUE_OK)
		curl_url_set(transfer->url, CURLUPART_HOST, ascii, 0);
	curl_free(ascii);
	uselocale(before);
	freelocale(utf8);
}

bool
transfer_may_be_private(const struct http_transfer *transfer)
{
	const struct http_request *in = &transfer->in;

	return in->allow_private ||
		(in->private_host && strcmp(in->private_host, transfer->host) == 0);
}

bool
transfer_at_home(const struct http_transfer *transfer)
{
	return strcmp(transfer->origin, transfer->first_origin) == 0;
}

int
transfer_read_url(struct http_transfer *transfer)
{
	struct arena *arena = &transfer->arena;
	bool redirected = transfer->request->redirects > 0;
	enum http_error error = redirected ? HTTP_REDIRECT : HTTP_URL;

	curl_url_set(transfer->url, CURLUPART_USER, NULL, 0);
	curl_url_set(transfer->url, CURLUPART_PASSWORD, NULL, 0);
	curl_url_set(transfer->url, CURLUPART_FRAGMENT, NULL, 0);
	host_to_ascii(transfer);
	const char *scheme = url_part(transfer, CURLUPART_SCHEME, 0);
	const char *host = url_part(transfer, CURLUPART_HOST, 0);
	const char *port = url_part(transfer, CURLUPART_PORT, CURLU_DEFAULT_PORT);
	if (!scheme || (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)) {
		transfer_fail(transfer, error, "%s%.32s: only http and https are fetched",
			redirected ? "redirected to another protocol, " : "unusable protocol, ",
			scheme ? scheme : "none");
		return -EINVAL;
	}
	transfer->address = url_part(transfer, CURLUPART_URL, 0);
	if (!host || !*host || !is_ascii(host) || !port || !transfer->address ||
		strlen(transfer->address) > HTTP_ADDRESS_MAX) {
		transfer_fail(transfer, error, "the address%s is malformed",
			redirected ? " that it redirects to" : "");
		return -EINVAL;
	}
	transfer->host = fold_host(arena, host);
	transfer->origin = arena_printf(arena, "%s://%s:%s", scheme, transfer->host, port);
	if (!transfer->first_origin)
		transfer->first_origin =
			transfer->in.away ? arena_strdup(arena, "") : transfer->origin;
	/* Also where a proxy connects in our place. */
	if (url_host_is_private(transfer->host) && !transfer_may_be_private(transfer)) {
		transfer_fail(transfer, HTTP_PRIVATE,
			"%s %s, a private address that this feed may not "
			"connect to",
			redirected ? "redirected to" : "the address names", transfer->host);
		return -EINVAL;
	}
	return 0;
}

/* user:password@ of the address, decoded, where the request names no user by itself. A password
 * without any user is a bearer token, but not where the address names one. */
static void
read_userinfo(struct http_transfer *transfer)
{
	struct http_request *in = &transfer->in;
	const char *user = url_part(transfer, CURLUPART_USER, CURLU_URLDECODE);
	const char *password = url_part(transfer, CURLUPART_PASSWORD, CURLU_URLDECODE);

	if (in->username || !user)
		return;
	in->username = user;
	in->bearer = false;
	if (password)
		in->password = password;
}

/* Fails on header lines that would be more than one. */
static int
check_headers(struct http_transfer *transfer)
{
	for (size_t i = 0; i < transfer->in.n_headers; i++) {
		const char *line = transfer->in.headers[i];

		if (!strpbrk(line, "\r\n") && strchr(line, ':') && line[0] != ':')
			continue;
		transfer_fail(
			transfer, HTTP_URL, "header %zu is not of the form Name: value", i + 1);
		return -EINVAL;
	}
	return 0;
}

int
transfer_init(struct http_transfer *transfer)
{
	struct http_request *in = &transfer->in;

	transfer->started_mono_ms = http_now_mono_ms();
	copy_in(transfer);
	transfer->deadline_mono_ms = transfer->started_mono_ms + in->timeout_ms;
	transfer->permanent = true;
	transfer->file.path = in->url ? url_file_path(&transfer->arena, in->url) : NULL;
	if (transfer->file.path && in->allow_file)
		return 0;
	if (transfer->file.path) {
		transfer->file.path = NULL;
		transfer_fail(transfer, HTTP_URL, "local files are not read here");
		return -EINVAL;
	}
	if (check_headers(transfer) < 0)
		return -EINVAL;
	transfer->url = curl_url();
	unsigned flags = CURLU_URLENCODE | CURLU_ALLOW_SPACE | CURLU_NON_SUPPORT_SCHEME;
	if (!transfer->url || !in->url ||
		curl_url_set(transfer->url, CURLUPART_URL, in->url, flags) != CURLUE_OK) {
		transfer_fail(transfer, HTTP_URL, "the address is malformed");
		return -EINVAL;
	}
	read_userinfo(transfer);
	if (in->private_host)
		in->private_host = fold_host(&transfer->arena, in->private_host);
	int r = transfer_read_url(transfer);
	if (r == 0)
		transfer->seen[0] = hash64_str(0, transfer->address);
	return r;
}

void
transfer_fini(struct http_transfer *transfer)
{
	file_stop(transfer);
	curl_slist_free_all(transfer->headers);
	curl_url_cleanup(transfer->url);
	arena_fini(&transfer->arena);
}

/* True if header lines have the same name. */
static bool
same_name(const char *line, const char *other)
{
	size_t len = strcspn(line, ":");

	return strncasecmp(line, other, len) == 0 && other[len] == ':';
}

/* True for headers that are told to every server; all others may be secrets. */
static bool
is_harmless(const char *line)
{
	static const char *const harmless[] = {
		"Accept:", "Accept-Language:", "Cache-Control:", "Pragma:", "User-Agent:"};

	for (size_t i = 0; i < ARRAY_SIZE(harmless); i++)
		if (same_name(harmless[i], line))
			return true;
	return false;
}

static bool
has_header(const struct http_request *in, const char *name)
{
	for (size_t i = 0; i < in->n_headers; i++)
		if (same_name(name, in->headers[i]))
			return true;
	return false;
}

static void
add_header(struct http_transfer *transfer, const char *name, const char *value)
{
	char *line = arena_printf(&transfer->arena, "%s: %s", name, value);
	struct curl_slist *list = curl_slist_append(transfer->headers, line);

	if (!list)
		mem_exhausted(0);
	transfer->headers = list;
}

/* Validators are sent as they came, but for what no header can hold. */
static bool
add_validator(struct http_transfer *transfer, const char *name, const char *value)
{
	if (!value || !*value || strpbrk(value, "\r\n"))
		return false;
	add_header(transfer, name, value);
	return true;
}

static void
prepare_headers(struct http_transfer *transfer)
{
	const struct http_request *in = &transfer->in;
	bool at_home = transfer_at_home(transfer);

	curl_slist_free_all(transfer->headers);
	transfer->headers = NULL;
	if (in->body) {
		add_header(
			transfer, "Expect", ""); /* none: an answer of its own is not waited for */
		if (!has_header(in, "Content-Type:"))
			add_header(transfer, "Content-Type", "application/json");
	} else {
		if (!has_header(in, "Accept:"))
			transfer->headers = curl_slist_append(transfer->headers, accept_feeds);
		bool etag = add_validator(transfer, "If-None-Match", in->etag);
		bool modified = add_validator(transfer, "If-Modified-Since", in->last_modified);
		if ((etag || modified) && strcmp(in->method, "GET") == 0)
			add_header(transfer, "A-IM", "feed");
	}
	if (in->bearer && in->password && at_home)
		add_header(transfer, "Authorization",
			arena_printf(&transfer->arena, "Bearer %s", in->password));
	for (size_t i = 0; i < in->n_headers; i++)
		if (at_home || is_harmless(in->headers[i]))
			transfer->headers = curl_slist_append(transfer->headers, in->headers[i]);
	curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, transfer->headers);
	curl_easy_setopt(transfer->easy, CURLOPT_USERAGENT, in->user_agent);
	curl_easy_setopt(
		transfer->easy, CURLOPT_ACCEPT_ENCODING, in->body ? NULL : "gzip, deflate");
}

static void
prepare_method(struct http_transfer *transfer)
{
	const struct http_request *in = &transfer->in;

	if (in->body) {
		/* Who is told something may think about it for as long as the timeout allows. */
		curl_easy_setopt(transfer->easy, CURLOPT_LOW_SPEED_TIME, 0L);
		curl_easy_setopt(transfer->easy, CURLOPT_POST, 1L);
		curl_easy_setopt(
			transfer->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)in->body_len);
		curl_easy_setopt(transfer->easy, CURLOPT_POSTFIELDS, in->body);
	} else if (strcmp(in->method, "HEAD") == 0) {
		curl_easy_setopt(transfer->easy, CURLOPT_NOBODY, 1L);
	}
	if (strcmp(in->method, in->body ? "POST" : "GET") != 0 && strcmp(in->method, "HEAD") != 0)
		curl_easy_setopt(transfer->easy, CURLOPT_CUSTOMREQUEST, in->method);
}

/* Basic is told at once, since most of what asks for a password asks for that and a request less is
 * one less; who asks for digest is remembered. */
static void
prepare_credentials(struct http_transfer *transfer)
{
	const struct http_request *in = &transfer->in;
	CURL *easy = transfer->easy;

	if (in->bearer || !in->username || !transfer_at_home(transfer))
		return;
	transfer->digest =
		transfer->asked_digest || http_knows_digest(transfer->http, transfer->origin);
	curl_easy_setopt(easy, CURLOPT_HTTPAUTH,
		(long)(transfer->digest ? CURLAUTH_DIGEST : CURLAUTH_BASIC));
	curl_easy_setopt(easy, CURLOPT_USERNAME, in->username);
	curl_easy_setopt(easy, CURLOPT_PASSWORD, in->password ? in->password : "");
}

static void
prepare_tls(struct http_transfer *transfer)
{
	const struct http_request *in = &transfer->in;
	CURL *easy = transfer->easy;

	/* A CA path makes libcurl read all certificates anew for each handshake. */
	curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	if (in->ca_file) {
		curl_easy_setopt(easy, CURLOPT_CAINFO, in->ca_file);
		curl_easy_setopt(
			easy, CURLOPT_CA_CACHE_TIMEOUT, 0L); /* it would push the system's out */
	}
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, in->tls_verify ? 1L : 0L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, in->tls_verify ? 2L : 0L);
	if (in->client_cert && transfer_at_home(transfer)) {
		curl_easy_setopt(easy, CURLOPT_SSLCERT, in->client_cert);
		curl_easy_setopt(
			easy, CURLOPT_SSLKEY, in->client_key ? in->client_key : in->client_cert);
	}
	bool old = in->http_version && strcmp(in->http_version, "1.1") == 0;
	/* libcurl 7.88 stalls for good where the headers of an HTTP/2 answer fill its buffer. What
	 * is not used of it costs addresses, not memory. */
	if (!old && strncmp(transfer->origin, "https:", 6) == 0)
		curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, BUFFER_HTTP2);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
		(long)(old ? CURL_HTTP_VERSION_1_1 : CURL_HTTP_VERSION_2TLS));
}

int
transfer_prepare(struct http_transfer *transfer)
{
	const struct http_request *in = &transfer->in;
	CURL *easy = transfer->easy;
	int64_t left_ms = transfer->deadline_mono_ms - http_now_mono_ms();

	if (left_ms <= 0) {
		transfer_fail(transfer, HTTP_TIMEOUT, "no answer within %.3g s",
			(double)in->timeout_ms / 1000);
		return -ETIMEDOUT;
	}
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		curl_easy_setopt(easy, settings[i].option, settings[i].value);
	if (curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") != CURLE_OK ||
		curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https") != CURLE_OK) {
		transfer_fail(transfer, HTTP_PROTOCOL, "libcurl speaks no http");
		return -ENOTSUP;
	}
	curl_easy_setopt(easy, CURLOPT_URL, transfer->address);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)left_ms);
	curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, in->keep_alive ? 0L : 1L);
	/* "": what the environment names is not ours, and would pass by the check of addresses. */
	curl_easy_setopt(easy, CURLOPT_PROXY, in->proxy ? in->proxy : "");
	curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
	prepare_method(transfer);
	prepare_headers(transfer);
	prepare_credentials(transfer);
	prepare_tls(transfer);
	receive_prepare(transfer);
	return 0;
}
