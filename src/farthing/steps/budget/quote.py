"""What an attempt can cost at most, before it is sent: the price of its input at an upper estimate, and of each token of
output, at the deployment and model that will really run.

    input    upper estimate of the tokens, at the dearest way the provider may book them: as plain input, or as written
             to its cache; at the tier asked for or the standard one, whichever costs more, in the band of that length
    output   a rate a token; how many tokens are up to the limit that is sent along
    events   searches and the like, as many as the request allows

The same price book prices the answer. Knows nothing of budgets.
"""

import re
from typing import NamedTuple

from farthing.catalog import facts_of
from farthing.model.call import Call, Deployment
from farthing.model.money import Pico
from farthing.model.usage import Usage
from farthing.prices import PriceBook
from farthing.prices.card import OUTPUT_UNITS
from farthing.wire.output_limit import can_limit, least_output
from farthing.wire.tokens import most_input

MOST_OUTPUT = 16_384
"""Tokens of an answer of which neither the request nor our data know a bound; then the limit is sent along."""
EVENTS = 8
"""Searches of a request that does not say how many it allows."""
_EVENTS = (
    (b'"web_search', "web_search"), (b'"file_search', "file_search"), (b'"x_search', "x_search"),
    (b'"code_interpreter', "code_session"), (b'"google_search', "web_search"),
)  # fmt: skip
_MOST_USES = re.compile(rb'"max_uses"\s*:\s*([0-9]{1,4})')
_WRITTEN = {"5m": "w5m", "1h": "w1h", "30m": "w30m", "12h": "w12h"}
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
        self._written: dict[tuple[str, str, str, str], bool] = {}

    def of(self, call: Call, deployment: Deployment, at_us: int) -> Quote:
        """The quote of the call's next attempt."""
        ask, body, wire = call.ask, call.body, call.wire
        tokens = most_input(body)
        model_most = facts_of(deployment.price_as or deployment.model).max_output if can_limit(wire) else 0
        bound = model_most if model_most is not None else MOST_OUTPUT
        asked = ask.max_output if ask.max_output is not None else bound
        most = min(asked, bound) if model_most is not None else min(asked, max(bound, ask.max_output or 0))
        fixed, per_token, priced = self._rates(call, deployment, tokens, at_us)
        return Quote(
            fixed, per_token, tokens, min(least_output(wire, body), most) * ask.choices, most * ask.choices,
            ask.max_output is not None or model_most is not None, can_limit(wire), ask.choices, priced,
        )  # fmt: skip

    def _rates(self, call: Call, deployment: Deployment, tokens: int, at_us: int) -> tuple[Pico, Pico, bool]:
        body, ask = call.body, call.ask
        unit = self._dearest_input(call, deployment, at_us)
        extra = self._events(body) if body.find(b'"tools"') >= 0 else {}
        geo = "us" if body.find(b'"inference_geo"') >= 0 else ""
        tier = "fast" if call.wire == "anthropic.messages" and body.find(b'"speed"') >= 0 else ask.tier
        model = deployment.price_as or deployment.model
        spoken = body.find(b'"modalities"') >= 0
        fixed = per_token = 0
        known = False
        for each in ("",) if tier in _STANDARD else ("", tier):
            usage = _usage(unit, tokens, out=1)
            priced = self._book.price(deployment.prices, model, usage, tier=each, geo=geo, at_us=at_us)
            if priced.state == "unpriced":
                if each == "":
                    return 0, 0, False
                continue
            known = True
            out = max((line.rate for line in priced.lines if line.unit in OUTPUT_UNITS), default=0)
            total = sum(line.count * line.rate for line in priced.lines if line.unit not in OUTPUT_UNITS)
            if spoken or extra:
                out, more = self._more(deployment, model, out, extra, each, at_us, spoken=spoken)
                total += more
            fixed, per_token = max(fixed, total), max(per_token, out)
        return fixed, per_token, known

    def _more(
        self, deployment: Deployment, model: str, out: Pico, extra: dict[str, int], tier: str, at_us: int, *, spoken: bool
    ) -> tuple[Pico, Pico]:  # fmt: skip
        """Output that may be spoken or drawn costs as its dearest kind; events that have a price are added."""
        if spoken:
            for unit in ("audio_out", "image_out"):
                priced = self._book.price(deployment.prices, model, _usage(unit, 1), tier=tier, at_us=at_us)
                out = max((out, *(line.rate for line in priced.lines)))
        total = 0
        for unit, count in extra.items():
            priced = self._book.price(deployment.prices, model, Usage(requests={unit: count}), tier=tier, at_us=at_us)
            total += sum(line.count * line.rate for line in priced.lines)
        return out, total

    def _dearest_input(self, call: Call, deployment: Deployment, at_us: int) -> str:
        """How the provider may book the input: where the request marks it for a cache, or caching is automatic and
        written tokens have a price of their own, as written."""
        body = call.body
        ttl = call.ask.cache_ttl
        if body.find(b'"input_audio"') >= 0 and self._is_dearer("audio_in", call, deployment, at_us):
            return "audio_in"
        unit = _WRITTEN.get(ttl, "w5m")
        marked = body.find(b'"cache_control"') >= 0
        if (marked or ttl in ("30m", "12h")) and self._is_dearer(unit, call, deployment, at_us):
            return unit
        return "uncached_in"

    def _is_dearer(self, unit: str, call: Call, deployment: Deployment, at_us: int) -> bool:
        model = deployment.price_as or deployment.model
        key = (deployment.prices, model, unit, call.ask.tier)
        found = self._written.get(key)
        if found is None:
            plain, written = (
                self._book.price(deployment.prices, model, _usage(name, 1_000_000), at_us=at_us)
                for name in ("uncached_in", unit)
            )
            found = written.state != "unpriced" and written.nano > plain.nano
            if len(self._written) >= 4096:
                self._written.clear()
            self._written[key] = found
        return found

    def _events(self, body: bytes) -> dict[str, int]:
        uses = [int(found[1]) for found in _MOST_USES.finditer(body)]
        most = sum(uses) if uses else EVENTS
        return {unit: most for word, unit in _EVENTS if body.find(word) >= 0}


def _usage(unit: str, count: int, out: int = 0) -> Usage:
    usage = Usage(out=out)
    setattr(usage, unit, count)
    return usage
