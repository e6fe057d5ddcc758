"""What an attempt can cost at most, before it is sent: the price of its input at an upper estimate, and of each token of
output, at the deployment and model that will really run.

    input    upper estimate of the tokens, at the dearest way the provider may book them (`tariff`)
    output   a rate a token; how many tokens are up to the limit that is sent along
    events   searches and the like, as many as the request allows

The same price book prices the answer. Knows nothing of budgets.
"""

import msgspec

from farthing.catalog import ModelFacts, facts_of
from farthing.model.call import Call, Deployment
from farthing.model.money import Pico
from farthing.prices import PriceBook
from farthing.steps.budget.tariff import Tariffs
from farthing.wire.output_limit import can_limit, least_output
from farthing.wire.tokens import most_input

MOST_OUTPUT = 16_384
"""Tokens of an answer of which neither the request nor our data know a bound; then the limit is sent along."""
MEMORY = 4_096
"""Names of models that are remembered; callers choose them."""


class Quote(msgspec.Struct, frozen=True):
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
        self._tariffs = Tariffs(book)
        self._facts: dict[str, ModelFacts] = {}

    def of(self, call: Call, deployment: Deployment, at_us: int, tier: str = "") -> Quote:
        """The quote of the call's next attempt; `tier`: the service tier that is sure to serve it."""
        ask, body, wire = call.ask, call.body, call.wire
        tokens = most_input(body)
        model = deployment.price_as or deployment.model
        facts = self._facts_of(model)
        limitable, choices = can_limit(wire), ask.choices
        model_most = facts.max_output if limitable else 0
        bound = model_most if model_most is not None else MOST_OUTPUT
        asked = ask.max_output if ask.max_output is not None else bound
        most = min(asked, bound) if model_most is not None else min(asked, max(bound, ask.max_output or 0))
        tariff = self._tariffs.of(call, deployment.prices, model, at_us, tier)
        marks = call.marks
        fixed, per_token = tariff.price(tokens, body, marked=marks is not None and bool(marks.points))
        return Quote(
            fixed, per_token, tokens, min(least_output(wire, body), most) * choices, most * choices,
            ask.max_output is not None or model_most is not None, limitable, choices, tariff.is_known,
            "reasoning" in facts.can,
        )  # fmt: skip

    def _facts_of(self, model: str) -> ModelFacts:
        found = self._facts.get(model)
        if found is None:
            if len(self._facts) >= MEMORY:
                self._facts.clear()
            found = self._facts[model] = facts_of(model)
        return found
