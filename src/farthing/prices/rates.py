"""What cards come to: integer rates for one model, tier, residency and contract, for as long as none of these changes.

Works once for thousands of calls, exactly and in Decimals, and rounds each rate once to whole pico-dollars. Pricing a
call with the result is `book`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from fnmatch import fnmatchcase
from typing import NamedTuple

import msgspec

from farthing.model.money import Pico
from farthing.prices.card import REQUEST_UNITS, TOKEN_UNITS, Family, Ladder, Price, RateCard, ladder_of, unit_name

DAY_US = 86_400_000_000
FOREVER_US = 1 << 62

STANDARD_TIERS = {"standard", "default", "auto", "on_demand", "standard_only"}
"""What providers call the tier that has no name here."""

SAME_AS = {"tool_in": "uncached_in", "image_in": "uncached_in", "image_out": "out", "w30m": "w5m", "w5m": "w30m"}
"""Where a list has no rate for the first, it means the second: it prices text and images alike, and knows only one
lifetime of cache writes. Audio is never taken for text: that is a family's rule."""

WRITES = ("w5m", "w1h", "w30m", "w12h")
"""Input that a cache keeps as well: providers price it as so many times the input."""
ALIKE = {"tool_in": "uncached_in", "image_in": "uncached_in", "image_out": "out"}
"""What lists often price as they price text."""

NEUTRAL_GEO = {"", "global", "not_available"}

FAMILY, LATER, STANDARD, BY_INPUT = "family_rate", "later_price", "standard_rate", "contract_input"
"""Marks of a rate that the list does not state: derived by a family's rule; of a price whose first day had not come;
of the standard tier, because the list of the tier that served is silent on the unit. The last is of a cache's rate that
the contract does not state and that hangs on the input that it does."""

_EPOCH = date(1970, 1, 1)
_ONE = Decimal(1)


class Contract(msgspec.Struct, frozen=True):
    """What was agreed with a provider, for the models that a pattern names."""

    provider: str
    models: tuple[str, ...] = ("*",)
    percent_off: str = ""
    rates: dict[str, str] = {}
    """Unit -> dollars per 1M (or as listed in REQUEST_UNITS), instead of the list price, in every band of `tier`."""
    tier: str = ""
    """The service tier that `rates` hold for; empty for the standard one. `percent_off` is off all of them."""
    valid_from: date | None = None
    valid_to: date | None = None
    """The last day, included."""

    def check(self) -> None:
        """Raises ValueError that names the contract and what in it is no price."""
        try:
            if not 0 <= Decimal(self.percent_off or "0") <= 100:
                raise ValueError(f"{self.percent_off} is not a percentage")
            _own(self, self.tier)
        except (ValueError, InvalidOperation) as error:
            said = error if isinstance(error, ValueError) else "an amount is no number"
            raise ValueError(f"contract with {self.provider}, {', '.join(self.models)}: {said}") from None

    def covers(self, provider: str, model: str) -> bool:
        return provider == self.provider and any(fnmatchcase(model.lower(), name.lower()) for name in self.models)

    def holds(self, day: date) -> bool:
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day <= self.valid_to)


class Listed(NamedTuple):
    """A card and the release of the list that it stands in."""

    release: str
    card: RateCard


class Card(msgspec.Struct, frozen=True):
    """All that speaks for one model of one provider, the first word first."""

    provider: str
    id: str
    model: str
    cards: tuple[Listed, ...] = ()
    families: tuple[Family, ...] = ()
    contracts: tuple[Contract, ...] = ()
    context_window: int | None = None
    flags: tuple[str, ...] = ()


class Band(msgspec.Struct, frozen=True):
    """Rates for calls with more than `above` tokens of input, in pico-dollars a unit; None where no rate is known."""

    above: int
    tokens: tuple[Pico | None, ...]
    """In the order of TOKEN_UNITS."""
    listed: dict[str, Pico] | None
    """Unit -> list price, where a contract changed it; the agreed one where the list has none."""


