"""OpenAI's usage and costs, as `organization/usage/*` and `organization/costs` give them in JSON, or the same as CSV.

`input_tokens` holds everything that went in, read from the cache and written to it too. Amounts are floats in dollars.
"""

import re
from collections.abc import Iterable
from decimal import Decimal

from farthing.finops.reconcile.bill import (
    ANY,
    CREDIT,
    OTHER,
    Bill,
    Cost,
    Requests,
    Usage,
    pico_of,
    tier_of,
)
from farthing.finops.reconcile.pages import Row, count, day_us, first_of, number, text_of
from farthing.model.errors import BadRequest

_FLOAT_BOUND = 1_000
"""Pico-dollars that a float may be off, beside its own 16 digits."""

_TOKENS_OF = {
    "tokens": 1,
    "1000_tokens": 1_000,
    "1k_tokens": 1_000,
    "1m_tokens": 1_000_000,
    "1000000_tokens": 1_000_000,
}
_ANTHROPIC = ("uncached_input_tokens", "cache_read_input_tokens", "token_type", "cost_usd")
_TIERS = ("batch", "flex", "priority", "scale")


def read(rows: Iterable[Row]) -> Bill:
    """Raises BadRequest for a row that is neither usage nor cost."""
    bill = Bill()
    for row in rows:
        if first_of(row, *_ANTHROPIC) is not None:
            raise BadRequest("this is a report of Anthropic's, not of OpenAI's")
        if first_of(row, "amount.value", "amount_value") is not None:
            _cost(bill, row)
        elif first_of(row, "input_tokens", "num_model_requests", "num_requests") is not None:
            _usage(bill, row)
        elif row.get("object") == "organization.costs.result" or "line_item" in row:
            bill.note("some cost lines say no amount")
        else:
            raise BadRequest(
                "this is no export of OpenAI's usage or costs: a row has neither input_tokens nor an amount"
            )
    if any(line.tier != "" for line in bill.costs):
        return bill
    bill.costs = [_without_tier(line) for line in bill.costs]
    return bill


def _without_tier(line: Cost) -> Cost:
    """No line names a tier, so lines are of all tiers together."""
    return Cost(line.day_us, line.model, ANY, line.unit, line.key, line.pico, line.bound, line.what)


def _day(row: Row) -> int:
    return day_us(first_of(row, "start", "start_time_iso", "start_time"))


def _key(row: Row) -> str:
    return text_of(row, "api_key_id", "project_id") or ANY


def _usage(bill: Bill, row: Row) -> None:
    day, model, key = _day(row), text_of(row, "model") or ANY, _key(row)
    tier = "batch" if str(row.get("batch")).lower() in ("true", "1") else tier_of(text_of(row, "service_tier"))
    if tier == ANY and row.get("batch") is not None:
        tier = ""
    for unit, tokens in _units(bill, row).items():
        if tokens:
            bill.usage.append(Usage(day, model, tier, unit, key, tokens))
    requests = count(row, "num_model_requests", "num_requests")
    if requests:
        bill.requests.append(Requests(day, model, key, requests))
        if "web_search" in str(row.get("object")):
            bill.usage.append(Usage(day, model, ANY, "web_search", key, requests))


def _units(bill: Bill, row: Row) -> dict[str, int]:
    """Disjoint classes from totals that hold each other."""
    cached, cached_audio = count(row, "input_cached_tokens"), count(row, "input_cached_audio_tokens")
    w12h = count(row, "input_cache_write_12h_tokens")
    written = max(count(row, "input_cache_write_tokens"), w12h + count(row, "input_cache_write_30m_tokens"))
    found = {
        "cache_read": cached - cached_audio, "cached_audio": cached_audio, "w30m": written - w12h, "w12h": w12h,
        "audio_in": count(row, "input_audio_tokens"), "image_in": count(row, "input_image_tokens"),
        "audio_out": count(row, "output_audio_tokens"), "image_out": count(row, "output_image_tokens"),
    }  # fmt: skip
    inside = sum(found[unit] for unit in ("cache_read", "cached_audio", "w30m", "w12h", "audio_in", "image_in"))
    found["uncached_in"] = count(row, "input_tokens") - inside
    found["out"] = count(row, "output_tokens") - found["audio_out"] - found["image_out"]
    if min(found.values()) < 0:
        bill.note("the classes of some usage rows are more than their total; what is below zero counts as none")
    return {unit: max(0, tokens) for unit, tokens in found.items()}


def _cost(bill: Bill, row: Row) -> None:
    currency = (text_of(row, "amount.currency", "amount_currency") or "usd").lower()
    if currency != "usd":
        raise BadRequest(f"amounts are in {currency}; the ledger is in US dollars")
    amount = number(first_of(row, "amount.value", "amount_value"), "amount")
    day, key, item = _day(row), _key(row), text_of(row, "line_item")
    model, tier, unit = line_item(item) if item is not None else (ANY, ANY, ANY)
    if amount < 0:
        unit = CREDIT
    pico = pico_of(amount)
    bill.costs.append(Cost(day, model, tier, unit, key, pico, _FLOAT_BOUND + abs(pico) // 10**12, item or ""))
    tokens = _tokens(row)
    if tokens and unit not in (OTHER, CREDIT, ANY):
        bill.quantities.append(Usage(day, model, ANY if tier == "" else tier, unit, key, tokens))


def _tokens(row: Row) -> int:
    """Tokens that a cost line is for; costs without usage can so be compared too."""
    per = _TOKENS_OF.get((text_of(row, "quantity_unit") or "").lower())
    return int((number(row.get("quantity"), "quantity") * Decimal(per)).to_integral_value()) if per is not None else 0


def line_item(item: str) -> tuple[str, str, str]:
    """Model, tier and class of a line item such as `gpt-5-mini-2025-08-07, cached input`; tier empty where it says
    none, model ANY and class OTHER where the words mean nothing known."""
    model, comma, said = item.partition(",")
    if not comma:
        said, model = item, ANY
    words = _words(said)
    tier = next((tier for tier in _TIERS if tier in words | _words(model)), "")
    unit = _unit(words)
    if unit == OTHER and not comma:
        return ANY, "", OTHER
    for tier_word in _TIERS:
        model = re.sub(rf"\s+{tier_word}$", "", model.strip(), flags=re.IGNORECASE)
    return (model.strip() or ANY), tier, unit


def _words(text: str) -> set[str]:
    return set(re.split(r"[\s_,\-/()]+", text.lower()))


def _unit(words: set[str]) -> str:
    if {"web", "search"} <= words:
        return "web_search"
    if {"file", "search"} <= words:
        return "file_search"
    audio, image = "audio" in words, "image" in words
    if words & {"output", "completion", "generated"}:
        return "audio_out" if audio else "image_out" if image else "out"
    if "write" in words or "writes" in words:
        return "w12h" if words & {"12h", "12"} else "w30m"
    if words & {"cached", "cache"}:
        return "cached_audio" if audio else "cache_read"
    if words & {"input", "prompt", "embedding", "embeddings"}:
        return "audio_in" if audio else "image_in" if image else "uncached_in"
    return OTHER
