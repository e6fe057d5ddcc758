"""Unit economics: what a transaction costs, what a successful one does, how its cost is spread and what drives it, whether it
pays beside people, and what a user or plan leaves over. All from sums.

Denominators, stated in every report: a cost per transaction is over those whose cost is known; a cost per successful one is
the cost of all that ended, well or badly, over those that ended well. Transactions with calls or tools of unknown cost, and
outcomes without any call, are counted apart.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import msgspec

from farthing.finops.amounts import amounts
from farthing.finops.handling import Handling, each_of, people
from farthing.finops.metrics.metric import wilson
from farthing.finops.transactions import hourly_rate_of, human_cost_of
from farthing.model.money import Nano, nano_from_dollars
from farthing.model.transaction import SUCCESSES
from farthing.settings import TransactionSettings
from farthing.store.units import DriverSums, UnitBook, UnitSums, UserSums

MOST_DRIVERS = 8
"""Of each kind."""

SHARES = (0.5, 0.9, 0.99)

NOTES = {
    "per_transaction": "calls and tools, over transactions whose cost is known",
    "per_success": "calls, tools and people of all that ended, over those that ended well",
    "success_rate": "resolved or accepted, over those whose outcome was posted and that have calls or tools",
    "p50_p90_p99": "cost of single transactions whose cost is known, within 3.2 %",
    "saved": "transactions that ended, at what a person costs for each, less what they cost here with people's time",
    "margin": "revenue less calls, tools and people's time of transactions; months are whole; calls outside of transactions are not in it",
}


class Driver(msgspec.Struct, frozen=True):
    """What causes cost: a model, a feature, a tool."""

    kind: str
    name: str
    uses: int
    cost: Nano
    share: float | None
    """Of calls' and tools' cost, as far as it is known."""
    retries: int
    lost_cost: Nano
    without_cost: int


class Margin(msgspec.Struct, frozen=True):
    """What a user, or the users of a plan, leave over."""

    name: str
    plan: str
    users: int
    transactions: int
    cost: Nano
    """Of calls and tools."""
    people: Nano | None
    """What people spent on them; None where minutes were posted and no rate is known."""
    revenue: Nano | None
    """None where none was posted and the plan has no price."""
    unknown: int
    """Transactions whose cost is not wholly known: the margin is at most what it says."""

    @property
    def margin(self) -> Nano | None:
        return None if self.revenue is None or self.people is None else self.revenue - self.cost - self.people

    @property
    def share(self) -> float | None:
        """Of the revenue."""
        return self.margin / self.revenue if self.margin is not None and self.revenue else None


class Unit(msgspec.Struct, frozen=True):
    """One type of transaction in a span. Amounts in nano-dollars."""

    type: str
    transactions: int
    """Those whose cost is known."""
    partly: int
    """Those that have calls or tools whose cost is not known."""
    empty: int
    """Outcomes without calls and tools."""
    calls: int
    errors: int
    retries: int
    tools: int
    without_cost: int
    tools_unpriced: int
    cost: Nano
    """Of calls, of transactions whose cost is known; so for the next two."""
    lost_cost: Nano
    tool_cost: Nano
    partly_cost: Nano
    """What is known of the cost of the others."""
    succeeded: int
    failed: int
    open: int
    """Nobody said how they ended."""
    ended_cost: Nano
    """Of calls and tools, of transactions that ended and whose cost is known."""
    ended_known: int
    succeeded_known: int
    people: Nano | None
    """People's time on transactions that ended; None where minutes were posted and no rate is known."""
    quantiles: tuple[Nano, ...]
    drivers: list[Driver]
    handling: Handling | None
    """None where nobody said what it costs by hand, or nothing ended."""
    human: Nano | None
    """One by hand."""
    with_revenue: int
    revenue: Nano
    lasted_us: int
    """From the first call's start to the last one's end, on average."""

    @property
    def per_transaction(self) -> Nano | None:
        return each_of(self.cost + self.tool_cost, self.transactions)

    @property
    def per_success(self) -> Nano | None:
        return each_of(self.ended_cost + self.people, self.succeeded_known) if self.people is not None else None

    @property
    def success_rate(self) -> float | None:
        ended = self.succeeded + self.failed
        return self.succeeded / ended if ended else None

    @property
    def success_interval(self) -> tuple[float, float] | None:
        """95 %, Wilson."""
        ended = self.succeeded + self.failed
        return wilson(self.succeeded, ended) if ended else None

    @property
    def break_even(self) -> Fraction | None:
        """Success rate above which AI pays. Before anything ended: if each failure is done by hand."""
        if self.handling is not None:
            return self.handling.break_even
        each = self.per_transaction
        return Fraction(each, self.human) if each is not None and self.human else None


