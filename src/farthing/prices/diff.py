"""Compares two sources or two releases of rate cards, for `farthing prices diff`. Pure: it reads no clock, writes nothing."""

from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import msgspec

from farthing.prices.card import Amount, CardFile, Price, RateCard, read_cards, unit_name
from farthing.prices.litellm import read_litellm


class Difference(msgspec.Struct, frozen=True):
    """One rate that two sources state differently, in dollars for the listed number of units; None where one is silent."""

    provider: str
    model: str
    tier: str
    unit: str
    above: int
    """The band: for calls with more than so many tokens of input."""
    old: Decimal | None
    new: Decimal | None

    @property
    def percent(self) -> Decimal | None:
        """How much more the new one is; None where one of them is silent or the old one is 0."""
        if self.old is None or self.new is None or self.old == 0:
            return None
        return (self.new - self.old) / self.old * 100


_Key = tuple[str, str, int]


def differences(
    old: Iterable[CardFile], new: Iterable[CardFile], *, on: date, more_than_percent: Decimal = Decimal(0),
    shared_only: bool = False,
) -> list[Difference]:  # fmt: skip
    """The rates in force on a day that differ by more than so many percent, by provider and model. `shared_only` leaves
    out models and units that only one of them has."""
    found = [each for pair in _pairs(old, new) for each in _of_pair(*pair, on)]
    return sorted(
        (each for each in found if _matters(each, more_than_percent, shared_only)),
        key=lambda each: (each.provider, each.model, each.tier, each.unit, each.above),
    )


def read_source(path: Path) -> list[CardFile]:
    """The card files of a folder, one card file, or LiteLLM's price map. Raises ValueError and OSError as they do."""
    if path.is_dir():
        return [read_cards(file) for file in sorted(path.glob("*.json"))]
    try:
        return [read_cards(path)]
    except ValueError as no_cards:
        try:
            return read_litellm(path)
        except ValueError:
            raise no_cards from None


def _pairs(old: Iterable[CardFile], new: Iterable[CardFile]) -> Iterator[tuple[str, RateCard | None, RateCard | None]]:
    """The cards of each model, old beside new; a card is found under any id that the other source's card means."""
    before, after = _by_provider(old), _by_provider(new)
    for provider in sorted(before.keys() & after.keys()):
        met = set()
        for card in before[provider]:
            other = _like(card, after[provider])
            if other is not None:
                met.add(other.id)
            yield provider, card, other
        yield from ((provider, None, card) for card in after[provider] if card.id not in met)


def _by_provider(files: Iterable[CardFile]) -> dict[str, list[RateCard]]:
    cards: dict[str, list[RateCard]] = {}
    for file in files:
        cards.setdefault(file.provider, []).extend(file.models)
    return cards


def _like(card: RateCard, others: list[RateCard]) -> RateCard | None:
    same = next((other for other in others if other.id == card.id), None)
    return same or next((other for other in others if other.matches(card.id.lower())), None)


def _of_pair(provider: str, old: RateCard | None, new: RateCard | None, on: date) -> Iterator[Difference]:
    before, after = _rates_on(old, on), _rates_on(new, on)
    model = (old or new or RateCard("")).id
    for tier, unit, above in before.keys() | after.keys():
        key = (tier, unit, above)
        yield Difference(provider, model, tier, unit, above, before.get(key), after.get(key))


def _rates_on(card: RateCard | None, on: date) -> dict[_Key, Decimal]:
    """What is in force on a day, outside of peak and off-peak hours."""
    in_force: dict[str, Price] = {}
    for price in card.prices if card is not None else ():
        if price.hours is None and (price.valid_from is None or price.valid_from <= on):
            in_force[price.tier] = price
    return {
        (price.tier, unit_name(unit), above): dollars
        for price in in_force.values()
        for unit, amount in price.rates.items()
        for above, dollars in _steps(amount)
    }


def _steps(amount: Amount) -> list[tuple[int, Decimal]]:
    return (
        [(0, amount)] if isinstance(amount, Decimal) else [(int(above), dollars) for above, dollars in amount.items()]
    )


def _matters(each: Difference, more_than_percent: Decimal, shared_only: bool) -> bool:
    if each.old == each.new:
        return False
    if each.old is None or each.new is None:
        return not shared_only
    return each.percent is None or abs(each.percent) > more_than_percent
