"""May the answer to a stored question be given to the one that is asked now?

Two texts are read once each (`prepared`), their content words are matched (`rules.align`), and a list of rules looks for a
difference that changes the answer (`rules`). It errs on the safe side: what it does not understand, it refuses. It knows
nothing of vectors, tenants or storage; the cosine is given to it.
"""

from __future__ import annotations

from enum import Enum

import msgspec

from farthing.steps.cache.guard.prepared import Prepared, prepare
from farthing.steps.cache.guard.rules import RULES, align

__all__ = ["DEFAULT", "Prepared", "Strictness", "Verdict", "compare", "compare_prepared", "prepare"]


class Strictness(Enum):
    """How sure the guard has to be; the value is the least cosine of the two texts."""

    STRICT = 0.92
    DEFAULT = 0.75
    LENIENT = 0.70


DEFAULT = Strictness.DEFAULT


class Verdict(msgspec.Struct, frozen=True):
    """Whether one answer serves both, and the rule that refused ("" if none) with words for people."""

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
    found = align(asked, stored)
    for rule, differs in RULES:
        why = differs(asked, stored, found)
        if why:
            return Verdict(False, rule, why, 0.0)
    if cosine < strictness.value:
        return Verdict(False, "similarity", f"cosine {cosine:.3f} is below {strictness.value}", cosine)
    return Verdict(True, "", "no difference that changes the answer", cosine)
