"""The programs of etc/hooks, with stand-ins for what they call: what they send, and that nothing in an article gets out of hand."""
import email
import email.policy
import json
import os
import shutil
import subprocess

import pytest
from support.daemon import ROOT

HOOKS = ROOT / "etc" / "hooks"

# Records its arguments and its input, prints what stands in NAME.says, exits with what stands in NAME.exit.
STAND_IN = """#!/bin/sh
for arg; do printf '%s\\0' "$arg"; done >>"$0.args"
printf '\\n' >>"$0.args"
[ "$(basename "$0")" = notify-send ] || cat >>"$0.input"
[ ! -e "$0.says" ] || cat "$0.says"
[ ! -e "$0.exit" ] || exit "$(cat "$0.exit")"
"""

HOSTILE = "$(touch pwned) `touch pwned` '; touch pwned; \" <b>&amp;</b> @everyone | -x \\"


def event(seq=7, title="A title", url="https://example.org/1?a=1&b=2", **more):
    feed = {"name": "hn", "title": "Hacker <News> & co", "url": "https://example.org/feed"}
    made = {"id": f"urn:{seq}", "title": title, "url": url, "content_text": "The text.\nIts second line.",
            "date_published": "2026-11-23T20:17:00Z", "_feedd": {"seq": seq, "event": "item.new", "feed": feed}, **more}
    return {key: value for key, value in made.items() if value is not None}


class Bench:
    def __init__(self, directory):
        self.directory = directory
        self.bin = directory / "bin"
        self.bin.mkdir()

    def stand_in(self, name, says=None, exits=None):
        path = self.bin / name
        path.write_text(STAND_IN)
        path.chmod(0o755)
        if says is not None:
            path.with_name(name + ".says").write_text(says)
        if exits is not None:
            path.with_name(name + ".exit").write_text(str(exits))
        return path

    def run(self, hook, *args, events):
        text = "".join(json.dumps(e) + "\n" for e in events)
        env = {"PATH": f"{self.bin}:{os.environ['PATH']}", "LANG": "C.UTF-8", "HOME": "/"}
        done = subprocess.run([HOOKS / hook, *map(str, args)], input=text, text=True, capture_output=True, env=env,
                              cwd=self.directory, timeout=30, check=False)
        assert not (self.directory / "pwned").exists()
        return done

    def args(self, name):
        """The arguments of each call."""
        text = (self.bin / (name + ".args")).read_text()
        return [line.split("\0") for line in text.split("\0\n")[:-1]]

    def input(self, name):
        return (self.bin / (name + ".input")).read_bytes()


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


def needs(*programs):
    for program in programs:
        if not shutil.which(program):
            pytest.skip(f"{program} is not installed")


