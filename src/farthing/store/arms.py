"""Hold-outs as the store keeps them: sums by arms, day and group of sessions, so that estimating needs no rows.

A call is in one arm of each lever; calls with the same arms share a row, which is read as one for each lever. The unit of
a draw is a session, and there may be millions. They are thrown into few groups by a hash that has nothing to do with the
draw: sums over random groups of independent units are independent themselves, so an estimator that takes a group for one
unit is as right as one that knows each session, with fewer degrees of freedom. Sessions that go without nothing, who are
many, have fewer groups; the others more, because their side decides how wide an interval is. A session keeps its group
over days and months. Calls without a session are drawn and grouped by their user, else each by itself. What an arm saved is told by `quality.holdout`, not here.
"""

from collections.abc import Iterable, Sequence
from zlib import crc32

import msgspec

from farthing.model.money import Nano
from farthing.model.record import Record
from farthing.store.engine import Connection, Row
from farthing.store.rollups import DAY_US, NOT_ERRORS, PRICED
from farthing.store.schema import HOLD_OUT_KEY, HOLD_OUT_SUMS

TREATED_GROUPS = 256
HELD_OUT_GROUPS = 1024

_ALL = ", ".join((*HOLD_OUT_KEY, *HOLD_OUT_SUMS))

_json = msgspec.json.Encoder()
_arms = msgspec.json.Decoder(dict[str, bool])


class ArmSums(msgspec.Struct, frozen=True):
    """Sums over the calls of one group of sessions on one day, in one arm of one lever. Amounts in nano-dollars."""

    lever: str
    day_us: int
    tenant: str
    held_out: bool
    group: str
    calls: int = 0
    errors: int = 0
    priced: int = 0
    """Calls whose cost is known; only theirs are in `cost`, `baseline` and `request_bytes`."""
    cost: Nano = 0
    baseline: Nano = 0
    """What the calls would have cost as they were sent, as the levers booked it. Without any lever it is the cost itself,
    so it is no fair measure of size between the arms; `request_bytes` is."""
    request_bytes: int = 0
    scored: int = 0
    """Quality scores of these calls, where somebody gave any."""
    score: float = 0.0
    """Their sum; a score is from 0 (bad) to 1 (good)."""


class Scored(msgspec.Struct, frozen=True):
    """Somebody said how good the answer of a call was, from 0 to 1."""

    call_id: str
    score: float


_CALL_COLUMNS = "arms, started_us, tenant, session, user_id, id, outcome, cost_state, cost, baseline, request_bytes"


def cells(records: Iterable[Record]) -> list[Row]:
    """Rows of `hold_outs` that add these calls, in the order of their key. Empty where no lever keeps a hold-out."""
    names: dict[tuple[tuple[str, bool], ...], str] = {}
    found: dict[Row, list[int]] = {}
    for r in records:
        if not r.arms:
            continue
        drawn = tuple(r.arms.items())
        arms = names.get(drawn) or names.setdefault(drawn, _named(r.arms))
        _add(
            found,
            _key(arms, r.started_us, r.tenant, r.session or r.user or r.id),
            r.outcome,
            r.cost_state,
            r.cost,
            r.baseline,
            r.request_bytes,
        )
    return [(*key, *found[key]) for key in sorted(found)]


def _named(arms: dict[str, bool]) -> str:
    """The same text for the same arms, whatever their order."""
    return _json.encode(dict(sorted(arms.items()))).decode()


def _key(arms: str, started_us: int, tenant: str, unit: str) -> Row:
    groups = HELD_OUT_GROUPS if "true" in arms else TREATED_GROUPS
    return arms, started_us - started_us % DAY_US, tenant, crc32(unit.encode()) % groups


def _add(
    found: dict[Row, list[int]], key: Row, outcome: str, cost_state: str, cost: int, baseline: int, request_bytes: int
) -> None:
    sums = found.get(key)
    if sums is None:
        sums = found[key] = [0, 0, 0, 0, 0, 0]
    sums[0] += 1
    sums[1] += outcome not in NOT_ERRORS
    if cost_state in PRICED:
        sums[2] += 1
        sums[3] += cost
        sums[4] += baseline
        sums[5] += request_bytes


