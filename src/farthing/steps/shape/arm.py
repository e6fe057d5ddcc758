"""Which calls go without prompt optimisation, so that it can be measured.

Drawn by the session, and where nobody knows it by how the body begins: that is the same for all turns of a conversation, so
that none of them changes its form on the way and loses the provider's cache.
"""

from farthing.model.arms import PROMPT_OPTIMISATION, Draw
from farthing.model.call import Call

LEVER = PROMPT_OPTIMISATION
OPENING = 1_024
"""Bytes of a body that count as its beginning."""


class Arm:
    """The hold-out of the lever, shared by the steps that belong to it."""

    def __init__(self) -> None:
        self._draw = Draw(LEVER)
        self.hold_out = self._draw.hold_out

    def holds_out(self, call: Call) -> bool:
        """Whether the call goes without; noted in its arms."""
        if not self._draw.share:
            return False
        known = call.arms.get(LEVER)
        if known is not None:
            return known
        unit = call.session or call.body[:OPENING].decode("latin-1")
        return self._draw.notes(call.arms, f"{call.principal.tenant}\0{unit}")
