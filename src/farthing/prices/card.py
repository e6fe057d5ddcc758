"""Rate cards as values: what a price list says about a model, as it lies in a file.

Knows the names of units, and how much one costs. Which card is meant is `book`, what a card comes to for one tier and
day is `rates`.
"""

import tomllib
from collections.abc import Callable
from datetime import date, time
from decimal import Decimal
from operator import attrgetter
from pathlib import Path

import msgspec

from farthing.model.usage import Usage
from farthing.prices.match import Clause

INPUT_UNITS = (
    "uncached_in", "cache_read", "w5m", "w1h", "w30m", "w12h", "audio_in", "image_in", "cached_audio", "tool_in"
)  # fmt: skip
OUTPUT_UNITS = ("out", "audio_out", "image_out")
TOKEN_UNITS = INPUT_UNITS + OUTPUT_UNITS
"""The buckets of `Usage` that are billed, in the order in which `token_counts` reads them."""

token_counts: Callable[[Usage], tuple[int, ...]] = attrgetter(*TOKEN_UNITS)

REQUEST_UNITS = {
    "web_search": 1_000, "web_fetch": 1_000, "file_search": 1_000, "x_search": 1_000, "maps_search": 1_000,
    "code_session": 1_000, "request": 1_000, "rerank": 1_000, "message": 1_000, "page": 1_000, "annotated_page": 1_000,
    "image": 1_000, "character": 1_000_000, "audio_second": 3_600, "training": 1_000_000, "cached_token_hour": 1_000_000,
}  # fmt: skip
"""What else is billed, and how many of it one listed price is for: dollars per 1,000 searches, per hour of audio, per
1M training tokens, per 1M tokens that lie in an explicit cache for an hour."""

ALIASES = {"input": "uncached_in", "output": "out"}
"""What people call these units in contracts and card files."""

Amount = Decimal | dict[str, Decimal]
"""Dollars for the listed number of units; by band: {"0": below, "200000": above 200,000 tokens of input}."""

Ladder = tuple[tuple[int, Decimal], ...]
"""(above, pico-dollars a unit) by rising `above`; the first is above 0."""

_PICO = Decimal(1_000_000_000_000)


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
    match: Clause | None = None
    """Which ids are meant, beside `id` itself."""
    prices: list[Price] = []
    context_window: int | None = None
    note: str = ""

    def matches(self, model: str) -> bool:
        """Whether `model`, in lower case, is meant."""
        return self.match.matches(model) if self.match is not None else model == self.id.lower()


class Family(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A rule for a family of models where their cards give no rate; a rate so derived is marked `family_rate`."""

    match: Clause
    source: str
    valid_from: date | None = None
    of_input: dict[str, Decimal] = {}
    """Unit -> factor on the input rate of the tier in force, such as cache_read: 0.1."""
    tiers: dict[str, dict[str, Decimal]] = {}
    """Tier -> unit (`*` for all others) -> factor on the standard rate of the same unit."""
    same: dict[str, str] = {}
    """Unit -> unit at whose rate it is billed."""
    events: dict[str, Decimal] = {}
    """Event -> dollars for the listed number, whatever the model and the tier."""
    geo: dict[str, Decimal] = {}
    """Data residency -> factor on every token class."""
    listed: bool = False
    """The price list itself states these factors, so that nothing is guessed and nothing marked."""


class CardFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One provider's cards, as they lie in `cards/`, in `overlay/` or in a file that the settings name."""

    provider: str
    models: list[RateCard] = []
    source: str = ""
    licence: str = ""
    version: str = ""
    compiled: date | None = None
    fallback: list[str] = []
    """Providers whose standard prices hold for models that this file lacks."""
    families: list[Family] = []
    endpoints: dict[str, str] = {}
    """Data residency -> what the list's model ids start with there, where the same model has a price for each."""


def unit_name(name: str) -> str:
    """The unit of a rate as people may write it. Raises ValueError for one that is not known."""
    unit = ALIASES.get(name, name)
    if unit not in TOKEN_UNITS and unit not in REQUEST_UNITS:
        raise ValueError(f"{name!r} is no unit; known are {', '.join((*ALIASES, *TOKEN_UNITS, *REQUEST_UNITS))}")
    return unit


def ladder_of(unit: str, amount: Amount) -> Ladder:
    """The exact pico-dollars a unit, by band. Raises ValueError for an amount or a band that is none."""
    listed_for = REQUEST_UNITS.get(unit, 1_000_000)
    if isinstance(amount, Decimal):
        return ((0, _pico(amount, listed_for)),)
    try:
        ladder = tuple(sorted((int(above), _pico(price, listed_for)) for above, price in amount.items()))
    except ValueError as error:
        raise ValueError(f"{unit}: {error}") from None
    if not ladder or ladder[0][0] != 0:
        raise ValueError(f"{unit}: bands start at 0, such as {{'0': '3', '200000': '6'}}")
    return ladder


def read_cards(path: Path) -> CardFile:
    """The card file at `path`, JSON or TOML. Raises ValueError that names the file, the place and what is wrong, and
    OSError where it cannot be read."""
    data = path.read_bytes()
    try:
        if path.suffix == ".toml":
            raw = tomllib.loads(data.decode(), parse_float=Decimal)
            return msgspec.convert(raw, CardFile, strict=False)
        return msgspec.json.decode(data, type=CardFile)
    except (msgspec.MsgspecError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path.name}: {error}") from None


def check_cards(file: CardFile, name: str) -> None:
    """Look at everything in a file that a person wrote. Raises ValueError that names the model and the unit."""
    for family in file.families:
        family.match.check()
        for unit in (*family.of_input, *family.same, *family.same.values(), *family.events):
            unit_name(unit)
    for card in file.models:
        try:
            if card.match is not None:
                card.match.check()
            for price in card.prices:
                for unit, amount in price.rates.items():
                    ladder_of(unit_name(unit), amount)
        except ValueError as error:
            raise ValueError(f"{name}: model {card.id}: {error}") from None


def _pico(dollars: Decimal, listed_for: int) -> Decimal:
    if not dollars.is_finite() or dollars < 0:
        raise ValueError(f"{dollars} is not an amount in dollars")
    return dollars * _PICO / listed_for
