"""Calls of an easy task: what to do with a parcel."""

import random

from farthing.selfhost.students.pairs import Captured

WAYS = {
    "track": ("where is my {} now", "track the {} please", "when does my {} arrive", "has the {} been sent"),
    "return": ("I want to send the {} back", "how do I return a {}", "take this {} back", "the {} goes back to you"),
    "refund": ("give me my money for the {}", "refund the {}", "I paid twice for the {}", "money back for the {}"),
    "cancel": ("cancel the {}", "I do not want the {} any more", "stop the order of a {}", "please drop the {} order"),
}
THINGS = [f"{colour} {thing}" for colour in ("red", "blue", "old", "new", "big", "tiny", "green", "grey", "long", "flat")
          for thing in ("lamp", "chair", "book", "phone", "coat", "table", "shoe", "clock", "cup", "bag")]  # fmt: skip


def calls(size: int, seed: int = 1, *, wrong: float = 0.0, form: str = '{{"way": "{}"}}') -> list[Captured]:
    dice = random.Random(seed)
    every = [(way, words.format(thing)) for way, all_words in WAYS.items() for words in all_words for thing in THINGS]
    chosen = dice.sample(every, size)
    said = [dice.choice(list(WAYS)) if dice.random() < wrong else way for way, _ in chosen]
    return [
        Captured(text, form.format(answer), "00" * 8, at, "acme") for at, ((_, text), answer) in enumerate(zip(chosen, said, strict=True))
    ]  # fmt: skip
