"""When a job is expected to have ended: by what its lines are doing, and how long batches of their models take lately.

Lines that are with a provider are back when their shard is; those that wait are taken to leave as soon as they may. No line
is later than its deadline, since it is promoted before. Knows nothing of prices, and decides nothing.
"""

from typing import NamedTuple

from farthing.batch.speeds import LIKELY, SURE
from farthing.batch.speeds import rounds as seen
from farthing.batch.turnround import TurnRound, TurnRounds, turn_rounds
from farthing.model.batch import JOB_ENDS, Job
from farthing.store.batch.progress import progress
from farthing.store.engine import Connection

ALONE_US = 30_000_000
"""Within which nearly all calls end that are sent alone."""


class Expected(NamedTuple):
    """Moments, microseconds since 1970."""

    likely_us: int
    """Half of such jobs have ended by then."""
    sure_us: int
    """Nine in ten."""


def expected(connection: Connection, job: Job, now_us: int) -> Expected | None:
    """None for a job that has ended, or of which nothing can be told."""
    if job.state in JOB_ENDS:
        return None
    now = progress(connection, job.id)
    ends: list[Expected] = []
    rounds: dict[tuple[str, str], TurnRounds] = {}
    for away in now.shards:
        place = (away.provider, away.model)
        if place not in rounds:
            rounds[place] = seen(connection, *place, now_us)
        ends.append(_back(rounds[place].running(away.created_us, away.lines), away.created_us, now_us))
    if now.waiting:
        ends.append(_back(turn_rounds((), now_us).fresh, max(now_us, now.ready_us), now_us))
    if now.alone:
        ends.append(Expected(now_us + ALONE_US // 3, now_us + ALONE_US))
    if not ends:
        return None
    last_us = max(now_us, job.deadline_us)
    likely, sure = (max(moments) for moments in zip(*ends, strict=True))
    return Expected(min(likely, last_us), min(sure, last_us))


def _back(turn: TurnRound, began_us: int, now_us: int) -> Expected:
    waited_s = max(0.0, (now_us - began_us) / 1e6)
    return Expected(*(began_us + int(turn.quantile(share, waited_s) * 1e6) for share in (LIKELY, SURE)))
