"""A model as judge: does a stored answer fully answer a question that was worded otherwise?

Each judgement is a call of its own through the pipeline, so it has a row in the ledger: a principal of its own, baseline
0, its cost booked as what the cache spent. Knows nothing of the cache's entries.
"""

import logging
from typing import Any

import msgspec

from farthing.model.errors import FarthingError
from farthing.quality.errand import FEATURES, Errands

log = logging.getLogger("farthing.quality")

INSTRUCTION = (
    "You compare answers of a question desk. You get a question and an answer that was given to a question like it. "
    "Say whether the answer, as it stands, fully and correctly answers the question: the same thing is asked for, and every "
    "number, name, date, unit, condition and direction in the question is the one that the answer speaks of. If anything "
    'differs or is missing, say no. Reply with JSON: {"answers": true} or {"answers": false}.'
)
SCHEMA = {
    "name": "judgement",
    "strict": True,
    "schema": {
        "type": "object",
        "properties": {"answers": {"type": "boolean"}},
        "required": ["answers"],
        "additionalProperties": False,
    },
}
FEATURE = FEATURES[0]
"""What its calls are booked as."""
LONGEST = 20_000
"""Characters of a question or answer that are shown to the judge; longer ones are not judged."""


class _Judgement(msgspec.Struct):
    answers: bool


class _Message(msgspec.Struct):
    content: str | None = None


class _Choice(msgspec.Struct):
    message: _Message


class _Reply(msgspec.Struct):
    choices: list[_Choice]


class Judge:
    """Asks `model`; without one there are no judgements."""

    def __init__(self, errands: Errands, model: str) -> None:
        self._errands = errands
        self._model = model

    async def answers(self, tenant: str, question: str, answer: str) -> bool | None:
        """Whether `answer` answers `question`; None if the judge cannot be asked or says nothing clear."""
        if not self._model or not answer or len(question) > LONGEST or len(answer) > LONGEST:
            return None
        body = msgspec.json.encode(_request(self._model, question, answer))
        try:
            reply = await self._errands.send("openai.chat", body, tenant=tenant, feature=FEATURE)
            if reply.status != 200:
                return None
            said = msgspec.json.decode(reply.body, type=_Reply).choices[0].message.content or ""
            return msgspec.json.decode(said, type=_Judgement).answers
        except (FarthingError, msgspec.MsgspecError, IndexError) as error:
            log.warning("the judge gave no judgement", extra={"error": type(error).__name__})
            return None


def _request(model: str, question: str, answer: str) -> dict[str, Any]:
    return {
        "model": model,
        "messages": [
            {"role": "system", "content": INSTRUCTION},
            {"role": "user", "content": f"Question:\n{question}\n\nAnswer:\n{answer}"},
        ],
        "response_format": {"type": "json_schema", "json_schema": SCHEMA},
    }
