"""From what calls would have cost to what was paid, lever by lever, as the ledger books it; and beside it, never added, what
hold-outs measured."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from farthing.dashboard.charts.chart import Chart
from farthing.dashboard.formats import money, percent
from farthing.dashboard.overview.reading import Overview
from farthing.dashboard.table import Column, Row, Table
from farthing.dashboard.view import View
from farthing.model.money import Nano
from farthing.quality.holdout import DAYS_A_MONTH, Amount, Proof
from farthing.store import LeverRow

BASELINE, PAID, ALL = "as sent", "paid", "all levers"
OWN = "its own cost"
VERDICTS = {"proven": ("proven", "good"), "not yet": ("not proven yet", ""), "harms": ("harms", "bad")}
"""In words, and the badge."""


def chart(found: Overview, proofs: Sequence[Proof]) -> Chart:
    """Without savings there are no rows."""
    by_lever = {each.lever: each for each in proofs}
    levers = _levers(found)
    rows: list[dict[str, Any]] = []
    measured: list[dict[str, Any]] = []
    level = found.baseline
    if levers:
        rows.append(_bar(BASELINE, BASELINE, "baseline", 0, level, money(level), f"What the calls would have cost as they were sent: {money(level)}"))  # fmt: skip
    for each in levers:
        gross = each.before - each.after
        kind = "saved" if gross >= 0 else "lost"
        share = f" ({percent(gross / found.baseline)})" if found.baseline else ""
        words = f"{each.lever} {'saved' if gross >= 0 else 'added'} {money(abs(gross))}{share}"
        rows.append(_bar(each.lever, each.lever, kind, level - gross, level, _signed(-gross), words))
        if (proven := by_lever.get(each.lever)) is not None and (amount := in_span(proven)) is not None:
            measured.append(_measured(each.lever, level, amount))
        level -= gross
        if each.overhead:
            more = each.overhead
            rows.append(_bar(f"{each.lever}: {OWN}", OWN, "overhead", level, level + more, _signed(more), f"{each.lever} itself cost {money(more)}"))  # fmt: skip
            level += more
    if levers:
        rows.append(
            _bar(PAID, PAID, "paid", 0, found.spent, money(found.spent), f"What was paid: {money(found.spent)}")
        )
    return Chart("waterfall", "What was saved, and by what", _words(found, levers), rows, {"measured": measured})


def _levers(found: Overview) -> Sequence[LeverRow]:
    """All in one where sums by lever are not kept."""
    if found.levers is not None:
        return found.levers
    return [LeverRow(ALL, found.calls, found.saved)] if found.saved else []


def in_span(proof: Proof) -> Amount | None:
    """What the lever saved on the treated calls of the days that were looked at, by the hold-out."""
    month = proof.saved_a_month
    if month is None or not (math.isfinite(month.low) and math.isfinite(month.high)):
        return None
    times = proof.days / DAYS_A_MONTH
    return Amount(round(month.value * times), round(month.low * times), round(month.high * times))


def _measured(lever: str, level: Nano, amount: Amount) -> dict[str, Any]:
    words = f"{money(amount.value)} ({money(amount.low)} to {money(amount.high)})"
    return {
        "key": lever, "from": (level - amount.high) / 1e9, "to": (level - amount.low) / 1e9,
        "at": (level - amount.value) / 1e9, "text": f"measured {money(amount.low)} to {money(amount.high)}",
        "said": f"Measured on sessions that went without {lever}: it saved {words}, 95 % interval",
    }  # fmt: skip


def _bar(key: str, label: str, kind: str, start: Nano, end: Nano, text: str, said: str) -> dict[str, Any]:
    return {"key": key, "label": label, "kind": kind, "from": start / 1e9, "to": end / 1e9, "text": text, "said": said}


def _signed(nano: Nano) -> str:
    return f"{'+' if nano > 0 else '-'}{money(abs(nano))}" if nano else money(0)


def _words(found: Overview, levers: Sequence[LeverRow]) -> str:
    parts = [f"{each.lever} {money(each.saved)}" for each in levers]
    return f"Of {money(found.baseline)} as sent, {money(found.spent)} was paid. Saved by {', '.join(parts) or 'nothing'}."  # fmt: skip


class Shown(NamedTuple):
    """What the hold-out says of one lever."""

    lever: str
    verdict: str
    why: str
    badge: str


def proof_lines(proofs: Sequence[Proof] | None) -> list[Shown]:
    """What hold-outs say; none where `proof_words` says why."""
    return [
        Shown(each.lever, VERDICTS[each.verdict][0], f"{each.why}.", VERDICTS[each.verdict][1]) for each in proofs or ()
    ]


def proof_words(proofs: Sequence[Proof] | None) -> str:
    """Why hold-outs say nothing; empty where they do."""
    if proofs is None:
        return "What hold-outs measured is being worked out; it appears here in a moment."
    if not proofs:
        return "No hold-out yet: no sessions of these days went without a lever on purpose."
    return ""


def table(view: View, found: Overview, proofs: Sequence[Proof]) -> Table:
    """The same, for a file."""
    by_lever = {each.lever: amount for each in proofs if (amount := in_span(each)) is not None}
    rows = []
    for each in _levers(found):
        measured = by_lever.get(each.lever)
        ends = (measured.value, measured.low, measured.high) if measured is not None else (None, None, None)
        rows.append(
            Row((each.lever, each.calls, each.before, each.after, each.overhead, each.saved, each.estimated, *ends))
        )
    columns = (
        Column("lever", "Lever"), Column("bookings", "Bookings", "count"), Column("before", "Before", "money"),
        Column("after", "After", "money"), Column("overhead", "Overhead", "money"), Column("saved", "Saved", "money"),
        Column("estimated", "Of it estimated", "money"), Column("measured", "Measured", "money"),
        Column("measured_low", "Low", "money"), Column("measured_high", "High", "money"),
    )  # fmt: skip
    return Table("savings", "Savings by lever", columns, rows)
