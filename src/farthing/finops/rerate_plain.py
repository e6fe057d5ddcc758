"""Previews and runs of pricing anew as plain values, for JSON: the same for the command line and the admin API."""

from typing import Any

import msgspec

from farthing.finops.amounts import amounts
from farthing.finops.rerate import Preview
from farthing.store.rerates import Run


def plain_preview(found: Preview) -> dict[str, Any]:
    return {
        "looked_at": found.looked_at,
        "calls": found.calls,
        "cost_before": amounts(found.cost_before),
        "cost_after": amounts(found.cost_after),
        "changes": [
            msgspec.structs.asdict(each)
            | {"cost_before": amounts(each.cost_before), "cost_after": amounts(each.cost_after)}
            for each in found.changes
        ],
    }


def plain_run(run: Run) -> dict[str, Any]:
    shown: dict[str, Any] = msgspec.structs.asdict(run)
    return shown | {"cost_before": amounts(run.cost_before), "cost_after": amounts(run.cost_after)}
