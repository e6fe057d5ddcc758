"""Failing over: what is tried again, where, and what the client and the ledger get."""

import asyncio
import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.model.errors import (
    BadRequest,
    FarthingError,
    RateLimited,
    Unavailable,
    UnknownModel,
    UnpricedModel,
    UpstreamError,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from farthing.model.principal import Key
from farthing.settings import DeploymentSettings, ModelSettings
from laws import examples
from unit.steps.balance.scene import (
    COST,
    CUT,
    DOWN,
    END,
    MODEL,
    OK,
    ROLE,
    USAGE,
    WHOLE,
    Reply,
    Scene,
    delta,
    error,
    event,
    fails,
    ok,
    read,
    refuses,
    streams,
)

OVERFLOW = error("context_length_exceeded", "This model's maximum context length is 16385 tokens.")


async def test_one_deployment_is_asked_and_nothing_booked() -> None:
    scene = Scene("a")
    answer = await scene.ask()
    assert (answer.status, answer.body) == (200, OK)
    assert scene.record.cost == COST == scene.record.baseline and scene.record.savings == []
    assert scene.record.deployment == f"a/{MODEL}" and scene.calls[0].target == MODEL


async def test_a_name_of_one_s_own_is_explained() -> None:
    scene = Scene("a", more={"ours": ModelSettings("a", MODEL)})
    await scene.ask(model="ours")
    assert [(note.step, note.what) for note in scene.calls[0].trail.decisions] == [("balance", f"a/{MODEL}")]


async def test_nowhere_to_go() -> None:
    scene = Scene("a")
    with pytest.raises(UnknownModel):
        await scene.ask(model="unheard-of")


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504, 529])
async def test_what_another_deployment_may_answer(status: int) -> None:
    scene = Scene("a", "b", strategy="weighted", each={"b": {"weight": 0.0}})
    scene["a"].usual = refuses(status)
    assert (await scene.ask()).status == 200
    assert (scene["a"].asked, scene["b"].asked) == (1, 1)
    assert [attempt.outcome for attempt in scene.record.attempts] == ["error", "ok"]
    assert scene.record.cost == scene.record.baseline == COST
    assert "HTTP" in scene.calls[0].trail.decisions[1].why


@pytest.mark.parametrize("failure", [DOWN, CUT, UpstreamTimeout("too late")])
async def test_no_answer_is_looked_for_elsewhere(failure: Exception) -> None:
    scene = Scene("a", "b", strategy="weighted", each={"b": {"weight": 0.0}})
    scene["a"].usual = fails(failure)
    assert (await scene.ask()).status == 200
    assert scene["a"].asked == 1


@pytest.mark.parametrize("status", [400, 413, 422, 405])
async def test_a_caller_s_mistake_is_sent_once(status: int) -> None:
    scene = Scene("a", "b")
    for host in scene.hosts.values():
        host.usual = refuses(status, b'{"error":{"message":"your mistake"}}')
    answer = await scene.ask()
    assert (answer.status, answer.body) == (status, b'{"error":{"message":"your mistake"}}')
    assert scene["a"].asked + scene["b"].asked == 1
    assert {scene.state("a"), scene.state("b")} == {"closed"}


async def test_the_last_provider_s_own_words_when_nothing_is_left() -> None:
    scene = Scene("a", "b", attempts=2)
    for name, host in scene.hosts.items():
        host.usual = refuses(500, name.encode())
    answer = await scene.ask()
    assert answer.status == 500 and answer.body.decode() == scene.record.attempts[-1].provider
    assert len(scene.record.attempts) == 2


async def test_a_lone_deployment_is_asked_again_after_a_pause() -> None:
    scene = Scene("a", patience_s=1.0)
    scene["a"].script = [refuses(503), fails(DOWN)]
    assert (await scene.ask()).status == 200
    assert scene["a"].asked == 3


