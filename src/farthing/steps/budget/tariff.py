"""The dearest rates that a call may meet, by what can be seen of it before it is sent: as plain input or as written to the
provider's cache, as text or as audio; at the tier asked for or the standard one, whichever costs more; in the band of its
length.

What the price book says of a kind of call is remembered while it is in force. Knows nothing of budgets and limits.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from farthing.model.call import Call
from farthing.model.money import Pico
from farthing.prices import PriceBook
from farthing.prices.card import TOKEN_UNITS
from farthing.prices.rates import Band, Rates

EVENTS = 8
"""Searches of a request that does not say how many it allows."""
MEMORY = 4_096
"""Kinds of calls that are remembered; callers choose their models and tiers."""
_EVENTS = (
    (b'"web_search', "web_search"), (b'"file_search', "file_search"), (b'"x_search', "x_search"),
    (b'"code_interpreter', "code_session"), (b'"google_search', "web_search"),
)  # fmt: skip
_MOST_USES = re.compile(rb'"max_uses"\s*:\s*([0-9]{1,4})')
_AT = {unit: place for place, unit in enumerate(TOKEN_UNITS)}
_OUT = _AT["out"]
_Places = tuple[int, ...]
"""Classes of tokens, by their places in a band."""
_PLAIN: _Places = (_AT["uncached_in"],)
_WRITTEN = {"5m": _AT["w5m"], "1h": _AT["w1h"], "30m": _AT["w30m"], "12h": _AT["w12h"]}
_AUTOMATIC = ("30m", "12h")
"""Caches that providers write to without being asked."""
_MARK = b'"cache_control"'
_WRITES = frozenset(("openai.chat", "openai.responses", "anthropic.messages"))
_STANDARD = frozenset(("", "auto", "default", "standard", "standard_only", "on_demand"))


Steps = tuple[tuple[int, Pico, Pico], ...]
"""By rising length of the input: above so many tokens, the rates of a token of input and of one of output."""


class Tariff(NamedTuple):
    """The dearest rates that calls of one kind may meet, while they are in force (microseconds since 1970)."""

    from_us: int
    until_us: int
    steps: Steps = ()
    """Empty where no price is known."""
    dearer: tuple[tuple[bytes, Steps], ...] = ()
    """Words of a request that may make it cost more, and how much then."""
    events: dict[str, Pico] = {}

    @property
    def is_known(self) -> bool:
        """Whether the model has a price."""
        return bool(self.steps)

    def price(self, tokens: int, body: bytes, *, marked: bool = False) -> tuple[Pico, Pico]:
        """Of the input and events of a request, and of a token of output. `marked`: it is sent with marks for the provider's
        cache that its body does not have yet."""
        if not self.steps:
            return 0, 0
        into, out = _at(self.steps, tokens)
        for word, steps in self.dearer:
            if body.rfind(word) >= 0 or (marked and word == _MARK):
                more_in, more_out = _at(steps, tokens)
                into, out = max(into, more_in), max(out, more_out)
        fixed = tokens * into
        if self.events and body.rfind(b'"tools"') >= 0:
            fixed += sum(count * self.events.get(unit, 0) for unit, count in _events(body).items())
        return fixed, out


_Kind = tuple[str, str, str, str, str, str, bool]
"""What a tariff depends on: price list, model, wire, service tier, residency, lifetime of what is written to caches, and
whether that tier and no other will serve."""


class Tariffs:
    """See the module."""

    def __init__(self, book: PriceBook) -> None:
        self._book = book
        self._tariffs: dict[_Kind, Tariff] = {}

    def of(self, call: Call, prices: str, model: str, at_us: int, tier: str = "") -> Tariff:
        """What the call may cost at a model of a price list; `tier`: the one that is sure to serve it."""
        asked, geo = _tier(call)
        kind = (prices, model, call.wire, tier or asked, geo, call.ask.cache_ttl, bool(tier))
        found = self._tariffs.get(kind)
        if found is None or not found.from_us <= at_us < found.until_us:
            if len(self._tariffs) >= MEMORY:
                self._tariffs.clear()
            found = self._tariffs[kind] = self._read(kind, at_us)
        return found

    def _read(self, kind: _Kind, at_us: int) -> Tariff:
        prices, model, wire, tier, geo, ttl, is_sure = kind
        tiers = (tier,) if is_sure else ("",) if tier in _STANDARD else ("", tier)
        found = [self._book.rates(prices, model, tier=each, geo=geo, at_us=at_us) for each in tiers]
        from_us, until_us = max(each.from_us for each in found), min(each.until_us for each in found)
        if not _is_known(found[0], wire):
            return Tariff(from_us, until_us)
        known = [each for each in found if _is_known(each, wire)]
        bands = [band for each in known for band in each.bands]
        into, marked = _booked(wire, ttl)
        steps = _steps(bands, into, (_OUT,))
        dearer = [(word, _steps(bands, (*into, *more_in), (_OUT, *more_out))) for word, more_in, more_out in marked]
        units = {unit for each in known for unit in each.requests}
        events = {unit: max(each.requests.get(unit, 0) for each in known) for unit in units}
        return Tariff(from_us, until_us, steps, tuple(each for each in dearer if each[1] != steps), events)


def _tier(call: Call) -> tuple[str, str]:
    """The service tier and the residency that are asked for."""
    if call.wire != "anthropic.messages":
        return call.ask.tier, ""
    geo = "us" if call.body.rfind(b'"inference_geo"') >= 0 else ""
    return "fast" if call.body.rfind(b'"speed"') >= 0 else call.ask.tier, geo


def _is_known(rates: Rates, wire: str) -> bool:
    """Whether an answer can be priced."""
    return bool(rates.bands) and (rates.bands[-1].tokens[_OUT] is not None or wire not in _WRITES)


def _booked(wire: str, ttl: str) -> tuple[_Places, tuple[tuple[bytes, _Places, _Places], ...]]:
    """The classes of tokens that input may be booked as, and the words that add further ones to input and to output."""
    into = _PLAIN
    marked: list[tuple[bytes, _Places, _Places]] = []
    written = _WRITTEN.get(ttl)
    if written is not None and ttl in _AUTOMATIC:
        into = (*into, written)
    elif written is not None:
        marked.append((_MARK, (written,), ()))
    if wire == "openai.chat":
        marked.append((b"audio", (_AT["audio_in"],), (_AT["audio_out"],)))
    return into, tuple(marked)


def _steps(bands: Sequence[Band], into: _Places, out: _Places) -> Steps:
    """The dearest rates that a call of each length may meet among these bands."""
    lengths = sorted({band.above for band in bands})
    return tuple((above, _dearest(bands, above, into), _dearest(bands, above, out)) for above in lengths)


def _dearest(bands: Sequence[Band], above: int, places: _Places) -> Pico:
    return max(band.tokens[place] or 0 for band in bands if band.above <= above for place in places)


def _at(steps: Steps, tokens: int) -> tuple[Pico, Pico]:
    """The rates of a call with up to so many tokens of input."""
    _, into, out = steps[0]
    for above, more_in, more_out in steps[1:]:
        if above < tokens:
            into, out = more_in, more_out
    return into, out


def _events(body: bytes) -> dict[str, int]:
    uses = [int(found[1]) for found in _MOST_USES.finditer(body)]
    most = sum(uses) if uses else EVENTS
    return {unit: most for word, unit in _EVENTS if body.rfind(word) >= 0}
