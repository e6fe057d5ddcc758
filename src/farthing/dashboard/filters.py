"""What a page is narrowed to, read from its address and written back into addresses: period, scope, comparison."""

from collections.abc import Mapping
from urllib.parse import urlencode

import msgspec
from starlette.datastructures import QueryParams

from farthing.dashboard.periods import DEFAULT, Period, period_of
from farthing.model.errors import BadRequest
from farthing.store.reading import DIMENSIONS, FILTERS

SCOPES = tuple(name for name in FILTERS if name != "tenant")
"""Names that an address may fix to a value. Reports keep sums by `DIMENSIONS`; the rest narrow lists of calls."""
LONGEST = 1_024
"""Characters of a value."""


class Filters(msgspec.Struct, frozen=True):
    """As the address says them."""

    period: Period
    where: dict[str, str] = {}
    """Fixed dimensions, by name. An empty value means the calls that said none."""
    compare: bool = False
    """Whether figures stand beside those of the period before."""
    tenant: str = ""
    """Only where it is not the caller's own."""

    @property
    def of_reports(self) -> dict[str, str]:
        """The part of `where` that sums are kept by."""
        return {name: value for name, value in self.where.items() if name in DIMENSIONS}


def filters_of(query: QueryParams, now_us: int) -> Filters:
    """`add` and `is` are one more name and its value, as a form without script can say them. Raises BadRequest."""
    where = {name: query[name] for name in SCOPES if name in query}
    if query.get("add") in SCOPES:
        where[query["add"]] = query.get("is", "")
    for name, value in where.items():
        if len(value) > LONGEST:
            raise BadRequest(f"{name} is too long: {LONGEST} characters at most.", param=name)
    return Filters(
        period_of(query.get("period", DEFAULT), now_us),
        where,
        query.get("compare") == "before",
        query.get("tenant", ""),
    )


def address(path: str, filters: Filters, changes: Mapping[str, str | None] | None = None) -> str:
    """`path` with the filters and what changes of them; a change to None takes a name away."""
    said: dict[str, str | None] = {
        "period": filters.period.name if filters.period.name != DEFAULT else None,
        "compare": "before" if filters.compare else None,
        "tenant": filters.tenant or None,
        **filters.where,
        **(changes or {}),
    }
    query = urlencode({name: value for name, value in said.items() if value is not None})
    return f"{path}?{query}" if query else path
