"""A model as judge: does a stored answer fully answer a question that was worded otherwise?

Each judgement is a call of its own through the pipeline, so it has a row in the ledger: a principal of its own, baseline
0, its cost booked as what the cache spent. Knows nothing of the cache's entries.
"""

import logging
import time
from collections.abc import Callable

import msgspec

from farthing.model.call import Answer, Ask, Call, Proceed
from farthing.model.errors import FarthingError
from farthing.model.principal import Principal
from farthing.model.record import Saving

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
FEATURE = "farthing judge"
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
    """Asks `model`; without one there are no judgements. `proceed` is a pipeline that meters, as for any call; `new_id` gives its calls their ids."""

    def __init__(
        self, proceed: Proceed, model: str, new_id: Callable[[], str], *, feature: str = FEATURE
    ) -> None:  # fmt: skip
        self._proceed = proceed
        self._model = model
        self._new_id = new_id
        self._feature = feature

    async def answers(self, tenant: str, question: str, answer: str) -> bool | None:
        """Whether `answer` answers `question`; None if the judge cannot be asked or says nothing clear."""
        if not self._model or not answer or len(question) > LONGEST or len(answer) > LONGEST:
            return None
        call = self._call(tenant, question, answer)
        try:
            reply = await self._proceed(call)
            if reply.status != 200:
                return None
            said = msgspec.json.decode(reply.body, type=_Reply).choices[0].message.content or ""
            return msgspec.json.decode(said, type=_Judgement).answers
        except (FarthingError, msgspec.MsgspecError, IndexError) as error:
            log.warning("the judge gave no judgement", extra={"error": type(error).__name__})
            return None

    def _call(self, tenant: str, question: str, answer: str) -> Call:
        body = {
            "model": self._model,
            "messages": [
                {"role": "system", "content": INSTRUCTION},
                {"role": "user", "content": f"Question:\n{question}\n\nAnswer:\n{answer}"},
            ],
            "response_format": {"type": "json_schema", "json_schema": SCHEMA},
        }
        call = Call(
            id=self._new_id(), wire="openai.chat", headers={}, peer="", body=msgspec.json.encode(body),
            ask=Ask(self._model), started_us=time.time_ns() // 1000, started=time.perf_counter(),
        )  # fmt: skip
        call.principal = Principal(tenant=tenant, feature=self._feature)
        return call


class Overhead:
    """A step for calls that no client's call caused: all that they cost is the lever's own spending, their baseline 0."""

    name = "overhead"

    def __init__(self, lever: str) -> None:
        self._lever = lever

    async def __call__(self, call: Call, proceed: Proceed) -> Answer:
        answer = await proceed(call)
        answer.on_end(lambda _: self._book(call))
        return answer

    def _book(self, call: Call) -> None:
        cost = sum(attempt.cost for attempt in call.trail.attempts)
        call.trail.savings.append(Saving(self._lever, 0, 0, overhead=cost))
