"""The step, what is read of a call, and who keeps it; the table is a list."""

import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from farthing.model.call import Answer, Call, Deployment, Ending
from farthing.model.principal import Key, Principal
from farthing.pipeline import Proceed
from farthing.steps.capture.keeper import MOST, Keeper, Rules
from farthing.steps.capture.reading import Taken, read
from farthing.steps.capture.step import Capture
from farthing.store.captures import Captured
from farthing.store.errors import StoreError
from farthing.wire.question import named_in
from unit.steps.conftest import MakeCall

NOW_US = 1_790_000_000_000_000
DAY_US = 86_400_000_000
SCHEMA = {
    "type": "json_schema",
    "json_schema": {
        "name": "team",
        "schema": {"type": "object", "properties": {"team": {"enum": ["billing", "shipping"]}}, "required": ["team"]},
    },
}


def body(text: str = "Where is my parcel? ana@example.org", **more: Any) -> bytes:
    messages = [{"role": "system", "content": "Which team? Ask boss@example.org"}, {"role": "user", "content": text}]
    return json.dumps({"model": "gpt-5", "messages": messages, **more}).encode()


def said(text: str = "shipping", finish: str = "stop", **message: Any) -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", "content": text, **message}, "finish_reason": finish}
    return json.dumps({"id": "c", "object": "chat.completion", "choices": [choice]}).encode()


def taken(request: bytes = b"", answer: bytes = b"", **more: Any) -> Taken:
    given = {"call_id": "c1", "at_us": NOW_US, "wire": "openai.chat", "tenant": "acme", "feature": "triage", "task": "intent", "model": "gpt-5"}  # fmt: skip
    return Taken(request=request or body(), answer=answer or said(), **{**given, **more})


def kept(what: Taken, **rules: Any) -> Captured | None:
    return read(what, **{"redacted": True, "most_chars": 1000, "expires_us": NOW_US + 1, **rules})


def test_what_is_read_of_a_call() -> None:
    found = kept(taken(body(response_format=SCHEMA)))
    assert found is not None and len(found.template) == 16
    assert (found.text, found.answer, found.instructions) == (
        "Where is my parcel? [email]", "shipping", "Which team? Ask [email]",
    )  # fmt: skip
    assert (found.labels, found.turns, found.expires_us) == (("billing", "shipping"), 1, NOW_US + 1)
    plain = kept(taken(), redacted=False)
    assert plain is not None and plain.text.endswith("ana@example.org") and "boss@" in plain.instructions


@pytest.mark.parametrize(
    ("wire", "request_"),
    [
        ("anthropic.messages", {"system": [{"type": "text", "text": "Which team?"}], "messages": [{"role": "user", "content": "Hi"}]}),
        ("openai.responses", {"instructions": "Which team?", "input": "Hi"}),
        ("openai.chat", {"messages": [{"role": "developer", "content": "Which team?"}, {"role": "user", "content": [{"type": "text", "text": "Hi"}]}]}),
    ],
)  # fmt: skip
def test_instructions_of_each_wire(wire: str, request_: dict[str, Any]) -> None:
    answers = {
        "anthropic.messages": {"content": [{"type": "text", "text": "ok"}], "stop_reason": "end_turn"},
        "openai.responses": {"status": "completed", "output": [{"type": "message", "content": [{"type": "output_text", "text": "ok"}]}]},
    }  # fmt: skip
    answer = json.dumps(answers[wire]).encode() if wire in answers else said("ok")
    found = kept(taken(json.dumps({"model": "m", **request_}).encode(), answer, wire=wire))
    assert found is not None and (found.text, found.instructions, found.answer) == ("Hi", "Which team?", "ok")


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        (body(), said(finish="length")),
        (body(), said("  ")),
        (body(), said("x", finish="tool_calls", tool_calls=[{"function": {"name": "f", "arguments": "{}"}}])),
        (body(), said(refusal="no")),
        (body(), b"{"),
        (b"no json", said()),
        (body("x" * 2000), said()),
        (body(n=2), said()),
        (json.dumps({"model": "m", "messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,"}}, {"type": "text", "text": "?"}]}]}).encode(), said()),
    ],
)  # fmt: skip
def test_what_nothing_can_be_learned_from(request_: bytes, answer: bytes) -> None:
    assert kept(taken(request_, answer)) is None


