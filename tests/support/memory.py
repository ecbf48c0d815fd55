"""memory.py - memory that runs out: tests/torture/failmalloc.c in front of a program.

    memory = Memory(directory)
    subprocess.run(…, env={**os.environ, **memory.environment})    all is there, and is counted
    memory.fail(17)                     the 17th allocation of the next program fails
    memory.fail(17, for_good=True)      and all after it
    memory.fail_after(17)               the 17th from now on, in a program that runs
    memory.calls, memory.failed, memory.trace
"""
import mmap
import pathlib
import struct

from .daemon import BUILD

LIBRARY = BUILD / "tests" / "failmalloc.so"
SIZE = 32  # of struct control: calls, fail_at, for_good, failed


class Memory:
    def __init__(self, directory):
        self.path = pathlib.Path(directory) / "memory"
        self.path.write_bytes(bytes(SIZE))
        with open(self.path, "r+b") as file:
            self._map = mmap.mmap(file.fileno(), SIZE)
        self.environment = {"LD_PRELOAD": str(LIBRARY), "FAILMALLOC": str(self.path)}

    def _put(self, at, *values):
        # The condition first, so that a program that runs never sees half of it.
        for index, value in reversed(list(enumerate(values, at))):
            struct.pack_into("<q", self._map, 8 * index, value)

    def _get(self, index):
        return struct.unpack_from("<q", self._map, 8 * index)[0]

    def fail(self, n, for_good=False):
        """Counts anew; 0: none fails."""
        self._put(0, 0, n, int(for_good), 0)

    def fail_after(self, n, for_good=False):
        self._put(1, 0, int(for_good), 0)
        self._put(1, self.calls + n)

    @property
    def calls(self):
        return self._get(0)

    @property
    def failed(self):
        return self._get(3)

    @property
    def trace(self):
        """Who was refused first."""
        file = self.path.with_name(self.path.name + ".trace")
        return file.read_text(errors="replace") if file.exists() else ""
