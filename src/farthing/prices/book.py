"""The price book: every card at hand, and what one attempt costs.

    contract > file of the user > overlay > base      who is asked first for each rate
    tier > band > residency > contract                in which order a rate comes about, then one rounding

A rate that is not known is never zero: a unit that was used and has none makes the attempt `unpriced`. Knows nothing of
calls, answers and the store; what rates come to for a tier and day is `rates`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import msgspec

from farthing.model.money import Nano, Pico, nano_from_pico
from farthing.model.record import PricedLine
from farthing.model.usage import CostState, Usage
from farthing.prices.card import TOKEN_UNITS, CardFile, Family, RateCard, check_cards, read_cards, token_counts
from farthing.prices.match import forms_of
from farthing.prices.odd import odd_contracts, odd_prices
from farthing.prices.rates import FOREVER_US, Band, Card, Contract, Listed, Rates, rates_at

CARDS = Path(__file__).parent / "cards"
"""The base: compiled from genai-prices by `compile_cards`."""
OVERLAY = Path(__file__).parent / "overlay"
"""What the base lacks or has wrong, each row with its source."""

MEMORY = 4_096
"""How many names are remembered: callers choose them, so that there must be an end."""

UNDATED = "undated_price"
"""The mark of a snapshot that no list names: the price is that of the model without the date."""


class Priced(msgspec.Struct):
    """What an attempt costs, and how that is known."""

    state: CostState
    """computed, estimated (from estimated usage), or unpriced."""
    nano: Nano = 0
    """0 while unpriced: then `flags` name the units that have no rate (`no_rate:w12h`), and `lines` are the others."""
    lines: list[PricedLine] = []
    version: str = ""
    flags: list[str] = []
    list_nano: Nano = 0
    """The same at list price; the same amount where no contract holds."""


class Pricing(Protocol):
    """Says what usage costs; see `PriceBook.price`."""

    def price(
        self, provider: str, model: str, usage: Usage, *, tier: str = "", geo: str = "", at_us: int,
        estimated: bool = False,
    ) -> Priced: ...  # fmt: skip


class PriceBook:
    """Rate cards in the order of their word; lookups and rates are remembered."""

    def __init__(self, files: Sequence[CardFile], contracts: Sequence[Contract] = ()) -> None:
        self._files = _by_provider(files)
        self._contracts = tuple(contracts)
        self._cards: dict[tuple[str, str], Card | None] = {}
        self._rates: dict[tuple[str, str, str, str], Rates] = {}
        self.warnings: list[str] = []
        """Prices of users' files and contracts that look like a wrong unit."""

    @classmethod
    def load(cls, *, contracts: Sequence[Contract] = (), files: Sequence[Path] = ()) -> "PriceBook":
        """The shipped cards, with the user's files before them. Raises ValueError that names the file or the contract
        and what is wrong, and OSError where a file cannot be read."""
        for contract in contracts:
            contract.check()
        own = [_own_file(path) for path in files]
        shipped = shipped_files()
        book = cls([*own, *shipped], contracts)
        book.warnings = [*odd_prices(own, shipped), *odd_contracts(contracts, book.card)]
        return book

    def card(self, provider: str, model: str) -> Card | None:
        """All that is known of the price of a model, under any of its ids; None where nothing is."""
        key = (provider, model)
        if key not in self._cards:
            _make_room(self._cards)
            self._cards[key] = self._find(provider, model)
        return self._cards[key]

    def models(self, provider: str) -> list[str]:
        """The ids of the provider's models that have a price, sorted."""
        names = [provider, *(name for file in self._files.get(provider, ()) for name in file.fallback)]
        cards = (card for name in names for file in self._files.get(name, ()) for card in file.models)
        return sorted({card.id for card in cards if card.prices})

    def price(
        self, provider: str, model: str, usage: Usage, *, tier: str = "", geo: str = "", at_us: int,
        estimated: bool = False,
    ) -> Priced:  # fmt: skip
        """What `usage` costs at `at_us` (microseconds since 1970): the model that ran, the tier that served, the
        residency that the answer names. Never raises."""
        rates = self._rates.get((provider, model, tier, geo))
        if rates is None or not rates.from_us <= at_us < rates.until_us:
            rates = self._work_out(provider, model, tier, geo, at_us)
        bands = rates.bands
        if not bands:
            return Priced("unpriced", flags=["no_price", *rates.flags])
        band = bands[0] if len(bands) == 1 else _band(bands, usage.total_in)
        pico = 0
        lines: list[PricedLine] = []
        missing: list[str] = []
        tokens = band.tokens
        for place, count in enumerate(token_counts(usage)):
            if count:
                rate = tokens[place]
                if rate is None:
                    missing.append(TOKEN_UNITS[place])
                else:
                    pico += count * rate
                    lines.append(PricedLine(TOKEN_UNITS[place], count, rate))
        if usage.requests:
            pico += _events(usage.requests, rates.requests, lines, missing)
        flags = [*rates.flags, *_marks(rates.marks, lines)] if rates.flags or rates.marks else []
        if missing:
            flags.extend(f"no_rate:{unit}" for unit in missing)
            return Priced("unpriced", 0, lines, rates.version, flags)
        nano = nano_from_pico(pico)
        at_list = nano
        if band.listed is not None:
            at_list, lines = _list_nano(lines, band.listed), _with_list(lines, band.listed)
        return Priced("estimated" if estimated else "computed", nano, lines, rates.version, flags, at_list)

    def rates(self, provider: str, model: str, *, tier: str = "", geo: str = "", at_us: int) -> Rates:
        """The rates that `price` prices by; without bands where no list knows the model."""
        rates = self._rates.get((provider, model, tier, geo))
        if rates is None or not rates.from_us <= at_us < rates.until_us:
            rates = self._work_out(provider, model, tier, geo, at_us)
        return rates

    def next_change(self, at_us: int) -> int:
        """The first moment after `at_us` at which a rate that was asked for so far may be another."""
        return min((rates.until_us for rates in self._rates.values() if rates.until_us > at_us), default=FOREVER_US)

    def _work_out(self, provider: str, model: str, tier: str, geo: str, at_us: int) -> Rates:
        card = self.card(provider, self._endpoint(provider, geo) + model) or self.card(provider, model)
        rates = rates_at(card, tier, geo, at_us) if card is not None else Rates()
        _make_room(self._rates)
        self._rates[provider, model, tier, geo] = rates
        return rates

    def _endpoint(self, provider: str, geo: str) -> str:
        return next((file.endpoints[geo] for file in self._files.get(provider, ()) if geo in file.endpoints), "")

    def _find(self, provider: str, model: str) -> Card | None:
        contracts = tuple(each for each in self._contracts if each.covers(provider, model))
        for name, undated in forms_of(model):
            listed = tuple(self._listed(provider, name))
            if listed:
                window = next((each.card.context_window for each in listed if each.card.context_window), None)
                families = _families(self._files.get(provider, ()), name)
                flags = (UNDATED,) if undated else ()
                return Card(provider, listed[0].card.id, model, listed, families, contracts, window, flags)
        # No list has it; a contract that names rates is enough.
        return Card(provider, model, model, contracts=contracts) if any(each.rates for each in contracts) else None

    def _listed(self, provider: str, name: str) -> Iterator[Listed]:
        """The first card of each file that means `name`, or what the file borrows for models that it lacks."""
        for file in self._files.get(provider, ()):
            card = _first_card(file, name)
            if card is not None:
                yield Listed(file.version, card)
            else:
                yield from self._lent(file.fallback, name)

    def _lent(self, lenders: Iterable[str], name: str) -> list[Listed]:
        """The standard prices of the first provider that has the model."""
        for lender in lenders:
            found = ((file, _first_card(file, name)) for file in self._files.get(lender, ()))
            lent = [Listed(file.version, _standard_only(card)) for file, card in found if card is not None]
            if lent:
                return lent
        return []


