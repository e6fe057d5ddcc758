"""Long conversations: what is left out, what stands for it, what is booked."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from farthing.model.call import Answer, Call, Deployment
from farthing.model.errors import UpstreamError
from farthing.model.record import Attempt, PricedLine
from farthing.model.usage import Usage
from farthing.steps.shape.arm import LEVER, Arm
from farthing.steps.shape.history import LEFT_OUT, History
from farthing.steps.shape.output import Output, Rules
from farthing.steps.shape.summaries import Summaries
from farthing.steps.shape.trimming import Rates

MakeCall = Callable[..., Call]
PLAIN, READ = 3_000_000, 300_000
"""Pico-dollars a token."""


def places(model: str) -> list[Deployment]:
    return [Deployment(name=model, provider="p", model=model, prices="p")]


def trim(summaries: Summaries | None = None, rates: Rates | None = None, price: float | None = 0.0) -> History:
    return History(1_000, 2, places, lambda place, wire: rates or Rates(), summaries, lambda: price)


def talk(count: int, **more: Any) -> dict[str, Any]:
    messages: list[dict[str, Any]] = [{"role": "system", "content": "Help."}]
    for at in range(count):
        messages += [
            {"role": "user", "content": f"question {at} " + "x" * 200},
            {"role": "assistant", "content": f"answer {at} " + "y" * 200},
        ]
    return {"messages": [*messages, {"role": "user", "content": "And now?"}], **more}


async def sent(
    made: History, call: Call, usage: Usage | None = None, arm: Arm | None = None
) -> list[dict[str, Any]]:  # fmt: skip
    bodies: list[bytes] = []

    async def answer(call: Call) -> Answer:
        bodies.append(call.body)
        lines = [PricedLine("uncached_in", 1, PLAIN), PricedLine("cache_read", 1, READ)]
        used = usage or Usage(uncached_in=len(call.body) // 4, out=9)
        call.trail.attempts.append(Attempt(no=1, usage=used, cost=5, cost_state="computed", lines=lines))
        return Answer(200, [], b"{}")

    body = call.body
    await Output(Rules((made,)), {}, arm or Arm())(call, answer)
    assert call.body is body
    messages: list[dict[str, Any]] = json.loads(bodies[0])["messages"]
    return messages


def encoded(value: object) -> bytes:
    return json.dumps(value).encode()


async def test_the_oldest_turns_go_and_what_that_saved_is_booked(make_call: MakeCall) -> None:
    call = make_call(body=encoded(talk(12)))
    messages = await sent(trim(), call)
    assert messages[0]["content"] == "Help." and messages[1]["content"].startswith("question 0")
    assert messages[3]["content"].startswith(f"{LEFT_OUT}\n\nquestion ")
    assert messages[-1]["content"] == "And now?" and len(messages) < 26
    assert call.trail.decisions[0].step == "history"
    (saving,) = call.trail.savings
    gone = len(call.body) - len(encoded({"messages": messages}))
    assert saving.lever == LEVER and saving.after == 5 and saving.estimated
    assert abs(saving.before - 5 - gone / 4 * PLAIN / 1_000) < 0.05 * saving.before


async def test_what_a_provider_held_is_worth_a_read_less_what_is_read_anew(make_call: MakeCall) -> None:
    rates = Rates(PLAIN, READ, PLAIN)
    bodies = [encoded(talk(count)) for count in range(8, 120)]
    savings = []
    for body in bodies:
        call = make_call(body=body)
        messages = await sent(trim(rates=rates), call, Usage(uncached_in=500, cache_read=500))
        if len(encoded({"messages": messages})) < len(body):
            savings.append(call.trail.savings[0])
    assert savings and any(each.saved < 0 for each in savings), "a trim costs in its own turn"
    assert sum(each.saved for each in savings) > 0


async def test_what_earlier_ones_showed_counts_for_the_next_and_not_for_those_under_way(make_call: MakeCall) -> None:
    made = trim(rates=Rates(PLAIN, READ, PLAIN))

    async def trimmed(name: str, turns: range) -> list[bool]:
        """Whether anything is left out, in each of these turns of the conversation with this name."""
        found = []
        for at in turns:
            body = talk(at)
            body["messages"][1]["content"] += name
            found.append(len(await sent(made, make_call(body=encoded(body)))) < len(body["messages"]))
        return found

    whole = range(2, 50)
    first = await trimmed("first", whole)
    late = first.index(True)
    under_way = await trimmed("under way", range(2, late))
    assert not any(under_way), "nobody knows yet how long it will be"
    for number in range(30):
        await trimmed(f"long {number}", whole)
    assert await trimmed("first", whole) == first and await trimmed("under way", range(2, late)) == under_way
    soon = await trimmed("next", whole)
    assert soon.index(True) < late, "they last, so it pays soon"
    assert all(soon[soon.index(True) :]), "and it stays so"
    made = trim(rates=Rates(PLAIN, READ, PLAIN))
    for number in range(30):
        await trimmed(f"short {number}", range(2, late))
    assert not any(await trimmed("last", range(2, late))), "those that end soon are never trimmed"


async def test_short_marked_and_held_out_conversations_stay(make_call: MakeCall) -> None:
    marked = talk(12)
    marked["messages"][9]["content"] = [{"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}]
    arm = Arm()
    arm.hold_out({LEVER: 1.0})
    for made, body, held in (
        (trim(), talk(3), None),
        (trim(), marked, None),
        (trim(), talk(12), arm),
        (trim(Summaries(never), price=None), talk(12), None),
    ):
        call = make_call(body=encoded(body))
        assert await sent(made, call, arm=held) == body["messages"]
        assert not call.trail.savings


async def never(tenant: str, region: str, text: str) -> str:
    raise UpstreamError("no")


async def test_a_summary_stands_for_them_once_it_is_there(make_call: MakeCall) -> None:
    asked: list[tuple[str, str, str]] = []

    async def write(tenant: str, region: str, text: str) -> str:
        asked.append((tenant, region, text))
        return f"They talked {len(asked)} times."

    summaries = Summaries(write)
    made = trim(summaries)
    body = talk(12)
    first = make_call(body=encoded(body))
    first.region = "eu"
    assert await sent(made, first) == body["messages"], "nobody waits for it"
    await summaries.settle()
    ((_, region, text),) = asked
    assert region == "eu" and "User: question 1 " in text and "question 0" not in text
    messages = await sent(made, make_call(body=encoded(body)))
    assert "They talked 1 times." in messages[3]["content"] and len(messages) < 26
    later = await sent(made, make_call(body=encoded(talk(18))))
    assert "They talked 1 times." in later[3]["content"], "until the next one is there the last one holds"
    await summaries.settle()
    assert len(asked) == 2 and "They talked 1 times." in asked[1][2], "it goes on from there"
    assert "They talked 2 times." in (await sent(made, make_call(body=encoded(talk(18)))))[3]["content"]


async def test_summaries_that_fail_are_left_for_a_while() -> None:
    now, tries = [0.0], []

    async def write(tenant: str, region: str, text: str) -> str:
        tries.append(text)
        if text == "fails":
            raise UpstreamError("no")
        return text if text != "long" else "x" * 20_000

    summaries = Summaries(write, lambda: now[0])
    for text in ("fails", "good"):
        summaries.want(("t", text.encode()), "", lambda text=text: text)  # type: ignore[misc]
        await summaries.settle()
    assert tries == ["fails"]
    now[0] = 61.0
    for text in ("good", "long"):
        summaries.want(("t", text.encode()), "", lambda text=text: text)  # type: ignore[misc]
        await summaries.settle()
    assert summaries.of(("t", b"good")) == "good" and not summaries.of(("t", b"long"))
    assert not summaries.of(("other", b"good")), "never across tenants"
    summaries.want(("t", b"z"), "", lambda: "z")
    await asyncio.wait_for(summaries.close(), 30)
