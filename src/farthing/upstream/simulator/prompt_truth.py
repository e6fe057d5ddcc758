"""The hidden truth of a prompt: on which of its words the answers to a task depend, and by how much, so that whoever claims to
find that out can be held against it. What it does not name makes no difference.

All luck follows from the seed: the same words missing lose the same tasks, whatever else the prompt says. Knows nothing of
wires, models and of how tasks are solved.
"""

import random
from typing import Literal

import msgspec

from farthing.upstream.simulator import prose, seeds

Fate = Literal["", "lost", "turned"]
"""As the model's skill has it; wrong; right where it was wrong, wrong where it was right."""


class Truth(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    needs: dict[str, float] = {}
    """Words -> the share of tasks that are lost where the request does not have them."""
    harms: dict[str, float] = {}
    """Words -> the share of tasks that are lost where the request has them."""
    example: str = ""
    """What marks an example, such as `"role":"assistant"`, as it stands in the request's JSON."""
    examples: int = 0
    """How many are needed; more make no difference."""
    example_loss: float = 0.0
    """Share of tasks lost for each that is missing."""
    brief: str = ""
    """Words without which answers have a talk around them, which costs tokens and makes nothing wrong."""
    flips: float = 0.0
    """Share of tasks whose answer turns by luck with each other wording of the prompt."""

    def fate(self, seed: int, task: str, context: bytes) -> Fate:
        """What becomes of the answer to `task` in a request whose messages are `context`, in JSON."""
        lost = any(
            share > 0 and not _has(context, words) and seeds.unit(seed, "need", words, task) < share
            for words, share in self.needs.items()
        )
        lost = lost or any(
            share > 0 and _has(context, words) and seeds.unit(seed, "harm", words, task) < share
            for words, share in self.harms.items()
        )
        if not lost and self.examples and self.example:
            missing = max(0, self.examples - context.count(self.example.encode()))
            lost = any(seeds.unit(seed, "example", at, task) < self.example_loss for at in range(missing))
        if lost:
            return "lost"
        return "turned" if self.flips and seeds.unit(seed, "flip", task, context) < self.flips else ""

    def worded(self, answer: str, task: str, context: bytes, dice: random.Random) -> str:
        """The answer as the prompt has it said."""
        if not self.brief or _has(context, self.brief):
            return answer
        return f"{prose.text(dice, task, 30)}\nAnswer: {answer}"


def _has(context: bytes, words: str) -> bool:
    return msgspec.json.encode(words)[1:-1] in context
