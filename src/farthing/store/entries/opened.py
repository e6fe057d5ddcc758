"""Entries that were opened lately, so that one that is served again and again is not unwrapped each time.

What is here is never served by itself: each call asks the store whether the row is still there and still the same one, so
an entry that was dropped on another gateway is gone here too. Knows no SQL.
"""

from typing import NamedTuple

from farthing.store.entries.values import Entry

_OVERHEAD = 1500
"""Bytes that an entry takes beside its answer and question."""


class Mark(NamedTuple):
    """Which row it was: rows are written once, and only what counts their use changes later."""

    id: str
    changed: int


class Opened:
    """By tenant and fingerprint, within so many bytes. What was not used for longest goes, in halves."""

    def __init__(self, most_bytes: int = 16 * 1024 * 1024) -> None:
        self._half = most_bytes // 2
        self._young: dict[tuple[str, bytes], tuple[Mark, Entry]] = {}
        self._old: dict[tuple[str, bytes], tuple[Mark, Entry]] = {}
        self._bytes = 0
        """Of the young."""

    def find(self, tenant: str, exact: bytes) -> tuple[Mark, Entry] | None:
        key = (tenant, exact)
        found = self._young.get(key)
        if found is None:
            found = self._old.get(key)
            if found is not None:
                self.keep(*found)
        return found

    def keep(self, mark: Mark, entry: Entry) -> None:
        key = (entry.tenant, entry.exact)
        if key not in self._young:
            self._bytes += len(entry.answer) + len(entry.question) + _OVERHEAD
        self._young[key] = (mark, entry)
        if self._bytes > self._half:
            self._old, self._young, self._bytes = self._young, {}, 0