class Rows:
    """The table, as a list."""

    def __init__(self) -> None:
        self.rows: list[Captured] = []
        self.trimmed: list[tuple[str, int]] = []
        self.broken = False

    async def add(self, captured: list[Captured]) -> int:
        if self.broken:
            raise StoreError("the disk is full")
        self.rows += captured
        return len(captured)

    async def trim(self, tenant: str, most: int) -> int:
        self.trimmed.append((tenant, most))
        return 0

    async def prune(self, now_us: int) -> int:
        if self.broken:
            raise StoreError("the disk is full")
        return 0


async def test_what_is_taken_is_written_in_parcels() -> None:
    rows = Rows()
    keeper = Keeper(rows, Rules(keep_days=2, max_rows=100), lambda: NOW_US)
    for at in range(300):
        keeper.take(taken(call_id=f"c{at}"))
    keeper.take(taken(answer=said(finish="length")))
    await keeper.flush()
    assert [each.call_id for each in rows.rows] == [f"c{at}" for at in range(300)]
    assert {each.expires_us for each in rows.rows} == {NOW_US + 2 * DAY_US}
    assert rows.trimmed == [("acme", 100)] * 2 and (keeper.left_out, keeper.dropped) == (1, 0)


async def test_memory_is_bounded_and_a_broken_store_costs_no_call() -> None:
    rows = Rows()
    keeper = Keeper(rows, Rules(), lambda: NOW_US)
    for at in range(MOST + 5):
        keeper.take(taken(call_id=f"c{at}"))
    assert keeper.dropped == 5
    rows.broken = True
    await keeper.flush()
    await keeper.prune()
    assert keeper.dropped == MOST + 5 and not rows.rows
    keeper.take(taken(body("x" * 40 * 2**20)))
    assert keeper.dropped == MOST + 6


async def test_it_flushes_by_itself_and_at_the_end() -> None:
    rows = Rows()
    keeper = Keeper(rows, Rules(), lambda: NOW_US)
    keeper.start()
    keeper.take(taken())
    await keeper.close()
    assert len(rows.rows) == 1


class Hands:
    def __init__(self) -> None:
        self.all: list[Taken] = []

    def take(self, taken: Taken) -> None:
        self.all.append(taken)


@pytest.mark.parametrize(
    ("features", "tasks", "feature", "task", "wanted"),
    [
        (["triage"], [], "triage", "", True),
        (["triage"], [], "chat", "", False),
        (["triage"], [], "", "", False),
        ([], ["intent"], "chat", "intent", True),
        (["*"], [], "", "", True),
        ([], [], "triage", "intent", False),
    ],
)
async def test_only_what_was_named_is_heard(
    make_call: MakeCall, features: list[str], tasks: list[str], feature: str, task: str, wanted: bool
) -> None:  # fmt: skip
    hands = Hands()
    call = make_call("gpt-5", body=body())
    call.principal, call.task = Principal(tenant="acme", feature=feature), task

    async def proceed(call: Call) -> Answer:
        call.body = b"changed"
        call.deployment = Deployment("openai/gpt-5", "openai", "gpt-5", "openai")
        return Answer(200, [], said())

    await Capture(features, tasks, 1.0, hands)(call, proceed)
    assert [(each.request, each.answer, each.model) for each in hands.all] == [(body(), said(), "gpt-5")] * wanted


