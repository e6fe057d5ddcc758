"""Stop sequences, schemas and hints as controls, and controls on trial."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from farthing.model.call import Answer, Call, Deployment
from farthing.model.errors import UnknownModel, UpstreamError
from farthing.steps.shape.arm import LEVER, Arm
from farthing.steps.shape.control import Drawn, Stand, read_drawn, scope_of
from farthing.steps.shape.effort import Effort
from farthing.steps.shape.output import Output, Rules
from farthing.steps.shape.schema import Schema
from farthing.steps.shape.shorter import Shorter
from farthing.steps.shape.stop import Stop, StopAtLabel
from farthing.wire.answer_schema import made as made_schema

MakeCall = Callable[..., Call]


def places(model: str) -> list[Deployment]:
    if model == "unknown":
        raise UnknownModel("unknown")
    return [Deployment(name=model, provider="p", model=model, prices="p")]


def thinks(model: str) -> bool:
    return model.startswith("gpt-5")


def body(system: str = "Sort tickets.", **more: Any) -> bytes:
    messages = [{"role": "system", "content": system}, {"role": "user", "content": "Hi"}]
    return json.dumps({"messages": messages, **more}).encode()


async def sent(made: Output, call: Call, text: str = "billing") -> dict[str, Any]:
    bodies: list[bytes] = []

    async def answer(call: Call) -> Answer:
        bodies.append(call.body)
        whole = {"choices": [{"message": {"content": text}, "finish_reason": "stop"}]}
        return Answer(200, [], json.dumps(whole).encode())

    await made(call, answer)
    found: dict[str, Any] = json.loads(bodies[0])
    return found


async def test_stop_sequences_of_settings(make_call: MakeCall) -> None:
    made = Output(Rules((Stop(("END",), places, thinks),)), {}, Arm())
    assert (await sent(made, make_call(body=body())))["stop"] == ["END"]
    for call in (make_call("gpt-5", body=body()), make_call("unknown", body=body()), make_call(body=body(stop="x"))):
        assert (await sent(made, call)).get("stop") in (None, "x")


async def test_where_answers_are_labels_is_learned(make_call: MakeCall) -> None:
    made = Output(Rules((StopAtLabel(places, thinks),)), {}, Arm())
    for at in range(60):
        assert (
            "stop" not in await sent(made, make_call(body=body()), f"{['Billing', 'account.'][at % 2]}\nSince {at}")
            or at >= 50
        )
    assert (await sent(made, make_call(body=body())))["stop"] == ["\n"]
    assert "stop" not in await sent(made, make_call(body=body("Write poems.")))
    assert "stop" not in await sent(made, make_call(body=body(tools=[{"type": "function", "function": {"name": "f"}}])))
    for _ in range(6):
        await sent(made, make_call(body=body()), "\nbilling")
    assert "stop" not in await sent(made, make_call(body=body())), "what begins with a line end is cut to nothing"


async def test_answers_that_are_all_different_are_no_labels(make_call: MakeCall) -> None:
    made = Output(Rules((StopAtLabel(places, thinks),)), {}, Arm())
    for at in range(80):
        assert "stop" not in await sent(made, make_call(body=body()), f"answer {at}")


async def test_a_schema_goes_only_where_json_is_asked_for(make_call: MakeCall) -> None:
    shape = made_schema("triage", {"type": "object", "properties": {}, "required": [], "additionalProperties": False})
    made = Output(Rules((Schema(shape, places, lambda model: model != "gpt-old"),)), {}, Arm())
    asks = "Answer in JSON."
    assert (await sent(made, make_call(body=body(asks))))["response_format"]["type"] == "json_schema"
    tools = [{"type": "function", "function": {"name": "f"}}]
    for call in (
        make_call(body=body("Answer.")), make_call("gpt-old", body=body(asks)), make_call("unknown", body=body(asks)),
        make_call(body=body(asks, tools=tools)),
    ):  # fmt: skip
        assert "response_format" not in await sent(made, call)


class Gate:
    """Gives a control to some sessions, and takes down what it hears."""

    def __init__(self, stand: Stand | None = None) -> None:
        self.stands = stand or Stand()
        self.heard: list[tuple[str, list[Drawn]]] = []
        self.lost: list[tuple[str, list[Drawn]]] = []

    def stand(self, tenant: str, scope: str, control: str) -> Stand:
        return self.stands

    def draws(self, tenant: str, unit: str, control: str, share: float) -> bool:
        return unit.startswith("with")

    def watch(self, call: Call, answer: Answer, scope: str, drawn: Sequence[Drawn], first: int) -> None:
        self.heard.append((scope, list(drawn)))

    def failed(self, call: Call, scope: str, drawn: Sequence[Drawn]) -> None:
        self.lost.append((scope, list(drawn)))


HINT = Shorter("Be brief.")


def trial(gate: Gate, arm: Arm | None = None) -> Output:
    return Output(Rules((HINT, Effort("low", places)), frozenset({"shorter"})), {}, arm or Arm(), gate)


def session(make_call: MakeCall, name: str, model: str = "gpt-4o-mini") -> Call:
    call = make_call(model, body=body())
    call.session = name
    return call


async def test_some_sessions_get_what_is_on_trial_and_both_are_watched(make_call: MakeCall) -> None:
    gate = Gate(Stand(phase=2))
    for name, gets in (("with", True), ("without", False)):
        call = session(make_call, f"{name[:4] if gets else 'no'} 1", "gpt-5")
        found = await sent(trial(gate), call)
        assert ("Be brief." in found["messages"][0]["content"]) is gets
        assert found["reasoning_effort"] == "low", "what is not on trial is on"
        scope, drawn = gate.heard[-1]
        assert drawn == [Drawn(HINT.key, gets, 2)] and scope == f"template:{call.template}"
        assert read_drawn(call.trail.decisions) == {HINT.key: gets}


async def test_what_is_off_goes_to_nobody_and_says_why(make_call: MakeCall) -> None:
    gate = Gate(Stand("off", 0.0, 1, "worse"))
    call = session(make_call, "with 1")
    assert "Be brief." not in (await sent(trial(gate), call))["messages"][0]["content"]
    assert call.trail.decisions[0].why == "switched off by its trial: worse" and not gate.heard


async def test_held_out_sessions_are_in_no_trial(make_call: MakeCall) -> None:
    gate, arm = Gate(), Arm()
    arm.hold_out({LEVER: 1.0})
    call = session(make_call, "with 1")
    assert "Be brief." not in (await sent(trial(gate, arm), call))["messages"][0]["content"]
    assert not gate.heard and not read_drawn(call.trail.decisions)


async def test_a_call_without_a_session_is_drawn_by_how_it_begins(make_call: MakeCall) -> None:
    gate = Gate()
    call = make_call(body=body())
    await sent(trial(gate), call)
    assert call.session and gate.heard


async def test_a_provider_that_fails_is_heard_of(make_call: MakeCall) -> None:
    async def fails(call: Call) -> Answer:
        raise UpstreamError("no")

    gate = Gate()
    call = session(make_call, "with 1")
    before = call.body
    with pytest.raises(UpstreamError):
        await trial(gate)(call, fails)
    assert gate.lost and call.body is before


async def test_a_call_that_was_prepared_is_watched_when_its_answer_comes(make_call: MakeCall) -> None:
    gate = Gate()
    parked = session(make_call, "with 1")
    parked.kept = {}
    await sent(trial(gate), parked)
    kept = json.loads(json.dumps(parked.kept))
    later = session(make_call, "with 1")
    later.walk, later.kept = "settling", kept
    await sent(trial(gate), later)
    assert gate.heard[1][1] == gate.heard[0][1]


def test_kinds_of_calls() -> None:
    assert scope_of("f", "t", "k") == "feature:f" and scope_of("", "t", "k") == "template:t"
    assert scope_of("", "", "k") == "task:k" and scope_of("", "", "") == "*"
