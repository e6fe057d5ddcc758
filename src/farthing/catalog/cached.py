"""Which part of their input calls of a kind read from a model's prompt cache, and which they write to it: learned from the
usage that providers report. A model that reads most of its input for a tenth of the price is not as dear as its list says,
and one that would have to write all of it anew is dearer.

Of a model that was not seen on such work it is said by the way it caches and by what others read there:

    automatic    reads what the best of the others reads
    marks        the same where prompts get marks, else nothing
    breakpoints  the same where prompts get marks; else it writes each prompt whole, by itself, and reads none

Only where somebody reads anything: else nothing of such work repeats, as far as is known. Learns in the ledger's thread.
Knows nothing of prices.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, Protocol

from farthing.catalog.caching import Caching
from farthing.model.record import CACHE_HITS, Record
from farthing.model.routes import scopes_of

SEEN = 20
"""Calls of a model from which on its own share counts."""
FADE_AT = 512
MOST_CELLS = 20_000
LEAST_READ = 0.05
"""A share of input below which nothing is said to repeat."""

CachingOf = Callable[[str], Caching | None]
"""How a model caches; None where nobody knows."""


class Read(Protocol):
    """What calls of a task read at a model, by its name there."""

    @property
    def tenant(self) -> str: ...
    @property
    def task(self) -> str: ...
    @property
    def model(self) -> str: ...
    @property
    def calls(self) -> int: ...
    @property
    def in_tokens(self) -> int: ...
    @property
    def cached_tokens(self) -> int: ...


class Share(NamedTuple):
    """Parts of a call's input."""

    read: float = 0.0
    written: float = 0.0


NOTHING = Share()


class _Sums:
    __slots__ = ("calls", "read", "tokens", "written")

    def __init__(self) -> None:
        self.calls = self.tokens = self.read = self.written = 0.0

    def add(self, tokens: int, read: int, written: int) -> None:
        self.calls += 1
        self.tokens += tokens
        self.read += read
        self.written += written
        if self.calls >= FADE_AT:
            self.calls, self.tokens, self.read, self.written = (
                each / 2 for each in (self.calls, self.tokens, self.read, self.written)
            )

    @property
    def share(self) -> Share:
        return Share(self.read / self.tokens, self.written / self.tokens) if self.tokens else NOTHING


class CachedShares:
    """See the module. `marks`: whether the gateway marks prompts for providers' caches."""

    def __init__(self, caching: CachingOf, *, marks: bool = False, most: int = MOST_CELLS) -> None:
        self._caching = caching
        self._marks = marks
        self._most = most
        self._cells: dict[tuple[str, str], dict[str, _Sums]] = {}
        self._count = 0

    def of(self, tenant: str, scopes: tuple[str, ...], model: str) -> Share:
        """The share of a call at a model, by its name there; `scopes` from the narrowest to the widest."""
        for scope in scopes:
            cell = self._cells.get((tenant, scope))
            if cell is None:
                continue
            own = cell.get(model)
            if own is not None and own.calls >= SEEN:
                return own.share
            read = max((each.share.read for each in list(cell.values()) if each.calls >= SEEN), default=0.0)
            if read >= LEAST_READ:
                return self._foretold(model, read)
        return NOTHING

    def observe(self, records: Sequence[Record]) -> None:
        """An observer of the ledger."""
        for record in records:
            if record.outcome != "ok" or record.cache in CACHE_HITS:
                continue
            last = next((each for each in reversed(record.attempts) if not each.part), None)
            if last is None or last.usage is None or last.estimated or not last.usage.total_in:
                continue
            usage = last.usage
            written = usage.w5m + usage.w1h + usage.w30m + usage.w12h
            for scope in scopes_of(record.template, record.task):
                self._sums(record.tenant, scope, last.model).add(usage.total_in, usage.cached_in, written)

    def load(self, rows: Iterable[Read]) -> None:
        """Begin with what was read before; what was written is not known of it."""
        for row in rows:
            share = min(1.0, FADE_AT / 2 / max(row.calls, 1))
            for scope in scopes_of("", row.task):
                sums = self._sums(row.tenant, scope, row.model)
                sums.calls += row.calls * share
                sums.tokens += row.in_tokens * share
                sums.read += row.cached_tokens * share

    def _foretold(self, model: str, read: float) -> Share:
        caching = self._caching(model)
        if caching is None:
            return NOTHING
        if caching.way == "automatic" or self._marks:
            return Share(read)
        return Share(0.0, 1.0) if caching.way == "breakpoints" else NOTHING

    def _sums(self, tenant: str, scope: str, model: str) -> _Sums:
        if self._count >= self._most:
            self._cells, self._count = {}, 0  # callers can make up templates; what is in use is soon learned again
        cell = self._cells.setdefault((tenant, scope), {})
        found = cell.get(model)
        if found is None:
            found = _Sums()
            self._cells[tenant, scope] = {**cell, model: found}  # readers go through whole ones
            self._count += 1
        return found
