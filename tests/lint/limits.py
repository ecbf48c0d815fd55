#!/usr/bin/python3
"""limits.py - every limit that feedd.conf(5) names is in the sources with that value, and is tripped by a test.

A row of the section LIMITS is `.It Sy name Pq value`. A test says which ones it trips in a comment, `limit: name, name`.
Prints FILE: what is wrong, exits 1 if anything is.
"""
import re
import sys

import options
import sources

PAGE = options.PAGE
UNITS = {"": 1, "KiB": 1 << 10, "MiB": 1 << 20, "s": 1, "h": 3600}

# Where the value of a fixed limit stands; those of options stand in the tables of the configuration.
CONSTANTS = {
    "connect": ("src/http/transfer.c", "CONNECT_TIMEOUT_MS"),
    "silence": ("src/http/transfer.c", "CURLOPT_LOW_SPEED_TIME"),
    "redirects": ("src/http/transfer.h", "HTTP_REDIRECTS_MAX"),
    "address": ("src/http/transfer.h", "HTTP_ADDRESS_MAX"),
    "headers": ("src/http/transfer.h", "HTTP_HEADERS_MAX"),
    "header": ("src/http/outcome.c", "HEADER_MAX"),
    "validator": ("src/http/outcome.c", "VALIDATOR_MAX"),
    "bodies": ("src/poll/configure.c", "BODY_SHARE"),
    "explanation": ("src/http/transfer.h", "HTTP_EXPLANATION_MAX"),
    "depth": ("src/parse/parse.c", "max_depth"),
    "markup": ("src/parse/reader.h", "CONTENT_DEPTH_MAX"),
    "attributes": ("src/parse/parse.c", "max_attributes"),
    "namespaces": ("src/parse/parse.c", "max_namespaces"),
    "scope": ("src/parse/parse.c", "max_scope"),
    "names": ("src/parse/parse.c", "max_names"),
    "start-tag": ("src/parse/parse.c", "max_start_tag"),
    "dtd": ("src/parse/parse.c", "max_dtd"),
    "processor": ("src/parse/parse.c", "max_seconds"),
    "entities": ("src/parse/entity.h", "ENTITIES_MAX"),
    "expansion": ("src/parse/mend.c", "EXPANDED_MAX"),
    "title": ("src/parse/parse.c", "max_title"),
    "url": ("src/parse/parse.c", "max_url"),
    "id": ("src/parse/parse.c", "max_id"),
    "content": ("src/parse/parse.c", "max_content"),
    "list": ("src/parse/builder.c", "LIST_MAX"),
    "values": ("src/parse/sax.c", "MEMORY_MIN"),
    "updates": ("src/store/ingest.c", "MAX_UPDATES"),
    "kill": ("src/notify/exec.h", "EXEC_KILL_AFTER_MS"),
    "output": ("src/notify/exec.h", "EXEC_OUTPUT_MAX"),
    "field": ("src/notify/hookenv.h", "HOOKENV_MAX"),
    "lines": ("src/notify/notify.c", "LOG_LINES"),
    "failing-hook": ("src/notify/notifier.h", "THROTTLE_MS"),
    "webhook-wait": ("src/notify/settle.c", "RETRY_AFTER_MAX_S"),
    "idle": ("src/api/server.h", "CLIENT_IDLE_S"),
    "request-line": ("src/api/query.h", "QUERY_URI_MAX"),
    "request-headers": ("src/api/server.h", "CONNECTION_MEMORY"),
    "request-body": ("src/api/server.h", "UPLOAD_MAX"),
    "parameters": ("src/api/query.h", "QUERY_PARAMETERS_MAX"),
    "event-slice": ("src/api/server.h", "STREAM_SLICE"),
    "page": ("src/api/server.h", "PAGE_BYTES"),
    "consumers": ("include/feedd/store.h", "STORE_CONSUMERS_MAX"),
    "filter-length": ("src/store/filter.c", "MAX_EXPRESSION"),
    "filter-memory": ("src/store/filter.c", "MEMORY_MAX"),
    "filter-match": ("src/store/filter.c", "MATCH_LIMIT"),
    "filter-pattern": ("src/store/filter.c", "LIKE_PATTERN_MAX"),
    "configuration": ("src/model/config_loader.h", "CONFIG_FILE_MAX"),
    "includes": ("src/model/config_loader.h", "CONFIG_DEPTH_MAX"),
    "opml": ("src/model/config_opml.c", "OPML_FILE_MAX"),
    "opml-start-tag": ("src/model/opml.c", "START_TAG_MAX"),
    "opml-depth": ("src/model/opml.c", "DEPTH_MAX"),
    "opml-tags": ("src/model/opml_repair.h", "OPML_TAGS_MAX"),
    "opml-title": ("src/model/opml.c", "TITLE_MAX"),
    "credential": ("src/model/config_finish.c", "CREDENTIAL_MAX"),
    "log-line": ("include/feedd/log.h", "LOG_LINE_MAX"),
}


def rows():
    """(name, option or None, value as it is written) of each row of the page."""
    section = sources.read(PAGE).partition("\n.Sh LIMITS\n")[2].partition("\n.Sh ")[0]
    for name, option, value in re.findall(r"^\.It Sy (\S+) Pq (?:Ic (\w+) , No )?(.+)$", section, re.M):
        yield name, option or None, value


def constant(path, name):
    """The value that follows the name: of a #define, a member, or an entry of a table."""
    found = re.search(rf"\b{name}\b\s*(?:=|,)?\s*((?:\((?:size_t|int64_t)\)|[\d\s()*<L])+)", sources.code(sources.read(path)))
    return eval(re.sub(r"\((?:size_t|int64_t)\)|L", "", found.group(1)).strip())  # digits, *, << and brackets alone


def check_rows():
    defaults = {}
    for _, name, default in options.configuration_options():
        defaults.setdefault(name, set()).add(default)
    for name, option, value in rows():
        if option:
            if value not in defaults.get(option, ()):
                yield f"{PAGE}: {name}: {value} is not the default of {option}"
            continue
        if name not in CONSTANTS:
            yield f"{PAGE}: {name}: tests/lint/limits.py does not know where its value stands"
            continue
        number, _, unit = value.partition(" ")
        said, is_so = int(number) * UNITS[unit], constant(*CONSTANTS[name])
        if is_so != said and not (unit in "sh" and unit and is_so == said * 1000):
            yield f"{PAGE}: {name}: {value}, but {CONSTANTS[name][1]} of {CONSTANTS[name][0]} is {is_so}"


def check_tests():
    named = {}
    for path in sources.files("tests/unit/*.c", "tests/e2e/*.py", "tests/torture/*.py"):
        for names in re.findall(r"\blimit: ([\w-]+(?:, [\w-]+)*)", sources.read(path)):
            for name in names.split(", "):
                named.setdefault(name, path)
    known = {name for name, _, _ in rows()}
    for name in sorted(known - set(named)):
        yield f"{PAGE}: {name}: no test says that it trips it (limit: {name})"
    for name in sorted(set(named) - known):
        yield f"{named[name]}: {name} is no row of LIMITS in {PAGE}"
    for name in sorted(set(CONSTANTS) - known):
        yield f"{PAGE}: LIMITS does not name {name}"


def main():
    faults = [*check_rows(), *check_tests()]
    print("\n".join(faults), end="\n" if faults else "")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
