"""Which calls nobody seems to wait for: not streamed, and not part of a talk, that is with no other call of their session
within minutes. A guess from the outside, by a feature's latest calls: good for a bound, not for a decision.

Knows nothing of prices and deadlines.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby, pairwise
from typing import NamedTuple

from farthing.store import reading
from farthing.store.engine import Connection

MOST = 300
"""Calls of a feature that are looked at, the latest ones."""
LEAST = 30
"""With fewer nothing is said."""
TALK_US = 600_000_000
"""Who asks again within so long after an answer has waited for it."""


class Seen(NamedTuple):
    """A call, as far as it tells whether somebody waited."""

    started_us: int
    duration_us: int
    stream: bool
    session: str
    deferred: bool
    """It waited already: there is nothing more to gain."""


def shares(
    connection: Connection, features: Sequence[str], since_us: int, until_us: int, tenant: str
) -> dict[str, float]:  # fmt: skip
    """By feature. One look at an index each."""
    found: dict[str, float] = {}
    for feature in features:
        where = {"feature": feature} | ({"tenant": tenant} if tenant else {})
        rows = reading.newest_rows(connection, COLUMNS, since_us, until_us, where, MOST)
        seen = [_seen(*row) for row in rows]
        if len(seen) >= LEAST:
            found[feature] = patient(seen) / len(seen)
    return found


COLUMNS = ("started_us", "duration_us", "stream", "session", "decisions")


def patient(seen: Iterable[Seen]) -> int:
    """How many of them nobody seems to have waited for. Calls of one session count as a talk where one follows soon after
    the answer before."""
    rest = [each for each in seen if not each.stream and not each.deferred]
    ordered = sorted((each for each in rest if each.session), key=lambda each: (each.session, each.started_us))
    count = sum(not each.session for each in rest)
    for _, group in groupby(ordered, key=lambda each: each.session):
        talk = list(group)
        in_talk = [
            one.started_us - (other.started_us + other.duration_us) < TALK_US for other, one in pairwise(talk)
        ]  # fmt: skip
        count += sum(
            not before and not after for before, after in zip([False, *in_talk], [*in_talk, False], strict=True)
        )
    return count


def _seen(started_us: int, duration_us: int, stream: int, session: str, decisions: str) -> Seen:
    return Seen(started_us, duration_us, bool(stream), session, '"defer"' in decisions)
