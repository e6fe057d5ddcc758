"""Long texts that a request has twice, word for word: the later one becomes a word about the first.

A model must follow the reference, so it is used only where somebody says so. The first stays where it is, so that the
prefix up to the later one keeps its bytes. Knows no wire format.
"""

from farthing.wire.shaping.shaped import Shaped

LEAST_CHARS = 800
"""Bytes as it is written. A shorter text is not worth a model's looking back."""
CHARS_A_TOKEN = 5
"""English prose in today's tokenizers has 4.2 to 4.8."""
LABEL = 64


class Repeats:
    """The long texts of one request, in its order. Made anew for each."""

    def __init__(self) -> None:
        self._first: dict[bytes, str] = {}

    def first(self, raw: bytes, id: str) -> str | None:
        """What the earlier text with the same bytes is called; None for a text that is new, or too short. `id`: what a later
        one may call it by, the call of a tool."""
        if len(raw) < LEAST_CHARS:
            return None
        first = self._first.get(raw)
        if first is None:
            self._first[raw] = id
        return first


def refer(text: str, first: str) -> Shaped | None:
    """What stands for a text whose like was called `first`, or nothing."""
    of_call = f" of tool call {first}" if first and len(first) <= LABEL and first.isprintable() else ""
    made = f"(Word for word the same as the earlier text{of_call} that begins: {_opening(text)})"
    tokens = (len(text) - len(made)) // CHARS_A_TOKEN
    return Shaped(made, tokens) if tokens > 0 else None


def _opening(text: str) -> str:
    return " ".join(text[:80].split())