class Rates(msgspec.Struct, frozen=True):
    """All that one price needs, from one moment until another (microseconds since 1970)."""

    from_us: int = 0
    until_us: int = FOREVER_US
    version: str = ""
    """`release@valid-from` of each price that gave a rate, and `contract`."""
    bands: tuple[Band, ...] = ()
    """By `above`, the highest first; the last is for all the rest. Empty where no list knows the model."""
    requests: dict[str, Pico] = {}
    marks: dict[str, str] = {}
    """Unit -> the mark of its rate."""
    flags: tuple[str, ...] = ()


class _Found(NamedTuple):
    """A rate before bands are cut and contracts applied."""

    ladder: Ladder
    mark: str = ""
    version: str = ""

    def times(self, factor: Decimal, mark: str) -> "_Found":
        return _Found(tuple((above, pico * factor) for above, pico in self.ladder), mark or self.mark, self.version)


def rates_at(card: Card, tier: str, geo: str, at_us: int) -> Rates:
    """The rates in force at `at_us`, and from when until when they are."""
    moment = _Moment(at_us)
    edges = sorted({*_edges(card, moment)})
    reader = _Reader(card, moment)
    name = "" if tier.lower() in STANDARD_TIERS else tier.lower()
    found = {unit: rate for unit in TOKEN_UNITS if (rate := reader.rate(unit, name)) is not None}
    events = {unit: rate for unit in REQUEST_UNITS if (rate := reader.stated(unit, name)) is not None}
    contract = _contract(card, moment.day, name)
    factor, flags = reader.residency(geo)
    listed = {unit: rate.times(factor, "") for unit, rate in found.items()}
    own = _own(contract, name)
    agreed = {unit: _agreed(contract, rate) for unit, rate in (listed | events).items()} | _following(own, found) | own
    versions = dict.fromkeys(rate.version for rate in (*found.values(), *events.values()) if rate.version)
    return Rates(
        from_us=max((edge for edge in edges if edge <= at_us), default=0),
        until_us=min((edge for edge in edges if edge > at_us), default=FOREVER_US),
        version="+".join((*versions, *(["contract"] if contract else []))),
        bands=_bands(agreed, agreed | listed | events if contract is not None else None),
        requests={unit: whole(rate.ladder[0][1]) for unit, rate in agreed.items() if unit in REQUEST_UNITS},
        marks={unit: rate.mark for unit, rate in agreed.items() if rate.mark},
        flags=(*card.flags, *flags),
    )


def whole(pico: Decimal) -> Pico:
    """The nearest integer, half to even: a rate is an integer of pico-dollars."""
    return int(pico.to_integral_value(ROUND_HALF_EVEN))


class _Moment:
    """A time as prices see it: a day and a time of day, UTC."""

    def __init__(self, at_us: int) -> None:
        days, rest = divmod(at_us, DAY_US)
        self.start_us = days * DAY_US
        self.day = _EPOCH + timedelta(days=days)
        self.time = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=rest)).time()

    def sees(self, price: Price) -> bool:
        return (price.valid_from is None or price.valid_from <= self.day) and self._within(price.hours)

    def _within(self, hours: tuple[time, time] | None) -> bool:
        if hours is None:
            return True
        start, end = hours
        return start <= self.time < end if start <= end else self.time >= start or self.time < end


