#!/usr/bin/python3
"""layers.py - who may include whom.

Includes point to the same room or to a lower layer, never up and never to another room's private header; every outside
library has one door. Prints FILE:LINE: what is wrong, exits 1 if anything is.
"""
import re
import sys

import sources

LAYER = {
    "base": 0,
    "model": 1,
    "parse": 2,
    "schedule": 2,
    "http": 3,
    "store": 3,
    "poll": 4,
    "notify": 4,
    "api": 4,
    "daemon": 5,
    "feedctl": 5,
    "feedd": 6,
}

# Doors of include/feedd and the room that each belongs to, where the name alone does not say it.
DOORS = {
    "mem": "base", "log": "base", "queue": "base", "fail": "base", "date": "base", "text": "base", "url": "base", "json": "base",
    "heap": "schedule", "pace": "schedule", "offline": "schedule",
    "feed": "model", "event": "model", "config": "model", "opml": "model",
    "heap": "schedule",
}

# Header prefix: where it may be included, as rooms or single sources (room/file without .c).
LIBRARIES = {
    "curl/": {"http", "base/url"},
    "sqlite3.h": {"store"},
    "libxml/": {"parse", "base/text", "base/html", "base/mem_guard", "model/opml"},
    "ev.h": {"http", "store", "poll", "notify", "api", "daemon", "feedctl", "feedd"},
    "microhttpd.h": {"api"},
    "confuse.h": {"model/config"},
    "systemd/": {"daemon"},
    "openssl/": {"base/mem_guard", "notify"},
    "libpsl.h": {"base/url"},
    "pcre2.h": {"store", "model", "notify"},
}

# Rooms that see no clock, file, thread or log.
PURE = {"parse", "schedule", "model", "base/text", "base/date", "base/url", "base/html"}
IMPURE_CALLS = re.compile(
    r"\b(time|clock_gettime|gettimeofday|localtime|localtime_r|fopen|open|socket|pthread_create|log_(?:write|error|warning"
    r"|notice|info|debug)|getenv|printf|fprintf|puts)\s*\(")
# The configuration is a file, so its reader reads files and the environment.
READS_FILES = ("model/config", "model/opml")

INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.M)


def room_of(path):
    """The room of a source below src/, e.g. 'base'; feedd.c is a room of its own."""
    return path.parts[1].removesuffix(".c")


def home_of_door(name):
    return DOORS.get(name, name)


def matches(place, unit):
    """place: 'room' or 'room/stem'; unit: room/file. A stem covers what begins with it: config, config_feed, …"""
    return unit.split("/")[0] == place if "/" not in place else unit == place or unit.startswith(place + "_")


def check_library(unit, header):
    for prefix, places in LIBRARIES.items():
        if header.startswith(prefix) and not any(matches(place, unit) for place in places):
            return f"<{header}> may be included only in {', '.join(sorted(places))}"
    return None


def check_own(path, room, header):
    if header.startswith("feedd/"):
        home = home_of_door(header[6:-2])
        if home not in LAYER:
            return f"door {header} belongs to no known room"
        if home != room and LAYER[home] >= LAYER[room]:
            return f"{room} (layer {LAYER[room]}) may not include {header} of {home} (layer {LAYER[home]})"
        return None
    if "/" in header or not (sources.ROOT / path.parent / header).exists():
        return f'"{header}" is no door and no header beside the source'
    return None


def check_source(path):
    text = sources.read(path)
    shown = sources.code(text, strings=True)
    room = room_of(path)
    unit = "/".join(path.parts[1:]).rsplit(".", 1)[0]
    for match in INCLUDE.finditer(shown):
        quote, header = match.groups()
        wrong = check_own(path, room, header) if quote == '"' else check_library(unit, header)
        if wrong:
            yield sources.line_of(text, match.start()), wrong
    if any(matches(p, unit) for p in PURE) and not any(matches(p, unit) for p in READS_FILES):
        blanked = sources.code(text)
        for match in IMPURE_CALLS.finditer(blanked):
            before = blanked[:match.start()].rstrip()[-1:]
            if before not in (".", ">"):
                yield sources.line_of(text, match.start()), f"a pure room calls {match.group(1)}()"


def check_door(path):
    """A door shows no library's types, and includes doors of its own or a lower layer only."""
    text = sources.read(path)
    home = home_of_door(path.stem)
    for match in INCLUDE.finditer(sources.code(text, strings=True)):
        quote, header = match.groups()
        line = sources.line_of(text, match.start())
        if home not in LAYER:
            yield 1, f"door {path.name} belongs to no known room"
            return
        if quote == "<" and any(header.startswith(p) for p in [*LIBRARIES, "jansson.h"] if p != "ev.h"):
            yield line, f"a door includes <{header}>"
        elif quote == '"' and (not header.startswith("feedd/") or LAYER[home_of_door(header[6:-2])] > LAYER[home]):
            yield line, f"door of {home} (layer {LAYER[home]}) includes \"{header}\""


def main():
    faults = 0
    for path in sources.files("src/*.c", "src/*/*.[ch]", "include/feedd/*.h"):
        check = check_door if path.parts[0] == "include" else check_source
        for line, wrong in check(path):
            print(f"{path}:{line}: {wrong}")
            faults += 1
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