def test_the_context_is_all_beside_the_ask_and_the_model() -> None:
    one, other, warmer, bigger = (
        kept(taken(request, said(), named=model))
        for request, model in (
            (body(), "gpt-5"), (body("Something else"), "gpt-5"), (body(temperature=1), "gpt-5"), (body(), "gpt-6"),
        )
    )  # fmt: skip
    assert one is not None and other is not None and warmer is not None and bigger is not None
    assert one.context == other.context and len({one.context, warmer.context, bigger.context}) == 3
    assert named_in(one.context) == named_in(one.settled) == "gpt-5" and named_in(bigger.context) == "gpt-6"
    assert one.settled == other.settled and len({one.context, one.settled, warmer.settled, bigger.settled}) == 4


async def test_what_a_key_a_feature_or_a_call_wants_kept_nowhere_is_not_heard(make_call: MakeCall) -> None:
    hands = Hands()
    step = Capture(["*"], ["intent"], 1.0, hands, never=(["medical"], ["clinic"]))

    async def proceed(call: Call) -> Answer:
        return Answer(200, [], said())

    for feature, key, headers in (
        ("medical", "shop", {}), ("triage", "clinic", {}), ("triage", "shop", {b"cache-control": b"No-Store"}), ("triage", "shop", {}),
    ):  # fmt: skip
        call = make_call(body=body())
        call.principal, call.task = Principal(tenant="acme", feature=feature), "intent"
        call.key, call.headers = Key("k", key, b""), {**call.headers, **headers}
        await step(call, proceed)
        step.audited(call, call.body, said(), "gpt-5")
    assert len(hands.all) == 2


async def test_a_share_of_calls_and_no_half_answers(make_call: MakeCall) -> None:
    hands = Hands()

    async def proceed(call: Call) -> Answer:
        return Answer(200, [], said())

    async def failed(call: Call) -> Answer:
        return Answer(500, [], b"{}")

    luck = iter([0.1, 0.6, 0.4])
    step = Capture(["*"], [], 0.5, hands, lambda: next(luck))
    for upstream in (proceed, proceed, failed):
        answer = await step(make_call(body=body()), upstream)
        answer.end(Ending())
    assert len(hands.all) == 1


async def test_a_call_that_nobody_wants_pays_little_more_than_for_no_step(make_call: MakeCall) -> None:
    """Twice what a step takes that only goes on, which is 0.2 us where nobody else is at work."""
    call, answer = make_call(), Answer(200, [], b"{}")

    async def proceed(call: Call) -> Answer:
        return answer

    async def passes(call: Call, proceed: Proceed) -> Answer:
        return await proceed(call)

    async def seconds(step: Callable[[Call, Proceed], Awaitable[Answer]]) -> float:
        begun = time.process_time()
        for _ in range(5_000):
            await step(call, proceed)
        return time.process_time() - begun

    step = Capture(["triage"], [], 1.0, Hands())
    ways = [(await seconds(step), await seconds(passes)) for _ in range(15)]
    assert min(taken for taken, _ in ways) < 5 * min(least for _, least in ways)


async def test_a_call_says_of_which_sample_it_is(make_call: MakeCall) -> None:
    """What a student gave back, what was held out from it, and what its teacher says in an audit."""
    rows = Rows()
    keeper = Keeper(rows, Rules(), lambda: NOW_US)
    step = Capture(["triage"], [], 1.0, keeper)

    async def proceed(call: Call) -> Answer:
        return Answer(200, [], said())

    for sample in ("left", "held out", ""):
        call = make_call(body=body())
        call.id, call.sample = f"c{len(rows.rows)}", sample  # type: ignore[assignment]
        call.principal = Principal(tenant="acme", feature="triage")
        await step(call, proceed)
        await keeper.flush()
    call.id = "c3"
    step.audited(call, call.body, said("billing"), "gpt-5")
    call.principal = Principal(tenant="acme", feature="other")
    step.audited(call, call.body, said("billing"), "gpt-5")
    await keeper.flush()
    assert [each.sample for each in rows.rows] == ["left", "held out", "", "audited"]
    assert (rows.rows[-1].answer, rows.rows[-1].model) == ("billing", "gpt-5")
