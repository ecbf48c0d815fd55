/*
 * config_value.h - the values of a configuration and what may stand in them.
 *
 * Private to the configuration. Pure. A check returns NULL where the value is good, else what is
 * wrong with it, static.
 */
#ifndef FEEDD_CONFIG_VALUE_H
#define FEEDD_CONFIG_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "feedd/feed.h"

/* A feed's or notifier's name: 1 to 128 letters, digits, . _ - */
#define CONFIG_NAME_MAX 128

/* "90s", "10m", "6h", "7d", "0" into seconds; 0 or -EINVAL. At most a hundred years. */
int value_duration(const char *text, int64_t *ret_seconds);
/* The same, and "500ms", into milliseconds. */
int value_duration_ms(const char *text, int64_t *ret_ms);
/* "1000", "64KiB", "10MiB", "1GiB" into bytes; 0 or -EINVAL. */
int value_size(const char *text, int64_t *ret_bytes);
/* A whole number; 0 or -EINVAL. */
int value_count(const char *text, int64_t *ret_count);
/* A number with a point, neither infinite nor "nan"; 0 or -EINVAL. */
int value_number(const char *text, double *ret_number);
/* true, yes, on, 1 and false, no, off, 0; 0 or -EINVAL. */
int value_bool(const char *text, bool *ret_bool);

/* One to 128 letters, digits, . _ - that are not "." or "..", which a path would take for something
 * else. */
const char *check_name(const char *text);
const char *check_absolute(const char *text);
/* A path that sockaddr_un can hold. */
const char *check_socket(const char *text);
const char *check_proxy(const char *text);
/* "Name: value" on one line. */
const char *check_header(const char *text);
/* Any text on one line, at most 1 KiB. */
const char *check_line(const char *text);
/* The name of a file in a directory, without a path. */
const char *check_file_name(const char *text);
/* http or https, with a host. */
const char *check_webhook(const char *text);
/* The name of an event. */
const char *check_event(const char *text);
/* A feed's name, "tag:" and a tag, or a glob. */
const char *check_selector(const char *text);
/* "whsec_" and base64, or any other text that is not empty. */
const char *check_secret(const char *text);
/* "HH:MM" */
const char *check_time(const char *text);
/* "address:port", the address in numbers or localhost. */
const char *check_listen(const char *text);
/* True if such an address reaches no further than this machine. */
bool listen_is_loopback(const char *text);
/* A word of identity, or a regular expression; pattern is not copied. */
const char *check_identity(const char *text);
struct identity value_identity(const char *text);
/* A host's name or address without a port, or "*". */
const char *check_host(const char *text);
/* True if the address holds user:password@. */
bool url_has_password(const char *url);
/* True if a header is one that authenticates. */
bool header_is_secret(const char *header);

#endif
