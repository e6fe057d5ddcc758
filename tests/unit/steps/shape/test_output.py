"""Output controls: what is written into requests, and what is left alone."""

import json
from collections.abc import Callable
from typing import Any

from farthing.model.call import Answer, Call, Deployment
from farthing.model.errors import UnknownModel
from farthing.model.record import Attempt
from farthing.model.usage import Usage
from farthing.steps.shape.arm import LEVER, Arm
from farthing.steps.shape.effort import Effort
from farthing.steps.shape.limit import LearnedLimit
from farthing.steps.shape.output import Output, Rules

MakeCall = Callable[..., Call]
CHAT: dict[str, Any] = {"messages": [{"role": "system", "content": "Sort tickets."}, {"role": "user", "content": "Hi"}]}


class Lengths:
    def __init__(self, most: int | None) -> None:
        self.most = most

    def likely_most(self, tenant: str, scopes: tuple[str, ...], model: str, share: float = 0.99) -> int | None:
        return self.most if scopes[0].startswith("template:") else None


def places(model: str) -> list[Deployment]:
    if model == "unknown":
        raise UnknownModel("unknown")
    return [Deployment(name=model, provider="p", model=model, prices="p")]


def thinks(model: str) -> bool:
    return model.startswith("gpt-5")


def step(rules: Rules, arm: Arm | None = None, **features: Rules) -> Output:
    return Output(rules, features, arm or Arm())


def limits(most: int | None = 100) -> Rules:
    return Rules((LearnedLimit(Lengths(most), places, thinks),))


EFFORT = Rules((Effort("low", places),))


async def sent(made: Output, call: Call, written: int = 10) -> dict[str, Any]:
    bodies: list[bytes] = []

    async def answer(call: Call) -> Answer:
        bodies.append(call.body)
        call.trail.attempts.append(Attempt(no=len(call.trail.attempts) + 1, usage=Usage(uncached_in=9, out=written)))
        return Answer(200, [], b"{}")

    body, ask = call.body, call.ask
    await made(call, answer)
    assert call.body is body and call.ask is ask
    found: dict[str, Any] = json.loads(bodies[0])
    return found


def body(**more: Any) -> bytes:
    return json.dumps({**CHAT, **more}).encode()


async def test_a_learned_limit_has_room_and_doubles_when_an_answer_meets_it(make_call: MakeCall) -> None:
    made = step(limits())
    call = make_call(body=body())
    assert (await sent(made, call))["max_tokens"] == 150
    assert call.trail.decisions[0].what == "at most 150 tokens"
    met = make_call(body=body())
    await sent(made, met, written=150)
    assert met.trail.decisions[-1].what == "the answer met its limit"
    assert (await sent(made, make_call(body=body())))["max_tokens"] == 300
    assert (await sent(step(limits(3)), make_call(body=body())))["max_tokens"] == 64
    assert (await sent(made, make_call(body=body(max_tokens=4_000))))["max_tokens"] == 300


async def test_no_limit_for_thoughts_for_what_is_not_known_and_above_the_callers_own(make_call: MakeCall) -> None:
    for made, call in (
        (step(limits()), make_call("gpt-5", body=body())),
        (step(limits()), make_call(body=body(reasoning_effort="high"))),
        (step(limits(None)), make_call(body=body())),
        (step(limits()), make_call("unknown", body=body())),
        (step(limits()), make_call(body=json.dumps({"messages": [{"role": "user", "content": "Hi"}]}).encode())),
        (step(Rules()), make_call(body=body())),
        (step(limits(), **{"": Rules()}), make_call(body=body())),
    ):  # fmt: skip
        assert not {"max_tokens", "max_completion_tokens"} & (await sent(made, call)).keys()
    own = make_call(body=body(max_tokens=80))
    own.ask.max_output = 80
    assert (await sent(step(limits()), own))["max_tokens"] == 80


async def test_effort_is_set_where_it_is_known_to_be_taken_and_nobody_else_said_one(make_call: MakeCall) -> None:
    assert (await sent(step(EFFORT), make_call("gpt-5", body=body())))["reasoning_effort"] == "low"
    assert (await sent(step(EFFORT), make_call("gpt-5", body=body(reasoning_effort="high"))))[
        "reasoning_effort"
    ] == "high"
    assert "reasoning_effort" not in await sent(step(EFFORT), make_call("gpt-4o", body=body()))
    both = make_call("gpt-5", body=body())
    both.targets = ("gpt-5", "gpt-4o")
    assert "reasoning_effort" not in await sent(step(EFFORT), both), "the one that takes over might refuse it"
    claude = make_call("claude-opus-4-6", body=body())
    claude.wire = "anthropic.messages"
    assert (await sent(step(EFFORT), claude))["output_config"] == {"effort": "low"}
    answers = make_call("gpt-5", body=b'{"input":"Hi"}')
    answers.wire = "openai.responses"
    assert (await sent(step(EFFORT), answers))["reasoning"] == {"effort": "low"}
    vectors = make_call("gpt-5", body=b'{"input":"Hi"}')
    vectors.wire = "openai.embeddings"
    assert await sent(step(EFFORT), vectors) == {"input": "Hi"}


async def test_held_out_calls_go_without(make_call: MakeCall) -> None:
    arm = Arm()
    arm.hold_out({LEVER: 1.0})
    call = make_call("gpt-5", body=body())
    assert await sent(step(EFFORT, arm=arm), call) == CHAT
    assert call.arms == {LEVER: True}
