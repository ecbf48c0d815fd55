/* fuzz_url.c - addresses: a base on the first line, a reference on the second. Hosts are what
 * libcurl would connect to, or none; what was folded folds to itself; a redacted address has no
 * user. */
#include <curl/curl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "feedd/mem.h"
#include "feedd/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(int holds)
{
	if (!holds)
		abort();
}

static int
is_ascii(const char *s)
{
	while (*s && (unsigned char)*s < 0x80)
		s++;
	return !*s;
}

/* libcurl's host of an address, in lower case and without brackets, must be ours. */
static void
compare_hosts(struct arena *arena, const char *url)
{
	CURLU *handle = curl_url();
	char *host = NULL;
	char *mine = url_host(arena, url);

	if (is_ascii(url) && url_is_http(url)) {
		int refused = curl_url_set(handle, CURLUPART_URL, url, 0) ||
			curl_url_get(handle, CURLUPART_HOST, &host, 0) || !*host;

		require(refused == !mine);
		if (mine && host[0] == '[') {
			require(strncasecmp(host + 1, mine, strlen(mine)) == 0);
			require(strlen(host) == strlen(mine) + 2);
		} else if (mine) {
			require(strcasecmp(host, mine) == 0);
		}
	}
	if (mine) {
		url_host_is_private(mine);
		require(*url_site(arena, mine) || !*mine);
	}
	curl_free(host);
	curl_url_cleanup(handle);
}

static void
require_no_user(const char *url)
{
	CURLU *handle = curl_url();
	char *user = NULL;

	if (!curl_url_set(handle, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME))
		require(curl_url_get(handle, CURLUPART_USER, &user, 0) != CURLUE_OK);
	curl_free(user);
	curl_url_cleanup(handle);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(arena_fini) struct arena arena = {0};
	char *reference = arena_strndup(&arena, (const char *)data, size);
	char *base = strsep(&reference, "\n");
	char *user, *password;

	char *url = url_resolve(&arena, base, reference ? reference : base);
	if (url) {
		require(strlen(url) <= URL_MAX);
		require(strcmp(url_resolve(&arena, NULL, url), url) == 0);
		for (const char *p = url; *p; p++)
			require((unsigned char)*p > ' ' && *p != 0x7f);
		compare_hosts(&arena, url);
		require(!url_is_safe(url) ||
			(strncasecmp(url, "javascript:", 11) != 0 &&
				strncasecmp(url, "data:", 5) != 0));
		char *fold = url_fold(&arena, url);
		require(strcmp(url_fold(&arena, fold), fold) == 0);
		url_article(&arena, url);
		url_origin(&arena, url);
		require_no_user(url_redact(&arena, url));
		char *bare = url_split_userinfo(&arena, url, &user, &password);
		require(!bare || strlen(bare) <= strlen(url));
	}
	url_redact(&arena, base);
	url_file_path(&arena, base);
	url_host_is_private(base);
	return 0;
}
