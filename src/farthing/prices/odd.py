"""Prices that look like a wrong unit: per token, per thousand or in cents instead of dollars a million.

Large models cost $1-15 a million in and $2-60 out, embeddings $0.01-0.13, fine-tuning $8-25 a million training tokens;
small models cost a hundredth of that and a few cost ten times as much, so a warning needs more than being unusual. No
price is refused or changed for it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

from farthing.prices.card import REQUEST_UNITS, TOKEN_UNITS, Amount, CardFile, Price, RateCard, unit_name
from farthing.prices.rates import Card, Contract


class Range(NamedTuple):
    """What a price must be within, and what such prices usually are; dollars for the listed number of units."""

    low: Decimal
    high: Decimal
    usual: str


INPUT = Range(Decimal("0.001"), Decimal(200), "$1-15 for a large model")
OUTPUT = Range(Decimal("0.001"), Decimal(800), "$2-60 for a large model")
EMBEDDING = Range(Decimal("0.001"), Decimal(5), "$0.01-0.13 for embeddings")
CACHE_READ = Range(Decimal("0.0001"), Decimal(50), "a tenth of the input price")
AUDIO_OR_IMAGE = Range(Decimal("0.01"), Decimal(500), "$1-100")
TRAINING = Range(Decimal("0.05"), Decimal(200), "$8-25")
EVENT = Range(Decimal("0.01"), Decimal(500), "$1-40")

APART = 20
"""So many times the shipped price, or less than one so-manieth of it, is no discount."""


def odd_prices(files: Iterable[CardFile], lists: Sequence[CardFile] = ()) -> list[str]:
    """A warning for each odd price of `files`, in words; `lists` are prices to compare with."""
    return [
        f"{file.provider} {card.id}: {said}"
        for file in files
        for card in file.models
        for price in card.prices
        for said in _odd_rates(price, _same_price(file.provider, card, price, lists), _is_embedding(card))
    ]


def odd_contracts(contracts: Iterable[Contract], card_of: Callable[[str, str], Card | None]) -> list[str]:
    """The same for contracts; `card_of` finds what the lists say of a model."""
    return [
        f"contract with {contract.provider}, {', '.join(contract.models)}: {said}"
        for contract in contracts
        for said in _odd_contract(contract, card_of)
    ]


def _odd_contract(contract: Contract, card_of: Callable[[str, str], Card | None]) -> Iterator[str]:
    listed = [card_of(contract.provider, model) for model in contract.models if "*" not in model]
    cards = [each.card for card in listed if card is not None for each in card.cards]
    price = Price(rates={unit: Decimal(amount) for unit, amount in contract.rates.items()})
    beside = next((p for card in cards for p in reversed(card.prices) if not p.tier), None)
    yield from _odd_rates(price, beside, bool(cards) and _is_embedding(cards[0]))


def _odd_rates(price: Price, beside: Price | None, embedding: bool) -> Iterator[str]:
    beside_rates = {unit_name(unit): amount for unit, amount in beside.rates.items()} if beside is not None else {}
    for name, amount in price.rates.items():
        unit = unit_name(name)
        dollars = _first(amount)
        said = _outside(unit, dollars, embedding) or _unlike(dollars, beside_rates.get(unit))
        if said:
            yield f"{name} at ${dollars:f} {_per(unit)} {said}"


def _outside(unit: str, dollars: Decimal, embedding: bool) -> str:
    range_ = _range(unit, embedding)
    if dollars == 0 or range_.low <= dollars <= range_.high:
        return ""
    guess = "; typed per token or per thousand?" if dollars < range_.low else "; typed in cents?"
    return f"is far from what is usual ({range_.usual}){guess}"


def _unlike(dollars: Decimal, amount: Amount | None) -> str:
    listed = Decimal(0) if amount is None else _first(amount)
    if not listed or not dollars or (listed <= dollars * APART and dollars <= listed * APART):
        return ""
    return f"is more than {APART} times off the list price of ${listed:f}; typed in another unit?"


def _range(unit: str, embedding: bool) -> Range:
    if unit == "out":
        return OUTPUT
    if unit == "training":
        return TRAINING
    if unit in REQUEST_UNITS:
        return EVENT
    if unit == "cache_read":
        return CACHE_READ
    if "audio" in unit or "image" in unit:
        return AUDIO_OR_IMAGE
    return EMBEDDING if embedding else INPUT


def _per(unit: str) -> str:
    if unit in TOKEN_UNITS:
        return "per 1M tokens"
    return f"per {REQUEST_UNITS[unit]:,} {unit}"


def _same_price(provider: str, card: RateCard, price: Price, lists: Iterable[CardFile]) -> Price | None:
    """What the first list with the model says for the tier, by its last word."""
    cards = (
        each for file in lists if file.provider == provider for each in file.models if each.matches(card.id.lower())
    )
    return next((p for each in cards for p in reversed(each.prices) if p.tier == price.tier), None)


def _is_embedding(card: RateCard) -> bool:
    """A model that has input and nothing else is one."""
    units = {unit_name(unit) for price in card.prices for unit in price.rates}
    return "uncached_in" in units and not units & {"out", "audio_out", "image_out"}


def _first(amount: Amount) -> Decimal:
    return amount if isinstance(amount, Decimal) else next(iter(amount.values()))
