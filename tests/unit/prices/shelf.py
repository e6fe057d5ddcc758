"""Card files small enough to be read in a test, and the moments that tests price at."""

from datetime import UTC, datetime

import msgspec

from farthing.prices import Contract, PriceBook
from farthing.prices.card import CardFile


def us(moment: str) -> int:
    """Microseconds since 1970 of a time in UTC."""
    return int(datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp()) * 1_000_000


NOON = us("2026-11-25T12:00")


def cards(**members: object) -> CardFile:
    return msgspec.convert({"provider": "acme", "version": "r1", **members}, CardFile, strict=False)


def model(*prices: dict[str, object], id: str = "m", **members: object) -> dict[str, object]:
    return {"id": id, "prices": list(prices), **members}


def book(*files: CardFile, contracts: tuple[Contract, ...] = ()) -> PriceBook:
    return PriceBook(files, contracts)
