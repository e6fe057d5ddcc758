"""What the page on prompts reads: the doctor's findings, input and what of it caches served by day and feature, savings booked."""

from collections.abc import Mapping
from typing import NamedTuple

from farthing.dashboard.spending.sums import holds, sums
from farthing.dashboard.view import View
from farthing.lab import doctor
from farthing.model.arms import PROMPT_OPTIMISATION, PROVIDER_CACHING
from farthing.model.money import Nano
from farthing.model.record import Attempt
from farthing.model.usage import Usage
from farthing.store import LeverRow, ReportRow, reading
from farthing.store.days import Day, days
from farthing.store.engine import Connection
from farthing.store.lab_reports import LabReport, newest

LEVERS = (PROVIDER_CACHING, PROMPT_OPTIMISATION)
LAB = 10
"""Reports of the lab that are shown."""
SAMPLE = 1_000
"""Tokens at whose price reads are compared: few, so that no band for long prompts counts."""


class Found(NamedTuple):
    """Of one period and scope. None where no sums are kept for the scope."""

    report: doctor.Report | None
    days: list[Day] | None
    """By feature."""
    models: list[ReportRow] | None
    """By feature and model."""
    levers: dict[str, LeverRow] | None
    lab: list[LabReport]
    """Of the tenant, whatever the period."""


def read(connection: Connection, view: View) -> Found:
    period, tenant, where = view.filters.period, view.tenant, view.where
    since, until = period.since_us, period.until_us
    names = ("feature", "model")
    return Found(
        doctor.of_scope(connection, since, until, tenant, where),
        days(connection, since, until, by="feature", tenant=tenant, where=where) if holds(("day", "feature"), where) else None,
        sums(connection, names, period, tenant, where) if holds(names, where) else None,
        _levers(connection, since, until, tenant) if not where else None,
        newest(connection, tenant=tenant, limit=LAB) if not where else [],
    )  # fmt: skip


def _levers(connection: Connection, since: int, until: int, tenant: str) -> dict[str, LeverRow]:
    return {
        each.lever: each for each in reading.levers(connection, since, until, tenant=tenant) if each.lever in LEVERS
    }


class Read(NamedTuple):
    """What one feature read from providers' caches."""

    calls: int
    in_tokens: int
    cached_tokens: int
    saved: Nano
    """Less than the same input at the plain rate, as far as rates are known."""
    without_rate: int
    """Cached tokens of models whose rates nobody knows: not in `saved`."""


def by_feature(view: View, models: list[ReportRow]) -> Mapping[str, Read]:
    """The features with the most input first. What reads saved is told at the rates of the period's end."""
    found: dict[str, Read] = {}
    for row in models:
        before = found.get(row.key, Read(0, 0, 0, 0, 0))
        saved = saved_by_reading(view, row.also, row.cached_tokens)
        found[row.key] = Read(
            before.calls + row.calls, before.in_tokens + row.in_tokens, before.cached_tokens + row.cached_tokens,
            before.saved + (saved or 0), before.without_rate + (row.cached_tokens if saved is None else 0),
        )  # fmt: skip
    return dict(sorted(found.items(), key=lambda item: (-item[1].in_tokens, item[0])))


def saved_by_reading(view: View, model: str, cached_tokens: int) -> Nano | None:
    """Nano-dollars; None where a rate is not known."""
    if not cached_tokens:
        return 0
    at = Attempt(no=1, provider="", model=model, started_us=min(view.now_us, view.filters.period.until_us - 1))
    costs = view.sources.costs
    plain, read_ = (
        costs.price_at(model, at, Usage(uncached_in=SAMPLE)),
        costs.price_at(model, at, Usage(cache_read=SAMPLE)),
    )
    return None if plain is None or read_ is None else (plain - read_) * cached_tokens // SAMPLE
