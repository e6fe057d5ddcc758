"""What to switch on next, as lines with an amount, how safe it is, and the setting."""

from collections.abc import Sequence
from typing import NamedTuple

from farthing.dashboard.formats import money
from farthing.dashboard.overview.reading import Overview
from farthing.dashboard.table import Column, Row, Table
from farthing.dashboard.view import View
from farthing.finops import next_savings
from farthing.finops.next_savings import Known, Saving, Sums
from farthing.finops.tiers import TierOf
from farthing.model.money import Nano
from farthing.model.record import Attempt
from farthing.model.usage import Usage
from farthing.quality.watch import floors_of

MOST, MOST_PARTS = 5, 4
LOOKS = {"lossless": "good", "guarded": "warn", "needs proof": ""}
MEANINGS = {
    "lossless": "answers stay as they are",
    "guarded": "answers change; evidence has shown them good enough",
    "needs proof": "nobody has compared the answers yet",
}


class Step(NamedTuple):
    """One setting, with all that it would save."""

    amount: str
    bound: str
    """Around the amount, or what it is."""
    parts: list[tuple[Saving, str]]
    """For each kind of calls, with a way to them."""
    risk: str
    look: str
    meaning: str
    why: str
    setting: str
    place: str
    is_estimate: bool
    """Not only bounds."""


def steps(view: View, found: Sequence[Saving]) -> list[Step]:
    """The biggest first. What one setting does for several kinds of calls is one step; these are different calls, so they
    add up."""
    groups: dict[tuple[str, ...], list[Saving]] = {}
    for each in found:
        groups.setdefault((each.lever, each.setting, each.risk), []).append(each)
    return [_step(view, each) for each in groups.values()][:MOST]


def _step(view: View, parts: Sequence[Saving]) -> Step:
    first = parts[0]
    low, high = sum(each.low for each in parts), sum(each.high for each in parts)
    known = [each.a_month for each in parts if each.a_month is not None]
    is_estimate = len(known) == len(parts)
    if not is_estimate:
        amount, bound = f"{money(low)} to {money(high)}", "a month; where in between, only trying it shows"
    else:
        amount, bound = money(sum(known)), f"a month, {money(low)} to {money(high)}" if high > low else "a month"
    ways = [(each, _calls(view, each)) for each in parts[:MOST_PARTS]]
    return Step(
        amount, bound, ways, first.risk, LOOKS[first.risk], MEANINGS[first.risk], first.why, first.setting, first.place, is_estimate,
    )  # fmt: skip


def _calls(view: View, saving: Saving) -> str:
    return view.calls(**saving.where, period=f"{next_savings.DAYS}d") if saving.where else ""


def savings(view: View, found: Overview, tier: TierOf) -> list[Saving]:
    """The biggest first; none where the scope is not all calls."""
    return of_sums(view, found.next, tier)


def of_sums(view: View, sums: Sums | None, tier: TierOf) -> list[Saving]:
    """The biggest first."""
    if sums is None:
        return []
    settings, costs = view.sources.settings, view.sources.costs
    now = view.now_us

    def price(model: str, usage: Usage) -> Nano | None:
        return costs.price_at(model, Attempt(1, started_us=now), usage)

    def vectors(tokens: int) -> tuple[str, Nano] | None:
        model = next(iter(view.sources.catalog.embeddings), "")
        cost = costs.as_embedding(tokens, now, model) if model else None
        return (model, cost) if cost is not None else None

    def in_batch(model: str, usage: Usage) -> Nano | None:
        return costs.price_at(model, Attempt(1, started_us=now, tier="batch"), usage)

    known = Known(
        view.tenant, settings.routing, settings.cache, settings.finops.cache_hit_percent / 100, view.sources.catalog.tiers(),
        tier, view.sources.table(), floors_of(settings.routing), price, vectors,
        settings.batch, in_batch, settings.capture, settings.student,
    )  # fmt: skip
    return next_savings.estimates(sums, known)


def sum_up(steps: Sequence[Step]) -> dict[str, str] | None:
    """For the head of the page: the biggest of those that have an estimate, else what is to be tried first, with its bounds;
    None where there is nothing. Not the sum: some are about the same calls."""
    if not steps:
        return None
    first = next((each for each in steps if each.is_estimate), steps[0])
    title = "To switch on next" if first.is_estimate else "To try next"
    others = len(steps) - 1
    note = f"a month, by {first.parts[0][0].lever}{f'; {others} more below' if others else ''}"
    return {"title": title, "value": first.amount, "note": note, "href": "#next"}


def table(found: Sequence[Saving]) -> Table:
    """All of them, for a file."""
    columns = (
        Column("lever", "Lever"), Column("what", "What"), Column("a_month", "Estimate a month", "money"),
        Column("low", "Low", "money"), Column("high", "High", "money"), Column("risk", "Risk"), Column("why", "Rests on"),
        Column("setting", "Setting"), Column("place", "Where"),
    )  # fmt: skip
    rows = [
        Row((each.lever, each.what, each.a_month, each.low, each.high, each.risk, each.why, each.setting, each.place))
        for each in found
    ]
    return Table("next", "What to switch on next", columns, rows)