def test_every_hook_is_commented_and_executable():
    found = sorted(HOOKS.iterdir())
    assert len(found) >= 7
    for hook in found:
        text = hook.read_text()
        assert os.access(hook, os.X_OK), hook
        assert "notify \"" in text, hook
        assert len(text.splitlines()) <= 80, hook


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="shellcheck is not installed")
def test_shell_hooks_are_clean():
    scripts = [h for h in HOOKS.iterdir() if h.read_text().startswith("#!/bin/sh\n")]
    done = subprocess.run(["shellcheck", "-s", "sh", *scripts], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_mail(bench):
    sendmail = bench.stand_in("sendmail")
    done = bench.run("mail", "--sendmail", sendmail, "--from", "f@example.org", "you@example.org",
                     events=[event(title="Ünïcode " + HOSTILE + "\nBcc: other@example.org")])
    assert done.returncode == 0, done.stderr
    assert bench.args("sendmail") == [["-i", "-f", "f@example.org", "--", "you@example.org"]]
    mail = email.message_from_bytes(bench.input("sendmail"), policy=email.policy.default)
    assert mail["To"] == "you@example.org"
    assert mail["Bcc"] is None
    assert mail["Subject"].startswith("[hn] Ünïcode $(touch pwned)")
    assert "https://example.org/1?a=1&b=2" in mail.get_content()
    assert "Its second line." in mail.get_content()


@pytest.mark.parametrize("title", ["=?utf-8?q?x=0aBcc:_o@example.org?= y", "=?utf-7?q?+2AA-?=", "=?bz2?b?AAAA?="])
def test_mail_takes_a_title_for_no_header_s_code(bench, title):
    """A title that looks like an encoded word says what it says: it is not decoded, on no side."""
    sendmail = bench.stand_in("sendmail")
    done = bench.run("mail", "--sendmail", sendmail, "you@example.org", events=[event(title=title)])
    assert done.returncode == 0, done.stderr
    mail = email.message_from_bytes(bench.input("sendmail"), policy=email.policy.default)
    assert mail["Subject"].replace(" ", "") == "[hn]" + title.replace(" ", "")
    assert title in mail.get_content()


def test_mail_of_many_is_one_and_a_busy_queue_is_not_now(bench):
    sendmail = bench.stand_in("sendmail", exits=75)
    done = bench.run("mail", "--sendmail", sendmail, "you@example.org",
                     events=[event(1), event(2, title="Another", content_text=None, url=None)])
    assert done.returncode == 75
    assert len(bench.args("sendmail")) == 1
    mail = email.message_from_bytes(bench.input("sendmail"), policy=email.policy.default)
    assert mail["Subject"] == "2 new articles"
    assert "A title" in mail.get_content() and "Another" in mail.get_content()


def test_desktop(bench):
    needs("jq")
    bench.stand_in("notify-send")
    assert bench.run("desktop", events=[event(title=HOSTILE), event(2, title=None, url="javascript:x")]).returncode == 0
    first, second = bench.args("notify-send")
    assert first[-3:-1] == ["--", "Hacker <News> & co"]
    assert "&lt;b&gt;&amp;amp;&lt;/b&gt;" in first[-1] and "<" not in first[-1]
    assert "a=1&amp;b=2" in first[-1]
    assert second[-1] == "(no title)"


def body_of(args):
    return json.loads(args[args.index("--data-raw") + 1])


def test_ntfy(bench):
    needs("jq")
    bench.stand_in("curl", says="200")
    (bench.directory / "token").write_text("geheim\n")
    assert bench.run("ntfy", "https://ntfy.example", "topic", "token", events=[
        event(title=HOSTILE), event(2, url=None)]).returncode == 0
    first, second = bench.args("curl")
    assert body_of(first) == {"topic": "topic", "title": "Hacker <News> & co", "message": HOSTILE,
                              "click": "https://example.org/1?a=1&b=2"}
    assert "click" not in body_of(second)
    assert "geheim" not in str(first) and b"Bearer geheim" in bench.input("curl")
    assert first[-1] == "https://ntfy.example"


def test_matrix(bench):
    needs("jq")
    bench.stand_in("curl", says="200")
    (bench.directory / "token").write_text("geheim\n")
    done = bench.run("matrix", "https://m.example", "!room:example.org", "token", events=[event(title=HOSTILE)])
    assert done.returncode == 0, done.stderr
    (args,) = bench.args("curl")
    assert args[-1].replace("!", "%21") == (
        "https://m.example/_matrix/client/v3/rooms/%21room%3Aexample.org/send/m.room.message/feedd-7")
    body = body_of(args)
    assert HOSTILE in body["body"]
    assert "<b>&amp;amp;" not in body["formatted_body"] and "&lt;b&gt;&amp;amp;&lt;/b&gt;" in body["formatted_body"]
    assert "geheim" not in str(args) and b"Bearer geheim" in bench.input("curl")


def test_slack(bench):
    needs("jq")
    bench.stand_in("curl", says="200")
    (bench.directory / "url").write_text("https://hooks.example/secret\n")
    assert bench.run("slack", "--channel", "news", "url", events=[
        event(title="<!channel> a|b", url="https://e.org/|x>")]).returncode == 0
    (args,) = bench.args("curl")
    assert body_of(args) == {
        "text": "Hacker &lt;News&gt; &amp; co: <https://e.org/%7Cx%3E|&lt;!channel&gt; a¦b>", "channel": "news"}
    assert "secret" not in str(args) and b'url = "https://hooks.example/secret"' in bench.input("curl")
    assert bench.run("slack", "url", events=[event()]).returncode == 0
    assert "channel" not in body_of(bench.args("curl")[1])


def test_discord(bench):
    needs("jq")
    bench.stand_in("curl", says="204")
    (bench.directory / "url").write_text("https://discord.example/secret\n")
    assert bench.run("discord", "url", events=[event(title=HOSTILE)]).returncode == 0
    (args,) = bench.args("curl")
    body = body_of(args)
    assert body["allowed_mentions"] == {"parse": []}
    assert "\\`touch pwned\\`" in body["content"] and "\\<b\\>" in body["content"]
    assert "secret" not in str(args)


@pytest.mark.parametrize("hook, args", [("ntfy", ["https://n", "t"]), ("slack", ["url"]), ("discord", ["url"]),
                                        ("matrix", ["https://m", "!r:m", "url"])])
@pytest.mark.parametrize("says, exits, expected", [("429", None, 75), ("503", None, 75), ("404", None, 1), ("000", 7, 7)])
def test_what_a_refusal_means(bench, hook, args, says, exits, expected):
    needs("jq")
    bench.stand_in("curl", says=says, exits=exits)
    (bench.directory / "url").write_text("https://hooks.example/secret\n")
    assert bench.run(hook, *args, events=[event(), event(2)]).returncode == expected
    assert len(bench.args("curl")) == 1


def test_archive(bench):
    needs("jq", "git", "flock")
    repository = bench.directory / "archive"

    def log():
        return subprocess.run(["git", "log", "--format=%s"], cwd=repository, capture_output=True, text=True,
                              check=True).stdout.splitlines()

    assert bench.run("archive", repository, events=[event(title="--amend " + HOSTILE)]).returncode == 0
    assert bench.run("archive", repository, events=[event(title="--amend " + HOSTILE)]).returncode == 0  # repeated
    assert bench.run("archive", repository, events=[event(8), event(4711)]).returncode == 0
    assert len(log()) == 2
    assert log()[1].startswith("hn: --amend $(touch pwned)")
    assert log()[0] == "2 events, first: hn: A title"
    assert json.loads((repository / "4" / "4711.json").read_text()) == event(4711)
    status = subprocess.run(["git", "status", "--porcelain"], cwd=repository, capture_output=True, text=True, check=True)
    assert status.stdout == ""


def test_archive_goes_on_after_one_that_was_killed(bench):
    """A call that was killed within git leaves git's locks behind, on which every later one would fail."""
    needs("jq", "git", "flock")
    repository = bench.directory / "archive"
    assert bench.run("archive", repository, events=[event(1)]).returncode == 0
    branch = subprocess.run(["git", "symbolic-ref", "HEAD"], cwd=repository, capture_output=True, text=True,
                            check=True).stdout.strip()
    locks = [repository / ".git" / name for name in ("index.lock", "HEAD.lock", branch + ".lock")]
    for lock in locks:
        lock.touch()
    # Somebody may just be at work there with git by hand.
    assert bench.run("archive", repository, events=[event(2)]).returncode != 0
    for lock in locks:
        os.utime(lock, (1, 1))
    assert bench.run("archive", repository, events=[event(2)]).returncode == 0
    status = subprocess.run(["git", "status", "--porcelain"], cwd=repository, capture_output=True, text=True, check=True)
    assert status.stdout == ""


def test_on_match(bench):
    needs("jq")
    command = bench.stand_in("command")
    events = [event(1, title="Nothing here"), event(2, title="cve-2026-1 in x"), event(3, title=None)]
    assert bench.run("on-match", "CVE-[0-9]+", command, "--now", "$HOME", events=events).returncode == 0
    assert bench.args("command") == [["--now", "$HOME"]]
    assert json.loads(bench.input("command"))["_feedd"]["seq"] == 2
    bench.stand_in("command", exits=3)
    assert bench.run("on-match", "CVE-[0-9]+", command, events=events).returncode == 3
    assert bench.run("on-match", "(", command, events=events).returncode == 1
