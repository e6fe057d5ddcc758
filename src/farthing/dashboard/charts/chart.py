"""What a page says to have a chart drawn: which one, of what rows, and in words for whoever cannot see it."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

REST = "all others"
"""The name of what is not drawn by its own."""


class Chart(msgspec.Struct, frozen=True):
    """`kind` is the module in `charts` that knows how. `rows` are plain values: numbers, words, ISO days."""

    kind: str
    title: str
    said: str
    """The same in a sentence or two: what a person without the picture needs."""
    rows: Sequence[Mapping[str, Any]]
    options: Mapping[str, Any] = {}
    """Besides the rows: a threshold, a unit."""

    @property
    def key(self) -> bytes:
        """The same for the same picture."""
        return msgspec.json.encode((self.kind, self.rows, self.options))
