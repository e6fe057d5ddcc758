"""One type of transaction in sentences and bars: what one costs, whether that beats people, and what is not known."""

from typing import NamedTuple

from farthing.dashboard.formats import count, duration, money, percent
from farthing.dashboard.units.against import Bar, bars
from farthing.dashboard.view import View
from farthing.finops.units import Unit


class Summary(NamedTuple):
    name: str
    href: str
    each: str
    per_success: str
    success: str
    verdict: str
    """What is saved, in a sentence."""
    state: str
    bars: list[Bar]
    facts: list[tuple[str, str]]
    unknown: list[str]
    """What is counted apart, each in a sentence."""


def summary(view: View, unit: Unit) -> Summary:
    verdict, state = _verdict(unit)
    return Summary(
        unit.type or "(no type)", view.href("/units/type", type=unit.type), money(unit.per_transaction), money(unit.per_success),
        success(unit), verdict, state, bars(unit.handling, money) if unit.handling is not None else [], _facts(unit), unknown(unit),
    )  # fmt: skip


def success(unit: Unit) -> str:
    """With its 95 % interval."""
    interval = unit.success_interval
    if interval is None:
        return "?"
    low, high = (percent(each, 0) for each in interval)
    return f"{percent(unit.success_rate)} ({low} to {high})"


def _verdict(unit: Unit) -> tuple[str, str]:
    handling, even = unit.handling, unit.break_even
    if handling is not None:
        share = handling.saved_share
        part = f", {percent(abs(float(share)))} of what it costs by hand" if share is not None else ""
        word, state = ("saved", "good") if handling.saved >= 0 else ("lost", "bad")
        return f"{money(abs(handling.saved))} {word} on {count(float(handling.transactions))} that ended{part}.", state
    if unit.human is not None:
        from_ = f"; it pays from a success rate of {percent(float(even))}" if even is not None else ""
        return f"By hand one costs {money(unit.human)}{from_}. Post outcomes to compare.", ""
    if unit.people is None:
        return "People spent time on them, and no hourly rate is set.", "warn"
    return "Nobody said what one costs by hand.", ""


def _facts(unit: Unit) -> list[tuple[str, str]]:
    facts = []
    handling, even = unit.handling, unit.break_even
    if handling is not None and handling.roi is not None:
        facts.append(("Return on each dollar of AI and review", f"${float(handling.roi):,.2f}"))
    if even is not None:
        facts.append(("Pays from a success rate of", percent(float(even)) if even <= 1 else "none: it never pays"))
    if unit.calls and unit.transactions + unit.partly:
        facts.append(("Calls of one", f"{unit.calls / (unit.transactions + unit.partly):,.1f}"))
    if unit.lasted_us:
        facts.append(("Lasts", f"{duration(unit.lasted_us)} on average"))
    if unit.lost_cost:
        facts.append(("Retries and failures", f"{money(unit.lost_cost)}, in {count(unit.retries)} tries"))
    if unit.with_revenue:
        facts.append(("Revenue", f"{money(unit.revenue)}, posted for {count(unit.with_revenue)}"))
    return facts


def unknown(unit: Unit) -> list[str]:
    """What is in no comparison, or in no cost."""
    found = []
    if unit.open:
        found.append(
            f"{count(unit.open)} have no outcome: they are in the cost of each, and in no comparison with people."
        )
    if unit.partly:
        what = []
        if unit.without_cost:
            what.append(f"{count(unit.without_cost)} calls")
        if unit.tools_unpriced:
            what.append(f"{count(unit.tools_unpriced)} uses of tools")
        found.append(
            f"{count(unit.partly)} have {' and '.join(what)} of unknown cost: {money(unit.partly_cost)} is known of them, and "
            "they are in no figure of cost."
        )
    if unit.empty:
        found.append(f"{count(unit.empty)} outcomes came without any call or tool.")
    return found
