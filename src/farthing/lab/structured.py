"""Other ways of asking for the answer, a schema or a limit instead of free text, as arms: tokens, how many answers have the form,
and whether they are as good. A schema is not always cheaper: one word in JSON costs four. Knows nothing of schemas.
"""

from collections.abc import Sequence

import msgspec

from farthing.lab.confirm import Mean, mean
from farthing.lab.prompt import Variant
from farthing.lab.screening import Noted
from farthing.lab.trial import Trials, Tried

OUTPUT_WEIGHT = 5.0
"""What a token of output costs beside one of input, where no price is known."""


class Armed(msgspec.Struct, frozen=True):
    """What was found of one arm, beside the prompt without it."""

    name: str
    tried: Tried
    before: Mean
    after: Mean

    @property
    def words(self) -> str:
        return {"holds": "as good", "harms": "worse", "open": "not shown to be as good"}[self.tried.verdict]

    @property
    def saves(self) -> float:
        """Share of what a call costs."""
        before, after = _worth(self.before, self.after), _worth(self.after, self.before)
        return 1 - after / before if before else 0.0


async def arms(trials: Trials, start: Variant, names: Sequence[str], noted: Noted = lambda _: None) -> list[Armed]:
    """Each arm on top of `start`."""
    found = []
    variants = {name: msgspec.structs.replace(start, arm=name) for name in names}
    await trials.ahead(list(variants.values()), trials.items)
    for name, variant in variants.items():
        noted(f"arm {name}")
        tried = await trials.trial(variant)
        until = round(tried.counts.n)
        found.append(
            Armed(name, tried, mean(await trials.outcomes(start, until)), mean(await trials.outcomes(variant, until)))
        )
    return found


def cheapest(found: Sequence[Armed]) -> str:
    """The arm to take: the cheapest of those that hold and save anything; empty where none does."""
    good = [each for each in found if each.tried.verdict == "holds" and each.saves > 0]
    return max(good, key=lambda each: each.saves).name if good else ""


def _worth(one: Mean, other: Mean) -> float:
    """What a call costs, in whichever unit both are known in."""
    if one.cost is not None and other.cost is not None:
        return one.cost / max(one.calls, 1)
    return one.in_tokens + OUTPUT_WEIGHT * one.out_tokens
