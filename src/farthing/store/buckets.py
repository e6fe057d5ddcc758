"""Token buckets in memory that all workers of a machine share: one mapped file of small slots, found by hash.

A worker that dies leaves its takings in place, as it should: the calls were made. Knows nothing of keys or calls.
"""

import fcntl
import mmap
import os
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

SLOT = struct.Struct("=16sdd")
"""Name, level, and when the level held (monotonic seconds, the same for all processes of a machine)."""
SLOTS = 65_536
PROBES = 32
EMPTY = bytes(16)


class _Bucket(NamedTuple):
    at: int
    level: float
    now: float


class Buckets:
    """Levels by 16-byte name; see `steps.limits` for what they mean. Without a file they belong to this process alone."""

    def __init__(self, file: Path | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock_fd = -1
        size = SLOT.size * SLOTS
        if file is None:
            self._memory = mmap.mmap(-1, size)
            return
        file.parent.mkdir(parents=True, exist_ok=True)
        self._lock_fd = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
        os.ftruncate(self._lock_fd, size)
        self._memory = mmap.mmap(self._lock_fd, size)

    def take(self, name: bytes, a_minute: int, amount: float) -> float:
        """Take `amount` and return 0, or take nothing and return the seconds until it will be there."""
        self._lock()
        try:
            bucket = self._find(name, a_minute)
            missing = min(amount, a_minute) - bucket.level
            if missing > 0:
                return missing * 60 / a_minute
            SLOT.pack_into(self._memory, bucket.at, name, bucket.level - amount, bucket.now)
            return 0.0
        finally:
            self._unlock()

    def give(self, name: bytes, a_minute: int, amount: float) -> None:
        """Put `amount` back; a negative one takes it, below nothing if need be."""
        self._lock()
        try:
            bucket = self._find(name, a_minute)
            SLOT.pack_into(self._memory, bucket.at, name, min(a_minute, bucket.level + amount), bucket.now)
        finally:
            self._unlock()

    def close(self) -> None:
        self._memory.close()
        if self._lock_fd >= 0:
            os.close(self._lock_fd)

    def _find(self, name: bytes, a_minute: int) -> _Bucket:
        """The bucket as it is now; a full one in a free slot, or in the place of the one longest unused nearby."""
        now = self._clock()
        first = int.from_bytes(name[:4], "little") % SLOTS
        oldest, oldest_at = float("inf"), 0
        for probe in range(PROBES):
            at = (first + probe) % SLOTS * SLOT.size
            found, level, since = SLOT.unpack_from(self._memory, at)
            if found == name:
                if since > now:  # the file is older than this machine's last start
                    return _Bucket(at, a_minute, now)
                return _Bucket(at, min(a_minute, level + (now - since) * a_minute / 60), now)
            if found == EMPTY:
                return _Bucket(at, a_minute, now)
            if since < oldest:
                oldest, oldest_at = since, at
        return _Bucket(oldest_at, a_minute, now)

    def _lock(self) -> None:
        if self._lock_fd >= 0:
            fcntl.flock(self._lock_fd, fcntl.LOCK_EX)

    def _unlock(self) -> None:
        if self._lock_fd >= 0:
            fcntl.flock(self._lock_fd, fcntl.LOCK_UN)