@pytest.mark.parametrize("failure", [CUT, UpstreamTimeout("too late")])
async def test_what_may_be_billed_is_not_sent_to_the_same_place_again(failure: Exception) -> None:
    scene = Scene("a", patience_s=1.0)
    scene["a"].usual = fails(failure)
    with pytest.raises(UpstreamError):
        await scene.ask()
    assert scene["a"].asked == 1


async def test_a_provider_s_word_that_a_retry_cannot_help() -> None:
    scene = Scene("a", patience_s=1.0)
    scene["a"].usual = refuses(500, x_should_retry="false")
    await scene.ask()
    assert scene["a"].asked == 1


async def test_retry_after_is_waited_for_within_patience() -> None:
    scene = Scene("a", patience_s=1.0)
    scene["a"].script = [refuses(503, retry_after_ms="150")]
    begun = asyncio.get_running_loop().time()
    assert (await scene.ask()).status == 200
    assert asyncio.get_running_loop().time() - begun >= 0.15
    scene["a"].script = [refuses(503, retry_after="5")]
    assert (await scene.ask()).status == 503


async def test_no_money_at_the_provider_is_no_reason_to_ask_it_again() -> None:
    scene = Scene("a", "b", strategy="weighted", each={"b": {"weight": 0.0}}, patience_s=1.0)
    scene["a"].usual = refuses(429, error("insufficient_quota"))
    for _ in range(3):
        assert (await scene.ask()).status == 200
    assert (scene["a"].asked, scene.state("a")) == (1, "open")
    alone = Scene("a", patience_s=1.0)
    alone["a"].usual = refuses(429, error("insufficient_quota"))
    assert [(await alone.ask()).status for _ in range(7)] == [429] * 7
    assert alone["a"].asked == 7


async def test_a_refused_key_is_the_deployment_s_fault() -> None:
    scene = Scene("a", "b", strategy="weighted", each={"b": {"weight": 0.0}})
    scene["a"].usual = refuses(401)
    assert (await scene.ask()).status == 200
    assert scene.state("a") == "open"


async def test_the_budget_of_retries() -> None:
    scene = Scene("a", "b", retry_percent=0.0)
    scene["a"].usual = scene["b"].usual = refuses(500)
    await scene.ask()
    assert scene["a"].asked + scene["b"].asked == 1
    scene = Scene("a", "b", retry_percent=20.0, open_after=10_000)
    scene["a"].usual = scene["b"].usual = refuses(500)
    for _ in range(200):
        await scene.ask()
    assert 200 < scene["a"].asked + scene["b"].asked <= 241


async def test_errors_of_steps_further_in_pass_without_a_word_on_health() -> None:
    listed = [DeploymentSettings("a", "unheard-of"), DeploymentSettings("b", "unheard-of")]
    scene = Scene("a", "b", more={"x": ModelSettings(deployments=listed)})
    for _ in range(6):
        with pytest.raises(UnpricedModel):
            await scene.ask(model="x")
    assert all(each.failures == 0 and each.state == "closed" for each in scene.health.snapshot())
    assert all(each.in_flight == 0 for each in scene.health.snapshot())


async def test_models_in_their_order_then_fallbacks() -> None:
    scene = Scene("a", "b", beside=["c"], fallbacks=["other"], more={"other": ModelSettings("c", "gpt-4o")}, attempts=8)
    scene["a"].usual = scene["b"].usual = refuses(500)
    assert (await scene.ask()).status == 200
    assert scene.calls[0].target == "other" and scene.record.model == "gpt-4o-mini"  # what `c` says it ran
    assert scene.record.savings == [], "the usage costs the same at the model that was asked for"
    chosen = scene.call()
    chosen.targets = ("other", MODEL)
    await scene.proceed(chosen)
    assert chosen.target == "other" and not [each for each in scene.record.savings if each.before != each.after]


async def test_a_key_s_models_bound_its_fallbacks() -> None:
    more = {"other": ModelSettings("c", "gpt-4o"), "one": ModelSettings("a", MODEL, fallbacks=["other"])}
    scene = Scene("a", "c", more=more)
    scene["a"].usual = refuses(500)
    call = scene.call("one")
    call.key = Key("k", "k", b"", models=("one",))
    assert (await scene.proceed(call)).status == 500


