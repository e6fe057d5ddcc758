"""The demand that the ledger's own traffic is: real calls, tokens, cached share and hours of the week. Knows nothing of prices."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from farthing.selfhost.tco.demand import HOUR_US, Demand, Hour, from_hours
from farthing.store.engine import Connection
from farthing.store.reading import report


def read_demand(
    connection: Connection, since_us: int, until_us: int, *, tenant: str = "", where: Mapping[str, str] | None = None,
    batch_share: float = 0.0,
) -> Demand:  # fmt: skip
    """From the sums by hour, whole hours only; the span begins with the first call. Raises BadRequest where there is none,
    or for a `where` that no sums by hour are kept for."""
    asked = dict(where or {})
    until = until_us // HOUR_US * HOUR_US
    rows = report(connection, "hour", since_us // HOUR_US * HOUR_US, until, tenant=tenant, where=asked)
    hours = [Hour(_hour(row.key), row.calls, row.in_tokens, row.cached_tokens, row.out_tokens) for row in rows]
    first = min((each.hour_us for each in hours), default=until - HOUR_US)
    said = ", ".join(f"{name} {value}" for name, value in asked.items()) or "all calls"
    days = (until - first) / HOUR_US / 24
    return from_hours(hours, first, until, batch_share, f"ledger, {said}, {days:.1f} days")


def _hour(key: str) -> int:
    moment = datetime.fromisoformat(key.replace("Z", "+00:00"))
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
