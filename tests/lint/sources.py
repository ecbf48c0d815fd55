"""sources.py - C sources with comments and literals blanked out, for the checks beside it."""
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]

# One alternation, so that a quote within a comment and a comment mark within a string are each read as what they are.
TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def files(*patterns):
    """Paths relative to the root, sorted."""
    return sorted(p.relative_to(ROOT) for pattern in patterns for p in ROOT.glob(pattern))


def read(path):
    return (ROOT / path).read_text(encoding="utf-8")


def _blank(text, keep=""):
    return "".join(c if c == "\n" or c in keep else " " for c in text)


def code(text, strings=False):
    """The text with comments blanked out, and literals too unless `strings`; lines and columns stay."""
    def one(match):
        token = match.group()
        if token[0] == "/":
            return _blank(token)
        return token if strings else token[0] + _blank(token[1:-1]) + token[-1]

    return TOKEN.sub(one, text)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


FUNCTION = re.compile(r"^([A-Za-z_]\w*)\(", re.M)


def functions(text):
    """(name, parameters, line of the name, first line, last line) of each function defined in blanked text."""
    for match in FUNCTION.finditer(text):
        depth, i = 0, match.end() - 1
        while i < len(text):
            depth += {"(": 1, ")": -1}.get(text[i], 0)
            i += 1
            if depth == 0:
                break
        rest = re.match(r"\s*\{", text[i:])
        if not rest:
            continue
        end = text.find("\n}", i)
        parameters = text[match.end():i - 1]
        start = line_of(text, match.start())
        yield match.group(1), parameters, start, start - 1, line_of(text, end + 1)
