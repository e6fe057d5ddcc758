"""May the answer to a stored question be given to the one that is asked now?

Two texts are read once each (`prepared`), their content words are matched (`rules.align`), and a list of rules looks for a
difference that changes the answer (`rules`). It errs on the safe side: what it does not understand, it refuses. It knows
nothing of vectors, tenants or storage; the cosine is given to it.

There is no learned part. Boosted trees over the rules' findings, the cosine and word overlap were tried and did not pay: on
kinds of traps that they had not seen they let 28, 13, 4, 1 of 174 through at thresholds 0.5, 0.8, 0.9, 0.95 and served fewer
paraphrases than the rules from 0.9 on; the rules let none through. As a second opinion they removed no sprung trap and cost hits; on questions of neighbouring intents
they removed 5 of 7 hits across labels, most of which were label errors, and 159 of 519 within. One configuration was tried.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from farthing.steps.cache.guard.prepared import Prepared, prepare
from farthing.steps.cache.guard.rules import RULES, align, as_said

__all__ = ["DEFAULT", "Prepared", "Strictness", "Verdict", "compare", "compare_prepared", "prepare"]


class Strictness(StrEnum):
    """How sure the guard has to be.

    `strict` takes no synonyms and no other order of words; `default` takes what the rules understand; `lenient` also forgives
    another content word, modal verb or tense where the vectors are very near, which springs more traps.
    """

    STRICT = "strict"
    DEFAULT = "default"
    LENIENT = "lenient"


DEFAULT = Strictness.DEFAULT
LEAST_COSINE = {Strictness.STRICT: 0.90, Strictness.DEFAULT: 0.75, Strictness.LENIENT: 0.70}
FORGIVEN = frozenset({"content", "modality", "tense"})
VERY_NEAR = 0.97


class Verdict(msgspec.Struct, frozen=True):
    """Whether one answer serves both, and the rule that refused ("" if none) with words for people.

    `score` is between 0 and 1: 0 where a rule refused, else the cosine, and 1 for the same text.
    """

    same: bool
    rule: str
    why: str
    score: float


def compare(asked: str, stored: str, cosine: float, *, strictness: Strictness = DEFAULT) -> Verdict:
    """May the answer to `stored` be given to `asked`? `cosine` is the similarity of their vectors."""
    return compare_prepared(prepare(asked), prepare(stored), cosine, strictness=strictness)


def compare_prepared(asked: Prepared, stored: Prepared, cosine: float, *, strictness: Strictness = DEFAULT) -> Verdict:
    """The same for texts that were read before: some 20 us a pair."""
    if asked.folded == stored.folded:
        return Verdict(True, "", "the same text", 1.0)
    if asked.long or stored.long:
        return Verdict(False, "length", "long texts must be equal", 0.0)
    if asked.language != "en" or stored.language != "en":
        return Verdict(False, "language", "texts that are not English must be equal", 0.0)
    least = LEAST_COSINE[strictness]
    if cosine < least:
        return Verdict(False, "similarity", f"cosine {cosine:.3f} is below {least}", 0.0)
    forgiven = FORGIVEN if strictness is Strictness.LENIENT and cosine >= VERY_NEAR else frozenset()
    found = align(asked, stored)
    for rule, differs in RULES:
        why = differs(asked, stored, found)
        if why and rule not in forgiven:
            return Verdict(False, rule, why, 0.0)
    if strictness is Strictness.STRICT and not as_said(asked, stored, found):
        return Verdict(False, "wording", "said in other words or in another order", 0.0)
    return Verdict(True, "", "no difference that changes the answer", cosine)
