"""Rate cards as values: what a price list says (read from JSON), and what a call is priced with (compiled integers).

Knows the names of units and how much one costs; which card is meant, and what to do where one is silent, is `book`.
"""

from collections.abc import Callable
from datetime import date, time
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from operator import attrgetter
from typing import Any

import msgspec

from farthing.model.money import Nano, Pico
from farthing.model.record import PricedLine
from farthing.model.usage import CostState, Usage
from farthing.prices.match import Clause

INPUT_UNITS = (
    "uncached_in", "cache_read", "w5m", "w1h", "w30m", "w12h", "audio_in", "image_in", "cached_audio", "tool_in"
)  # fmt: skip
OUTPUT_UNITS = ("out", "audio_out", "image_out")
TOKEN_UNITS = INPUT_UNITS + OUTPUT_UNITS
"""The buckets of `Usage` that are billed, in the order in which `token_counts` reads them."""

REQUEST_UNITS = {
    "web_search": 1_000, "file_search": 1_000, "x_search": 1_000, "request": 1_000, "rerank": 1_000, "message": 1_000,
    "page": 1_000, "annotated_page": 1_000, "character": 1_000_000, "audio_second": 3_600, "training": 1_000_000,
}  # fmt: skip
"""What else is billed, and how many of it one listed price is for: dollars per 1,000 searches, per hour of audio."""

ALIASES = {"input": "uncached_in", "output": "out"}
"""What people call these units in contracts and overlays."""

token_counts: Callable[[Usage], tuple[int, ...]] = attrgetter(*TOKEN_UNITS)

Amount = str | dict[str, str]
"""Dollars for the listed number of units; by band: {"0": below, "200000": above 200,000 tokens of input}."""


class Price(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The rates of one service tier from one day on, or for some hours of each day (UTC)."""

    rates: dict[str, Amount]
    tier: str = ""
    valid_from: date | None = None
    hours: tuple[time, time] | None = None
    source: str = ""


class RateCard(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What one price list says about one model. The last price of a tier that is in force counts."""

    id: str
    match: Clause
    prices: list[Price]
    context_window: int | None = None
    note: str = ""


class Family(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Rules that hold for a family of models where its cards give no rate; what they derive is marked `family_rate`."""

    match: Clause
    source: str
    valid_from: date | None = None
    of_input: dict[str, str] = {}
    """Unit -> factor on the input rate of the tier in force, such as cache_read: 0.1."""
    tiers: dict[str, dict[str, str]] = {}
    """Tier -> unit (`*` for all others) -> factor on the standard rate of the same unit."""
    geo: dict[str, str] = {}
    """Data residency -> factor on every token class. This is the list price, not a guess, and marks nothing."""


class CardFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One provider's cards, as they lie in `cards/`, in `overlay/` or in a file that the settings name."""

    provider: str
    source: str
    models: list[RateCard]
    licence: str = ""
    version: str = ""
    compiled: date | None = None
    fallback: list[str] = []
    """Providers whose standard prices hold for models that this file lacks."""
    families: list[Family] = []


class Contract(msgspec.Struct, frozen=True):
    """What was agreed with a provider, for the models that a pattern names."""

    provider: str
    models: list[str] = ["*"]
    percent_off: str = ""
    rates: dict[str, str] = {}
    """Unit -> dollars per 1M (or as listed in REQUEST_UNITS), instead of the list price, in every tier and band."""
    valid_from: date | None = None
    valid_to: date | None = None
    """The last day, included."""


class Band(msgspec.Struct, frozen=True):
    """Rates for calls with more than `above` tokens of input, in pico-dollars a unit; None where no rate is known."""

    above: int
    tokens: tuple[Pico | None, ...]
    """In the order of TOKEN_UNITS."""
    requests: dict[str, Pico]
    list_tokens: tuple[Pico | None, ...] | None
    """The list price, where a contract changed it."""
    list_requests: dict[str, Pico]
    derived: frozenset[str]
    """Units whose rate came from a family rule."""


class Rates(msgspec.Struct, frozen=True):
    """All that one price needs: one model, tier, residency and contract, while nothing of these changes."""

    from_us: int
    until_us: int
    version: str
    bands: tuple[Band, ...]
    """By `above`, the highest first; the last is for all the rest."""
    flags: tuple[str, ...]
    state: CostState


class Card(msgspec.Struct, frozen=True):
    """The rate cards that speak for one model of one provider, the first word first."""

    provider: str
    id: str
    model: str
    cards: tuple[RateCard, ...]
    families: tuple[Family, ...]
    context_window: int | None = None
    flags: tuple[str, ...] = ()


class Priced(msgspec.Struct):
    """What an attempt costs, and how that is known."""

    state: CostState
    nano: Nano = 0
    lines: list[PricedLine] = []
    version: str = ""
    flags: list[str] = []
    list_nano: Nano = 0
    """The same at list price; the same amount where no contract holds."""


def unit_name(name: str) -> str:
    """The unit of a rate as people may write it. Raises ValueError for one that is not known."""
    unit = ALIASES.get(name, name)
    if unit not in TOKEN_UNITS and unit not in REQUEST_UNITS:
        raise ValueError(f"{name!r} is no unit; known are {', '.join((*ALIASES, *TOKEN_UNITS, *REQUEST_UNITS))}")
    return unit


def pico_rate(unit: str, amount: str) -> Pico:
    """Pico-dollars for one unit of a listed price; half to even where a price list is finer than that."""
    try:
        listed = Decimal(amount)
    except InvalidOperation:
        raise ValueError(f"{amount!r} is not an amount in dollars") from None
    if not listed.is_finite() or listed < 0:
        raise ValueError(f"{amount!r} is not an amount in dollars")
    return whole(listed * 1_000_000_000_000 / REQUEST_UNITS.get(unit, 1_000_000))


def whole(pico: Decimal) -> Pico:
    """The nearest integer, half to even: a rate is an integer of pico-dollars."""
    return int(pico.to_integral_value(ROUND_HALF_EVEN))


def bands_of(unit: str, amount: Amount) -> tuple[tuple[int, Pico], ...]:
    """(above, rate) by rising `above`; the first is above 0."""
    if isinstance(amount, str):
        return ((0, pico_rate(unit, amount)),)
    try:
        bands = sorted((int(above), pico_rate(unit, price)) for above, price in amount.items())
    except ValueError as error:
        raise ValueError(f"{unit}: {error}") from None
    if not bands or bands[0][0] != 0:
        raise ValueError(f"{unit}: bands start at 0, such as {{'0': '3', '200000': '6'}}")
    return tuple(bands)


def read_cards(data: bytes, name: str) -> CardFile:
    """The card file in `data`. Raises ValueError that names the file, the place and what is wrong."""
    try:
        return msgspec.json.decode(data, type=CardFile)
    except msgspec.MsgspecError as error:
        raise ValueError(f"{name}: {error}") from None


def check_cards(file: CardFile, name: str) -> None:
    """Look at every amount of a file that a person wrote. Raises ValueError that names the model and the unit."""
    for card in file.models:
        for price in card.prices:
            for unit, amount in price.rates.items():
                try:
                    bands_of(unit_name(unit), amount)
                except ValueError as error:
                    raise ValueError(f"{name}: model {card.id}: {error}") from None


