"""What is known of answers' quality: sums by day, tenant, scope, model and source, and a sample of single comparisons.

Sums are what a routing table is made of; the sample, the newest comparisons of each tenant, is what a difficulty model
learns from. No prompt is kept: a sample's features are ids that a hash made. Whoever reads this decides what it means.
"""

from collections.abc import Sequence

import msgspec

from farthing.model.money import Nano
from farthing.store.engine import Connection, Row
from farthing.store.rollups import DAY_US
from farthing.store.rows import LONGEST_NAME, mended_text
from farthing.store.store import Store

KEY = ("day_us", "tenant", "scope", "model", "source", "against", "served")
SUMS = (
    "pairs", "difference", "difference_squares", "scores", "score", "score_squares", "answers", "out_tokens",
)  # fmt: skip
SAMPLE = ("tenant", "at_us", "call_id", "model", "task", "features", "difference")

MOST_SAMPLES = 20_000
"""Of one tenant; with 200 features each some 16 MB."""


class Observation(msgspec.Struct, frozen=True):
    """One thing seen of one answer, for one scope; who sees it for several scopes hands in one for each.

    What is None was not seen: a comparison has a `difference`, a check a `score`, an answer by itself `out_tokens`.
    """

    tenant: str
    scope: str
    """As in `model.routes.Table`: `template:HASH`, `task:NAME` or `*`."""
    model: str
    source: str
    """Who said so: check, feedback, shadow, eval, ..."""
    at_us: int
    difference: float | None = None
    """Score of this model less that of the model it is compared with, on the same call: -1 to 1."""
    score: float | None = None
    """0 (bad) to 1 (good)."""
    out_tokens: int | None = None
    against: str = ""
    """The model that it was compared with; another one makes another sum."""
    served: str = ""
    """The version of the model that ran, as far as it matters: another one makes another sum."""


class Sums(msgspec.Struct, frozen=True):
    """Sums over observations; see `SUMS`. `day_us` is 0 where days were added up."""

    day_us: int
    tenant: str
    scope: str
    model: str
    source: str
    against: str
    pairs: int = 0
    difference: float = 0.0
    difference_squares: float = 0.0
    scores: int = 0
    score: float = 0.0
    score_squares: float = 0.0
    answers: int = 0
    """Answers whose length is known."""
    out_tokens: int = 0
    served: str = ""


class Sample(msgspec.Struct, frozen=True):
    """One comparison, for a model that learns which prompts are difficult."""

    tenant: str
    at_us: int
    call_id: str
    model: str
    task: str
    features: bytes
    """Ids that a hash made of the prompt; whoever learns from them knows their layout."""
    difference: float


class Evidence:
    """The evidence in a store. Methods raise StoreError."""

    def __init__(self, store: Store, *, most_samples: int = MOST_SAMPLES) -> None:
        self._store = store
        self._most_samples = most_samples

    async def add(self, batch: Sequence[Observation], samples: Sequence[Sample] = ()) -> None:
        """Add what was seen, all or nothing. A sample that is there already stays as it is; sums know no doubles."""
        if batch or samples:
            await self._store.do(lambda connection: _add(connection, batch, samples, self._most_samples))

    async def sums(self, since_day_us: int = 0, tenant: str = "", *, by_day: bool = False) -> list[Sums]:
        """Sums from this day (UTC) on, of one tenant or (empty) of each; over all days, or one for each."""
        return await self._store.do(lambda connection: _sums(connection, since_day_us, tenant, by_day))

    async def samples(
        self, *, tenant: str = "", task: str = "", since_us: int = 0, limit: int = MOST_SAMPLES
    ) -> list[Sample]:
        """The newest first; of one tenant and task, or (empty) of all."""
        return await self._store.do(lambda connection: _samples(connection, tenant, task, since_us, limit))

    async def prune(self, before_us: int) -> int:
        """Forget what is older, sums and samples; how many rows went."""
        return await self._store.do(lambda connection: _prune(connection, before_us))


def _add(connection: Connection, batch: Sequence[Observation], samples: Sequence[Sample], most: int) -> None:
    with connection.transaction():
        connection.add_up("evidence", KEY, SUMS, _cells(batch))
        for sample in sorted(samples, key=lambda each: (each.tenant, each.at_us, each.call_id, each.model)):
            connection.execute(
                f"INSERT INTO evidence_samples ({', '.join(SAMPLE)}) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (
                    _name(sample.tenant), sample.at_us, _name(sample.call_id), _name(sample.model), _name(sample.task),
                    sample.features, sample.difference,
                ),
            )  # fmt: skip
        for tenant in sorted({_name(sample.tenant) for sample in samples}):
            _keep_newest(connection, tenant, most)


