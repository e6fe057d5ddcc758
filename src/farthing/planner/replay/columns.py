"""Calls without their text, as columns of numbers: what a replay of millions of them needs, some 200 bytes each.

Names become numbers by lists that all chunks share. Knows no price and no lever.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from farthing.model.past import PastCall
from farthing.model.record import CACHE_HITS
from farthing.prices.card import INPUT_UNITS, token_counts
from farthing.store.past_columns import COLUMNS, UNITS

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
CHUNK = 50_000
INPUTS = len(INPUT_UNITS)
"""The first columns of `usage`; those after them are output."""


class Kind(NamedTuple):
    """What rates depend on."""

    provider: str
    model: str
    tier: str = ""
    geo: str = ""


class Work(NamedTuple):
    """What decisions depend on."""

    tenant: str
    feature: str
    task: str


class Names:
    """Numbers of names, the same in all chunks."""

    def __init__(self) -> None:
        self.kinds: list[Kind] = []
        self.works: list[Work] = []
        self._kinds: dict[Kind, int] = {}
        self._works: dict[Work, int] = {}

    def kind(self, *kind: str) -> int:
        return _number(self._kinds, self.kinds, Kind(*kind))

    def work(self, *work: str) -> int:
        return _number(self._works, self.works, Work(*work))


class Columns(NamedTuple):
    """One chunk, in the order of time."""

    ids: Sequence[str]
    at_us: Ints
    kind: Ints
    work: Ints
    session: Ints
    """Of one conversation, or of one user's day; never 0."""
    talks: Bools
    """The log names the conversation."""
    template: Ints
    """0: not known."""
    repeats: Ints
    """Equal for equal prompts of one team; 0: nobody kept a hash."""
    usage: Ints
    """A row a call, a column a billed unit."""
    max_output: Ints
    """0: no limit was set, or the log does not say."""
    streams: Bools
    is_retry: Bools
    asked: Bools
    """Answered by a provider, with known usage: what levers are about."""
    failed: Bools
    """Of those that are not: paid for and of no use."""

    def __len__(self) -> int:
        return len(self.ids)


def chunks_of(calls: Iterable[PastCall], names: Names, size: int = CHUNK) -> Iterator[Columns]:
    """Columns of calls that are at hand."""
    rows: list[tuple[Any, ...]] = []
    for past in calls:
        rows.append(_row_of(past))
        if len(rows) == size:
            yield columns(rows, names)
            rows = []
    if rows:
        yield columns(rows, names)


def columns(rows: Sequence[Sequence[Any]], names: Names, *, lost: bool = False) -> Columns:
    """Rows as `store.past_columns` has them. `lost`: earlier tries of calls, which came to nothing."""
    by = dict(zip(COLUMNS_OF_ROW, zip(*rows, strict=True), strict=True))
    known = np.array([each is not None for each in by["uncached_in"]], dtype=bool)
    usage = np.array([[value or 0 for value in by[unit]] for unit in UNITS], dtype=np.int64).T
    served = [
        served or model or call
        for served, model, call in zip(by["served_model"], by["try_model"], by["model"], strict=True)
    ]
    kind, work = names.kind, names.work
    at_us = np.array(by["started_us"], dtype=np.int64)
    ok = np.array(
        [status < 400 and outcome == "ok" for status, outcome in zip(by["status"], by["outcome"], strict=True)],
        dtype=bool,
    )
    cached = np.array([each in CACHE_HITS for each in by["cache"]], dtype=bool)
    retry = np.array([bool(each) for each in by["attempt_of"]], dtype=bool)
    good = known & ok & ~cached & ~retry & (not lost)
    return Columns(
        by["id"], at_us,
        np.array([kind(*each) for each in zip(by["provider"], served, _texts(by["tier"]), _texts(by["geo"]), strict=True)], dtype=np.int64),
        np.array([work(*each) for each in zip(by["tenant"], by["feature"], by["task"], strict=True)], dtype=np.int64),
        np.array(
            [_hashed(tenant, session or f"{user}\0{feature}\0{at // DAY_US}") for tenant, session, user, feature, at in
             zip(by["tenant"], by["session"], by["user_id"], by["feature"], by["started_us"], strict=True)], dtype=np.int64,
        ),
        np.array([bool(each) for each in by["session"]], dtype=bool),
        np.array([_hashed(tenant, each) if each else 0 for tenant, each in zip(by["tenant"], by["template"], strict=True)], dtype=np.int64),
        np.array(
            [_digest(tenant, team, digest) if digest else 0 for tenant, team, digest in zip(by["tenant"], by["team"], by["digest"], strict=True)],
            dtype=np.int64,
        ),
        usage, np.array([each or 0 for each in by["max_output"]], dtype=np.int64),
        np.array(by["first_byte_us"], dtype=np.int64) > 0, retry, good, known & ~cached & ~good,
    )  # fmt: skip


DAY_US = 86_400_000_000
COLUMNS_OF_ROW = (*COLUMNS[: COLUMNS.index("attempt_no") + 1], "try_model", *COLUMNS[COLUMNS.index("attempt_no") + 2 :])
"""The call's model and that of its try have different names."""


def _row_of(past: PastCall) -> tuple[Any, ...]:
    usage = past.usage
    digest = past.prompt_digest or past.prompt
    return (
        past.id, past.at_us, past.tenant, past.team, past.user, past.feature, past.task, past.session, past.template,
        "exact" if past.cached else "", past.status, past.outcome, past.first_byte_us, past.provider, past.model,
        1, past.model, "", past.tier, past.geo,
        *(token_counts(usage) if usage is not None else (None,) * len(UNITS)), usage.reasoning if usage is not None else None,
        past.max_output, past.attempt_of, digest,
    )  # fmt: skip


def _number(known: dict[Any, int], listed: list[Any], name: Any) -> int:
    found = known.get(name)
    if found is None:
        found = known[name] = len(listed)
        listed.append(name)
    return found


def _texts(values: Sequence[str | None]) -> list[str]:
    return [each or "" for each in values]


def _hashed(one: str, other: str) -> int:
    return crc32(f"{one}\0{other}".encode("utf-8", "replace")) + 1


def _digest(tenant: str, team: str, digest: bytes) -> int:
    """62 bits of it: two of ten million prompts share them once in 90,000 stores."""
    head = crc32(digest, crc32(f"{tenant}\0{team}".encode("utf-8", "replace")))
    return (head << 30 | crc32(digest[::-1], head) >> 2) + 1
