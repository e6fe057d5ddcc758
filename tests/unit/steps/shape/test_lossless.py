"""Lossless shaping of calls: what goes on, what is noted, and what is booked."""

import json
from collections.abc import Callable

import pytest

from farthing.model.call import Answer, Call
from farthing.model.principal import Principal
from farthing.model.record import Attempt, PricedLine
from farthing.model.usage import Usage
from farthing.steps.shape.arm import LEVER, Arm
from farthing.steps.shape.lossless import Lossless, saving
from farthing.wire.shaping.shape import LOSSLESS, Removed

MakeCall = Callable[..., Call]
ROWS = json.dumps([{"id": at, "name": "Müller"} for at in range(20)], indent=2)
BODY = json.dumps({"messages": [{"role": "tool", "tool_call_id": "c", "content": ROWS}]}).encode()
EVERYTHING = frozenset(LOSSLESS)
RATES = {"uncached_in": 1_000_000, "cache_read": 100_000, "w5m": 1_250_000, "out": 4_000_000}


def priced(usage: Usage, **more: object) -> Attempt:
    units = {unit: getattr(usage, unit) for unit in RATES if getattr(usage, unit)}
    lines = [PricedLine(unit, count, RATES[unit]) for unit, count in units.items()]
    cost = sum(line.count * line.rate for line in lines) // 1_000
    return Attempt(no=1, usage=usage, lines=lines, cost=cost, cost_state="computed", **more)  # type: ignore[arg-type]


def upstream(seen: list[bytes]) -> Callable[[Call], object]:
    async def answer(call: Call) -> Answer:
        seen.append(call.body)
        call.trail.attempts.append(priced(Usage(uncached_in=400, out=10)))
        return Answer(200, [], b"{}")

    return answer


def step(everywhere: frozenset[str] = EVERYTHING, arm: Arm | None = None, **features: frozenset[str]) -> Lossless:
    return Lossless(everywhere, features, arm or Arm())


async def test_a_call_goes_on_in_fewer_tokens_and_has_its_own_body_again(make_call: MakeCall) -> None:
    seen: list[bytes] = []
    call = make_call(body=BODY)
    for _ in range(2):  # a step before may try again
        await step()(call, upstream(seen))  # type: ignore[arg-type]
    assert seen[0] == seen[1] and len(seen[0]) < len(BODY)
    assert json.loads(json.loads(seen[0])["messages"][0]["content"]) == json.loads(ROWS)
    assert call.body is BODY
    assert (
        call.trail.decisions[0].what.startswith("about ") and "JSON without white space" in call.trail.decisions[0].why
    )
    first, second = call.trail.savings
    assert first == second and first.lever == LEVER and first.estimated and first.saved > 0
    assert first.after == 440_000 and first.saved % 1_000 == 0, "whole tokens at the plain rate"


async def test_a_body_comes_back_when_the_call_fails(make_call: MakeCall) -> None:
    async def fail(call: Call) -> Answer:
        raise ValueError

    call = make_call(body=BODY)
    with pytest.raises(ValueError):
        await step()(call, fail)
    assert call.body is BODY and not call.trail.savings


async def test_features_differ_and_held_out_calls_go_as_they_came(make_call: MakeCall) -> None:
    seen: list[bytes] = []
    call = make_call(body=BODY)
    call.principal = Principal(feature="plain")
    await step(plain=frozenset())(call, upstream(seen))  # type: ignore[arg-type]
    await step(frozenset())(call, upstream(seen))  # type: ignore[arg-type]
    arm = Arm()
    arm.hold_out({LEVER: 1.0}, "salt")
    await step(arm=arm)(call, upstream(seen))  # type: ignore[arg-type]
    assert seen == [BODY] * 3 and call.arms == {LEVER: True} and not call.trail.savings
    arm.hold_out({LEVER: 1e-12}, "salt")
    other = make_call(body=BODY)
    await step(arm=arm)(other, upstream(seen))  # type: ignore[arg-type]
    assert other.arms == {LEVER: False} and seen[-1] != BODY


def test_turns_of_a_conversation_are_in_one_arm(make_call: MakeCall) -> None:
    arm = Arm()
    arm.hold_out({LEVER: 0.5}, "salt")
    for at in range(50):
        opening = f'{{"messages":[{{"role":"user","content":"{at} {"a" * 2_000}"}}'.encode()
        turns = [make_call(body=opening + b',{"role":"user","content":"Go on"}' * turn + b"]}") for turn in range(3)]
        assert len({arm.holds_out(call) for call in turns}) == 1


def test_what_stood_in_the_cached_part_is_worth_what_that_part_costs() -> None:
    removed = [Removed("compact", 100, 0.1), Removed("compact", 100, 0.6), Removed("escapes", 100, 0.9)]
    whole = priced(Usage(uncached_in=1_000))
    cached = priced(Usage(uncached_in=250, cache_read=500, w5m=250))
    assert _saved([whole], removed) == 300_000
    assert _saved([cached], removed) == 100 * (100 + 1_250 + 1_000)
    assert _saved([whole, cached], removed) == 300_000 + 235_000


def test_nothing_is_claimed_where_nobody_knows() -> None:
    removed = [Removed("compact", 100, 0.5)]
    unknown = Attempt(no=1)
    reported = Attempt(no=1, usage=Usage(uncached_in=10), cost=5, cost_state="reported")
    all_cached = priced(Usage(cache_read=1_000))
    assert saving([], removed) is None and saving([unknown, reported], removed) is None
    assert _saved([all_cached], removed) == 10_000
    assert saving([priced(Usage(cache_read=1_000), part=1)], removed) is None


def _saved(attempts: list[Attempt], removed: list[Removed]) -> int:
    made = saving(attempts, removed)
    assert made is not None and made.after == sum(attempt.cost for attempt in attempts)
    return made.saved