async def test_a_prompt_too_long_goes_to_a_larger_window_only() -> None:
    more = {
        "tiny": ModelSettings("a", MODEL, context=1_000, fallbacks=["same", "large"]),
        "same": ModelSettings("b", MODEL, context=1_000),
        "large": ModelSettings("c", MODEL, context=100_000),
    }
    scene = Scene("a", "b", "c", more=more)
    scene["a"].usual = refuses(400, OVERFLOW)
    assert (await scene.ask(model="tiny")).status == 200
    assert (scene["a"].asked, scene["b"].asked, scene["c"].asked) == (1, 0, 1)
    assert scene.state("a") == "closed"


async def test_a_content_filter_sends_to_another_model_where_there_is_one() -> None:
    more = {"strict": ModelSettings("a", MODEL, fallbacks=["other"]), "other": ModelSettings("b", MODEL)}
    scene = Scene("a", "b", more=more)
    scene["a"].usual = refuses(400, error("content_filter"))
    assert (await scene.ask(model="strict")).status == 200
    assert (await Scene("a", "b").ask()).status == 200
    alone = Scene("a", "b")
    alone["a"].usual = alone["b"].usual = refuses(400, error("content_filter"))
    assert (await alone.ask()).status == 400 and alone["a"].asked + alone["b"].asked == 1


KEPT_BACK = json.dumps(
    {**WHOLE, "choices": [{"index": 0, "message": {"role": "assistant", "content": ""}, "finish_reason": "content_filter"}]}
).encode()  # fmt: skip
KEPT_BACK_STREAM = (
    ROLE + delta(finish="content_filter"),
    event({"id": "1", "choices": [], "usage": USAGE}),
    event(b"[DONE]"),
)
REFUSED = {
    "id": "m", "type": "message", "role": "assistant", "model": "claude-haiku-4-5", "content": [], "stop_reason": "refusal",
    "usage": {"input_tokens": 10, "output_tokens": 0},
}  # fmt: skip


def strict(**balance: Any) -> Scene:
    """A model with a strict filter at `a`, and one beside it at `b`."""
    more = {"strict": ModelSettings("a", MODEL, fallbacks=["other"]), "other": ModelSettings("b", MODEL)}
    return Scene("a", "b", more=more, **balance)


@pytest.mark.parametrize("hedge", [{}, {"hedge_after_s": 5.0}])
async def test_an_answer_that_a_filter_kept_back_is_asked_for_at_another_model(hedge: dict[str, float]) -> None:
    scene = strict(**hedge)
    scene["a"].usual = Reply(KEPT_BACK)
    assert (await scene.ask(model="strict")).body == OK
    assert [(each.outcome, each.cost) for each in scene.record.attempts] == [("ok", COST), ("ok", COST)]
    assert scene.saved() == (COST, COST, COST), "the first attempt's cost is lost"
    assert scene.record.cost == 2 * COST
    assert "content filter" in scene.calls[0].trail.decisions[-1].why
    assert scene.state("a") == "closed"


@pytest.mark.parametrize("parts", [KEPT_BACK_STREAM, (b"".join(KEPT_BACK_STREAM),), (ROLE, delta(finish="content_filter")[:-9],
                                   delta(finish="content_filter")[-9:], *KEPT_BACK_STREAM[1:])])  # fmt: skip
async def test_a_stream_that_a_filter_kept_back_is_asked_for_at_another_model(parts: tuple[bytes, ...]) -> None:
    scene = strict()
    scene["a"].usual, scene["b"].usual = streams(*parts), streams(ROLE, delta("hi"), END)
    assert await scene.stream(model="strict") == ROLE + delta("hi") + END
    assert [(each.outcome, each.cost) for each in scene.record.attempts] == [("ok", COST), ("ok", COST)]
    assert scene.saved() == (COST, COST, COST)


