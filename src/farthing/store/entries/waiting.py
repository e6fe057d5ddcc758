"""What waits to be written to the cache. Bounded: the oldest is forgotten first, since a cache may forget.

Entries that wait are found like those that are written, so a caller sees its own entry at once.
"""

import threading
from collections import deque

from farthing.store.entries.values import Entry, Link, Verdict, Which

BATCH = 500
"""The most entries in one transaction."""

_MOST_VERDICTS = 20_000
_MOST_HITS = 50_000
_MOST_PURGES = 16
"""The store remembers all of them; here they only close the time until the next write."""


class Taken:
    """One batch on its way into a transaction."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.links: list[Link] = []
        self.hits: dict[tuple[str, str], tuple[int, int]] = {}
        self.verdicts: list[Verdict] = []

    def __bool__(self) -> bool:
        return bool(self.entries or self.links or self.hits or self.verdicts)


class Waiting:
    """Safe from any thread; nothing here takes longer than a few microseconds a value."""

    def __init__(self, most: int, most_bytes: int) -> None:
        """`most` entries with answers of `most_bytes` together."""
        self._most = most
        self._most_bytes = most_bytes
        self._guard = threading.Lock()
        self._entries: dict[str, Entry] = {}
        self._by_exact: dict[tuple[str, bytes], str] = {}
        self._bytes = 0
        self._links: deque[Link] = deque(maxlen=most)
        self._hits: dict[tuple[str, str], tuple[int, int]] = {}
        self._verdicts: deque[Verdict] = deque(maxlen=_MOST_VERDICTS)
        self._purges: deque[tuple[str | None, Which, int]] = deque(maxlen=_MOST_PURGES)
        self.forgotten = 0
        """Entries that were dropped to keep within bounds."""

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def much(self) -> bool:
        """Whether so much waits that it should be written now."""
        return len(self._entries) > self._most / 2 or self._bytes > self._most_bytes / 2

    def add(self, entry: Entry) -> bool:
        """False if a drop that came while its call was under way was meant for it too."""
        with self._guard:
            if any(_meets(purge, entry) for purge in self._purges):
                return False
            self._forget(entry.id)
            if entry.exact and (former := self._by_exact.get((entry.tenant, entry.exact))):
                self._forget(former)
            self._entries[entry.id] = entry
            self._bytes += len(entry.answer)
            if entry.exact:
                self._by_exact[entry.tenant, entry.exact] = entry.id
            while len(self._entries) > self._most or (self._bytes > self._most_bytes and len(self._entries) > 1):
                self._forget(next(iter(self._entries)))
                self.forgotten += 1
        return True

    def add_link(self, link: Link) -> None:
        with self._guard:
            self._links.append(link)

    def add_hit(self, tenant: str, entry_id: str, at_us: int) -> None:
        with self._guard:
            count, _ = self._hits.get((tenant, entry_id), (0, 0))
            if count or len(self._hits) < _MOST_HITS:
                self._hits[tenant, entry_id] = (count + 1, at_us)

    def add_verdict(self, verdict: Verdict) -> None:
        with self._guard:
            self._verdicts.append(verdict)

    def exact(self, tenant: str, exact: bytes) -> Entry | None:
        id_ = self._by_exact.get((tenant, exact))
        return self._entries.get(id_) if id_ else None

    def entry(self, tenant: str, entry_id: str) -> Entry | None:
        found = self._entries.get(entry_id)
        return found if found is not None and found.tenant == tenant else None

    def links(self, tenant: str, entry_id: str) -> list[Link]:
        with self._guard:
            return [link for link in self._links if link.entry_id == entry_id and link.tenant == tenant]

    def take(self) -> Taken:
        """A batch. Its entries are still found here until `done`; the rest is handed over, or given back."""
        taken = Taken()
        with self._guard:
            taken.entries = list(self._entries.values())[:BATCH]
            if len(taken.entries) == len(self._entries):  # links come after their entries
                taken.links = list(self._links)
                self._links.clear()
            taken.hits, self._hits = self._hits, {}
            taken.verdicts = list(self._verdicts)
            self._verdicts.clear()
        return taken

    def done(self, taken: Taken) -> None:
        with self._guard:
            for entry in taken.entries:
                if self._entries.get(entry.id) is entry:
                    self._forget(entry.id)

    def give_back(self, taken: Taken) -> None:
        with self._guard:
            self._links.extendleft(reversed(taken.links))
            self._verdicts.extendleft(reversed(taken.verdicts))
            for key, (count, at_us) in taken.hits.items():
                more, later_us = self._hits.get(key, (0, 0))
                self._hits[key] = (count + more, max(at_us, later_us))

    def drop(self, tenant: str | None, which: Which, now_us: int) -> int:
        """Forget what is meant, of every tenant if none is given, and what comes of calls that began before `now_us`; how
        many entries were there."""
        with self._guard:
            if which.ids is None:
                self._purges.append((tenant, which, now_us))
            going = [
                entry.id
                for entry in self._entries.values()
                if (tenant is None or entry.tenant == tenant) and which.matches(entry)
            ]
            for id_ in going:
                self._forget(id_)
        return len(going)

    def drop_link(self, tenant: str, link_id: str) -> bool:
        with self._guard:
            kept = [link for link in self._links if link.id != link_id or link.tenant != tenant]
            found = len(kept) < len(self._links)
            self._links = deque(kept, maxlen=self._links.maxlen)
        return found

    def _forget(self, entry_id: str) -> None:
        entry = self._entries.pop(entry_id, None)
        if entry is not None:
            self._bytes -= len(entry.answer)
            if self._by_exact.get((entry.tenant, entry.exact)) == entry_id:
                del self._by_exact[entry.tenant, entry.exact]


def _meets(purge: tuple[str | None, Which, int], entry: Entry) -> bool:
    tenant, which, at_us = purge
    return tenant in (None, entry.tenant) and entry.created_us <= at_us and which.matches(entry)