class _Reader:
    """Reads one card at one moment, by the rules of what is meant where a list is silent."""

    def __init__(self, card: Card, moment: _Moment) -> None:
        self._card = card
        self._moment = moment
        self._families = [f for f in card.families if f.valid_from is None or f.valid_from <= moment.day]
        self._in_force: dict[str, list[tuple[str, Price]]] = {}

    def rate(self, unit: str, tier: str) -> _Found | None:
        """The rate of a token class: as the tier's list states it, else by a family's rule, else as the next best
        statement of the list, marked. None where it cannot be known."""
        if not tier:
            return self._stated_or_same(unit, "") or self._later(unit, "") or self._of_input(unit, "")
        if self._lists(tier):
            return (
                self._stated(unit, tier)
                or (self._same(unit, tier) if self._stated(unit, "") is None else None)
                or self._standard(unit)
                or self._of_input(unit, tier)
            )
        return self._tier_factor(unit, tier) or self._later(unit, tier) or self._later_standard(unit, tier)

    def stated(self, unit: str, tier: str) -> _Found | None:
        """The rate of an event, which no tier changes unless its list says so."""
        own = (self._stated(unit, tier) if tier else None) or self._stated(unit, "") or self._later(unit, "")
        listed = (family.events[unit] for family in self._families if unit in family.events)
        return own or next((_Found(ladder_of(unit, amount)) for amount in listed), None)

    def residency(self, geo: str) -> tuple[Decimal, tuple[str, ...]]:
        """The factor of a data residency on the token classes, and a mark where the list does not know it."""
        known = [family.geo for family in self._families if family.geo]
        if geo in NEUTRAL_GEO or not known:
            return _ONE, ()
        factor = next((geos[geo] for geos in known if geo in geos), None)
        return (_ONE, ("geo_unknown",)) if factor is None else (factor, ())

    def _lists(self, tier: str) -> bool:
        return bool(self._prices(tier))

    def _prices(self, tier: str) -> list[tuple[str, Price]]:
        """Each list's price of the tier that is in force, the first word first."""
        if tier not in self._in_force:
            seen = ((release, self._last(card, tier)) for release, card in self._card.cards)
            self._in_force[tier] = [(release, price) for release, price in seen if price is not None]
        return self._in_force[tier]

    def _last(self, card: RateCard, tier: str) -> Price | None:
        seen = (price for price in reversed(card.prices) if price.tier == tier and self._moment.sees(price))
        return next(seen, None)

    def _stated(self, unit: str, tier: str) -> _Found | None:
        return _first(unit, self._prices(tier), "")

    def _same(self, unit: str, tier: str) -> _Found | None:
        other = next((f.same[unit] for f in self._families if unit in f.same), None) or SAME_AS.get(unit)
        return self._stated(other, tier) if other is not None else None

    def _stated_or_same(self, unit: str, tier: str) -> _Found | None:
        return self._stated(unit, tier) or self._same(unit, tier)

    def _standard(self, unit: str) -> _Found | None:
        found = self._stated_or_same(unit, "")
        return found._replace(mark=STANDARD) if found is not None else None

    def _later(self, unit: str, tier: str) -> _Found | None:
        """The first price of the tier, where only a later day is on the list."""
        prices = ((release, p) for release, card in self._card.cards for p in card.prices if p.tier == tier)
        if not tier and self._lists(""):
            return None
        return _first(unit, prices, LATER)

    def _later_standard(self, unit: str, tier: str) -> _Found | None:
        listed = any(price.tier == tier for _, card in self._card.cards for price in card.prices)
        return (self._standard(unit) or self._of_input(unit, tier)) if listed else None

    def _tier_factor(self, unit: str, tier: str) -> _Found | None:
        for family in self._families:
            factors = family.tiers.get(tier)
            factor = None if factors is None else factors.get(unit, factors.get("*"))
            standard = None if factor is None else self.rate(unit, "")
            if factor is not None and standard is not None:
                return standard.times(factor, "" if family.listed else FAMILY)
        return None

    def _of_input(self, unit: str, tier: str) -> _Found | None:
        for family in self._families:
            factor = family.of_input.get(unit)
            base = None if factor is None else self.rate("uncached_in", tier)
            if factor is not None and base is not None:
                return base.times(factor, "" if family.listed else FAMILY)
        return None


def _first(unit: str, prices: Iterable[tuple[str, Price]], mark: str) -> _Found | None:
    for release, price in prices:
        for name, amount in price.rates.items():
            if unit_name(name) == unit:
                return _Found(ladder_of(unit, amount), mark, f"{release}@{price.valid_from or ''}".rstrip("@"))
    return None