async def test_a_filter_that_cuts_in_later_is_the_client_s() -> None:
    scene = strict()
    scene["a"].usual = streams(ROLE, delta("hi"), *KEPT_BACK_STREAM)
    assert b"content_filter" in await scene.stream(model="strict")
    assert (scene["a"].asked, scene["b"].asked) == (1, 0)


async def test_the_last_filter_s_word_reaches_the_client() -> None:
    scene = strict()
    scene["a"].usual, scene["b"].usual = Reply(OK.replace(b"stop", b"no")), Reply(KEPT_BACK)
    assert (await scene.ask(model="other")).body == KEPT_BACK, "it has no fallback"
    scene["a"].usual = Reply(KEPT_BACK)
    assert (await scene.ask(model="strict")).body == KEPT_BACK
    assert scene["a"].asked == 1 and scene.record.cost == 2 * COST
    scene["a"].usual = scene["b"].usual = streams(*KEPT_BACK_STREAM)
    assert await scene.stream(model="strict") == b"".join(KEPT_BACK_STREAM)
    assert scene.record.cost == 2 * COST


@pytest.mark.parametrize("kept_back", [Reply(KEPT_BACK), refuses(400, error("content_filter"))])
async def test_filters_may_have_the_last_word(kept_back: Reply) -> None:
    scene = strict(content_filter="pass")
    scene["a"].usual = kept_back
    await scene.ask(model="strict")
    assert (scene["a"].asked, scene["b"].asked) == (1, 0)
    scene["a"].usual = streams(*KEPT_BACK_STREAM)
    assert b"content_filter" in await scene.stream(model="strict")


@pytest.mark.parametrize("wire", ["anthropic.messages", "openai.chat"])
async def test_a_refusal_of_anthropic_s(wire: str) -> None:
    more = {"strict": ModelSettings("a", "claude-haiku-4-5", fallbacks=["other"]), "other": ModelSettings("b", MODEL)}
    scene = Scene("a", "b", more=more, kinds={"a": "anthropic"}, prices={"a": "anthropic"})
    scene["a"].usual = Reply(json.dumps(REFUSED).encode())
    answer = await scene.ask(model="strict", wire=wire)
    assert b"hi" in answer.body and scene["b"].asked == 1
    assert scene.record.attempts[0].cost == 10_000 and scene.record.cost == 10_000 + COST


async def test_a_region_is_kept() -> None:
    scene = Scene("a", "b", each={"a": {"region": "us"}, "b": {"region": "eu"}})
    for _ in range(8):
        call = scene.call()
        call.region = "eu"
        await scene.proceed(call)
    assert (scene["a"].asked, scene["b"].asked) == (0, 8)
    call = scene.call()
    call.region = "mars"
    with pytest.raises(BadRequest, match="mars"):
        await scene.proceed(call)


# circuits


async def test_a_circuit_opens_and_one_probe_closes_it() -> None:
    scene = Scene("a", open_after=3, open_s=0.6, attempts=1)
    scene["a"].usual = fails(DOWN)
    for _ in range(3):
        with pytest.raises(UpstreamUnreachable):
            await scene.ask()
    assert scene.state("a") == "open"
    with pytest.raises(Unavailable, match="out of order") as caught:
        await scene.ask()
    assert scene["a"].asked == 3 and 0 < (caught.value.retry_after or 0) <= 0.75
    await asyncio.sleep(0.75)
    scene["a"].usual = ok(after=0.05)
    answers = await asyncio.gather(*(scene.ask() for _ in range(5)), return_exceptions=True)
    assert Counter(type(answer).__name__ for answer in answers) == {"Answer": 1, "Unavailable": 4}
    assert scene.state("a") == "closed"
    assert all(answer.status == 200 for answer in await asyncio.gather(*(scene.ask() for _ in range(5))))


async def test_a_short_outage_is_waited_for() -> None:
    scene = Scene("a", open_after=1, open_s=0.1, attempts=1, patience_s=1.0)
    scene["a"].script = [fails(DOWN)]
    with pytest.raises(UpstreamUnreachable):
        await scene.ask()
    answers = await asyncio.gather(*(scene.ask() for _ in range(5)))
    assert {answer.status for answer in answers} == {200}


