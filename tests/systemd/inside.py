#!/usr/bin/python3
"""inside.py - what happens in the throwaway machine: one scenario a boot, named by the first argument.

The package was installed before the boot. `prepare SCENARIO` runs before the boot as well, and lays out the configuration.
"""
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.feeds import item, items  # noqa: E402
from support.server import Answer, Server  # noqa: E402
from support.wait import wait_for  # noqa: E402

CONF = pathlib.Path("/etc/feedd/feedd.conf")
MINE = pathlib.Path("/etc/feedd/feeds.d/mine.conf")
PORT = 8099
OUT = "/var/lib/feedd/out"

HOOK = f"""#!/bin/sh
cat >>{OUT}
env | grep -c -E '^(NOTIFY_SOCKET|WATCHDOG|LISTEN_|CREDENTIALS_DIRECTORY)' >>{OUT}.env
python3 -c 'import json' && curl --version >/dev/null && touch {OUT}.tools
[ ! -e {OUT}.hang ] || sleep 600
"""


def sh(*args, check=None, **options):
    done = subprocess.run(args, capture_output=True, text=True, timeout=60, check=False, **options)
    if check is not None and done.returncode != check:
        raise AssertionError(f"{args} ended with {done.returncode}, wanted {check}:\n{done.stdout}{done.stderr}\n"
                             + sh("systemctl", "status", "-n30", "feedd.service").stdout)
    return done


def prop(name, unit="feedd.service"):
    return sh("systemctl", "show", "-P", name, unit).stdout.strip()


def events():
    out = pathlib.Path(OUT)
    return [json.loads(line) for line in out.read_text().splitlines()] if out.exists() else []


def titles():
    return [e["title"] for e in events()]


def polled(name="a"):
    sh("feedctl", "poll", name, check=0)


def stored():
    done = sh("feedctl", "items", "--json")
    return done.stdout.count("Article")


def active(unit="feedd.service"):
    return prop("ActiveState", unit) == "active"


class Site(Server):
    """The server on the port that the configuration names."""

    def __init__(self):
        super().__init__(port=PORT)
        self.a = self.feed("/a.xml", items(1))


def mine(extra=""):
    return (f'host "127.0.0.1" {{ gap = "0s" gate = "feed" }}\n'
            f'feed "a" {{\n\turl = "http://127.0.0.1:{PORT}/a.xml"\n\tinterval = "1h"\n}}\n'
            f'notify "out" {{\n\texec = {{"/usr/local/lib/hook"}}\n}}\n{extra}')


def prepare(scenario):
    """Before the boot: a feed, a hook; no sample feeds, since there is no internet."""
    pathlib.Path("/usr/local/lib/hook").write_text(HOOK)
    os.chmod("/usr/local/lib/hook", 0o755)
    CONF.write_text('include("feeds.d/*.conf")\n')
    MINE.write_text(mine())
    pathlib.Path("/usr/sbin/policy-rc.d").unlink(missing_ok=True)  # of containers: "start no services"
    sh("systemd-sysusers")
    sh("chgrp", "-R", "feedd", "/etc/feedd")
    MINE.chmod(0o640)
    dropin = pathlib.Path("/etc/systemd/system/feedd.service.d")
    dropin.mkdir(parents=True, exist_ok=True)
    if scenario == "life":
        (dropin / "fast.conf").write_text("[Service]\nWatchdogSec=5s\nRestartSec=100ms\n")


def first_items():
    wait_for(lambda: stored() >= 1, "the first items")


def service(_):
    """Started at boot; who may ask; a hook in the sandbox; reload good and bad; activation by the socket."""
    site = Site()
    wait_for(active, "the service", 30)
    print("boot to ready:", sh("systemd-analyze", "critical-chain", "feedd.service", "--no-pager").stdout.strip())
    verify = sh("systemd-analyze", "verify", "feedd.service", "feedd.socket", "feedd@x.service", check=0)
    assert verify.stdout + verify.stderr == "", verify.stdout + verify.stderr
    assert prop("StatusText"), "STATUS= in words"
    assert sh("stat", "-c", "%a %U:%G", "/run/feedd.sock").stdout.strip() == "660 root:feedd"
    sh("feedctl", "status", check=0)
    sh("setpriv", "--reuid=outsider", "--regid=outsider", "--init-groups", "feedctl", "status", check=3)
    sh("setpriv", "--reuid=outsider", "--regid=outsider", "--groups=" + sh("sh", "-c", "getent group feedd | cut -d: -f3")
       .stdout.strip(), "feedctl", "status", check=0)
    polled()
    first_items()
    site.a.add(item(2))
    polled()
    wait_for(lambda: titles() == ["Article 2"], "the hook in the sandbox")
    wait_for(lambda: os.path.exists(OUT + ".tools"), "python3 and curl in the sandbox")
    assert pathlib.Path(OUT + ".env").read_text().split() == ["0"], "variables of the service manager reached a hook"
    # Reload: a faulty file is refused loudly, and what runs goes on.
    MINE.write_text(mine('feed "b" { url = "nonsense" }\n'))
    assert sh("systemctl", "reload", "feedd").returncode != 0
    assert active()
    MINE.write_text(mine(f'feed "b" {{ url = "http://127.0.0.1:{PORT}/a.xml" }}\n'))
    sh("systemctl", "reload", "feedd", check=0)
    sh("feedctl", "show", "b", check=0)
    # The journal knows whose record it is.
    site.a.add(item(3))
    polled()
    wait_for(lambda: sh("journalctl", "-q", "-o", "cat", "FEEDD_FEED=a").stdout, "a record with FEEDD_FEED=")
    # The socket outlives the service and starts it.
    sh("systemctl", "stop", "feedd.service", check=0)
    assert not active()
    sh("feedctl", "status", check=0)
    assert active()
    # Exit 2 is final.
    MINE.write_text("nonsense = 1\n")
    sh("systemctl", "restart", "feedd.service")
    wait_for(lambda: prop("ActiveState") == "failed", "the failure")
    assert (prop("ExecMainStatus"), prop("NRestarts")) == ("2", "0")


