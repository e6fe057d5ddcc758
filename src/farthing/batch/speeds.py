"""How long batches of each provider and model take by what was seen of the latest: for people, and for what is expected of jobs."""

from typing import Any

import msgspec

from farthing.batch.turnround import Seen, TurnRounds, turn_rounds
from farthing.store.batch import known, standing
from farthing.store.engine import Connection

LIKELY, SURE = 0.5, 0.9
SEEN_US = 14 * 86_400_000_000
"""How far back batches are looked at."""


class Speed(msgspec.Struct, frozen=True):
    """Of a provider and model. Times are of a batch of usual size that is created now."""

    provider: str
    model: str
    likely_us: int
    """Half of them are back by then."""
    sure_us: int
    """Nine in ten."""
    back: int
    """Batches that this rests on; with few of them mostly on the times that are published."""
    running: int


def speeds(connection: Connection, now_us: int) -> list[Speed]:
    """Those of which there were batches of late. Some 4 ms each."""
    return [_speed(connection, *place, now_us) for place in standing.places(connection, now_us - SEEN_US)]


def rounds(connection: Connection, provider: str, model: str, now_us: int) -> TurnRounds:
    return turn_rounds(_seen(connection, provider, model, now_us), now_us)


def plain(found: list[Speed]) -> list[dict[str, Any]]:
    """For JSON."""
    return [msgspec.structs.asdict(each) for each in found]


def _speed(connection: Connection, provider: str, model: str, now_us: int) -> Speed:
    seen = _seen(connection, provider, model, now_us)
    fresh = turn_rounds(seen, now_us).fresh
    likely, sure = (int(fresh.quantile(share) * 1e6) for share in (LIKELY, SURE))
    back = sum(each.back for each in seen)
    return Speed(provider, model, likely, sure, back, len(seen) - back)


def _seen(connection: Connection, provider: str, model: str, now_us: int) -> list[Seen]:
    return [
        Seen(each.created_us, ((each.ended_us or now_us) - each.created_us) / 1e6, each.back, each.lines)
        for each in known.took(connection, provider, model, now_us - SEEN_US)
    ]
