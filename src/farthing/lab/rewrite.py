"""Shorter wordings of a prompt, as a model proposes them: each is tried like any other change, and none is believed. A wording
that lacks a slot or a protected part, word by word, is not even tried. Knows nothing of how the model is asked.
"""

from collections.abc import Awaitable, Callable

import msgspec

from farthing.lab.prompt import Prompt, Variant
from farthing.lab.screening import Noted
from farthing.lab.segments import SLOT
from farthing.lab.trial import Trials

PROPOSALS = 2
SHORTER = 0.9
"""Of the characters that a wording may have, at most: less of a change is not worth a trial."""
INSTRUCTION = (
    "Below is a prompt for a language model. Write it anew with as few words as you can, so that the model does exactly the "
    "same: each rule, name, number, condition and example that matters must stay. Keep these passages word by word:\n"
    "{kept}\n\nReply with the new prompt alone, without comment and without a code fence.{again}\n\n<prompt>\n{text}\n</prompt>"
)

Ask = Callable[[str], Awaitable[str | None]]
"""Puts a text to the model that writes; None where it gives no answer."""


class Rewritten(msgspec.Struct, frozen=True):
    variant: Variant
    proposed: int
    fit: int
    """Of these, shorter and with all that must stay."""
    why: str


async def rewritten(
    trials: Trials, prompt: Prompt, start: Variant, ask: Ask, noted: Noted = lambda _: None
) -> Rewritten:  # fmt: skip
    """The shortest wording of the prompt's longest message that holds, on top of `start`; `start` where none does."""
    texts = prompt.texts(start)
    at = max(range(len(texts)), key=lambda place: len(texts[place]))
    kept = must_stay(prompt, start, at)
    fit: list[str] = []
    proposed = 0
    for number in range(PROPOSALS):
        noted(f"proposal {number + 1} of {PROPOSALS}")
        again = "" if not number else f" Write another version than before ({number + 1}), and a shorter one."
        told = await ask(INSTRUCTION.format(kept="\n".join(kept) or "(none)", again=again, text=texts[at]))
        proposed += told is not None
        text = (told or "").strip()
        if is_fit(text, texts[at], kept) and text not in fit:
            fit.append(text)
    for text in sorted(fit, key=len):
        noted("a new wording")
        variant = msgspec.structs.replace(start, texts=((at, text),))
        tried = await trials.trial(variant)
        if tried.verdict == "holds":
            return Rewritten(variant, proposed, len(fit), f"a shorter wording is as good in {tried.counts.n:.0f} pairs")
    return Rewritten(start, proposed, len(fit), "no shorter wording was shown to be as good")


def must_stay(prompt: Prompt, start: Variant, message: int) -> list[str]:
    """Passages of a message that a new wording must have."""
    return [
        part.text for part in prompt.parts
        if part.message == message and part.protected and part.id not in start.removed
    ]  # fmt: skip


def is_fit(text: str, old: str, kept: list[str]) -> bool:
    return (
        0 < len(text) <= SHORTER * len(old)
        and all(passage in text for passage in kept)
        and sorted(SLOT.findall(text)) == sorted(SLOT.findall(old))
    )
