"""Whether a change of a prompt makes its calls dearer: tokens of both by count, at the model's rates. Asks nobody, so that it
can stand in a build. Knows nothing of quality.
"""

import msgspec

from farthing.catalog.token_ratio import TokenRatios
from farthing.lab.prompt import Prompt
from farthing.model.call import Deployment
from farthing.model.money import Nano
from farthing.model.usage import Usage
from farthing.prices import PriceBook

CALLS = 1_000


class Dearer(msgspec.Struct, frozen=True):
    """Both prompts, in `CALLS` calls."""

    before: int
    """Tokens of the prompt itself, a call."""
    after: int
    cost_before: Nano | None
    """Of all calls; None where a price is not known."""
    cost_after: Nano | None

    @property
    def share(self) -> float | None:
        """How much dearer a call is: 0.1 is ten percent. By tokens where no price is known."""
        if self.cost_before is not None and self.cost_after is not None:
            return self.cost_after / self.cost_before - 1 if self.cost_before else None
        return self.after / self.before - 1 if self.before else None


def dearer(
    old: Prompt, new: Prompt, model: str, book: PriceBook, place: Deployment | None, at_us: int, cached: float = 0.0
) -> Dearer:  # fmt: skip
    """`cached`: share of the prompt that the provider's cache is expected to serve."""
    ratios = TokenRatios()
    tokens = [ratios.tokens(model, prompt.fixed()) for prompt in (old, new)]
    costs = [
        None if place is None else _cost(book, place, prompt, count, cached, at_us)
        for prompt, count in zip((old, new), tokens, strict=True)
    ]
    return Dearer(tokens[0], tokens[1], costs[0], costs[1])


def _cost(book: PriceBook, place: Deployment, prompt: Prompt, tokens: int, cached: float, at_us: int) -> Nano | None:
    read = round(tokens * cached)
    limit = prompt.body.get("max_completion_tokens", prompt.body.get("max_tokens"))
    out = min(prompt.typical.output, limit) if isinstance(limit, int) else prompt.typical.output
    usage = Usage(uncached_in=tokens - read + prompt.typical.input, cache_read=read, out=out)
    priced = book.price(place.prices, place.price_as or place.model, usage, at_us=at_us)
    return None if priced.state == "unpriced" else priced.nano * CALLS
