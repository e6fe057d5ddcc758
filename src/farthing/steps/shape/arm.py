"""Which calls go without prompt optimisation, so that it can be measured.

Drawn by the session, and where nobody knows it by how the body begins: that is the same for all turns of a conversation, so
that none of them changes its form on the way and loses the provider's cache.
"""

from collections.abc import Mapping

from farthing.model.arms import PROMPT_OPTIMISATION, is_held_out
from farthing.model.call import Call

LEVER = PROMPT_OPTIMISATION
OPENING = 1_024
"""Bytes of a body that count as its beginning."""


class Arm:
    """The hold-out of the lever, shared by the steps that belong to it."""

    def __init__(self) -> None:
        self._share = 0.0
        self._salt = ""

    def hold_out(self, shares: Mapping[str, float], salt: str = "") -> None:
        """Draw with this share and this salt from the next call on."""
        self._share = shares.get(LEVER, 0.0)
        self._salt = salt

    def holds_out(self, call: Call) -> bool:
        """Whether the call goes without; noted in its arms."""
        if not self._share:
            return False
        known = call.arms.get(LEVER)
        if known is None:
            unit = call.session or call.body[:OPENING].decode("latin-1")
            known = is_held_out(LEVER, f"{call.principal.tenant}\0{unit}", self._share, self._salt)
            call.arms[LEVER] = known
        return known