async def test_a_probe_that_steps_further_in_refuse_does_not_block_others() -> None:
    scene = Scene("a", open_after=1, open_s=0.05, attempts=1)
    scene["a"].script = [fails(DOWN)]
    with pytest.raises(UpstreamUnreachable):
        await scene.ask()
    await asyncio.sleep(0.1)
    with pytest.raises(FarthingError):
        await scene.step(scene.call(), _refuses)
    assert (await scene.ask()).status == 200


async def _refuses(call: object) -> None:  # type: ignore[misc]
    raise BadRequest("not this one")


# streams


async def test_a_stream_that_begins_with_an_error_goes_elsewhere() -> None:
    scene = Scene("a", "b", strategy="weighted", each={"b": {"weight": 0.0}})
    scene["a"].usual = streams(event(error("server_error")))
    scene["b"].usual = streams(ROLE, delta("hi"), END)
    out = await scene.stream()
    assert b"hi" in out and b"server_error" not in out
    assert [attempt.outcome for attempt in scene.record.attempts] == ["broken", "ok"]
    assert scene.health.snapshot()[0].failures == 1


@pytest.mark.parametrize("parts", [(CUT,), (ROLE, CUT), (ROLE, 0.01, ROLE, CUT), (ROLE,)])
async def test_a_stream_cut_before_content_goes_elsewhere(parts: tuple[bytes | float | Exception, ...]) -> None:
    scene = Scene("a", "b", strategy="weighted", each={"b": {"weight": 0.0}})
    scene["a"].usual = streams(*parts)
    scene["b"].usual = streams(ROLE, delta("hi"), END)
    assert (await scene.stream()) == ROLE + delta("hi") + END
    assert scene.health.snapshot()[0].failures == 1 and scene.health.snapshot()[0].in_flight == 0


async def test_after_content_the_client_hears_of_the_end() -> None:
    scene = Scene("a", "b", strategy="weighted", each={"b": {"weight": 0.0}})
    scene["a"].usual = streams(ROLE, delta("hi"), 0.01, CUT)
    with pytest.raises(UpstreamError):
        await scene.stream()
    assert scene["b"].asked == 0 and scene.record.outcome == "broken"
    assert scene.health.snapshot()[0].failures == 1 and scene.health.snapshot()[0].in_flight == 0


async def test_a_stream_that_only_has_an_error_reaches_the_client_if_nothing_is_left() -> None:
    scene = Scene("a")
    failed = event(error("server_error")) + event(b"[DONE]")
    scene["a"].usual = streams(failed)
    assert await scene.stream() == failed
    assert scene.record.outcome == "broken"


async def test_a_client_that_leaves_while_a_prelude_is_held_back() -> None:
    scene = Scene("a", "b")
    scene["a"].usual = scene["b"].usual = streams(ROLE, 5.0, END)
    task = asyncio.ensure_future(scene.ask(stream=True))
    await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert sum(each.in_flight for each in scene.health.snapshot()) == 0
    assert scene.record.outcome == "left"


# limits


async def test_all_at_their_limit_says_when_the_first_has_room() -> None:
    scene = Scene("a", "b", strategy="weighted", each={"b": {"weight": 0.0}})
    scene["a"].usual = refuses(429, retry_after="30")
    scene["b"].usual = refuses(429, retry_after="7")
    answer = await scene.ask()
    told = dict(answer.headers)
    assert answer.status == 429 and told[b"retry-after"] == b"7" and 6_500 < int(told[b"retry-after-ms"]) <= 7_000
    with pytest.raises(RateLimited, match="All 2 deployments") as caught:
        await scene.ask()
    assert 6.5 < (caught.value.retry_after or 0) <= 7
    assert (scene["a"].asked, scene["b"].asked) == (1, 1)
    assert scene.state("a") == "limited"


