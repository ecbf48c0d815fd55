"""test_config.py - the sample configuration, imports of subscription lists, and what large ones cost."""
import re
import resource
import subprocess
from xml.sax.saxutils import quoteattr

import pytest

from support.daemon import BUILD, ROOT, SLOW

SAMPLE = ROOT / "etc/feedd.conf"
# Of what the sample shows, these exclude another one or need what a test does not have.
LEFT_OUT = ("webhook", "secret", "credential", "file", "subscriptions", "state_directory", "socket", "listen")


def outlines(*feeds):
    text = "".join(f"<outline type=\"rss\" text={quoteattr(title)} xmlUrl={quoteattr(url)}/>\n" for title, url in feeds)
    return f'<?xml version="1.0"?>\n<opml version="2.0"><body>\n{text}</body></opml>\n'


def cpu_of_children():
    """Seconds; the machine may be busy with other things."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def ctl(*args, stdin=None):
    return subprocess.run([BUILD / "feedctl", *args], input=stdin, capture_output=True, text=True, timeout=20 * SLOW, check=False)


def test_the_sample_has_no_fault(feedd):
    feedd.config.write_text(SAMPLE.read_text())
    done = feedd.run("--check")
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_sample_with_every_option_has_no_fault(feedd):
    lines = []
    for line in SAMPLE.read_text().splitlines():
        line = re.sub(r"^#(?=[a-z}\t])", "", line)
        line = re.sub(r"^\t#(?=[a-z])", "\t", line)
        name = re.match(r"\s*(\w+)", line)
        notifier_only = name and name.group(1) == "headers" and "X-Source" in line
        if not (name and name.group(1) in LEFT_OUT) and not notifier_only:
            lines.append(line)
    text = "\n".join(lines) + "\n"
    assert text.count("=") > 60
    feedd.config.write_text(text)
    feedd.config.chmod(0o600)
    done = feedd.run("--check")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_password_that_everybody_can_read_is_refused(feedd):
    feedd.config.write_text('feed "a" {\n\turl = "https://example.org/"\n\tusername = "u"\n\tpassword = "hunter2"\n}\n')
    feedd.config.chmod(0o644)
    done = feedd.run("--check")
    assert done.returncode == 2
    assert f"{feedd.config}:4: " in done.stdout + done.stderr
    assert "hunter2" not in done.stdout + done.stderr
    feedd.config.chmod(0o640)
    assert feedd.run("--check").returncode == 0


def test_a_wrong_filter_is_told_with_its_line_beside_other_faults(feedd):
    feedd.config.write_text('notify "n" {\n\texec = {"/bin/true"}\n\twhere = "title LIKE"\n}\nnonsense = 1\n')
    done = feedd.run("--check")
    assert done.returncode == 2
    assert f"{feedd.config}:3: " in done.stderr and f"{feedd.config}:5: " in done.stderr


def test_an_import_is_read_back_whatever_the_titles_hold(feedd):
    evil = ['quote " and \\ back', "${HOME}", "}\nfeed \"x\" { url = \"file:///etc/passwd\" }", "# hash", "/* comment",
            "'single'", "{", "}", "=", "\u202ebidi", "caf\u00e9", "a" * 5000]
    feeds = [(title, f"https://example.org/{n}?a=1&b=${{HOME}}#\"") for n, title in enumerate(evil)]
    feeds += [("same", "https://example.org/same1"), ("same", "https://example.org/same2")]
    done = ctl("import", "-", stdin=outlines(*feeds, ("file", "file:///etc/passwd")))
    assert done.returncode == 0
    assert "1 outline" in done.stderr
    (feedd.directory / "feeds.d").mkdir()
    (feedd.directory / "feeds.d" / "mine.conf").write_text(done.stdout)
    feedd.configure(extra='include("feeds.d/*.conf")\n')
    checked = feedd.run("--check")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert len(re.findall(r'^feed "[A-Za-z0-9._-]+" \{$', done.stdout, re.M)) == len(feeds)


@pytest.mark.parametrize("text, line", [("<opml>\n<body>\n</opml>", 3), ("", 1), ("<html/>", 1)])
def test_an_import_of_something_else_fails(feedd, text, line):
    path = feedd.directory / "list.opml"
    path.write_text(text)
    done = ctl("import", str(path))
    assert (done.returncode, done.stdout) == (1, "")
    assert f"{path}:{line}: " in done.stderr


def test_an_import_of_nothing_fails(feedd):
    assert ctl("import", str(feedd.directory / "none.opml")).returncode == 1
    assert ctl("import").returncode == 2


@pytest.mark.parametrize("kind, n", [("blocks", 2000), ("opml", 100000)])
def test_a_large_configuration_loads_within_a_second(feedd, kind, n):
    if kind == "blocks":
        feeds = "".join(f'feed "f{i * 7919 % n}" {{\n\turl = "https://h{i}.example/feed.xml"\n\tinterval = "10m"\n'
                        f'\ttags = {{"a", "b"}}\n}}\n' for i in range(n))
        feedd.configure(extra=feeds)
    else:
        (feedd.directory / "feeds.opml").write_text(
            outlines(*((f"News of {i % 1000}", f"https://h{i}.example/feed.xml?a=1&b=2") for i in range(n))))
        feedd.configure(extra='subscriptions = {"feeds.opml"}\n')
    took = []
    for _ in range(3):
        before = cpu_of_children()
        done = feedd.run("--check")
        took.append(cpu_of_children() - before)
        assert done.returncode == 0, done.stdout + done.stderr
    assert min(took) < 1.0 * SLOW
