"""Plausible English of a wanted length about given words; the same dice write the same text."""

import random
import re
from collections.abc import Sequence

from farthing.upstream.simulator import tokens

_SENTENCES = (
    "The main point about {a} is that it depends on {b} more than most people expect.",
    "In practice, teams that look at {a} early find fewer surprises later.",
    "A good first step is to write down what {a} should achieve and how {b} will be measured.",
    "There are two common mistakes: ignoring {a}, and treating {b} as an afterthought.",
    "For most cases the simple approach to {a} is enough, and it is easier to check.",
    "If {b} changes, the figures for {a} have to be looked at again.",
    "It helps to separate {a} from {b}, because they fail in different ways.",
    "The cost of {a} grows with its size, while {b} stays roughly constant.",
    "You can start small, compare the outcome with what you had, and keep what works.",
    "Note that {a} has limits: it says little about {b} on its own.",
    "A short review every week is usually sufficient to keep {a} on track.",
    "When in doubt, ask the people who work with {b} every day.",
    "Both options are reasonable, but {a} is the safer choice when time is short.",
    "Finally, keep a record of the decision, so that the next change to {b} is easier.",
)
_OPENINGS = (
    "Here is a short overview.",
    "Sure, here is what matters.",
    "Good question.",
    "In short:",
    "Let me summarise the essentials.",
    "",
)
_COMMON_WORDS = (
    "about after again also answer been before being between could does each from have having here into just like more most"
    " much only other please question should some such tell than that their them then there these they this those through"
    " very want were what when where which while will with would write your"
)
_COMMON = frozenset(_COMMON_WORDS.split())
_WORD = re.compile(r"[^\W\d_]{4,24}")
_MOST_TOPICS = 24
_TOPICS = ("the process", "the result", "quality", "planning", "the data", "the team")


def text(dice: random.Random, prompt: str, length: int) -> str:
    """About `length` tokens on what `prompt` speaks of; never cut inside a sentence, never empty."""
    topics = topics_of(prompt)
    made = [opening] if (opening := dice.choice(_OPENINGS)) else []
    sentences: list[str] = []
    written = 0
    while written == 0 or written < length:
        if not sentences:
            sentences = dice.sample(_SENTENCES, len(_SENTENCES))
        a, b = dice.sample(topics, 2)
        made.append(sentences.pop().format(a=a, b=b))
        written += tokens.count(made[-1])
    return " ".join(made)


def topics_of(prompt: str) -> Sequence[str]:
    """The longer words of a prompt in their order, without the most common ones; never empty."""
    found = (match[0].lower() for match in _WORD.finditer(prompt[-4000:]))
    topics: dict[str, None] = {}
    for word in found:
        if word not in _COMMON:
            topics[word] = None
            if len(topics) == _MOST_TOPICS:
                break
    return list(topics) if len(topics) > 3 else [*topics, *_TOPICS]
