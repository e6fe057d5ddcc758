"""What the cache step asks of a semantic tier, and what it hears."""

from typing import Protocol

import msgspec

from farthing.model.call import Call
from farthing.steps.cache.place import Place
from farthing.store.entries import Entry
from farthing.wire.question import Question

NEAR_MISS = "near miss: "
NOT_SERVED = "too old, or by a model that may not answer"


def near_miss(refused: str) -> str:
    """How the step notes that an answer was near and was not given."""
    return f"{NEAR_MISS}{refused}"


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
    refused: str = ""
    """In a word or two, what stands against giving it: a rule of the guard, or that too few verdicts were given."""
    other: bool = False
    """Whether the guard found one of the differences that make it plainly another question."""


class Judge(Protocol):
    """Whoever says whether an answer answers a question."""

    async def answers(self, tenant: str, question: str, answer: str) -> bool | None: ...


class SemanticTier(Protocol):
    """Finds near questions and keeps new ones."""

    async def look(self, place: Place, asked: Question) -> Near | None:
        """The best stored answer that the guard lets through, else the nearest. Never raises."""

    def keep(self, entry: Entry, asked: Question) -> None:
        """Store an entry so that it is found by its question too."""

    def check(self, near: Near, asked: Question, call: Call, fresh: bytes) -> None:
        """Have it judged, off the caller's path, whether the stored answer would have done. `fresh` is the whole answer
        that the call got instead."""