def _cells(batch: Sequence[Observation]) -> list[Row]:
    found: dict[Row, list[float]] = {}
    for seen in batch:
        key = (
            seen.at_us - seen.at_us % DAY_US, _name(seen.tenant), _name(seen.scope), _name(seen.model),
            _name(seen.source), _name(seen.against), _name(seen.served),
        )  # fmt: skip
        sums = found.setdefault(key, [0, 0.0, 0.0, 0, 0.0, 0.0, 0, 0])
        if seen.difference is not None:
            sums[0] += 1
            sums[1] += seen.difference
            sums[2] += seen.difference**2
        if seen.score is not None:
            sums[3] += 1
            sums[4] += seen.score
            sums[5] += seen.score**2
        if seen.out_tokens is not None:
            sums[6] += 1
            sums[7] += seen.out_tokens
    return [(*key, *found[key]) for key in sorted(found)]


def _name(text: str) -> str:
    """As long and clean as a key may be."""
    return mended_text(text, LONGEST_NAME)


def _keep_newest(connection: Connection, tenant: str, most: int) -> None:
    over = connection.query(
        "SELECT at_us FROM evidence_samples WHERE tenant = ? ORDER BY at_us DESC LIMIT 1 OFFSET ?", (tenant, most)
    )
    if over:
        connection.execute("DELETE FROM evidence_samples WHERE tenant = ? AND at_us <= ?", (tenant, over[0][0]))


def _sums(connection: Connection, since_day_us: int, tenant: str, by_day: bool) -> list[Sums]:
    whose = " AND tenant = ?" if tenant else ""
    values: list[object] = [since_day_us - since_day_us % DAY_US, *([tenant] if tenant else [])]
    names = ", ".join(KEY[0 if by_day else 1 :])
    sums = ", ".join(f"sum({column})" for column in SUMS)
    rows = connection.query(
        f"SELECT {'' if by_day else '0, '}{names}, {sums} FROM evidence WHERE day_us >= ?{whose} "
        f"GROUP BY {names} ORDER BY {names}",
        values,
    )
    return [_summed(row) for row in rows]


async def tenants_costs(store: Store, features: Sequence[str], day_us: int) -> dict[str, Nano]:
    """What the calls of these features cost in a day, in nano-dollars by tenant. Raises StoreError."""
    places = ", ".join("?" for _ in features)
    rows = await store.do(
        lambda connection: connection.query(
            "SELECT tenant, CAST(sum(cost) AS BIGINT) FROM rollups WHERE dims = 'feature' AND bucket_us = ? "
            f"AND a IN ({places}) GROUP BY tenant",
            (day_us - day_us % DAY_US, *features),
        )
    )
    return {str(tenant): int(cost) for tenant, cost in rows}


def _summed(row: Row) -> Sums:
    day_us, tenant, scope, model, source, against, served, pairs, d, d2, scores, q, q2, answers, out_tokens = row
    return Sums(
        day_us, tenant, scope, model, source, against, int(pairs), float(d), float(d2), int(scores), float(q), float(q2),
        int(answers), int(out_tokens), served,
    )  # fmt: skip


def _samples(connection: Connection, tenant: str, task: str, since_us: int, limit: int) -> list[Sample]:
    named = {name: value for name, value in (("tenant", tenant), ("task", task)) if value}
    where = " AND ".join(("at_us >= ?", *(f"{name} = ?" for name in named)))
    rows = connection.query(
        f"SELECT {', '.join(SAMPLE)} FROM evidence_samples WHERE {where} ORDER BY at_us DESC, call_id, model LIMIT ?",
        (since_us, *named.values(), max(0, limit)),
    )
    return [_sample(row) for row in rows]


def _sample(row: Row) -> Sample:
    tenant, at_us, call_id, model, task, features, difference = row
    return Sample(tenant, at_us, call_id, model, task, bytes(features), float(difference))


def _prune(connection: Connection, before_us: int) -> int:
    with connection.transaction():
        sums = connection.execute("DELETE FROM evidence WHERE day_us < ?", (before_us - before_us % DAY_US,))
        return sums + connection.execute("DELETE FROM evidence_samples WHERE at_us < ?", (before_us,))
