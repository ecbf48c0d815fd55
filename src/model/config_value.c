/* config_value.c - reads and checks the values of a configuration. Pure; see config_value.h. */
#include "config_value.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

#include "feedd/text.h"
#include "feedd/url.h"

struct unit {
	const char *name;
	int64_t factor;
};

/* Digits and one of the units. "0" needs none. */
static int
read_units(const char *text, const struct unit *units, int64_t max, int64_t *ret_value)
{
	int64_t value = 0;
	const char *p = text;

	for (; *p >= '0' && *p <= '9'; p++) {
		value = value * 10 + (*p - '0');
		if (value > max)
			return -EINVAL;
	}
	if (p == text)
		return -EINVAL;
	if (*p == '\0' && value == 0) {
		*ret_value = 0;
		return 0;
	}
	for (; units->name; units++) {
		if (strcmp(p, units->name) != 0)
			continue;
		if (value > max / units->factor)
			return -EINVAL;
		*ret_value = value * units->factor;
		return 0;
	}
	return -EINVAL;
}

#define CENTURY_S (INT64_C(36500) * 86400)

int
value_duration(const char *text, int64_t *ret_seconds)
{
	static const struct unit units[] = {{"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}, {0}};

	return read_units(text, units, CENTURY_S, ret_seconds);
}

int
value_duration_ms(const char *text, int64_t *ret_ms)
{
	static const struct unit units[] = {
		{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}, {0}};

	return read_units(text, units, CENTURY_S * 1000, ret_ms);
}

int
value_size(const char *text, int64_t *ret_bytes)
{
	static const struct unit units[] = {
		{"", 1}, {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {0}};

	return read_units(text, units, INT64_MAX / 16, ret_bytes);
}

int
value_count(const char *text, int64_t *ret_count)
{
	static const struct unit units[] = {{"", 1}, {0}};

	return read_units(text, units, INT64_MAX / 16, ret_count);
}

int
value_number(const char *text, double *ret_number)
{
	char *end;

	if (*text == '\0' || text[strspn(text, "0123456789.")] != '\0')
		return -EINVAL;
	double number = strtod(text, &end);
	if (*end != '\0' || end == text || !isfinite(number))
		return -EINVAL;
	*ret_number = number;
	return 0;
}

int
value_bool(const char *text, bool *ret_bool)
{
	static const char *const words[] = {"false", "no", "off", "0", "true", "yes", "on", "1"};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcasecmp(text, words[i]) == 0) {
			*ret_bool = i >= ARRAY_SIZE(words) / 2;
			return 0;
		}
	}
	return -EINVAL;
}

static bool
is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		c == '.' || c == '_' || c == '-';
}

const char *
check_name(const char *text)
{
	size_t len = strlen(text);

	if (len == 0 || len > CONFIG_NAME_MAX)
		return "a name has 1 to 128 characters";
	if (strcmp(text, ".") == 0 || strcmp(text, "..") == 0)
		return "a name cannot be . or ..";
	for (size_t i = 0; i < len; i++)
		if (!is_name_char(text[i]))
			return "a name has only letters, digits, . _ and -";
	return NULL;
}

static bool
has_control(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return true;
	return false;
}

const char *
check_absolute(const char *text)
{
	if (text[0] != '/')
		return "an absolute path is needed";
	if (strlen(text) >= 4096)
		return "the path is too long";
	return NULL;
}

