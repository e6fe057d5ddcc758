"""Providers' exports of usage and costs as lines by day. They are read as `farthing reconcile` reads them, and hold no single
calls: no user, no prompt, no time of day. They say how cost is split, and nothing that needs a call."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from farthing.finops.reconcile.bill import ANY, Bill, is_tokens
from farthing.finops.reconcile.pages import rows_of
from farthing.model.errors import BadRequest
from farthing.model.money import Nano, nano_from_pico
from farthing.model.usage import Usage
from farthing.planner.imports.stream import Stream
from farthing.prices import PriceBook
from farthing.store.past_days import PastDay

LARGEST = 256 * 1024 * 1024
"""Bytes of such a file, which is read at once; a year of all keys and models is a tenth of that."""

Reader = Callable[[Iterable[dict[str, Any]]], Bill]


class Days(NamedTuple):
    """What a file holds."""

    lines: list[PastDay]
    notes: list[str]
    """What was odd about it."""
    bad: list[tuple[int, str]]
    """Rows that are none, counted from 1, and why."""


def read(path: Path, source: str, provider: str, reader: Reader, book: PriceBook) -> Days:
    """The lines of a file. Raises BadRequest where none can be read, OSError."""
    if path.stat().st_size > LARGEST:
        raise BadRequest(f"{path.name} is larger than {LARGEST >> 20} MB; export fewer days at a time")
    _refuse_packed(path)
    found = list(rows_of(path))
    bad: list[tuple[int, str]] = []
    try:
        bill = reader(found)
    except BadRequest as why:
        bill, bad = _row_by_row(found, reader)
        if bill.empty:
            raise why from None
    return Days(list(days(bill, source, provider, book)), bill.notes, bad)


def _row_by_row(rows: Iterable[dict[str, Any]], reader: Reader) -> tuple[Bill, list[tuple[int, str]]]:
    """What can be read of rows of which some cannot."""
    bill, bad = Bill(), []
    for number, row in enumerate(rows, 1):
        try:
            bill.add(reader([row]))
        except BadRequest as why:
            bad.append((number, why.message))
    return bill, bad


def _refuse_packed(path: Path) -> None:
    """Raises BadRequest for what is no text: such exports are small and come as they are."""
    stream = Stream(path)
    stream.close()
    with path.open("rb") as file:
        if file.read(2) == b"\x1f\x8b":
            raise BadRequest(f"{path.name} is packed; unpack exports of usage and costs first")


def days(bill: Bill, source: str, provider: str, book: PriceBook) -> Iterable[PastDay]:
    """Each line of the bill, usage with its price at our rates."""
    for each in bill.usage:
        cost = _cost(book, provider, each.model, each.tier, each.unit, each.count, each.day_us)
        yield PastDay(
            source, each.day_us, provider, _word(each.model), _word(each.tier), _word(each.key), "usage", each.unit,
            each.count, cost,
        )  # fmt: skip
    for line in bill.costs:
        yield PastDay(
            source, line.day_us, provider, _word(line.model), _word(line.tier), _word(line.key), "cost", _word(line.unit), 0,
            nano_from_pico(line.pico),
        )  # fmt: skip
    for calls in bill.requests:
        yield PastDay(
            source,
            calls.day_us,
            provider,
            _word(calls.model),
            "",
            _word(calls.key),
            "calls",
            "calls",
            calls.count,
            None,
        )


def _word(value: str) -> str:
    return "" if value == ANY else value


def _cost(book: PriceBook, provider: str, model: str, tier: str, unit: str, count: int, day_us: int) -> Nano | None:
    """At the rate of one unit: how long the single calls were, and so whether a long one was dearer, nobody says."""
    if model == ANY:
        return None
    one = Usage(**{unit: 1}) if is_tokens(unit) else Usage(requests={unit: 1})  # type: ignore[arg-type]
    priced = book.price(provider, model, one, tier=_word(tier), at_us=day_us)
    if priced.state == "unpriced" or len(priced.lines) != 1:
        return None
    return nano_from_pico(priced.lines[0].rate * count)
