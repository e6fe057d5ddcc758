"""A comparison as plain values, for JSON: the same for the command line and the admin API."""

from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

from farthing.finops.amounts import amounts
from farthing.finops.reconcile.causes import MEANING
from farthing.finops.reconcile.compare import Comparison, Line
from farthing.finops.reconcile.job import Asked
from farthing.model.money import PICO_PER_NANO, Nano


def plain(found: Comparison, asked: Asked, percent: float, posted: int) -> dict[str, Any]:
    """`percent` of the bill is the tolerance; `posted` is how many corrections were posted for it."""
    return {
        "provider": asked.provider, "names": list(asked.names), "first_day": day_name(found.first_day),
        "last_day": day_name(found.last_day), "bill": amounts(found.invoice), "ledger": amounts(found.ledger),
        "corrections": amounts(found.corrections), "gap": amounts(found.gap), "tolerance_percent": percent,
        "within_tolerance": found.within(percent), "captured_share": found.captured,
        "calls_with_unknown_cost": found.calls_unknown, "bill_at_our_prices": found.at_our_prices,
        "offset_hours": found.offset_hours, "keys_compared": found.keyed, "notes": found.notes, "posted": posted,
        "causes": [
            {"cause": cause, "amount": amounts(nano), "tokens": found.units.get(cause), "meaning": MEANING[cause]}
            for cause, nano in found.causes.items()
        ],
        "lines": [_line(line) for line in found.lines],
    }  # fmt: skip


def _line(line: Line) -> dict[str, Any]:
    return {
        "day": day_name(line.day_us), "model": line.model, "tier": line.tier, "class": line.unit,
        "units_billed": line.units_billed, "units_in_ledger": line.units_ours, "bill": amounts(nano_of(line.billed)),
        "ledger": amounts(nano_of(line.ours)), "difference": amounts(nano_of(line.gap)),
        "causes": {cause: amounts(nano_of(pico)) for cause, pico in line.causes.items()},
        "units_by_cause": {cause: round(count) for cause, count in line.units.items()},
    }  # fmt: skip


def nano_of(pico: Fraction) -> Nano:
    return round(pico / PICO_PER_NANO)


def day_name(us: int) -> str:
    """The UTC date."""
    return datetime.fromtimestamp(us // 1_000_000, UTC).strftime("%Y-%m-%d")
