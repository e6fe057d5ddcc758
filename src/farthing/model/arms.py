"""Hold-outs: a small share of sessions goes without a lever, so that what the lever does can be measured.

The draw is a hash with a secret salt, so that every gateway draws alike, a session stays in its arm, and nobody can name a
session into the arm that he would like. Its unit is the session or prefix family, so that a warm provider cache does not
leak from one arm into the other.
"""

from collections.abc import Mapping
from hashlib import blake2b

SEMANTIC_CACHE = "semantic cache"
MODEL_SELECTION = "model selection"
PROVIDER_CACHING = "provider caching"
PROMPT_OPTIMISATION = "prompt optimisation"
BATCHING = "batching"
DISTILLATION = "distillation"
LEVERS = (SEMANTIC_CACHE, MODEL_SELECTION, PROVIDER_CACHING, PROMPT_OPTIMISATION, BATCHING, DISTILLATION)
"""The levers that hold-outs are drawn for, as savings name them."""
BY_PREFIX = frozenset((PROVIDER_CACHING, PROMPT_OPTIMISATION))
"""Those that are drawn by how a prompt begins, by whoever has looked at it; the others by session."""
DRAWN_LATER = BY_PREFIX | {BATCHING, DISTILLATION}
"""Those that are drawn by their own step: only calls that can wait are drawn for waiting, only those that a student is sure
of for distillation. Calls that a lever cannot touch would bury what it does."""


def is_held_out(lever: str, unit: str, share: float, salt: str = "") -> bool:
    """Whether `unit` goes without `lever`; `share` is that of the untreated, 0 to 1. Another salt, another draw."""
    if share <= 0:
        return False
    drawn = blake2b(f"{lever}\0{unit}\0{salt}".encode(), digest_size=8).digest()
    return int.from_bytes(drawn, "big") < share * 2.0**64


class Draw:
    """One lever's hold-out as it is now, for the step that draws it."""

    def __init__(self, lever: str) -> None:
        self.lever = lever
        self.share = 0.0
        """Of the untreated, 0 to 1; 0 where nothing is drawn."""
        self._salt = ""

    def hold_out(self, shares: Mapping[str, float], salt: str = "") -> None:
        """Draw with this share and this salt from the next call on."""
        self.share, self._salt = shares.get(self.lever, 0.0), salt

    def holds_out(self, unit: str) -> bool:
        """Whether `unit` goes without the lever."""
        return is_held_out(self.lever, unit, self.share, self._salt)

    def notes(self, arms: dict[str, bool], unit: str) -> bool:
        """The same, noted among a call's arms; nothing is noted where nothing is drawn."""
        if not self.share:
            return False
        held = arms[self.lever] = self.holds_out(unit)
        return held
