"""The state machine of one alert: ok, warn, alert, no-data; and whether somebody is to be told of a change. Pure.

told     when it is first found, unless the same rule, scope and period was told already or the cool-down goes on;
         again when it becomes worse (state, threshold) or what is at stake doubles; once a day while it is severe and
         nobody acknowledged it; when it is over.
over     when it was not found for its settling time, so that a value at the edge does not flap.
"""

import hashlib

import msgspec

from farthing.finops.alerts.finding import SEVERITY, Finding
from farthing.store.alerts import Standing, What

MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US
SETTLES_US = 15 * MINUTE_US
DAY_SETTLES_US = 6 * HOUR_US
"""For rules about a day: the next day must first show what it is like."""
DAY_RULES = ("day_spend", "unusual_spend", "young_spend", "waste", "errors", "unpriced")
EVENTS = ("single_call", "newcomer", "price_change")
"""What happened once does not end, so its end is not told."""
EVENT_SETTLES_US = 24 * HOUR_US


class Pace(msgspec.Struct, frozen=True):
    """How often people are told, in microseconds; `remind_us` 0: never."""

    cool_down_us: int = 6 * HOUR_US
    remind_us: int = 24 * HOUR_US


def id_of(tenant: str, rule: str, kind: str, name: str) -> str:
    """The same alert has the same id on every gateway and after every start."""
    return hashlib.sha256("\0".join((tenant, rule, kind, name)).encode("utf-8", "replace")).hexdigest()[:12]


def begun(tenant: str, finding: Finding) -> Standing:
    """An alert that was never found before."""
    scope = finding.scope
    return Standing(id_of(tenant, finding.rule, scope.kind, scope.name), tenant, finding.rule, scope.kind, scope.name)


def found(old: Standing, finding: Finding, now_us: int, pace: Pace) -> tuple[Standing, What | None]:
    """The alert after it was found, and what people would be told of it (by itself: incidents are told once)."""
    fresh = old.state == "ok"
    new = msgspec.structs.replace(
        old, state=finding.level, period=finding.period, text=finding.text, cause=finding.cause, also=(),
        value=finding.value, usual=finding.usual, at_stake=finding.at_stake, step=finding.step, count=finding.count,
        seen_us=now_us, since_us=now_us if fresh else old.since_us,
        changed_us=now_us if old.state != finding.level else old.changed_us,
        acked_us=0 if fresh else old.acked_us, acked_by="" if fresh else old.acked_by,
    )  # fmt: skip
    return new, _news(new, now_us, pace)


def _news(new: Standing, now_us: int, pace: Pace) -> What | None:
    told_of_this = new.told_us >= new.since_us and new.told_us > 0
    same_period = new.told_period == new.period
    rested = now_us - new.told_us >= pace.cool_down_us
    if not told_of_this:
        if same_period:  # it was over in between, and is back within the period that people know of
            return "escalated" if worse(new) else None
        return "raised" if rested or worse(new) else None
    if doubled(new) or (not new.acked_us and worse(new)):
        return "escalated"
    reminds = pace.remind_us and new.state == "alert" and not new.acked_us
    return "reminder" if reminds and now_us - new.told_us >= pace.remind_us else None


def worse(new: Standing) -> bool:
    """Than when it was told last: a worse state, a higher threshold in the same period, or twice the money."""
    higher = new.told_period == new.period and new.step > new.told_step
    return SEVERITY[new.state] > SEVERITY[new.told_state] or higher or doubled(new)


def doubled(new: Standing) -> bool:
    return new.told_at_stake > 0 and new.at_stake >= 2 * new.told_at_stake


def told(new: Standing, now_us: int) -> Standing:
    """The alert after people were told of it."""
    return msgspec.structs.replace(
        new,
        told_us=now_us,
        told_period=new.period,
        told_state=new.state,
        told_step=new.step,
        told_at_stake=new.at_stake,
    )


def missed(old: Standing, now_us: int) -> tuple[Standing, What | None] | None:
    """The alert after it was looked for and not found; None where nothing changes."""
    if old.state == "ok" or now_us - old.seen_us < settles_us(old.rule):
        return None
    new = msgspec.structs.replace(old, state="ok", changed_us=now_us)
    was_told = old.told_us >= old.since_us and old.told_us > 0
    return new, "resolved" if was_told and old.rule not in EVENTS else None


def settles_us(rule: str) -> int:
    """How long an alert of the rule must not be found before it is over."""
    return EVENT_SETTLES_US if rule in EVENTS else DAY_SETTLES_US if rule in DAY_RULES else SETTLES_US
