"""The calculator on a page: its fields in the address -> what a transaction will cost. The same as `farthing unit estimate`."""

import asyncio
from collections.abc import Callable
from fractions import Fraction
from typing import Any, NamedTuple

from farthing.dashboard.formats import percent
from farthing.dashboard.units.against import Bar, bars
from farthing.dashboard.view import View
from farthing.finops.calculator import MOST_TOKENS, Asked, calculated, fraction_of
from farthing.finops.estimate import Estimate, trimmed
from farthing.model.errors import BadRequest
from farthing.model.money import Nano
from farthing.prices import PriceBook
from farthing.prices.configured import configured_book

PREFIX = "of_"
"""Of the fields' names in the address, where names such as `model` are filters already."""
LONGEST = 256

LABELS = {
    "model": "Model", "provider": "Price list", "in_tokens": "Input tokens", "cached": "Of them cached", "out_tokens": "Output tokens",
    "calls": "Calls", "retries": "Sent once more", "tool_calls": "Uses of tools", "tool_cost": "Dollars for one",
    "embeddings": "Embedding queries", "embedding_model": "Embedding model", "embedding_tokens": "Tokens of a query",
    "embedding_cost": "Dollars for a query", "plain": "Known cost", "kind": "Type", "human_minutes": "Minutes by hand",
    "hourly_rate": "Hourly rate", "human_cost": "Cost by hand", "review_minutes": "Minutes of review",
    "success_rate": "Success rate", "tools": "Tools of the price list", "volume": "Transactions a month",
}  # fmt: skip
_WHOLE = ("in_tokens", "cached", "out_tokens", "embedding_tokens")
_EXACT = (
    "calls", "retries", "tool_calls", "tool_cost", "embeddings", "embedding_cost", "plain", "human_minutes", "hourly_rate",
    "human_cost", "review_minutes", "success_rate",
)  # fmt: skip
_WORDS = ("model", "provider", "embedding_model", "kind")


class Result(NamedTuple):
    """What came of it."""

    lines: list[tuple[str, str, str]]
    """What, the sum in words, dollars."""
    cost: str
    bars: list[Bar]
    said: str
    """What is saved, in a sentence; empty where nobody said what it costs by hand."""
    state: str
    facts: list[tuple[str, str]]


class Calculator(NamedTuple):
    """The form as it stands."""

    typed: dict[str, str]
    kinds: list[tuple[str, str]]
    result: Result | None
    problem: str
    param: str


async def calculator(view: View) -> Calculator:
    settings = view.sources.settings
    typed = {name: view.query.get(PREFIX + name, "").strip() for name in LABELS}
    kinds = [("", "none"), *((name, name) for name in settings.transactions.types)]
    if not any(typed.values()):
        return Calculator(typed, kinds, None, "", "")
    try:
        asked, volume = asked_of(typed)
        book = await _book(view)
        found = calculated(book, settings.transactions, asked, view.now_us, lambda field: LABELS.get(field, field))
    except BadRequest as error:
        return Calculator(typed, kinds, None, error.message, error.param or "")
    return Calculator(typed, kinds, result_of(found, volume), "", "")


async def _book(view: View) -> PriceBook:
    """The prices that calls are booked at; read once."""
    memory, prices = view.sources.memory, view.sources.settings.prices
    book: PriceBook | None = memory.get("price book", None)
    if book is None:
        book = await asyncio.to_thread(configured_book, prices)
        memory.keep("price book", None, book)
    return book


def asked_of(typed: dict[str, str]) -> tuple[Asked, int | None]:
    """What was typed, and the transactions of a month. Raises BadRequest."""
    said: dict[str, Any] = {name: _number(typed[name], name, _whole) for name in _WHOLE if typed.get(name)}
    said |= {name: _number(typed[name], name, fraction_of) for name in _EXACT if typed.get(name)}
    said |= {name: typed[name][:LONGEST] for name in _WORDS if typed.get(name)}
    volume = _number(typed["volume"], "volume", _whole) if typed.get("volume") else None
    return Asked(**said, tools=_tools(typed.get("tools", ""))), volume


def _tools(text: str) -> dict[str, Fraction]:
    found: dict[str, Fraction] = {}
    for each in filter(None, (part.strip() for part in text[:4_096].split(","))):
        name, _, count = each.rpartition("=") if "=" in each else (each, "", "1")
        found[name.strip()] = _number(count, "tools", fraction_of)
    return found


def _whole(text: str) -> int:
    plain = text.strip().replace(",", "")
    if not (plain.isascii() and plain.isdigit()) or len(plain) > 10 or int(plain) > MOST_TOKENS:
        raise ValueError(f"{text[:60]!r} is no whole number up to {MOST_TOKENS:,}.")
    return int(plain)


def _number(text: str, name: str, read: Callable[[str], Any]) -> Any:
    try:
        return read(text)
    except ValueError as error:
        raise BadRequest(f"{LABELS[name]}: {error}", param=name) from None


def result_of(found: Estimate, volume: int | None) -> Result:
    lines = [
        (item.what if item.name == item.what else f"{item.what}, {item.name}", item.how, dollars(item.cost))
        for item in found.items
    ]
    facts: list[tuple[str, str]] = []
    handling = found.handling
    if handling is None:
        if found.review:
            facts.append(("People's time, spent all the same", dollars(found.review)))
        if volume:
            facts.append((f"{volume:,} a month", dollars(found.cost * volume)))
        return Result(lines, dollars(found.cost), [], "", "", facts)
    share, roi, even = handling.saved_share, handling.roi, handling.break_even
    verb = "saves" if handling.saved >= 0 else "loses"
    part = f", {percent(abs(float(share)))} of what it costs by hand" if share is not None else ""
    if roi is not None:
        facts.append(("Return on each dollar of AI and review", f"${float(roi):,.2f}"))
    if found.per_success is not None and found.success_rate < 1:
        facts.append(("AI and review for each that succeeds", dollars(found.per_success)))
    if even is not None:
        facts.append(("Pays from a success rate of", percent(float(even)) if even <= 1 else "none: it never pays"))
    if volume:
        facts.append((f"{volume:,} a month, AI", dollars(found.cost * volume)))
        facts.append(
            (f"{volume:,} a month, {'saved' if handling.saved >= 0 else 'lost'}", dollars(abs(handling.saved) * volume))
        )
    return Result(
        lines, dollars(found.cost), bars(handling, dollars), f"Each one {verb} {dollars(abs(handling.saved))}{part}.",
        "good" if handling.saved >= 0 else "bad", facts,
    )  # fmt: skip


def dollars(amount: Nano) -> str:
    """Exact, without zeros that say nothing; counts of the calculator are exact too."""
    return f"{'-' if amount < 0 else ''}${trimmed(abs(amount))}"
