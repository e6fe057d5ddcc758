"""Token buckets: for one process in a dictionary, for the workers of a machine in one mapped file of small slots.

A worker that dies leaves its takings in place, as it should: the calls were made. Knows nothing of keys or calls.
"""

import fcntl
import mmap
import os
import struct
import time
from collections.abc import Callable
from pathlib import Path

SLOT = struct.Struct("=16sdd")
"""Name, level, and when the level held (monotonic seconds, the same for all processes of a machine)."""
SLOTS = 65_536
PROBES = 32
EMPTY = bytes(16)


class Buckets:
    """Levels by name; see `steps.limits` for what they mean. They belong to this process alone."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._levels: dict[bytes, tuple[float, float]] = {}
        """Level, and when it held. As many as there are keys with limits."""

    def take(self, name: bytes, a_minute: int, amount: float) -> float:
        """Take `amount` and return 0, or take nothing and return the seconds until it will be there."""
        now = self._clock()
        level = self._level(name, a_minute, now)
        missing = min(amount, a_minute) - level
        if missing > 0:
            return missing * 60 / a_minute
        self._levels[name] = (level - amount, now)
        return 0.0

    def give(self, name: bytes, a_minute: int, amount: float) -> None:
        """Put `amount` back; a negative one takes it, below nothing if need be."""
        now = self._clock()
        self._levels[name] = (min(a_minute, self._level(name, a_minute, now) + amount), now)

    def level(self, name: bytes, a_minute: int) -> float:
        """What is there now; below nothing if more was taken."""
        return self._level(name, a_minute, self._clock())

    def close(self) -> None:
        self._levels.clear()

    def _level(self, name: bytes, a_minute: int, now: float) -> float:
        found = self._levels.get(name)
        if found is None:
            return a_minute
        level, since = found
        level += (now - since) * a_minute / 60
        return level if level < a_minute else a_minute


class SharedBuckets:
    """The same for all processes that map `file`; 16-byte names, found by their hash."""

    def __init__(self, file: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        file.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
        os.ftruncate(self._file, SLOT.size * SLOTS)
        self._memory = mmap.mmap(self._file, SLOT.size * SLOTS)

    def take(self, name: bytes, a_minute: int, amount: float) -> float:
        """As `Buckets.take`."""
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            now = self._clock()
            at, level = self._find(name, a_minute, now)
            missing = min(amount, a_minute) - level
            if missing > 0:
                return missing * 60 / a_minute
            SLOT.pack_into(self._memory, at, name, level - amount, now)
            return 0.0
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def give(self, name: bytes, a_minute: int, amount: float) -> None:
        """As `Buckets.give`."""
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            now = self._clock()
            at, level = self._find(name, a_minute, now)
            SLOT.pack_into(self._memory, at, name, min(a_minute, level + amount), now)
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def level(self, name: bytes, a_minute: int) -> float:
        """As `Buckets.level`."""
        fcntl.flock(self._file, fcntl.LOCK_SH)
        try:
            return self._find(name, a_minute, self._clock())[1]
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def close(self) -> None:
        self._memory.close()
        os.close(self._file)

    def _find(self, name: bytes, a_minute: int, now: float) -> tuple[int, float]:
        """Where the bucket is and its level now; a full one in a free slot, or in that of the one longest unused nearby."""
        first = int.from_bytes(name[:4], "little") % SLOTS
        oldest, oldest_at = float("inf"), 0
        for probe in range(PROBES):
            at = (first + probe) % SLOTS * SLOT.size
            found, level, since = SLOT.unpack_from(self._memory, at)
            if found == name and since <= now:
                return at, min(a_minute, level + (now - since) * a_minute / 60)
            if found in (EMPTY, name):  # `name` in the future: the file is older than this machine's last start
                return at, a_minute
            if since < oldest:
                oldest, oldest_at = since, at
        return oldest_at, a_minute
