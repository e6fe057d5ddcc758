"""What the paid hours of own deployments were used for, in tiles and a table."""

from collections.abc import Sequence

from farthing.dashboard.formats import money, percent
from farthing.dashboard.periods import Period
from farthing.dashboard.table import Column, Row, Table
from farthing.dashboard.view import View
from farthing.finops.selfhosted import Standing
from farthing.store.rollups import DAY_US, HOUR_US

MOST_DAYS = 31
"""Of a longer period the last ones are read."""
COLUMNS = (
    Column("deployment", "Deployment"), Column("gpu_hours", "GPU hours paid", "count"), Column("calls", "Tries", "count", "Lost ones used the GPUs too."),
    Column("paid", "Paid", "money"), Column("used", "Used by calls", "money", "Their share of what the GPUs do in a busy hour."),
    Column("idle", "Idle", "money", "Paid for GPUs, and used by nobody."),
    Column("utilisation", "Utilisation", "progress", "What was used, of what was paid for the GPUs."),
    Column("busiest", "Busiest hour", "percent"), Column("per_call", "A call, busy part", "money"),
    Column("per_call_with_idle", "A call, idle and all", "money", "All that was paid, over the calls."),
    Column("per_million", "1M tokens out", "money", "All that was paid, over the output tokens."),
)  # fmt: skip
EMPTY = 'No own deployment is known. Say what one costs in [selfhost.deployments."own/llama-8b"], under its label in the ledger.'


def span_of(period: Period, now_us: int) -> tuple[int, int]:
    """The whole hours of the period that are over, and of the last `MOST_DAYS` of it."""
    until = min(period.until_us, now_us // HOUR_US * HOUR_US)
    return max(period.since_us, until - MOST_DAYS * DAY_US), until


async def read(view: View) -> list[Standing] | None:
    """None while it is being worked out."""
    paid = view.sources.paid
    since_us, until_us = span_of(view.filters.period, view.now_us)
    if paid is None or not paid.is_needed or until_us <= since_us:
        return []
    return await paid.of("", since_us, until_us)


def table(view: View, found: Sequence[Standing]) -> Table:
    since_us, until_us = span_of(view.filters.period, view.now_us)
    rows = [
        Row(
            (
                each.deployment, each.gpu_hours, each.attempts, each.paid, each.used, each.idle, each.utilisation, each.busiest,
                each.per_call, each.per_call_with_idle, each.per_million,
            ),
            href=view.calls(deployment=each.deployment), calls=view.calls(deployment=each.deployment),
            mark="bad" if each.busiest > 1 else "",
        )
        for each in sorted(found, key=lambda each: -each.paid)
    ]  # fmt: skip
    return Table("deployments", "Own deployments", COLUMNS, rows, empty=EMPTY, note=_note(found, since_us, until_us) if rows else "")  # fmt: skip


def _note(found: Sequence[Standing], since_us: int, until_us: int) -> str:
    said = [f"{(until_us - since_us) / DAY_US:.1f} days, up to the last full hour; calls of all tenants."]
    without = sum(each.without_usage for each in found)
    if without:
        said.append(f"{without:,} tries reported no tokens: what they used is not known, and not in it.")
    if any(each.busiest > 1 for each in found):
        said.append("An hour above 100 % says that tokens_per_second is out of date: measure the server again.")
    return " ".join(said)


def tiles(found: Sequence[Standing]) -> list[dict[str, str]]:
    """Over all deployments; none where there are none."""
    if not found:
        return []
    paid, gpus = sum(each.paid for each in found), sum(each.gpus for each in found)
    idle, used = sum(each.idle for each in found), sum(each.used for each in found)
    share = percent(used / gpus) if gpus else percent(None)
    names = f"{len(found)} own deployment{'s' if len(found) > 1 else ''}"
    return [
        {"title": "Paid for own GPUs", "value": money(paid), "note": f"{names}, {sum(each.gpu_hours for each in found):,.0f} GPU hours"},
        {"title": "Idle", "value": money(idle), "note": f"GPUs were used to {share}; no call is charged for the rest", "state": "bad" if gpus and used < 0.2 * gpus else ""},
    ]  # fmt: skip