def add_scores(connection: Connection, scores: Sequence[Scored]) -> list[str]:
    """Join scores to the arms that their calls were in; the ids of calls that are not in the store (yet)."""
    last = {each.call_id: each.score for each in scores}
    with connection.transaction():
        known = {row[5]: row for row in _calls_of(connection, list(last))}
        found: dict[Row, list[float]] = {}
        for id_, (arms, started_us, tenant, session, user, *_) in known.items():
            if arms:
                sums = found.setdefault(
                    _key(_named(_arms.decode(arms)), started_us, tenant, session or user or id_), [0, 0.0]
                )
                sums[0] += 1
                sums[1] += last[id_]
        connection.add_up(
            "hold_out_scores", HOLD_OUT_KEY, ("n", "total"), [(*key, *found[key]) for key in sorted(found)]
        )
    return [id_ for id_ in last if id_ not in known]


def _calls_of(connection: Connection, ids: Sequence[str]) -> list[Row]:
    found: list[Row] = []
    for start in range(0, len(ids), 500):
        some = ids[start : start + 500]
        marks = ", ".join("?" * len(some))
        found += connection.query(f"SELECT {_CALL_COLUMNS} FROM calls WHERE id IN ({marks})", some)
    return found


def sums(connection: Connection, since_us: int = 0, *, lever: str = "", tenant: str = "") -> list[ArmSums]:
    """All sums from this day (UTC) on, those of one lever after the other; `lever` and `tenant` empty mean all."""
    where = "day_us >= ?" + (" AND tenant = ?" if tenant else "")
    values: list[object] = [since_us - since_us % DAY_US, *([tenant] if tenant else [])]
    scores = {
        row[:4]: row[4:]
        for row in connection.query(
            f"SELECT {', '.join(HOLD_OUT_KEY)}, n, total FROM hold_out_scores WHERE {where}", values
        )
    }
    found: dict[str, list[ArmSums]] = {}
    for row in connection.query(
        f"SELECT {_ALL} FROM hold_outs WHERE {where} ORDER BY day_us, tenant, arms, grp", values
    ):
        for name, held_out in _arms.decode(row[0]).items():
            if lever in ("", name):
                found.setdefault(name, []).append(_arm_sums(name, held_out, row, scores.get(row[:4], (0, 0.0))))
    return [each for name in sorted(found) for each in found[name]]


def _arm_sums(lever: str, held_out: bool, row: Row, scores: Row) -> ArmSums:
    arms, day_us, tenant, group, *counts = row
    scored, score = scores
    calls, errors, priced, cost, baseline, request_bytes = counts
    return ArmSums(
        lever=lever, day_us=day_us, tenant=tenant, held_out=held_out, group=f"{group} {arms}", calls=calls, errors=errors,
        priced=priced, cost=cost, baseline=baseline, request_bytes=request_bytes, scored=scored, score=score,
    )  # fmt: skip


def check(connection: Connection) -> list[str]:
    """Where the sums differ from what the rows give, in words."""
    kept = {row[:4]: tuple(row[4:]) for row in connection.query(f"SELECT {_ALL} FROM hold_outs")}
    counted = {row[:4]: tuple(row[4:]) for row in _from_rows(connection)}
    different = sorted(key for key in kept.keys() | counted.keys() if kept.get(key) != counted.get(key))
    return [f"hold-out {key} holds {kept.get(key)}, the rows give {counted.get(key)}" for key in different[:20]]


def rebuild(connection: Connection) -> None:
    """Make the sums anew from the rows; scores, which rows do not hold, stay. Only inside a transaction."""
    connection.execute("DELETE FROM hold_outs")
    connection.insert("hold_outs", (*HOLD_OUT_KEY, *HOLD_OUT_SUMS), _from_rows(connection))


def _from_rows(connection: Connection) -> list[Row]:
    found: dict[Row, list[int]] = {}
    for arms, started_us, tenant, session, user, id_, *sums_ in connection.query(
        f"SELECT {_CALL_COLUMNS} FROM calls WHERE arms <> ''"
    ):
        _add(found, _key(_named(_arms.decode(arms)), started_us, tenant, session or user or id_), *sums_)
    return [(*key, *found[key]) for key in sorted(found)]