class Report(msgspec.Struct, frozen=True):
    """All types of a span."""

    since_us: int
    until_us: int
    units: list[Unit]
    plans: list[Margin]
    users: list[Margin]


def report(book: UnitBook, settings: TransactionSettings, since_us: int, until_us: int) -> Report:
    """What the sums say, dearest type first."""
    kinds = sorted({each.type for each in book.sums})
    units = [_unit(kind, book, settings) for kind in kinds]
    units.sort(key=lambda unit: (-(unit.cost + unit.tool_cost + unit.partly_cost), unit.type))
    rate = nano_from_dollars(settings.hourly_rate) or None
    return Report(
        since_us, until_us, units, [_margin(each, settings, rate) for each in book.plans],
        [_margin(each, settings, rate) for each in book.users],
    )  # fmt: skip


def _unit(kind: str, book: UnitBook, settings: TransactionSettings) -> Unit:
    rows = [each for each in book.sums if each.type == kind]
    known = [each for each in rows if each.state == "known"]
    real = [each for each in rows if each.state != "empty"]
    partly = [each for each in rows if each.state == "partly"]
    ended = [each for each in known if each.outcome]
    rate, human = hourly_rate_of(kind, settings), human_cost_of(kind, settings)
    spent = sum(each.human_s for each in ended)
    lasted = sum(each.lasted_us for each in real)
    count = _n(real)
    return Unit(
        type=kind, transactions=_n(known), partly=_n(partly), empty=_n(rows) - count,
        calls=sum(each.calls for each in real), errors=sum(each.errors for each in real),
        retries=sum(each.retries for each in real), tools=sum(each.tools for each in real),
        without_cost=sum(each.without_cost for each in real), tools_unpriced=sum(each.tools_unpriced for each in real),
        cost=sum(each.cost for each in known), lost_cost=sum(each.lost_cost for each in known),
        tool_cost=sum(each.tool_cost for each in known), partly_cost=_cost(partly),
        succeeded=_n(each for each in real if each.outcome in SUCCESSES),
        failed=_n(each for each in real if each.outcome == "failed"),
        open=_n(each for each in real if not each.outcome), ended_cost=_cost(ended), ended_known=_n(ended),
        succeeded_known=_n(each for each in ended if each.outcome in SUCCESSES),
        people=_people(spent, rate), quantiles=quantiles(_sizes(kind, book)),
        drivers=_drivers([driver for of, driver in book.drivers if of == kind], _cost(real)),
        handling=_handling(ended, rate, human), human=human, with_revenue=sum(each.with_revenue for each in rows),
        revenue=sum(each.revenue for each in rows), lasted_us=lasted // count if count else 0,
    )  # fmt: skip


def _n(rows: Any) -> int:
    return sum(each.transactions for each in rows)


def _cost(rows: Sequence[UnitSums]) -> Nano:
    return sum(each.cost + each.tool_cost for each in rows)


def _people(seconds: int, rate: Nano | None) -> Nano | None:
    """Nothing is nothing at any rate."""
    return people(seconds, rate) if rate is not None else None if seconds else 0


def _handling(ended: Sequence[UnitSums], rate: Nano | None, human: Nano | None) -> Handling | None:
    """What failed is done by hand: for as long as was posted, else as long as it always takes."""
    failed = [each for each in ended if each.outcome == "failed"]
    review = _people(sum(each.human_s for each in ended if each.outcome in SUCCESSES), rate)
    again = _people(sum(each.human_s for each in failed), rate)
    if human is None or review is None or again is None or not _n(ended):
        return None
    unsaid = _n(failed) - sum(each.with_human for each in failed)
    return Handling(
        Fraction(_n(ended)), Fraction(_n(failed)), _cost(ended), review, again + unsaid * human, human
    )  # fmt: skip


