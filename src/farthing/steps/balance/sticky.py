"""Where a conversation was served last, so that it goes there again while the provider still has its prompt in its cache.

Conversations are known by what the call says of its session; else by how a long prompt begins. Knows nothing of health:
whoever asks decides whether the place is fit.
"""

from collections import OrderedDict

from farthing.model.call import Call

WORTH_BYTES = 4096
"""Shorter bodies have no prompt that a provider would keep (about 1,000 tokens)."""
PREFIX_BYTES = 4096
MOST = 50_000
"""Conversations that are remembered; the longest unused go first."""


class Sticky:
    """The places of conversations, each for `keep_s` seconds after its last call."""

    def __init__(self, keep_s: float) -> None:
        self._keep_s = keep_s
        self._places: OrderedDict[int, tuple[str, float]] = OrderedDict()

    def key(self, call: Call) -> int:
        """What the call's conversation is known by; 0 where there is nothing to keep warm."""
        if not self._keep_s or len(call.body) < WORTH_BYTES:
            return 0
        known = call.session or call.opening or (call.asked and (call.asked.cache_key or call.asked.prefix))
        return hash((call.principal.tenant, known or call.body[:PREFIX_BYTES])) or 1

    def place(self, key: int, now: float) -> str:
        """The name of the deployment that served it last; empty where that is too long ago."""
        name, until = self._places.get(key, ("", 0.0))
        return name if now < until else ""

    def served(self, key: int, name: str, now: float) -> None:
        self._places[key] = (name, now + self._keep_s)
        self._places.move_to_end(key)
        if len(self._places) > MOST:
            self._places.popitem(last=False)
