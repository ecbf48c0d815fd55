/*
 * url_private.c - addresses that a public feed has no business with. Pure: touches nothing but its
 * arguments.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "feedd/mem.h"
#include "feedd/url.h"

struct v4_range {
	uint32_t network;
	int bits;
};

static bool
is_private_v4(uint32_t address)
{
	static const struct v4_range ranges[] = {
		{0x00000000, 8},  /* 0.0.0.0/8: this host */
		{0x0a000000, 8},  /* 10/8 */
		{0x64400000, 10}, /* 100.64/10: behind the provider's NAT */
		{0x7f000000, 8},  /* 127/8: loopback */
		{0xa9fe0000, 16}, /* 169.254/16: link-local, where clouds keep their secrets */
		{0xac100000, 12}, /* 172.16/12 */
		{0xc0a80000, 16}, /* 192.168/16 */
		{0xe0000000, 4},  /* 224/4: multicast */
		{0xf0000000, 4},  /* 240/4: reserved, broadcast */
	};

	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
		if ((address ^ ranges[i].network) >> (32 - ranges[i].bits) == 0)
			return true;
	return false;
}

/* IPv4 as it is written into an IPv6 address behind so many bytes. */
static uint32_t
v4_within(const uint8_t address[16], size_t at)
{
	return (uint32_t)address[at] << 24 | (uint32_t)address[at + 1] << 16 |
		(uint32_t)address[at + 2] << 8 | address[at + 3];
}

static bool
is_private_v6(const uint8_t address[16])
{
	static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
	static const uint8_t compatible[12] = {0};
	static const uint8_t nat64[12] = {0, 0x64, 0xff, 0x9b};
	static const uint8_t own_nat64[6] = {0, 0x64, 0xff, 0x9b, 0, 1};
	static const uint8_t six_to_four[2] = {0x20, 0x02};
	static const uint8_t teredo[4] = {0x20, 0x01};

	/* ::, ::1 and ::a.b.c.d: the first two fall into 0/8 */
	if (memcmp(address, mapped, 12) == 0 || memcmp(address, nat64, 12) == 0 ||
		memcmp(address, compatible, 12) == 0)
		return is_private_v4(v4_within(address, 12));
	if (memcmp(address, six_to_four, 2) == 0)
		return is_private_v4(v4_within(address, 2));
	if (memcmp(address, teredo, 4) == 0) /* every bit is turned */
		return is_private_v4(~v4_within(address, 12));
	return (address[0] & 0xfe) == 0xfc || address[0] == 0xff ||
		memcmp(address, own_nat64, 6) == 0 ||
		(address[0] == 0xfe && (address[1] & 0xc0) == 0x80);
}

bool
url_address_is_private(const struct sockaddr *address)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	switch (address->sa_family) {
	case AF_INET:
		memcpy(&v4, address, sizeof(v4));
		return is_private_v4(ntohl(v4.sin_addr.s_addr));
	case AF_INET6:
		memcpy(&v6, address, sizeof(v6));
		return is_private_v6(v6.sin6_addr.s6_addr);
	default:
		return true;
	}
}

/* True for "localhost" and what ends in ".localhost" (RFC 6761, 6.3). */
static bool
is_localhost(const char *host, size_t len)
{
	static const char name[] = "localhost";
	size_t size = sizeof(name) - 1;

	return len >= size && strncasecmp(host + len - size, name, size) == 0 &&
		(len == size || host[len - size - 1] == '.');
}

bool
url_host_is_private(const char *host)
{
	char copy[256];
	size_t len = strlen(host);
	struct in_addr v4;
	struct in6_addr v6;

	if (len > 2 && host[0] == '[' && host[len - 1] == ']') {
		host++;
		len -= 2;
	}
	if (len > 0 && host[len - 1] == '.')
		len--;
	if (len == 0 || len >= sizeof(copy))
		return false;
	memcpy(copy, host, len);
	copy[len] = '\0';
	if (is_localhost(copy, len))
		return true;
	/* Also "127.1", "0x7f000001", "017700000001". */
	if (inet_aton(copy, &v4))
		return is_private_v4(ntohl(v4.s_addr));
	copy[strcspn(copy, "%")] = '\0';
	return inet_pton(AF_INET6, copy, &v6) == 1 && is_private_v6(v6.s6_addr);
}