def shipped_files() -> list[CardFile]:
    """The overlay, then the base. Read once: a plan makes a dozen books."""
    return list(_shipped())


@cache
def _shipped() -> tuple[CardFile, ...]:
    return tuple(read_cards(path) for folder in (OVERLAY, CARDS) for path in sorted(folder.glob("*.json")))


def _own_file(path: Path) -> CardFile:
    file = read_cards(path)
    check_cards(file, path.name)
    return file if file.version else msgspec.structs.replace(file, version=path.stem)


def _by_provider(files: Iterable[CardFile]) -> dict[str, list[CardFile]]:
    sorted_out: dict[str, list[CardFile]] = {}
    for file in files:
        sorted_out.setdefault(file.provider, []).append(file)
    return sorted_out


def _first_card(file: CardFile, name: str) -> RateCard | None:
    return next((card for card in file.models if card.prices and card.matches(name)), None)


def _standard_only(card: RateCard) -> RateCard:
    return msgspec.structs.replace(card, prices=[price for price in card.prices if not price.tier])


def _families(files: Iterable[CardFile], name: str) -> tuple[Family, ...]:
    return tuple(family for file in files for family in file.families if family.match.matches(name))


def _band(bands: tuple[Band, ...], total_in: int) -> Band:
    for band in bands:
        if total_in > band.above:
            return band
    return bands[-1]


def _events(counts: Mapping[str, int], rates: Mapping[str, Pico], lines: list[PricedLine], missing: list[str]) -> Pico:
    """Bill what is counted by name: adds to `lines` and `missing`, returns the sum."""
    pico = 0
    for unit, count in counts.items():
        rate = rates.get(unit)
        if count and rate is None:
            missing.append(unit)
        elif count and rate is not None:
            pico += count * rate
            lines.append(PricedLine(unit, count, rate))
    return pico


def _marks(marks: Mapping[str, str], lines: Iterable[PricedLine]) -> list[str]:
    found: list[str] = []
    for line in lines:
        mark = marks.get(line.unit)
        if mark is not None and mark not in found:
            found.append(mark)
    return found


def _list_nano(lines: Iterable[PricedLine], listed: Mapping[str, Pico]) -> Nano:
    return nano_from_pico(sum([line.count * listed[line.unit] for line in lines]))


def _with_list(lines: Iterable[PricedLine], listed: Mapping[str, Pico]) -> list[PricedLine]:
    return [PricedLine(line.unit, line.count, line.rate, listed[line.unit]) for line in lines]


def _make_room(memory: dict[Any, Any]) -> None:
    if len(memory) >= MEMORY:
        memory.clear()