const char *
check_socket(const char *text)
{
	if (strlen(text) >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
		return "the path of a socket has at most 107 bytes";
	return check_absolute(text);
}

const char *
check_proxy(const char *text)
{
	static const char *const schemes[] = {
		"http://", "https://", "socks4://", "socks4a://", "socks5://", "socks5h://"};

	if (*text == '\0')
		return NULL;
	if (has_control(text) || strlen(text) >= URL_MAX)
		return "this is no address";
	for (size_t i = 0; i < ARRAY_SIZE(schemes); i++) {
		size_t len = strlen(schemes[i]);
		if (strncasecmp(text, schemes[i], len) == 0 && text[len] && text[len] != '/')
			return NULL;
	}
	return "http://, https://, socks4://, socks4a://, socks5:// or socks5h:// and a host are "
	       "needed";
}

const char *
check_header(const char *text)
{
	size_t name = strcspn(text, ":");

	if (has_control(text))
		return "a header stands on one line";
	if (name == 0 || text[name] != ':')
		return "a header is written \"Name: value\"";
	for (size_t i = 0; i < name; i++)
		if (!isalnum((unsigned char)text[i]) && !strchr("!#$%&'*+-.^_`|~", text[i]))
			return "this character is not allowed in the name of a header";
	if (strlen(text) > 8192)
		return "the header is too long";
	return NULL;
}

const char *
check_line(const char *text)
{
	if (has_control(text))
		return "control characters and line ends are not allowed";
	if (strlen(text) > 1024)
		return "at most 1024 bytes are allowed";
	return NULL;
}

const char *
check_file_name(const char *text)
{
	if (*text == '\0' || strchr(text, '/') || strcmp(text, ".") == 0 ||
		strcmp(text, "..") == 0 || strlen(text) > 255 || has_control(text))
		return "the name of a file in $CREDENTIALS_DIRECTORY is needed, without a path";
	return NULL;
}

const char *
check_webhook(const char *text)
{
	if (has_control(text) || strchr(text, ' ') || strlen(text) >= URL_MAX || !url_is_http(text))
		return "an address with http or https is needed";
	return NULL;
}

const char *
check_event(const char *text)
{
	static const char *const events[] = {"item.new", "item.updated", "feed.failing",
		"feed.recovered", "feed.moved", "feed.gone", "feed.silent", "feed.rekeyed"};

	for (size_t i = 0; i < ARRAY_SIZE(events); i++)
		if (strcmp(text, events[i]) == 0)
			return NULL;
	return "events are item.new, item.updated, feed.failing, feed.recovered, feed.moved, "
	       "feed.gone, feed.silent and feed.rekeyed";
}

const char *
check_selector(const char *text)
{
	if (strncmp(text, "tag:", 4) == 0)
		return text[4] ? check_line(text) : "a tag is missing behind tag:";
	if (*text == '\0')
		return "this is empty";
	for (; *text; text++)
		if (!is_name_char(*text) && !strchr("*?[]!", *text))
			return "a feed's name, tag:NAME or a pattern with * ? [ ] is needed";
	return NULL;
}

static bool
is_base64(const char *text)
{
	size_t len = strlen(text);
	size_t chars = strspn(text,
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		"0123456789+/");
	size_t padding = strspn(text + chars, "=");

	if (chars == 0 || chars + padding != len || padding > 2 || chars % 4 == 1)
		return false;
	return padding == 0 || len % 4 == 0;
}

const char *
check_secret(const char *text)
{
	if (*text == '\0')
		return "this is empty";
	if (strncmp(text, "whsec_", 6) == 0 && !is_base64(text + 6))
		return "base64 is needed behind whsec_";
	return check_line(text);
}

const char *
check_time(const char *text)
{
	const char *error = "a time of day is written HH:MM, from 00:00 to 23:59";

	if (strlen(text) != 5 || text[2] != ':')
		return error;
	for (size_t i = 0; i < 5; i++)
		if (i != 2 && (text[i] < '0' || text[i] > '9'))
			return error;
	int hour = (text[0] - '0') * 10 + text[1] - '0';
	int minute = (text[3] - '0') * 10 + text[4] - '0';
	return hour < 24 && minute < 60 ? NULL : error;
}

/* The address of "address:port" without brackets, into out; NULL or what is wrong. */
static const char *
split_listen(const char *text, char out[64])
{
	const char *error = "an address and a port are needed, as in 127.0.0.1:8470 or [::1]:8470";
	const char *colon = strrchr(text, ':');
	int64_t port;

	if (!colon || value_count(colon + 1, &port) < 0 || port < 1 || port > 65535)
		return error;
	size_t len = (size_t)(colon - text);
	bool brackets = len > 2 && text[0] == '[' && text[len - 1] == ']';
	if (brackets) {
		text++;
		len -= 2;
	}
	if (len == 0 || len >= 64)
		return error;
	memcpy(out, text, len);
	out[len] = '\0';
	unsigned char address[16];
	if (brackets)
		return inet_pton(AF_INET6, out, address) == 1 ? NULL : error;
	if (strcmp(out, "localhost") != 0 && inet_pton(AF_INET, out, address) != 1)
		return error;
	return NULL;
}

const char *
check_listen(const char *text)
{
	char address[64];

	return split_listen(text, address);
}

bool
listen_is_loopback(const char *text)
{
	char address[64];

	if (split_listen(text, address) != NULL)
		return false;
	return strcmp(address, "localhost") == 0 || strncmp(address, "127.", 4) == 0 ||
		strcmp(address, "::1") == 0;
}

static const char *const identity_words[] = {
	[IDENTITY_GUID] = "guid",
	[IDENTITY_LINK] = "link",
	[IDENTITY_GUID_LINK] = "guid+link",
	[IDENTITY_TITLE] = "title",
};

struct identity
value_identity(const char *text)
{
	for (size_t i = 0; i < ARRAY_SIZE(identity_words); i++)
		if (strcmp(text, identity_words[i]) == 0)
			return (struct identity){.kind = (enum identity_kind)i};
	return (struct identity){.kind = IDENTITY_REGEX, .pattern = text};
}

const char *
check_identity(const char *text)
{
	regex_t compiled;

	if (value_identity(text).kind != IDENTITY_REGEX)
		return NULL;
	int r = *text == '\0' || strlen(text) > 1024
		? REG_BADPAT
		: regcomp(&compiled, text, REG_EXTENDED | REG_NOSUB);
	if (r == REG_ESPACE)
		mem_exhausted(0);
	if (r != 0)
		return "guid, link, guid+link, title or a POSIX extended regular expression is "
		       "needed";
	regfree(&compiled);
	return NULL;
}

const char *
check_host(const char *text)
{
	unsigned char address[16];

	if (strcmp(text, "*") == 0 || inet_pton(AF_INET6, text, address) == 1)
		return NULL;
	if (*text == '\0' || strlen(text) > 253)
		return "the name or address of a host is needed";
	if (strchr(text, ':') || strchr(text, '/'))
		return "the name or address of a host stands without scheme, port and path";
	for (; *text; text++)
		if (!is_name_char(*text) && (unsigned char)*text < 0x80)
			return "this character is not allowed in the name of a host";
	return NULL;
}

bool
url_has_password(const char *url)
{
	const char *host = strstr(url, "://");

	if (!host)
		return false;
	host += 3;
	size_t authority = strcspn(host, "/?#");
	const char *at = memrchr(host, '@', authority);
	return at && memchr(host, ':', (size_t)(at - host));
}

bool
header_is_secret(const char *header)
{
	static const char *const names[] = {"authorization", "proxy-authorization", "cookie",
		"x-api-key", "api-key", "x-auth-token", "private-token"};
	size_t len = strcspn(header, ":");

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strlen(names[i]) == len && strncasecmp(header, names[i], len) == 0)
			return true;
	return false;
}
