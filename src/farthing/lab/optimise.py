"""The whole run: the prompt as it is, what can go, which examples, which way of asking for the answer, and the proof on fresh
items. Knows nothing of models and files: answers are scored by whoever it is given.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec

from farthing.lab import structured
from farthing.lab.confirm import Confirmed, confirm, mean
from farthing.lab.fewshot import Ordered, best_order, fewest
from farthing.lab.plan import REPEATS
from farthing.lab.prompt import AS_IT_IS, Part, Prompt, Variant
from farthing.lab.rewrite import Ask, Rewritten, rewritten
from farthing.lab.screening import Decided, Noted, kept, prune
from farthing.lab.structured import Armed
from farthing.lab.trial import Scores, Trials

PROTECTED = {
    "slot": "holds an input",
    "safety": "protected: speaks of safety; name it in may_go to have it tried",
    "legal": "protected: speaks of law; name it in may_go to have it tried",
    "format": "protected: says the answer's form; name it in may_go to have it tried",
    "kept": "you keep it",
}


HOPELESS = 3
"""Times the margin that the prompt as it is must be right, at least."""


class Hopeless(Exception):
    """The prompt as it is does so badly that there is nothing to lose."""


class Found(msgspec.Struct, frozen=True):
    """What a run found."""

    variant: Variant
    """The shortest prompt that held on the first items."""
    decided: dict[int, Decided]
    """By part, all of them."""
    order: Ordered | None
    arms: list[Armed]
    rewrite: Rewritten | None
    """None where nobody was asked for one."""
    flips: float
    """Share of items on which the prompt as it is changes by itself."""
    proof: Confirmed | None
    """None where nothing was changed."""

    @property
    def is_proved(self) -> bool:
        return self.proof is not None and self.proof.verdict == "holds"


async def optimise(
    prompt: Prompt, scores: Scores, items: int, margin: float, weights: Mapping[int, float], noted: Noted = lambda _: None,
    flips: Callable[[Sequence[int]], Awaitable[float]] | None = None, ask: Ask | None = None, *,
    together: bool = False,
) -> Found:  # fmt: skip
    """`items`: of each trial, and as many behind them for the proof. `weights`: tokens of each part by id. `flips`
    says how often answers change by themselves, `ask` who proposes shorter wordings; `together`: as of Trials. Raises
    Hopeless."""
    trials = Trials(scores, items, margin, together=together)
    noted("the prompt as it is")
    right = mean(await trials.outcomes(AS_IT_IS, items)).right
    if right < HOPELESS * margin:
        raise Hopeless(
            f"the prompt as it is gets {100 * right:.1f} % of {items} items right: a loss of {100 * margin:g} points could hardly "
            f"be told from none; look at the items' answers, or at the model"
        )
    flipped = await flips(range(min(REPEATS, items))) if flips is not None else 0.0
    decided = {part.id: Decided(part.id, False, PROTECTED[part.protected]) for part in prompt.parts if part.protected}
    plain = [part.id for part in prompt.parts if _is_free(part) and part.message >= 0]
    pruned = await prune(trials, AS_IT_IS, plain, weights, noted)
    decided |= pruned.decided
    shots = [part.id for part in prompt.parts if _is_free(part) and part.message < 0]
    variant, order = pruned.variant, None
    if shots:
        fewer = await fewest(trials, variant, shots, weights, noted)
        decided |= fewer.decided
        order = await best_order(trials, fewer.variant, prompt, noted)
        variant = msgspec.structs.replace(fewer.variant, order=order.order)
    variant = await _released(trials, prompt, variant, decided, noted)
    rewrite = await rewritten(trials, prompt, variant, ask, noted) if ask is not None else None
    variant = rewrite.variant if rewrite is not None else variant
    arms = await structured.arms(trials, variant, list(prompt.arms), noted)
    variant = msgspec.structs.replace(variant, arm=structured.cheapest(arms))
    proof = None
    if variant != AS_IT_IS:
        noted(f"the proof, on {items} fresh items")
        proof = await confirm(scores, variant, items, items, margin)
    return Found(variant, decided, order, arms, rewrite, flipped, proof)


def _is_free(part: Part) -> bool:
    return not part.protected and not part.released


async def _released(
    trials: Trials, prompt: Prompt, variant: Variant, decided: dict[int, Decided], noted: Noted
) -> Variant:  # fmt: skip
    """Parts that would be protected: each has a trial of its own, and never goes with others."""
    for part in prompt.parts:
        if part.released:
            noted("a part that you let go, by itself")
            tried = await trials.trial(variant.less([part.id]))
            if tried.verdict == "holds":
                variant = variant.less([part.id])
                decided[part.id] = Decided(
                    part.id, True, f"no loss shown in {tried.counts.n:.0f} pairs of its own", tried.counts
                )
            else:
                decided[part.id] = kept(part.id, tried.verdict, tried.counts)
    return variant