def _agreed(contract: Contract | None, rate: _Found) -> _Found:
    if contract is None or not contract.percent_off:
        return rate
    return rate.times((100 - Decimal(contract.percent_off)) / 100, "")


def _contract(card: Card, day: date, tier: str) -> Contract | None:
    """The first contract of the day that says something about the tier."""
    days = (each for each in card.contracts if each.holds(day))
    return next((each for each in days if each.percent_off or each.tier == tier), None)


def _own(contract: Contract | None, tier: str) -> dict[str, _Found]:
    rates = contract.rates if contract is not None and contract.tier == tier else {}
    return {unit_name(name): _Found(ladder_of(unit_name(name), Decimal(amount))) for name, amount in rates.items()}


def _following(own: Mapping[str, _Found], listed: Mapping[str, _Found]) -> dict[str, _Found]:
    """What a contract's own rates mean for units that it does not name. Writes to a cache are to the agreed input what
    the list's are to the list's input; a read costs what the list says, but never more than input; and what the list
    prices as text is priced as text."""
    found = {
        unit: own[base]
        for unit, base in ALIKE.items()
        if base in own and base in listed and unit in listed and listed[unit].ladder == listed[base].ladder
    }
    agreed, before = own.get("uncached_in"), listed.get("uncached_in")
    if agreed is None or before is None or not before.ladder[0][1]:
        return found
    (_, into), (_, into_listed) = agreed.ladder[0], before.ladder[0]
    for unit in WRITES:
        if unit in listed:
            found[unit] = _Found(((0, into * listed[unit].ladder[0][1] / into_listed),), BY_INPUT)
    read = listed.get("cache_read")
    if read is not None and any(pico > into for _, pico in read.ladder):
        found["cache_read"] = _Found(tuple((above, min(pico, into)) for above, pico in read.ladder), BY_INPUT)
    return found


def _bands(agreed: dict[str, _Found], listed: dict[str, _Found] | None) -> tuple[Band, ...]:
    ladders = [rate.ladder for rate in (*agreed.values(), *(listed or {}).values())]
    edges = sorted({0, *(above for ladder in ladders for above, _ in ladder)}, reverse=True)
    return tuple(_band(above, agreed, listed) for above in edges)


def _band(above: int, agreed: dict[str, _Found], listed: dict[str, _Found] | None) -> Band:
    now = {unit: whole(_step(rate.ladder, above)) for unit, rate in agreed.items()}
    before = None if listed is None else {unit: whole(_step(rate.ladder, above)) for unit, rate in listed.items()}
    return Band(above, tuple(now.get(unit) for unit in TOKEN_UNITS), before)


def _step(ladder: Sequence[tuple[int, Decimal]], above: int) -> Decimal:
    return next(pico for start, pico in reversed(ladder) if start <= above)


def _edges(card: Card, moment: _Moment) -> Iterator[int]:
    """The moments near `moment` at which a rate may change."""
    prices = [price for _, listed in card.cards for price in listed.prices]
    days = [price.valid_from for price in prices] + [family.valid_from for family in card.families]
    days += [contract.valid_from for contract in card.contracts]
    yield from (_start_us(day) for day in days if day is not None)
    yield from (_start_us(each.valid_to) + DAY_US for each in card.contracts if each.valid_to is not None)
    hours = [price.hours for price in prices if price.hours is not None]
    if hours:
        yield from (moment.start_us, moment.start_us + DAY_US)
        yield from (moment.start_us + _offset_us(edge) for pair in hours for edge in pair)


def _start_us(day: date) -> int:
    return (day - _EPOCH).days * DAY_US


def _offset_us(clock: time) -> int:
    return ((clock.hour * 60 + clock.minute) * 60 + clock.second) * 1_000_000 + clock.microsecond