async def test_a_lone_deployment_is_left_alone_when_it_refused_two_calls() -> None:
    scene = Scene("a")
    scene["a"].usual = refuses(429, retry_after="30")
    assert [(await scene.ask()).status for _ in range(2)] == [429, 429]
    with pytest.raises(RateLimited, match="The only deployment"):
        await scene.ask()
    assert scene["a"].asked == 2
    scene = Scene("a", patience_s=1.0)
    scene["a"].script = [refuses(429, retry_after_ms="50"), refuses(429, retry_after_ms="50")]
    assert [(await scene.ask()).status for _ in range(2)] == [200, 200]


async def test_a_limit_of_the_settings_is_waited_for_in_turn() -> None:
    scene = Scene(
        "a", "b", each={"a": {"requests_per_minute": 600}, "b": {"requests_per_minute": 600}}, patience_s=0.35
    )
    begun = asyncio.get_running_loop().time()
    answers = await asyncio.gather(*(scene.ask() for _ in range(1_400)), return_exceptions=True)
    took = asyncio.get_running_loop().time() - begun
    served = [answer for answer in answers if not isinstance(answer, BaseException)]
    refused = [answer for answer in answers if isinstance(answer, RateLimited)]
    assert len(served) + len(refused) == 1_400 and refused
    assert 1_200 <= len(served) <= 1_200 + 20 * (took + 0.5)
    assert all(0.3 < (each.retry_after or 0) < 12 for each in refused)


async def test_calls_in_flight_are_bounded() -> None:
    scene = Scene("a", each={"a": {"max_in_flight": 2}}, patience_s=2.0)
    scene["a"].usual = ok(after=0.02)
    answers = await asyncio.gather(*(scene.ask() for _ in range(10)))
    assert {answer.status for answer in answers} == {200}
    scene = Scene("a", each={"a": {"max_in_flight": 2}})
    scene["a"].usual = ok(after=0.05)
    answers = await asyncio.gather(*(scene.ask() for _ in range(5)), return_exceptions=True)
    assert Counter(type(answer).__name__ for answer in answers) == {"Answer": 2, "RateLimited": 3}


# hedges


async def test_a_second_request_wins_and_the_first_is_booked() -> None:
    scene = Scene("a", "b", strategy="weighted", each={"b": {"weight": 0.0}}, hedge_after_s=0.03)
    scene["a"].usual = ok(after=5.0)
    assert (await scene.ask()).status == 200
    lost, won = scene.record.attempts
    assert (lost.provider, lost.outcome, lost.cost_state, lost.no) == ("a", "left", "estimated", 1)
    assert (won.provider, won.outcome, won.no) == ("b", "ok", 2) and scene.record.provider == "b"
    assert lost.cost > 0 and scene.saved() == (COST, COST, lost.cost)
    assert scene.record.cost == COST + lost.cost and scene.record.baseline == COST
    assert all(each.in_flight == 0 for each in scene.health.snapshot())


async def test_the_first_may_win_after_all() -> None:
    scene = Scene("a", "b", strategy="weighted", each={"b": {"weight": 0.0}}, hedge_after_s=0.03)
    scene["a"].usual = ok(after=0.08)
    scene["b"].usual = ok(after=5.0)
    assert (await scene.ask()).status == 200
    assert [(attempt.no, attempt.provider) for attempt in scene.record.attempts] == [(1, "b"), (2, "a")]
    assert scene.record.provider == "a" and scene.record.baseline == COST


async def test_a_hedge_of_streams() -> None:
    scene = Scene("a", "b", strategy="weighted", each={"b": {"weight": 0.0}}, hedge_after_s=0.03)
    scene["a"].usual = streams(ROLE, 5.0, delta("slow"), END)
    scene["b"].usual = streams(ROLE, delta("quick"), END)
    assert b"quick" in await scene.stream()
    assert [attempt.outcome for attempt in scene.record.attempts] == ["left", "ok"]
    assert scene.record.cost - scene.record.attempts[0].cost == COST


