"""A line at the end of the system prompt that asks for less, as settings word it."""

from collections.abc import Sequence
from hashlib import blake2b

from farthing.model.call import Call
from farthing.steps.shape.control import Change, Quiet
from farthing.wire.hint import with_hint


class Shorter(Quiet):
    """See the module. The line is the same for all calls, so that their beginnings stay alike."""

    name = "shorter"

    def __init__(self, hint: str) -> None:
        self.key = "shorter " + blake2b(hint.encode("utf-8", "replace"), digest_size=4).hexdigest()
        self._hint = hint

    def change(self, call: Call, models: Sequence[str], beside: frozenset[str]) -> Change | None:
        made = with_hint(call.wire, call.body, self._hint)
        return None if made is None else Change(made, "a hint to be shorter", "the settings of the feature")
