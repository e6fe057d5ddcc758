import pytest

from farthing.model.call import Answer, Call
from farthing.model.errors import BadRequest
from farthing.model.record import Attempt, Record
from farthing.pipeline import chain
from farthing.quality.errand import FEATURES, Errands, Overhead
from farthing.steps.meter import Meter


class Rows:
    full = False

    def __init__(self) -> None:
        self.rows: list[Record] = []

    def put(self, record: Record) -> None:
        self.rows.append(record)

    async def room(self, patience_s: float) -> bool:
        return True


async def vectors(call: Call) -> Answer:
    call.trail.attempts.append(Attempt(1, cost=70, cost_state="computed"))
    return Answer(200, [], b"{}")


async def test_an_errand_has_a_row_with_baseline_0() -> None:
    rows = Rows()
    errands = Errands(chain([Meter(rows), Overhead("semantic cache")], vectors), lambda: "call-e")
    body = b'{"model":"text-embedding-3-small","input":["hi"]}'
    answer = await errands.send("openai.embeddings", body, tenant="t", feature=FEATURES[1])
    (record,) = rows.rows
    assert answer.status == 200 and (record.id, record.tenant, record.feature) == ("call-e", "t", "farthing encoder")
    assert record.task == "farthing overhead"
    assert (record.cost, record.baseline, record.model_asked) == (70, 0, "text-embedding-3-small")


async def test_a_body_that_is_none_is_refused() -> None:
    with pytest.raises(BadRequest):
        await Errands(vectors, lambda: "call-e").send("openai.embeddings", b"{", tenant="t", feature="f")
