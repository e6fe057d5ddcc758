import json

import pytest

from farthing.model.call import Answer, Call
from farthing.model.errors import UnknownModel
from farthing.model.record import Attempt, Record
from farthing.pipeline import chain
from farthing.quality.errand import Errands, Overhead
from farthing.quality.judge import Judge
from farthing.steps.meter import Meter


class Rows:
    full = False

    def __init__(self) -> None:
        self.rows: list[Record] = []

    def put(self, record: Record) -> None:
        self.rows.append(record)

    async def room(self, patience_s: float) -> bool:
        return True


class Model:
    """Says what the test wants, at a price."""

    def __init__(self, content: str | None, status: int = 200) -> None:
        self.content, self.status = content, status
        self.calls: list[Call] = []

    async def __call__(self, call: Call) -> Answer:
        self.calls.append(call)
        call.trail.attempts.append(Attempt(1, cost=500, cost_state="computed"))
        message = {"choices": [{"message": {"role": "assistant", "content": self.content}}]}
        return Answer(self.status, [], json.dumps(message).encode())


def judge(model: Model, rows: Rows, name: str = "gpt-5-mini") -> Judge:
    return Judge(Errands(chain([Meter(rows), Overhead("semantic cache")], model), lambda: "call-j"), name)


@pytest.mark.parametrize(
    ("content", "says"),
    [('{"answers": true}', True), ('{"answers": false}', False), ("yes", None), (None, None), ('{"answers": 1}', None)],
)
async def test_what_the_model_says(content: str | None, says: bool | None) -> None:
    assert await judge(Model(content), Rows()).answers("t", "When?", "In May.") is says


async def test_its_cost_is_the_lever_s_own_and_its_baseline_0() -> None:
    rows = Rows()
    await judge(Model('{"answers": true}'), rows).answers("t", "When?", "In May.")
    (record,) = rows.rows
    assert (record.cost, record.baseline, record.tenant, record.feature) == (500, 0, "t", "farthing judge")
    assert [(saving.lever, saving.saved) for saving in record.savings] == [("semantic cache", -500)]


async def test_question_and_answer_are_shown_and_an_answer_in_json_is_asked_for() -> None:
    model = Model('{"answers": true}')
    await judge(model, Rows()).answers("t", "When?", "In May.")
    body = json.loads(model.calls[0].body)
    assert body["messages"][1]["content"] == "Question:\nWhen?\n\nAnswer:\nIn May."
    assert body["response_format"]["json_schema"]["schema"]["required"] == ["answers"]


@pytest.mark.parametrize(("question", "answer"), [("x" * 30_000, "a"), ("q", "x" * 30_000), ("q", "")])
async def test_what_is_too_long_or_empty_is_not_judged(question: str, answer: str) -> None:
    model = Model('{"answers": true}')
    assert await judge(model, Rows()).answers("t", question, answer) is None
    assert model.calls == []


async def test_no_judge_no_judgement() -> None:
    model = Model('{"answers": true}')
    assert await judge(model, Rows(), "").answers("t", "q", "a") is None
    assert model.calls == []


async def test_a_judge_that_cannot_be_asked_says_nothing() -> None:
    async def failing(call: Call) -> Answer:
        raise UnknownModel("no such model")

    assert await Judge(Errands(failing, lambda: "call-j"), "m").answers("t", "q", "a") is None
    assert await judge(Model("{}", status=500), Rows()).answers("t", "q", "a") is None
