"""hooks.py - hook programs that keep a record of their calls and behave as the test wants."""
import dataclasses
import json
import pathlib

# One record a call, written under a lock: environment, standard input, in full before the exit status is given. What is
# in FILE.exit is the exit status; what is in FILE.sleep is slept after the record is written.
RECORDER = """#!/bin/sh
exec 9>"$0.lock"
flock 9
status=0 pause=0
[ ! -e "$0.exit" ] || status=$(cat "$0.exit")
[ ! -e "$0.sleep" ] || pause=$(cat "$0.sleep")
{
	printf 'call %s\\n' "$(date +%s.%N)"
	for arg; do printf 'arg %s\\n' "$arg"; done
	env | grep -a '^FEEDD_' | sed 's/^/env /'
	sed 's/^/in /'
	printf 'end\\n'
} >>"$0.calls"
flock -u 9
exec 9>&-
[ "$pause" = 0 ] || sleep "$pause"
exit "$status"
"""


@dataclasses.dataclass
class Call:
    at: float
    args: list
    env: dict
    events: list  # parsed lines of standard input

    @property
    def event(self):
        assert len(self.events) == 1, self.events
        return self.events[0]


class Hook:
    """hook.path goes into `exec`. hook.calls: what was recorded in full."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.path.write_text(RECORDER)
        self.path.chmod(0o755)

    def __str__(self):
        return str(self.path)

    def _set(self, suffix, value):
        file = self.path.with_name(self.path.name + suffix)
        if value is None:
            file.unlink(missing_ok=True)
        else:
            file.write_text(f"{value}\n")

    def exits(self, status):
        """From now on; None for 0."""
        self._set(".exit", status)

    def sleeps(self, seconds):
        """From now on; None for not at all."""
        self._set(".sleep", seconds)

    @property
    def calls(self):
        file = self.path.with_name(self.path.name + ".calls")
        if not file.exists():
            return []
        out, call = [], None
        # A record that is being written has no end yet: it is left for later, with the line that may be torn.
        whole, end, _ = file.read_bytes().rpartition(b"\nend\n")
        for line in (whole + end).decode("utf-8", "surrogateescape").split("\n"):
            kind, _, rest = line.partition(" ")
            if kind == "call":
                call = Call(float(rest), [], {}, [])
            elif call is None:
                continue
            elif kind == "arg":
                call.args.append(rest)
            elif kind == "env":
                name, _, value = rest.partition("=")
                call.env[name] = value
            elif kind == "in":
                call.events.append(json.loads(rest))
            elif kind == "end":
                out.append(call)
                call = None
        return out

    @property
    def events(self):
        return [event for call in self.calls for event in call.events]

    @property
    def titles(self):
        return [event.get("title") for event in self.events]

    @property
    def seqs(self):
        return [event["_feedd"]["seq"] for event in self.events]
