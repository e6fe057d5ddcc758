"""The cache's decisions on questions of one's own, with neither calls nor stored answers.

Pairs: would one answer be given to both? Streams: questions in order through a fresh cache, where each miss leaves an
answer. A scope that has shown its bound is taken for granted, and no judge is there, so there are no links: what is tried
is the look-up and the guard, the same that calls go through. Needs the extra `cache`.
"""

from collections.abc import Sequence

import msgspec

from farthing.embed import Encoder
from farthing.steps.cache.guard import Prepared, compare_prepared, prepare
from farthing.steps.cache.index import Floats, Index, Neighbour, pack
from farthing.steps.cache.place import digest
from farthing.steps.cache.semantic import CANDIDATES, LINKABLE, LONGEST

__all__ = ["LINKABLE", "Answered", "Asked", "Decision", "Pair", "Stream", "decide"]


class Pair(msgspec.Struct, frozen=True):
    """Two questions. Further members of a line are left alone."""

    a: str
    b: str


class Decision(msgspec.Struct, frozen=True):
    """Whether the answer to `a` may be given to `b`."""

    same: bool
    rule: str
    """The rule that refused; empty if none."""
    why: str
    cosine: float


class Asked(msgspec.Struct, frozen=True):
    """One question of a stream. Answers never cross from one group to another, as with tenants."""

    id: str | int
    query: str
    group: str | int = ""


class Answered(msgspec.Struct, frozen=True):
    """What became of it."""

    id: str | int
    hit: bool
    of: str | int | None
    """The question that was answered before; None for a miss."""
    cosine: float
    """To that question; for a miss to the nearest, or 0 if none is near."""
    rule: str
    """Of a miss: the rule that kept the nearest question's answer back; empty if none is near."""


async def decide(encoder: Encoder, pairs: Sequence[Pair]) -> list[Decision]:
    """One decision a pair, in order. Raises EncoderError."""
    vectors = await encoder.encode([text for pair in pairs for text in (pair.a, pair.b)])
    found = []
    for at, pair in enumerate(pairs):
        cosine = min(1.0, float(vectors[2 * at] @ vectors[2 * at + 1]))
        found.append(_decision(pair, cosine))
    return found


def _decision(pair: Pair, cosine: float) -> Decision:
    if not (_comparable(pair.a) and _comparable(pair.b)):
        return Decision(
            False, "length", f"only questions of 1 to {LONGEST:,} characters are compared", round(cosine, 6)
        )
    verdict = compare_prepared(prepare(pair.b), prepare(pair.a), cosine)
    return Decision(verdict.same, verdict.rule, verdict.why, round(cosine, 6))


class Stream:
    """A fresh cache."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._index = Index()
        self._exact: dict[tuple[str, str], str | int] = {}
        self._stored: list[tuple[str | int, Prepared]] = []

    async def ask(self, some: Sequence[Asked]) -> list[Answered]:
        """The next questions, in order. Raises EncoderError."""
        vectors = await self._encoder.encode([asked.query for asked in some])
        return [self._answered(asked, vector) for asked, vector in zip(some, vectors, strict=True)]

    def _answered(self, asked: Asked, vector: Floats) -> Answered:
        known = self._exact.get((str(asked.group), asked.query))
        if known is not None:
            return Answered(asked.id, True, known, 1.0, "")
        missed = Answered(asked.id, False, None, 0.0, "")
        if _comparable(asked.query):
            found = self._looked_up(asked, vector)
            if found.hit:
                return found
            missed = found
        self._keep(asked, vector)
        return missed

    def _looked_up(self, asked: Asked, vector: Floats) -> Answered:
        group = digest(str(asked.group))
        near: list[Neighbour] = self._index.nearest(group, vector, CANDIDATES, at_least=LINKABLE)
        prepared = prepare(asked.query)
        missed = Answered(asked.id, False, None, 0.0, "")
        for place, neighbour in enumerate(near):
            id, stored = self._stored[int(neighbour.entry_id)]
            cosine = round(min(1.0, neighbour.cosine), 6)
            verdict = compare_prepared(prepared, stored, neighbour.cosine)
            if verdict.same:
                return Answered(asked.id, True, id, cosine, "")
            if place == 0:
                missed = Answered(asked.id, False, None, cosine, verdict.rule)
        return missed

    def _keep(self, asked: Asked, vector: Floats) -> None:
        self._exact[str(asked.group), asked.query] = asked.id
        if _comparable(asked.query):
            self._index.add(digest(str(asked.group)), str(len(self._stored)), pack(vector))
            self._stored.append((asked.id, prepare(asked.query)))


def _comparable(text: str) -> bool:
    return bool(text.strip()) and len(text) <= LONGEST
