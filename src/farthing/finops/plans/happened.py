"""What a plan said, beside what the ledger has booked since: whether a lever that was switched on saves what was planned.

    planned   the plan's saving, times today's traffic beside that of the plan's days
    happened  what the lever booked a month since, less what it booked in the plan's days at today's traffic

The plan's interval reaches from the lower end beside the others to the upper end alone, since nobody knows which others were
switched on. Booked is not proved: for that see hold-outs.
"""

from typing import NamedTuple

from farthing.finops.plans.document import Document, Happened, Outcome, unpacked
from farthing.model.errors import BadRequest
from farthing.model.money import Nano, show_dollars
from farthing.model.plan import Amount, LeverPlan
from farthing.store.days import days
from farthing.store.engine import Connection
from farthing.store.plans import newest
from farthing.store.reading import levers
from farthing.store.rollups import DAY_US

DAYS_A_MONTH = 365.25 / 12
OFF = "not switched on"
LEAST_SHARE = 0.1
"""Of what is planned: what changes less was not switched on since."""


class _Booked(NamedTuple):
    """A month at the pace of some days."""

    baseline: float
    saved: dict[str, float]


def happened(connection: Connection, document: Document, made_us: int, now_us: int) -> Happened | None:
    """None before the first whole day after it was made, and where nothing was called in either span."""
    since, until = -(-made_us // DAY_US) * DAY_US, now_us // DAY_US * DAY_US
    if until <= since or not document.plan.levers:
        return None
    before = _booked(
        connection, document.plan.since_us // DAY_US * DAY_US, -(-document.plan.until_us // DAY_US) * DAY_US
    )
    after = _booked(connection, since, until)
    if not before.baseline or not after.baseline:
        return None
    traffic = after.baseline / before.baseline
    outcomes = [_outcome(each, before, after, traffic) for each in document.plan.levers]
    return Happened(made_us, since, until, traffic, outcomes)


def _booked(connection: Connection, since_us: int, until_us: int) -> _Booked:
    times = DAYS_A_MONTH * DAY_US / max(DAY_US, until_us - since_us)
    saved = {row.lever: row.saved * times for row in levers(connection, since_us, until_us)}
    cost = times * sum(day.cost for day in days(connection, since_us, until_us))
    return _Booked(cost + sum(saved.values()), saved)


def _outcome(lever: LeverPlan, before: _Booked, after: _Booked, traffic: float) -> Outcome:
    low, high = min(lever.alone.low, lever.beside.low), max(lever.alone.high, lever.beside.high)
    planned = Amount(round(traffic * lever.beside.likely), round(traffic * low), round(traffic * high))
    was, now = round(traffic * before.saved.get(lever.lever, 0.0)), round(after.saved.get(lever.lever, 0.0))
    return Outcome(lever.lever, planned, was, now, _verdict(planned, now - was, lever.is_bound))


def _verdict(planned: Amount, more: Nano, is_bound: bool) -> str:
    if abs(more) <= LEAST_SHARE * abs(planned.likely):
        return OFF
    if more > planned.high:
        return "more than planned"
    if more < planned.low and not is_bound:
        return "less than planned"
    return "as planned"


def in_words(found: Happened) -> list[str]:
    """A line for each lever that was switched on; one line where none was."""
    seen = [each for each in found.outcomes if each.verdict != OFF]
    if not seen:
        return ["Nothing of the last plan was switched on since; farthing plan and the page Plan have it."]
    return [
        f"Planned {each.lever} {show_dollars(each.planned.low)} to {show_dollars(each.planned.high)} a month; it came to "
        f"{show_dollars(each.happened)}: {each.verdict}."
        for each in seen
    ]


def planned(connection: Connection, tenant: str, before_us: int, now_us: int) -> tuple[str, ...]:
    """What became of the plan that was made last before a moment, for the digest of a tenant that it was about alone."""
    found = newest(connection, before_us=before_us)
    if found is None or found[0].tenants != [tenant]:
        return ()
    try:
        since = happened(connection, unpacked(found[1]), found[0].made_us, now_us)
    except BadRequest:  # another version wrote it
        return ()
    return tuple(in_words(since)) if since is not None else ()