async def test_a_hedge_that_fails_leaves_the_first_alone() -> None:
    scene = Scene("a", "b", strategy="weighted", each={"b": {"weight": 0.0}}, hedge_after_s=0.03)
    scene["a"].usual = ok(after=0.1)
    scene["b"].usual = refuses(500)
    assert (await scene.ask()).status == 200
    assert scene.record.provider == "a" and scene.record.cost == COST
    scene["a"].usual = Reply(b"{}", status=500, after=0.06)
    assert (await scene.ask()).status == 500


# money


REPLIES = {
    "ok": ok(), "down": fails(DOWN), "cut": fails(CUT), "500": refuses(500), "429": refuses(429, retry_after="0"),
    "400": refuses(400), "long": refuses(400, OVERFLOW), "no usage": Reply(b'{"choices":[]}'),
    "stream": streams(ROLE, delta("a"), END), "begins badly": streams(event(error("overloaded"))),
    "cut early": streams(ROLE, CUT), "cut late": streams(ROLE, delta("a"), CUT), "silent": streams(ROLE, delta("a")),
    "late": ok(after=0.004),
}  # fmt: skip


@examples(60)
@given(
    st.lists(st.sampled_from(sorted(REPLIES)), min_size=1, max_size=12),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
def test_the_ledger_s_law_holds_whatever_happens(
    outcomes: list[str], hedged: bool, streaming: bool, routed: bool, continues: bool
) -> None:
    async def play() -> None:
        scene = Scene(
            "a", "b", "c", prices={"b": "azure", "c": "openrouter"}, each={"c": {"model": "openai/gpt-4o-mini"}},
            kinds={"b": "vllm"}, fallbacks=["other"], more={"other": ModelSettings("c", "openai/gpt-4o")}, open_after=100,
            hedge_after_s=0.002 if hedged else 0.0, continue_streams=continues, patience_s=0.05,
        )  # fmt: skip
        script = iter(outcomes)
        for host in scene.hosts.values():
            host.answers = lambda body: REPLIES[next(script, "stream" if streaming else "ok")]
        for _ in range(3):
            call = scene.call(stream=True) if streaming else scene.call()
            call.targets = ("other", MODEL) if routed else ()
            try:
                answer = await scene.proceed(call)
                if answer.stream is not None:
                    await read(answer)
            except FarthingError:
                pass
            record = scene.record
            assert record.cost == sum(attempt.cost for attempt in record.attempts)
            assert record.baseline - sum(saving.saved for saving in record.savings) == record.cost
            assert len([each for each in record.savings if each.lever == "request routing"]) <= 1
            numbers = [attempt.no for attempt in record.attempts if not attempt.part]
            assert numbers == list(range(1, len(numbers) + 1))
        assert len(scene.book.records) == 3
        assert all(each.in_flight == 0 for each in scene.health.snapshot())

    asyncio.run(play())


async def test_of_several_models_the_first_is_asked_at_once_and_the_others_when_it_fails() -> None:
    more = {"other": ModelSettings("b", "gpt-4o")}
    scene = Scene("a", "b", more={**more, "first": ModelSettings("a", MODEL)})
    for usual, served in ((None, "first"), (refuses(500), "other")):
        if usual is not None:
            scene["a"].usual = usual
        chosen = scene.call("auto")
        chosen.targets = ("first", "other")
        assert (await scene.proceed(chosen)).status == 200
        assert chosen.target == served
    unheard = scene.call("auto")
    unheard.targets = ("nobody serves it", "other")
    assert (await scene.proceed(unheard)).status == 200
    assert unheard.target == "other"


async def test_a_cheap_tier_without_room_says_nothing_of_other_calls() -> None:
    scene = Scene("a", "b", strategy="weighted", each={"b": {"weight": 0.0}})
    scene["a"].usual = refuses(429, retry_after="30")
    for _ in range(3):
        call = scene.call()
        call.sent_tier = "flex"
        assert (await scene.proceed(call)).status == 429
    assert (scene["a"].asked, scene["b"].asked) == (3, 0) and scene.state("a") != "limited"