def life(_):
    """Watchdog, kill -9, stop with a hanging hook and a hanging feed."""
    site = Site()
    wait_for(active, "the service", 30)
    polled()
    first_items()
    pid = int(prop("MainPID"))
    os.kill(pid, signal.SIGSTOP)
    wait_for(lambda: active() and int(prop("MainPID")) not in (0, pid), "the restart by the watchdog", 30)
    wait_for(lambda: sh("feedctl", "status").returncode == 0, "an answer")
    sh("touch", OUT + ".hang")
    site.a.add(item(2))
    polled()
    wait_for(lambda: titles() == ["Article 2"], "the hook")
    pid = int(prop("MainPID"))
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: active() and int(prop("MainPID")) not in (0, pid), "the restart", 30)
    wait_for(lambda: titles() == ["Article 2"] * 2, "the same event again")
    site.script("/a.xml", Answer(delay=300))
    polled()
    wait_for(lambda: len(site.of("/a.xml")) >= 3, "the hanging poll")
    began = time.monotonic()
    sh("systemctl", "stop", "feedd.socket", "feedd.service", check=0)
    took = time.monotonic() - began
    assert took < 10, f"the stop took {took:.1f} s"
    assert prop("Result") == "success"
    assert sh("pgrep", "-x", "sleep").stdout == "", "a hook outlived the service"


def dropins(_):
    """Credentials, DynamicUser, a second instance."""
    site = Site()
    site.answer("/secret", call=lambda r: site.a.answer(r) if r.headers.get("Authorization") else Answer(status=401))
    wait_for(active, "the service", 30)
    secrets = pathlib.Path("/etc/feedd.credentials")
    secrets.mkdir(mode=0o700)
    (secrets / "hn").write_text("geheim\n")
    (secrets / "hn").chmod(0o600)
    dropin = pathlib.Path("/etc/systemd/system/feedd.service.d")
    examples = pathlib.Path("/usr/share/doc/feedd/examples")
    (dropin / "credentials.conf").write_text((examples / "credentials.conf").read_text())
    MINE.write_text(mine(f'feed "s" {{\n\turl = "http://127.0.0.1:{PORT}/secret"\n\tusername = "me"\n'
                         '\tcredential = "feedd_hn"\n}\n'))
    sh("systemctl", "daemon-reload", check=0)
    sh("systemctl", "restart", "feedd.service", check=0)
    sh("feedctl", "poll", "s", check=0)
    asked = wait_for(lambda: site.of("/secret"), "the request with a password")[-1]
    assert asked.headers["Authorization"] == "Basic bWU6Z2VoZWlt"
    assert "geheim" not in sh("feedctl", "show", "s").stdout + sh("journalctl", "-q").stdout
    # Another instance, with a socket and a database of its own.
    pathlib.Path("/etc/feedd/two.conf").write_text('socket = "/run/feedd-two.sock"\n')
    sh("chgrp", "feedd", "/etc/feedd/two.conf")
    sh("systemctl", "start", "feedd@two.service", check=0)
    sh("feedctl", "-s", "/run/feedd-two.sock", "status", check=0)
    assert os.path.exists("/var/lib/feedd/two/feedd.db")
    sh("systemctl", "reload", "feedd@two.service", check=0)
    # A user that exists only while it runs. It has a state of its own.
    sh("systemctl", "stop", "feedd@two.service", "feedd@two.socket", "feedd.service", check=0)
    sh("rm", "-rf", "/var/lib/feedd")
    (dropin / "dynamic-user.conf").write_text((examples / "dynamic-user.conf").read_text())
    sh("systemctl", "daemon-reload", check=0)
    sh("systemctl", "start", "feedd.service", check=0)
    sh("feedctl", "status", check=0)
    assert os.path.exists("/var/lib/private/feedd/feedd.db")
    sh("systemctl", "reload", "feedd.service", check=0)


def upgrade(package):
    """The package over a running daemon, removed, purged."""
    site = Site()
    wait_for(active, "the service", 30)
    polled()
    first_items()
    site.a.add(item(2))
    polled()
    wait_for(lambda: titles() == ["Article 2"], "the hook")
    pid = prop("MainPID")
    sh("dpkg", "--force-depends", "--force-confold", "-i", package, check=0)
    wait_for(lambda: active() and prop("MainPID") not in ("0", pid), "the new daemon")
    assert MINE.exists() and CONF.read_text() == 'include("feeds.d/*.conf")\n'
    site.a.add(item(3))
    polled()
    wait_for(lambda: titles() == ["Article 2", "Article 3"], "the next event, and no repeat")
    sh("dpkg", "--force-depends", "-r", "feedd", check=0)
    assert not os.path.exists("/run/feedd.sock") or not active("feedd.socket")
    assert os.path.exists("/var/lib/feedd/feedd.db") and CONF.exists()
    sh("dpkg", "--force-depends", "-P", "feedd", check=0)
    assert not os.path.exists("/var/lib/feedd")


SCENARIOS = {f.__name__: f for f in (service, life, dropins, upgrade)}


def main():
    if sys.argv[1] == "prepare":
        prepare(sys.argv[2])
        return 0
    SCENARIOS[sys.argv[1]](sys.argv[2])
    return 0


if __name__ == "__main__":
    sys.exit(main())
