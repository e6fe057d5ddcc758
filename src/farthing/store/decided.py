"""What was decided lately: the newest calls with the notes that their steps left, read by index and never more than asked for.

Notes are kept with each call and summed nowhere. Knows nothing of what they mean.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from farthing.model.money import Nano
from farthing.model.record import Decision
from farthing.model.usage import CostState
from farthing.store.engine import Connection, Row
from farthing.store.reading import newest_rows

_COLUMNS = (
    "id", "started_us", "feature", "task", "model_asked", "model", "tier", "cache", "cost_state", "cost", "saved", "decisions",
)  # fmt: skip
_decisions = msgspec.json.Decoder(list[Decision])


class Decided(msgspec.Struct, frozen=True):
    """One call. Amounts in nano-dollars."""

    id: str
    started_us: int
    feature: str
    task: str
    model_asked: str
    model: str
    tier: str
    cache: str
    cost_state: CostState
    cost: Nano
    saved: Nano
    decisions: list[Decision]

    def of(self, step: str) -> list[Decision]:
        return [each for each in self.decisions if each.step == step]


def lately(
    connection: Connection, limit: int, *, since_us: int = 0, until_us: int | None = None, where: Mapping[str, str] | None = None
) -> list[Decided]:  # fmt: skip
    """The newest `limit` calls, newest first. Raises BadRequest for a filter that there is not."""
    rows = newest_rows(connection, _COLUMNS, since_us, until_us, where, limit)
    return [_decided(row) for row in rows]


def _decided(row: Row) -> Decided:
    said: dict[str, Any] = dict(zip(_COLUMNS, row, strict=True))
    said["decisions"] = _decisions.decode(said["decisions"]) if said["decisions"] else []
    return Decided(**said)


def answered_by(
    connection: Connection, limit: int, *, since_us: int = 0, until_us: int | None = None, where: Mapping[str, str] | None = None
) -> list[tuple[int, str]]:  # fmt: skip
    """Of the newest `limit` calls: when each began, and how the cache answered it (`exact`, `semantic`, `miss`; empty: it was
    not asked)."""
    rows = newest_rows(connection, ("started_us", "cache"), since_us, until_us, where, limit)
    return [(int(started), str(cache)) for started, cache in rows]
