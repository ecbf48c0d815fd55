#!/usr/bin/python3
"""options.py - every option is in its manual page, and every option of the configuration in the sample too.

The options of feedd.conf(5) are read from their tables in src/model/config_table.c, those of the command lines from the tables of
getopt_long(3), the verbs of feedctl from theirs. An entry of the page must say the default that the table has, and none may
describe an option that is no longer there. Prints FILE: what is wrong, exits 1 if anything is.
"""
import re
import sys

import sources

TABLES = "src/model/config_table.c"
PAGE = "man/feedd.conf.5"
SAMPLE = "etc/feedd.conf"

# Section of the page, and block of the sample, for the options of each table.
SECTIONS = {"FEEDS": "feed", "HOSTS": "host", "NOTIFIERS": "notify"}
TABLE_BLOCKS = {"top": "top", "settings": "feed", "feed": "feed", "host": "host", "notify": "notify"}
# Read beside the tables, since their values are files.
FILES = [("top", "include", None), ("top", "subscriptions", None)]

PROGRAMS = {"man/feedd.8": ("src/feedd.c", "src/daemon/*.c"), "man/feedctl.1": ("src/feedctl/*.c",)}


def configuration_options():
    """(block, name, default as it is written or None) of each option."""
    yield from FILES
    text = sources.code(sources.read(TABLES), strings=True)
    for table, rows in re.findall(r"struct option (\w+)_options\[\] = \{(.*?)\n\};", text, re.S):
        for row in re.split(r"\n\t(?=\{)", rows)[1:]:
            name = re.match(r'\{"(\w+)"', row).group(1)
            default = re.search(r'\.initial = "([^"]*)"(?!\s*\w)', row)
            yield TABLE_BLOCKS[table], name, default and default.group(1)


def page_entries():
    """(block, name): text of each `.It Ic name` of the page."""
    block, names, found = "top", [], {}
    for line in sources.read(PAGE).splitlines():
        if line.startswith(".Sh "):
            block, names = SECTIONS.get(line[4:], "top"), []
        entry = re.match(r"\.It Ic (\w+)", line)
        if entry:
            # entries that follow each other at once share a text
            names = [n for n in names if not found[block, n]] + [entry.group(1)]
            found[block, entry.group(1)] = ""
        elif names and not line.startswith(".El"):
            for name in names:
                found[block, name] += line + "\n"
        elif names:
            names = []
    return found


def sample_options():
    """(block, name) of what the sample shows, commented out or not."""
    block, found = "top", set()
    for line in sources.read(SAMPLE).splitlines():
        line = line.removeprefix("#")
        opened = re.match(r'(feed|host|notify) "[^"]*" \{', line)
        if opened and not line.rstrip().endswith("}"):
            block = opened.group(1)
        elif line.startswith("}"):
            block = "top"
        option = re.match(r"\s*#?(\w+)(\s*=|\()", line)
        if option:
            found.add((block, option.group(1)))
    return found


def check_configuration():
    options = list(configuration_options())
    entries, sample = page_entries(), sample_options()
    known = {(block, name) for block, name, _ in options}
    for block, name, default in options:
        if (block, name) not in entries:
            yield f"{PAGE}: {block}: no entry for {name}"
        elif default is not None and not re.search(rf"(?<!\w){re.escape(default)}(?!\w)", entries[block, name]):
            yield f"{PAGE}: {block}: the entry of {name} does not say its default, {default}"
        if (block, name) not in sample:
            yield f"{SAMPLE}: {block}: {name} is not shown"
    for block, name in entries:
        if (block, name) not in known:
            yield f"{PAGE}: {block}: {name} is no option"
    for block, name in sample:
        if (block, name) not in known and ("feed", name) not in known:
            yield f"{SAMPLE}: {block}: {name} is no option"


def check_program(page, patterns):
    if not (sources.ROOT / page).exists():
        yield f"{page}: there is no such page"
        return
    text = sources.read(page)
    for path in sources.files(*patterns):
        code = sources.code(sources.read(path), strings=True)
        for name in re.findall(r'\{"([\w-]+)",\s*(?:no|required|optional)_argument', code):
            if not re.search(rf"\bFl\s+(?:Fl\s+|-){re.escape(name)}(?!\w)", text):
                yield f"{page}: --{name} of {path} is missing"
        for name in re.findall(r'\{"([\w-]+)",(?:[^{}]|\n)*?\bverb_\w+\}', code):
            if not re.search(rf"^\.(?:It|Ic|Cm|Nm|Op|Ss).*\b{re.escape(name)}\b", text, re.M):
                yield f"{page}: the verb {name} is missing"


def main():
    faults = list(check_configuration())
    for page, patterns in PROGRAMS.items():
        faults += check_program(page, patterns)
    print("\n".join(dict.fromkeys(faults)), end="\n" if faults else "")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
