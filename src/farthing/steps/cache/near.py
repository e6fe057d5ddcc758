"""What the cache step asks of a semantic tier, and what it hears."""

from typing import Protocol

import msgspec

from farthing.model.call import Call
from farthing.steps.cache.place import Place
from farthing.store.entries import Entry
from farthing.wire.question import Question


class Near(msgspec.Struct, frozen=True):
    """A stored answer whose question is near."""

    entry: Entry
    similarity: float
    """Cosine, 0 to 1."""
    passed: bool
    """Whether the guard found no difference that changes the answer."""
    serves: bool
    """Whether it may be given: the guard let it through, its scope has shown the bound, and it was not drawn for a check;
    or people or a judge have approved it."""
    why: str
    other: bool = False
    """Whether the guard found one of the differences that make it plainly another question."""


class SemanticTier(Protocol):
    """Finds near questions and keeps new ones."""

    async def look(self, place: Place, asked: Question) -> Near | None:
        """The best stored answer that the guard lets through, else the nearest. Never raises."""

    def keep(self, entry: Entry, asked: Question) -> None:
        """Store an entry so that it is found by its question too."""

    def check(self, near: Near, asked: Question, call: Call, fresh: bytes) -> None:
        """Have it judged, off the caller's path, whether the stored answer would have done. `fresh` is the whole answer
        that the call got instead."""
