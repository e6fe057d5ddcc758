"""What an attempt can cost at most, before it is sent: the price of its input at an upper estimate, and of each token of
output, at the deployment and model that will really run.

    input    upper estimate of the tokens, at the dearest way the provider may book them: as plain input, or as written
             to its cache; at the tier asked for or the standard one, whichever costs more, in the band of that length
    output   a rate a token; how many tokens are up to the limit that is sent along
    events   searches and the like, as many as the request allows

The same price book prices the answer. Knows nothing of budgets.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from farthing.catalog import ModelFacts, facts_of
from farthing.model.call import Call, Deployment
from farthing.model.money import Pico
from farthing.prices import PriceBook
from farthing.prices.card import TOKEN_UNITS
from farthing.prices.rates import Band
from farthing.wire.output_limit import can_limit, least_output
from farthing.wire.tokens import most_input

MOST_OUTPUT = 16_384
"""Tokens of an answer of which neither the request nor our data know a bound; then the limit is sent along."""
EVENTS = 8
"""Searches of a request that does not say how many it allows."""
MEMORY = 4_096
"""Names of models that are remembered; callers choose them."""
_EVENTS = (
    (b'"web_search', "web_search"), (b'"file_search', "file_search"), (b'"x_search', "x_search"),
    (b'"code_interpreter', "code_session"), (b'"google_search', "web_search"),
)  # fmt: skip
_MOST_USES = re.compile(rb'"max_uses"\s*:\s*([0-9]{1,4})')
_AT = {unit: place for place, unit in enumerate(TOKEN_UNITS)}
_OUT = _AT["out"]
_PLAIN = ((_AT["uncached_in"],), (_OUT,))
_SPOKEN = ((_AT["uncached_in"], _AT["audio_in"]), (_OUT, _AT["audio_out"]))
_WRITTEN = {"5m": _AT["w5m"], "1h": _AT["w1h"], "30m": _AT["w30m"], "12h": _AT["w12h"]}
_AUTOMATIC = ("30m", "12h")
"""Caches that providers write to without being asked."""
_WRITES = frozenset(("openai.chat", "openai.responses", "anthropic.messages"))
_STANDARD = frozenset(("", "auto", "default", "standard", "standard_only", "on_demand"))


class Quote(NamedTuple):
    """See the module. Tokens of output are of all choices together."""

    fixed: Pico
    """Input and events."""
    per_token: Pico
    """Of output."""
    in_tokens: int
    least: int
    """Below so many tokens of output the request makes no sense, or is refused."""
    most: int
    """What the request, or its model, allows."""
    bounded: bool
    """Whether `most` binds without our doing."""
    limitable: bool
    """Whether a limit can be sent along."""
    choices: int
    priced: bool = True
    """Whether the price is known."""
    thinks: bool = False
    """Whether the model may write what nobody sees before its answer."""

    def nano(self, out: int) -> int:
        """Nano-dollars of the attempt with so many tokens of output, rounded up."""
        return -((self.fixed + out * self.per_token) // -1000)

    def need(self, unit: str, out: int) -> int:
        """The same in a budget's unit."""
        if unit == "money":
            return self.nano(out)
        return self.in_tokens + out if unit == "tokens" else 1

    def pays(self, unit: str, amount: int) -> int:
        """Tokens of output that an amount pays for; negative if it does not pay for the input."""
        if unit == "money":
            left = amount * 1000 - self.fixed
            return self.most if left >= 0 and not self.per_token else left // (self.per_token or 1)
        return amount - self.in_tokens if unit == "tokens" else self.most


class Quotes:
    """Makes quotes."""

    def __init__(self, book: PriceBook) -> None:
        self._book = book
        self._facts: dict[str, ModelFacts] = {}

    def of(self, call: Call, deployment: Deployment, at_us: int) -> Quote:
        """The quote of the call's next attempt."""
        ask, body, wire = call.ask, call.body, call.wire
        tokens = most_input(body)
        facts = self._facts_of(deployment.price_as or deployment.model)
        model_most = facts.max_output if can_limit(wire) else 0
        bound = model_most if model_most is not None else MOST_OUTPUT
        asked = ask.max_output if ask.max_output is not None else bound
        most = min(asked, bound) if model_most is not None else min(asked, max(bound, ask.max_output or 0))
        fixed, per_token, priced = self._rates(call, deployment, tokens, at_us)
        return Quote(
            fixed, per_token, tokens, min(least_output(wire, body), most) * ask.choices, most * ask.choices,
            ask.max_output is not None or model_most is not None, can_limit(wire), ask.choices, priced, "reasoning" in facts.can,
        )  # fmt: skip

    def _facts_of(self, model: str) -> ModelFacts:
        found = self._facts.get(model)
        if found is None:
            if len(self._facts) >= MEMORY:
                self._facts.clear()
            found = self._facts[model] = facts_of(model)
        return found

    def _rates(self, call: Call, deployment: Deployment, tokens: int, at_us: int) -> tuple[Pico, Pico, bool]:
        """Of the input and events, and of a token of output; whether these are known."""
        body, wire, tier = call.body, call.wire, call.ask.tier
        model = deployment.price_as or deployment.model
        geo = ""
        into: tuple[int, ...]
        out: tuple[int, ...]
        into, out = _PLAIN
        if wire == "anthropic.messages":
            if body.rfind(b'"inference_geo"') >= 0:
                geo = "us"
            if body.rfind(b'"speed"') >= 0:
                tier = "fast"
        elif wire == "openai.chat" and body.rfind(b"audio") >= 0:
            into, out = _SPOKEN
        written = _WRITTEN.get(call.ask.cache_ttl)
        if written is not None and (call.ask.cache_ttl in _AUTOMATIC or body.rfind(b'"cache_control"') >= 0):
            into = (*into, written)
        events = self._events(body) if body.rfind(b'"tools"') >= 0 else {}
        fixed = per_token = 0
        for each in ("",) if tier in _STANDARD else ("", tier):
            rates = self._book.rates(deployment.prices, model, tier=each, geo=geo, at_us=at_us)
            if not rates.bands or (rates.bands[-1].tokens[_OUT] is None and wire in _WRITES):
                if not each:
                    return 0, 0, False
                continue
            dearest = max(_highest(rates.bands, tokens, place) for place in into)
            asked = sum(count * rates.requests.get(unit, 0) for unit, count in events.items())
            fixed = max(fixed, tokens * dearest + asked)
            per_token = max(per_token, *(_highest(rates.bands, tokens, place) for place in out))
        return fixed, per_token, True

    def _events(self, body: bytes) -> dict[str, int]:
        uses = [int(found[1]) for found in _MOST_USES.finditer(body)]
        most = sum(uses) if uses else EVENTS
        return {unit: most for word, unit in _EVENTS if body.rfind(word) >= 0}


def _highest(bands: Sequence[Band], tokens: int, place: int) -> Pico:
    """The dearest rate among the bands that a call of up to so many tokens of input may fall into."""
    if len(bands) == 1:
        return bands[0].tokens[place] or 0
    return max(band.tokens[place] or 0 for band in bands if band.above < tokens or not band.above)
