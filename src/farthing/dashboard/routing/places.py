"""The deployments as this process sees them, worst first; as `farthing status` has them."""

from collections.abc import Sequence

from farthing.dashboard.formats import duration
from farthing.dashboard.table import Column, Row, Table
from farthing.steps.balance.health import DeploymentState

STATES = {"closed": "ok", "open": "left alone", "half-open": "tried again", "limited": "at its rate limit"}
ORDER = ("open", "half-open", "limited", "closed")


def table(states: Sequence[DeploymentState], process: int, workers: int) -> Table:
    columns = (
        Column("deployment", "Deployment"), Column("state", "State"), Column("since", "Since (UTC)", "moment"),
        Column("first_byte", "First byte", "duration", "Of streams, a moving average; empty where nothing is known lately."),
        Column("total", "Whole answer", "duration"), Column("head_room", "Limits left", "percent", "Of its rate limits; 100 % where none is known."),
        Column("in_flight", "Under way", "count"), Column("served", "Served", "count", "Since the process started."),
        Column("errors", "Errors", "percent", "Failures of all that was sent, since the process started."),
        Column("why", "Why, and what serves instead", "prose"),
    )  # fmt: skip
    rows = [_row(each) for each in sorted(states, key=lambda each: (ORDER.index(each.state), each.name))]
    others = f" It is one of {workers} workers; each learns of failures by itself." if workers > 1 else ""
    return Table(
        "deployments", "Deployments", columns, rows, note=f"As process {process} sees them now.{others}",
        empty="No deployment is named in the settings, and none was used since the gateway started.",
    )  # fmt: skip


def _row(each: DeploymentState) -> Row:
    sent = each.served + each.failures
    values = (
        each.name, STATES[each.state], each.since_us or None, each.first_byte_ms * 1e3 or None, each.total_ms * 1e3 or None,
        each.head_room, each.in_flight, each.served, each.failures / sent if sent else None, _why(each),
    )  # fmt: skip
    return Row(values, mark="bad" if each.state in ("open", "half-open") else "")


def _why(each: DeploymentState) -> str:
    if each.state == "closed":
        return ""
    again = f"again in {duration(each.back_in_s * 1e6)}" if each.back_in_s > 0 else ""
    instead = f"instead: {', '.join(each.instead)}" if each.instead else "nothing serves instead" if each.models else ""
    return "; ".join(filter(None, [each.why.rstrip("."), again, instead]))
