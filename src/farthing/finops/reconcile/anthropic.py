"""Anthropic's usage and cost report, as its admin API gives them in JSON, or as CSV from the API or the console.

Classes are disjoint: `uncached_input_tokens` holds neither what was read from the cache nor what was written to it. Amounts
of the cost report are decimal texts in CENTS: "123.45" is $1.2345. The console's CSV has dollars, in `cost_usd`.
"""

from collections.abc import Iterable

from farthing.finops.reconcile.bill import ANY, CREDIT, OTHER, Bill, Cost, Usage, pico_of, printed_bound, tier_of
from farthing.finops.reconcile.pages import Row, count, day_us, first_of, number, text_of
from farthing.model.errors import BadRequest

_CLASSES = {
    "uncached_in": ("uncached_input_tokens", "usage_input_tokens_no_cache", "input_tokens_no_cache"),
    "cache_read": ("cache_read_input_tokens", "usage_input_tokens_cache_read", "input_tokens_cache_read"),
    "w5m": (
        "cache_creation.ephemeral_5m_input_tokens", "usage_input_tokens_cache_write_5m", "input_tokens_cache_write_5m",
    ),
    "w1h": (
        "cache_creation.ephemeral_1h_input_tokens", "usage_input_tokens_cache_write_1h", "input_tokens_cache_write_1h",
    ),
    "out": ("output_tokens", "usage_output_tokens"),
    "web_search": ("server_tool_use.web_search_requests", "web_search_count", "web_search_requests"),
}  # fmt: skip
"""Columns of a usage report by class."""

_TOKEN_TYPES = {
    "uncached_input_tokens": "uncached_in", "output_tokens": "out", "cache_read_input_tokens": "cache_read",
    "cache_creation.ephemeral_5m_input_tokens": "w5m", "cache_creation.ephemeral_1h_input_tokens": "w1h",
    "input_no_cache": "uncached_in", "input_cache_read": "cache_read", "input_cache_write_5m": "w5m",
    "input_cache_write_1h": "w1h", "output": "out",
}  # fmt: skip
_EVENTS = {"web_search": "web_search", "code_execution": "code_session", "session_usage": OTHER}
_USAGE = tuple(name for unit, names in _CLASSES.items() if unit != "web_search" for name in names)


def read(rows: Iterable[Row]) -> Bill:
    """Raises BadRequest for a row that is neither usage nor cost."""
    bill = Bill()
    for row in rows:
        if first_of(row, "amount", "cost_usd", "cost_cents", "amount_cents") is not None:
            _cost(bill, row)
        elif first_of(row, *_USAGE) is not None and "num_model_requests" not in row:
            _usage(bill, row)
        else:
            raise BadRequest("this is no usage or cost report of Anthropic: a row has neither tokens nor an amount")
    return bill


def _day(row: Row) -> int:
    return day_us(first_of(row, "start", "starting_at", "usage_date_utc", "date"))


def _key(row: Row) -> str:
    return text_of(row, "api_key_id", "api_key", "workspace_id", "workspace") or ANY


def _model(row: Row) -> str:
    return text_of(row, "model", "model_version") or ANY


def _usage(bill: Bill, row: Row) -> None:
    day, model, key = _day(row), _model(row), _key(row)
    tier = _tier(bill, row)
    for unit, names in _CLASSES.items():
        found = count(row, *names)
        if found:
            bill.usage.append(Usage(day, model, tier, unit, key, found))


def _tier(bill: Bill, row: Row) -> str:
    tier = tier_of(text_of(row, "service_tier", "usage_type"))
    if tier in ("priority", "priority_on_demand"):
        bill.note("priority-tier tokens are in the usage report; the cost report leaves their cost out")
    return tier


def _cost(bill: Bill, row: Row) -> None:
    currency = (text_of(row, "currency") or "USD").upper()
    if currency != "USD":
        raise BadRequest(f"amounts are in {currency}; the ledger is in US dollars")
    cents = "cost_usd" not in row
    amount = number(first_of(row, "cost_usd", "amount", "cost_cents", "amount_cents"), "amount")
    kind, token_type = text_of(row, "cost_type"), text_of(row, "token_type")
    if amount < 0:
        unit = CREDIT
    elif token_type is not None:
        unit = _TOKEN_TYPES.get(token_type, OTHER)
    elif kind is not None and kind != "tokens":
        unit = _EVENTS.get(kind, OTHER)
    else:
        unit = ANY
    grouped = kind is not None or token_type is not None
    model = _model(row) if unit not in ("web_search", "code_session", OTHER, CREDIT) or "model" in row else ANY
    tier = _tier(bill, row) if grouped or "service_tier" in row else ANY
    what = text_of(row, "description") or ""
    bill.costs.append(
        Cost(
            _day(row), model, tier, unit, _workspace(row), pico_of(amount, cents=cents),
            printed_bound(amount, cents=cents), what,
        )
    )  # fmt: skip


def _workspace(row: Row) -> str:
    """The cost report knows workspaces, not keys."""
    return text_of(row, "api_key_id", "api_key", "workspace_id", "workspace") or ANY
