"""A provider's bill in one form, whatever its export looked like. Knows no provider and no file.

Amounts are pico-dollars, exact; a price of a unit is a fraction of two of them.
"""

from decimal import ROUND_HALF_EVEN, Decimal

import msgspec

from farthing.model.errors import BadRequest
from farthing.prices.card import INPUT_UNITS, TOKEN_UNITS

ANY = "*"
"""What a line says of a dimension that its export was not grouped by."""

OTHER = "other"
"""The unit of charges that are no tokens and no event that Farthing knows."""

CREDIT = "credit"
"""The unit of amounts that the provider takes off."""

DAY_US = 86_400_000_000

PICO_PER_DOLLAR = 10**12

STANDARD = ("", "standard", "default", "auto", "on_demand")


class Usage(msgspec.Struct, frozen=True):
    """Units that the provider counted."""

    day_us: int
    """Start of the day, as the export cuts days."""
    model: str
    tier: str
    unit: str
    """A class of `TOKEN_UNITS`, or an event such as `web_search`."""
    key: str
    """The provider's id of the key, else of the project or workspace; ANY where the export does not say."""
    count: int


class Cost(msgspec.Struct, frozen=True):
    """Money that the provider asks for."""

    day_us: int
    model: str
    tier: str
    unit: str
    key: str
    pico: int
    bound: int = 0
    """Pico-dollars by which rounding of the printed amount may have changed it."""
    what: str = ""
    """The charge in the provider's words."""


class Requests(msgspec.Struct, frozen=True):
    """How many calls the provider counted."""

    day_us: int
    model: str
    key: str
    count: int


class Bill(msgspec.Struct):
    """All lines of one or more files."""

    usage: list[Usage] = []
    quantities: list[Usage] = []
    """Units that cost lines themselves are for; they stand in where no usage was exported."""
    costs: list[Cost] = []
    requests: list[Requests] = []
    notes: list[str] = []
    """What was odd about the files, in words; each once."""

    def note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)

    @property
    def days(self) -> list[int]:
        """Every day that a line is for, in order."""
        return sorted({line.day_us for line in self.costs} | {line.day_us for line in self.usage})

    @property
    def empty(self) -> bool:
        return not self.usage and not self.costs

    def add(self, other: "Bill") -> None:
        """Take another file's lines in too."""
        for name in ("usage", "quantities", "costs", "requests"):
            getattr(self, name).extend(getattr(other, name))
        for text in other.notes:
            self.note(text)


def is_input(unit: str) -> bool:
    return unit in INPUT_UNITS


def is_tokens(unit: str) -> bool:
    return unit in TOKEN_UNITS


def tier_of(name: str | None) -> str:
    """A service tier as the ledger has it; ANY for None."""
    if name is None:
        return ANY
    tier = name.strip().lower().removesuffix("-tier").removesuffix("_tier").replace(" ", "_")
    return "" if tier in STANDARD else tier


def pico_of(amount: Decimal, *, cents: bool = False) -> int:
    """Pico-dollars of an amount in dollars or cents, half to even. Raises BadRequest for one that is no amount."""
    if not amount.is_finite():
        raise BadRequest(f"{amount} is not an amount of money")
    return int((amount * PICO_PER_DOLLAR / (100 if cents else 1)).to_integral_value(ROUND_HALF_EVEN))


def printed_bound(amount: Decimal, *, cents: bool = False) -> int:
    """Half a unit of the last digit that was printed, at most half a cent: what rounding may have changed."""
    exponent = amount.as_tuple().exponent
    half = Decimal((0, (5,), (exponent if isinstance(exponent, int) else 0) - 1))
    return min(pico_of(half, cents=cents), PICO_PER_DOLLAR // 200)