def _sizes(kind: str, book: UnitBook) -> list[tuple[int, int]]:
    return sorted(pair for (of, _), sizes in book.sizes.items() if of == kind for pair in sizes)


def quantiles(sizes: Sequence[tuple[int, int]]) -> tuple[Nano, ...]:
    """The sizes below which `SHARES` of them lie; none of nothing."""
    total = sum(n for _, n in sizes)
    return tuple(_quantile(sizes, share * total) for share in SHARES) if total else ()


def _quantile(sizes: Sequence[tuple[int, int]], rank: float) -> int:
    passed = 0
    for size, n in sizes:
        passed += n
        if passed >= rank:
            return size
    return sizes[-1][0]


def _drivers(found: Sequence[DriverSums], total: Nano) -> list[Driver]:
    kept: list[Driver] = []
    for kind in ("model", "feature", "tool"):
        of_kind = [each for each in found if each.kind == kind][:MOST_DRIVERS]
        kept += [
            Driver(
                kind, each.name, each.uses, each.cost, each.cost / total if total else None, each.retries, each.lost_cost,
                each.without_cost,
            )
            for each in of_kind
        ]  # fmt: skip
    return kept


def _margin(sums: UserSums, settings: TransactionSettings, rate: Nano | None) -> Margin:
    """Revenue that was posted, and the plan's price for each user and month in which there was a transaction."""
    price = settings.plans.get(sums.plan)
    revenue: Nano | None = sums.revenue if sums.with_revenue else None
    if price is not None:
        revenue = (revenue or 0) + nano_from_dollars(price) * sums.user_months
    return Margin(
        sums.user, sums.plan, sums.users, sums.transactions, sums.cost + sums.tool_cost, _people(sums.human_s, rate),
        revenue, sums.unknown,
    )  # fmt: skip


def plain(found: Report) -> dict[str, Any]:
    """The report for machines: amounts as integer nano-dollars and as exact text."""
    return {
        "since_us": found.since_us, "until_us": found.until_us, "means": NOTES,
        "types": [plain_unit(each) for each in found.units], "plans": [_plain_margin(each) for each in found.plans],
        "users": [_plain_margin(each) for each in found.users],
    }  # fmt: skip


def amount(nano: Nano | None) -> dict[str, int | str] | None:
    return None if nano is None else amounts(nano)


def plain_unit(unit: Unit) -> dict[str, Any]:
    counts = (
        "type", "transactions", "partly", "empty", "calls", "errors", "retries", "tools", "without_cost",
        "tools_unpriced", "succeeded", "failed", "open", "success_rate", "success_interval", "with_revenue", "lasted_us",
    )  # fmt: skip
    amounts = (
        "cost", "lost_cost", "tool_cost", "partly_cost", "ended_cost", "people", "per_transaction", "per_success", "human",
        "revenue",
    )  # fmt: skip
    names = ("p50", "p90", "p99")
    even = unit.break_even
    return {
        **{name: getattr(unit, name) for name in counts},
        **{name: amount(getattr(unit, name)) for name in amounts},
        "distribution": {name: amount(size) for name, size in zip(names, unit.quantiles, strict=False)},
        "drivers": [
            {**msgspec.to_builtins(each), "cost": amount(each.cost), "lost_cost": amount(each.lost_cost)}
            for each in unit.drivers
        ],
        "break_even_success_rate": None if even is None else float(even),
        "against_people": None if unit.handling is None else plain_handling(unit.handling),
    }


def plain_handling(found: Handling) -> dict[str, Any]:
    share, roi, even = found.saved_share, found.roi, found.break_even
    return {
        "by_hand": amount(found.by_hand), "ai": amount(found.ai), "review": amount(found.review),
        "fallback": amount(found.fallback), "spent": amount(found.spent), "saved": amount(found.saved),
        "saved_share": None if share is None else float(share), "roi": None if roi is None else float(roi),
        "break_even_success_rate": None if even is None else float(even),
    }  # fmt: skip


def _plain_margin(each: Margin) -> dict[str, Any]:
    plain_ = {"user": each.name} if each.name else {}
    return {
        **plain_, "plan": each.plan, "users": each.users, "transactions": each.transactions, "unknown": each.unknown,
        "cost": amount(each.cost), "people": amount(each.people), "revenue": amount(each.revenue),
        "margin": amount(each.margin), "margin_share": each.share,
    }  # fmt: skip
