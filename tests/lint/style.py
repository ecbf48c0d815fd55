#!/usr/bin/python3
"""style.py - what clang-format cannot see: sizes, banned calls, comments.

Prints FILE:LINE: what is wrong, exits 1 if anything is.
"""
import re
import sys

import sources

MAX_FUNCTION_LINES = 60
MAX_TEST_LINES = 90  # tables of cases stand in the test that reads them
MAX_FILE_LINES = 600
MAX_NESTING = 4
MAX_PARAMETERS = 6

# name: what to use instead
BANNED = {
    "strcpy": "arena_strdup or snprintf", "strcat": "struct buf", "sprintf": "snprintf", "vsprintf": "vsnprintf",
    "strncpy": "snprintf", "strncat": "struct buf", "gets": "getline",
    "system": "posix_spawn", "popen": "posix_spawn", "strtok": "strtok_r or strcspn", "atoi": "strtoll",
    "atol": "strtoll", "atoll": "strtoll", "atof": "strtod", "alloca": "an arena", "tmpnam": "mkstemp",
    "tempnam": "mkstemp", "mktemp": "mkstemp", "rand": "getrandom", "srand": "getrandom",
    "sscanf": "strtoll", "scanf": "getline", "localtime": "gmtime_r", "gmtime": "gmtime_r", "ctime": "date_format",
    "asctime": "date_format", "strerror_r": "strerror or %m", "usleep": "a timer",
    "sleep": "a timer", "vfork": "posix_spawn", "setjmp": "return values", "longjmp": "return values",
}
BANNED_CALL = re.compile(r"(?<![\w.>])(" + "|".join(BANNED) + r")\s*\(")
# The format is the n-th argument, and must be a literal (or a macro in capitals).
FORMATS = {
    "printf": 0, "fprintf": 1, "dprintf": 1, "snprintf": 2, "asprintf": 1, "syslog": 1, "log_error": 0,
    "log_warning": 0, "log_notice": 0, "log_info": 0, "log_debug": 0, "log_at": 2, "buf_printf": 1, "arena_printf": 1,
}
FORMAT_CALL = re.compile(r"(?<![\w.>])(" + "|".join(FORMATS) + r")\s*\(")
# Spelt so that this line is no promise itself.
UNDONE = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")


def arguments(text, start):
    """Top-level arguments of the call whose '(' is at start, as blanked text."""
    depth, begin, out = 0, start + 1, []
    for i in range(start, len(text)):
        c = text[i]
        if c in "([{":
            depth += 1
        elif c in ")]}":
            depth -= 1
            if depth == 0:
                return out + [text[begin:i].strip()]
        elif c == "," and depth == 1:
            out.append(text[begin:i].strip())
            begin = i + 1
    return out


def text_around(raw, offset):
    """The three lines before: where a pragma says that the compiler was told."""
    return "\n".join(raw[:offset].split("\n")[-3:])


def check_calls(text, raw):
    for match in BANNED_CALL.finditer(text):
        name = match.group(1)
        yield sources.line_of(text, match.start()), f"{name}() is banned: use {BANNED[name]}"
    for match in FORMAT_CALL.finditer(text):
        name = match.group(1)
        given = arguments(text, match.end() - 1)
        at = FORMATS[name]
        line = text[text.rfind("\n", 0, match.start()) + 1:match.start()]
        if not line[:1].isspace() or "-Wformat-nonliteral" in text_around(raw, match.start()):
            continue  # a definition, a declaration, or a macro that hands its arguments on
        if len(given) <= at or not re.match(r'"|[A-Z_]+\b|PRI|[^"]* \? "', given[at]):
            yield sources.line_of(text, match.start()), f"{name}() with a format that is no literal"


def check_functions(text, longest, is_test):
    lines = text.split("\n")
    for name, parameters, line, first, last in sources.functions(text):
        length = last - first + 1
        if length > longest:
            yield line, f"{name}() has {length} lines, {longest} are allowed"
        count = 0 if parameters.strip() in ("", "void") else len(arguments("(" + parameters + ")", 0))
        if is_test:
            count = 0
        count -= parameters.rstrip().endswith("...")
        if count > MAX_PARAMETERS and not name.startswith("on_"):  # callbacks: a library says what they take
            yield line, f"{name}() has {count} parameters, {MAX_PARAMETERS} are allowed"
        # Kernel style: one tab a level, one for the body; continuation lines add one more.
        statement = [l for l in lines[line:last] if re.search(r"\b(if|for|while|switch|do|else)\b.*", l)]
        deepest = max((len(l) - len(l.lstrip("\t")) for l in statement), default=1)
        if deepest > MAX_NESTING:
            yield line, f"{name}() nests {deepest} deep, {MAX_NESTING} are allowed"


# A table that is searched by halves: "struct rule rules[] = {" up to its "};".
RULES = re.compile(r"^static const struct rule rules\[\] = \{$(.*?)^\};$", re.M | re.S)


def check_tables(raw):
    """A rule out of order is not found, and may hide others."""
    for table in RULES.finditer(raw):
        last = ""
        for row in re.finditer(r'^\t\{"([^"]*)"', table.group(1), re.M):
            if row.group(1) < last:
                yield sources.line_of(raw, table.start(1) + row.start()), f'"{row.group(1)}" comes before "{last}"'
            last = row.group(1)


def check_source(path):
    raw = sources.read(path)
    text = sources.code(raw)
    count = raw.count("\n")
    if count > MAX_FILE_LINES:
        yield 1, f"{count} lines, {MAX_FILE_LINES} are allowed"
    if not raw.startswith("/*"):
        yield 1, "a file begins with a comment that says what it is"
    for match in UNDONE.finditer(raw):
        yield sources.line_of(raw, match.start()), f"{match.group(1)}: finish it or leave it out"
    if path.parts[0] != "tests":
        yield from check_calls(text, raw)
    yield from check_tables(raw)
    is_test = path.parts[0] == "tests"
    yield from check_functions(text, MAX_TEST_LINES if is_test else MAX_FUNCTION_LINES, is_test)


# A prototype in a header: begins in the first column, has parentheses, ends with ';', is no typedef, macro or inline body.
PROTOTYPE = re.compile(r"^(?!typedef|#|_Static_assert|struct \w+ \{|enum|static inline)[A-Za-z_][^;{}#]*\([^;{}]*\)[^;{}]*;", re.M)


def check_comments(path):
    """Every function in a header has a comment above it in its paragraph, or beside it."""
    raw = sources.read(path)
    lines = raw.split("\n")
    for match in PROTOTYPE.finditer(sources.code(raw)):
        first = sources.line_of(raw, match.start()) - 1
        above = first
        while above and lines[above - 1].strip():
            above -= 1
        if not any(re.match(r"/\*| \*|//", line) for line in lines[above:first]) and "/*" not in lines[first]:
            name = re.search(r"(\w+)\s*\(", match.group())
            yield first + 1, f"{name.group(1) if name else 'function'}() has no comment"


def main():
    faults = 0
    for path in sources.files("src/*.[ch]", "src/*/*.[ch]", "include/feedd/*.h", "tests/*/*.[ch]"):
        found = list(check_source(path))
        if path.suffix == ".h":
            found += check_comments(path)
        for line, wrong in sorted(found):
            print(f"{path}:{line}: {wrong}")
            faults += 1
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
