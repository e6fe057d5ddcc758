"""Whoever judges semantic hits in a replay: would the stored answer have done, by the answer that was recorded to the question?

Two answers count as alike that name the same numbers and share most of their words. It is a stand-in for a model's judgement:
strict where answers are free, right where they are short. Of a question without a recorded answer it says nothing.
"""

import re
from collections.abc import Iterable

from farthing.model.past import PastCall
from farthing.wire.question import Questions
from farthing.wire.said import said

LEAST_SHARED = 0.6
"""Of the words of both, that are in both."""
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_WORD = re.compile(r"[^\W\d_]+")


class Judged:
    """See the module: answers that were recorded, by tenant and question; of several the latest."""

    def __init__(self, calls: Iterable[PastCall]) -> None:
        questions = Questions()
        self._answers: dict[tuple[str, str], bytes] = {}
        self._wires: dict[tuple[str, str], str] = {}
        for past in calls:
            question = questions.of(past.wire, past.prompt) if past.answer else None
            if question is not None and question.text:
                self._answers[past.tenant, question.text] = past.answer
                self._wires[past.tenant, question.text] = past.wire

    async def answers(self, tenant: str, question: str, answer: str) -> bool | None:
        """See `Judge`."""
        recorded = self._answers.get((tenant, question))
        found = said(self._wires[tenant, question], recorded) if recorded is not None else None
        return are_alike(found.text, answer) if found is not None and found.text and answer else None


def are_alike(one: str, other: str) -> bool:
    """See the module."""
    if one.strip().lower() == other.strip().lower():
        return True
    if set(_NUMBER.findall(one)) != set(_NUMBER.findall(other)):
        return False
    mine, theirs = (set(_WORD.findall(text.lower())) for text in (one, other))
    return len(mine & theirs) >= LEAST_SHARED * max(1, len(mine | theirs))
