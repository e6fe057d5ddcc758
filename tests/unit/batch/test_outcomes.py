"""What became of lines, with the rows beside them, however large the file and wherever one begins."""

import json
from typing import Any

import pytest

from farthing.batch import handing
from farthing.batch.handing import Order, job_of
from farthing.batch.outcomes import Outcome, outcomes
from farthing.batch.written import Writer, kind_of, text_of
from farthing.model.batch import Line
from farthing.model.record import Record
from farthing.store import Store, writing
from farthing.store.batch import files, jobs, lines
from farthing.store.engine import Connection
from farthing.store.sealing import Unreadable, Wrapping, wrapping
from unit.batch.worked import ANSWER
from unit.gateway.batch_site import SEALING

COUNT = 1200
NOW_US = 10**15


@pytest.fixture
def sealed() -> Wrapping:
    return wrapping(SEALING)


def prepared(connection: Connection, sealed: Wrapping, pad: int = 1200) -> None:
    """A job of which every third line failed and the last has not ended; its file has several parts, and blank lines."""
    data = b"\n".join(
        json.dumps({"custom_id": f"c-{n}", "body": {}, "row": {"n": n, "pad": "x" * pad}}).encode() + (b"\n" if n % 5 == 0 else b"")
        for n in range(COUNT)
    )  # fmt: skip
    files.create(connection, handing.a_file("file-1", "default", "a", NOW_US))
    files.append(connection, "file-1", data, wrapping=sealed)
    files.finish(connection, "file-1")
    job = job_of(Order("openai.chat", 3600.0), "job-1", "file", "file-1", "default", NOW_US, 60.0)
    handing.add(connection, job)
    made = [Line("job-1", n, f"c-{n}", "default", "m", job.deadline_us, 2, body=b"{}") for n in range(COUNT)]
    lines.add(connection, made, wrapping=sealed)
    jobs.validated(connection, "job-1", COUNT, NOW_US)
    writing.write(
        connection,
        [
            Record(f"call-{n}", NOW_US, "openai.chat", cost=n, baseline=n, cost_state="computed")
            for n in range(0, COUNT, 2)
        ],
    )
    ends = [
        lines.Ended("job-1", n, f"call-{n}", "failed" if n % 3 == 0 else "done", 200, ANSWER, n, n) for n in range(COUNT - 1)
    ]  # fmt: skip
    lines.settle(connection, ends, NOW_US, wrapping=sealed)


async def read(store: Store, sealed: Wrapping, after: int = -1) -> list[Outcome]:
    job = await store.do(lambda c: jobs.get(c, "job-1"))
    assert job is not None
    return [each async for some in outcomes(store, sealed, job, after) for each in some]


async def test_each_line_comes_once_with_its_own_row_and_cost(store: Store, sealed: Wrapping) -> None:
    await store.do(lambda c: prepared(c, sealed))
    found = await read(store, sealed)
    assert [each.no for each in found] == list(range(COUNT - 1))
    assert [json.loads(bytes(each.row))["n"] for each in found] == list(range(COUNT - 1))
    assert [each.cost_nano for each in found[:4]] == [0, None, 2, None]
    assert {each.state for each in found} == {"done", "failed"}
    assert [each.no for each in await read(store, sealed, 700)] == list(range(701, COUNT - 1))
    assert json.loads(bytes((await read(store, sealed, 1000))[0].row))["n"] == 1001


async def test_without_its_file_there_are_no_rows_and_without_its_key_no_answers(
    store: Store, sealed: Wrapping
) -> None:
    await store.do(lambda c: prepared(c, sealed, 1))
    with pytest.raises(Unreadable):  # answers that nobody can read are not given as empty ones
        await read(store, wrapping(SEALING.replace("M", "N", 1)))
    await store.do(lambda c: files.delete(c, "file-1"))
    assert bytes((await read(store, sealed))[0].row) == b"null"


async def test_what_was_delivered_is_gone(store: Store, sealed: Wrapping) -> None:
    await store.do(lambda c: prepared(c, sealed, 1))
    job = await store.do(lambda c: jobs.get(c, "job-1"))
    assert job is not None
    await store.do(lambda c: handing.delivered(c, job))
    assert {(bytes(each.row), bytes(each.answer)) for each in await read(store, sealed)} == {(b"null", b"null")}


def outcome(no: int, answer: Any, row: Any = None, **more: Any) -> Outcome:
    told = {"no": no, "custom_id": f"c-{no}", "state": "done", "status": 200, "call_id": "", "cost_nano": 1500, **more}
    return Outcome(**told, answer=json.dumps(answer).encode(), row=json.dumps(row).encode())  # type: ignore[arg-type]


def test_a_table_has_the_columns_of_the_input_and_then_ours() -> None:
    writer = Writer("csv", [])
    said = json.loads(ANSWER)
    text = writer.line(outcome(0, said, {"id": 1, "text": 'a, "b"', "answer": None}))
    text += writer.line(outcome(1, {"error": {"message": "no\nsuch"}}, {"id": {"x": 1}}, status=404, cost_nano=None))
    text += writer.line(outcome(2, None, {"id": "3", "more": 1}, status=0, state="expired"))
    assert text == (
        "id,text,answer,farthing_answer,status,cost_dollars\n"
        '1,"a, ""b""",,blue,200,0.000001500\n'
        '"{""x"":1}",,,"no\nsuch",404,\n'
        "3,,,,expired,0.000001500\n"
    )
    assert Writer("csv", []).line(outcome(0, said)).splitlines()[0] == "custom_id,answer,status,cost_dollars"


def test_what_an_answer_says_in_each_format() -> None:
    assert text_of(outcome(0, {"content": [{"type": "text", "text": "hi"}], "stop_reason": "end_turn"})) == "hi"
    assert text_of(outcome(0, {"data": [{"embedding": [1]}]})) == '{"data": [{"embedding": [1]}]}'
    assert text_of(outcome(0, "plain")) == '"plain"' and text_of(outcome(0, None)) == ""
    assert (kind_of("a.CSV"), kind_of("a.jsonl"), kind_of("")) == ("csv", "jsonl", "jsonl")
