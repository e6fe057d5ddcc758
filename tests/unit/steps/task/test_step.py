"""The task step: which rule names a call's kind of work, what its turns have in common, which arms it is in."""

import json
from typing import Any

import pytest

from farthing.model.arms import is_held_out
from farthing.model.call import Answer, Ask, Call
from farthing.model.principal import Principal
from farthing.settings import RoutingSettings
from farthing.settings.tree import FeatureRoutingSettings, TaskRoutingSettings, TemplateRoutingSettings
from farthing.steps.task.step import Task
from farthing.steps.task.template import LEARN_FROM

SUMS = "Mia has {n} pears. She gives a third of them to Tom and buys {n} more. How many pears does she have now?"
INTENT = (
    "You are an intent classifier for a bank. Classify the customer's message into one of these intents: card lost, card "
    "arrival, top-up, exchange rate. Return only the intent."
)


async def answered(call: Call) -> Answer:
    return Answer(200, [], b"{}")


def a_call(
    text: str = "hello", *, system: str = "", wire: str = "openai.chat", task: str = "", feature: str = "",
    headers: dict[bytes, bytes] | None = None, tenant: str = "t", **members: Any,
) -> Call:  # fmt: skip
    messages = [{"role": "system", "content": system}] if system else []
    body = json.dumps({"model": "auto", "messages": [*messages, {"role": "user", "content": text}], **members}).encode()
    call = Call(
        id="call-1", wire=wire, headers=headers or {}, peer="", body=body, ask=Ask("auto"), started_us=0, started=0.0
    )
    call.task = task
    call.principal = Principal(tenant=tenant, feature=feature)
    return call


def step(
    settings: RoutingSettings | None = None, hold_outs: dict[str, float] | None = None, *, routes: bool = True
) -> Task:
    return Task(settings or RoutingSettings(), hold_outs, routes=lambda call: routes)


async def walked(one: Task, call: Call) -> Call:
    assert (await one(call, answered)).status == 200
    return call


def why(call: Call) -> str:
    return call.trail.decisions[-1].why


class TestWhichRule:
    async def test_declared_goes_first(self) -> None:
        settings = RoutingSettings(features={"f": FeatureRoutingSettings(task="qa")})
        call = await walked(step(settings), a_call(SUMS.format(n=12), task="creative", feature="f"))
        assert (call.task, why(call)) == ("creative", "declared by the caller or its key")

    async def test_then_the_feature(self) -> None:
        settings = RoutingSettings(features={"f": FeatureRoutingSettings(task="qa")})
        call = await walked(step(settings), a_call(SUMS.format(n=12), feature="f"))
        assert call.task == "qa" and "'f'" in why(call)

    async def test_then_a_named_template(self) -> None:
        first = await walked(step(), a_call("x", system=INTENT))
        named = TemplateRoutingSettings(fingerprint=first.template, task="extraction")
        call = await walked(step(RoutingSettings(templates={"form": named})), a_call("x", system=INTENT))
        assert call.task == "extraction" and "'form'" in why(call)

    async def test_a_template_is_learned_from_its_calls(self) -> None:
        one = step()
        for _ in range(LEARN_FROM):
            call = await walked(one, a_call("I cannot find my card, please block it.", system=INTENT))
            assert call.task == "classification"
        call = await walked(one, a_call("??", system=INTENT))
        assert call.task == "classification" and "template" in why(call)

    async def test_instructions_that_say_nothing_are_no_template(self) -> None:
        one = step()
        for n in range(2 * LEARN_FROM):
            await walked(one, a_call(SUMS.format(n=n), system="You are a helpful assistant."))
        assert (await walked(one, a_call("??", system="You are a helpful assistant."))).task == ""

    async def test_then_the_structure(self) -> None:
        schema = {"type": "object", "properties": {"label": {"enum": ["spam", "ham"]}}}
        format = {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}
        call = await walked(step(), a_call("Buy now, cheap watches", response_format=format))
        assert call.task == "classification" and "list of labels" in why(call)

    async def test_words_can_overrule_a_form(self) -> None:
        schema = {"type": "object", "properties": {name: {"type": "number"} for name in ("a", "b", "c", "d")}}
        format = {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}
        problem = " ".join([SUMS.format(n=12)] * 4)
        assert (await walked(step(), a_call(problem, response_format=format))).task != "extraction"

    async def test_then_the_words(self) -> None:
        call = await walked(step(), a_call(SUMS.format(n=12)))
        assert call.task == "reasoning" and "likely" in why(call)

    async def test_it_abstains(self) -> None:
        call = await walked(step(), a_call("ok"))
        assert call.task == "" and call.trail.decisions[-1].what == "unknown" and "abstained" in why(call)

    async def test_source_text_is_code(self) -> None:
        call = await walked(step(), a_call("hm\n```\nx = 1\n```"))
        assert call.task == "code"

    async def test_an_agent_is_never_small_by_its_words(self) -> None:
        tools = [
            {"type": "function", "function": {"name": name, "parameters": {}}} for name in ("read", "write", "run")
        ]
        call = await walked(step(), a_call("I lost my card", system=INTENT, tools=tools))
        assert call.task == ""

    @pytest.mark.parametrize(
        ("said", "known"),
        [("Summarization", "summarisation"), ("classify", "classification"), ("QA", "qa"), ("our own", "our own")],
    )
    async def test_other_names(self, said: str, known: str) -> None:
        assert (await walked(step(), a_call(task=said))).task == known

    async def test_a_name_of_the_settings_stays(self) -> None:
        settings = RoutingSettings(tasks={"translation": TaskRoutingSettings()})
        assert (await walked(step(settings), a_call(task="translation"))).task == "translation"


class TestWhoIsLookedAt:
    async def test_calls_that_are_not_routed_are_left_alone(self) -> None:
        call = await walked(step(routes=False), a_call(SUMS.format(n=12), system=INTENT))
        assert (call.asked, call.task, call.template, call.session, call.trail.decisions) == (None, "", "", "", [])

    async def test_all(self) -> None:
        call = await walked(step(RoutingSettings(tasks_of="all"), routes=False), a_call(SUMS.format(n=12)))
        assert call.task == "reasoning"

    async def test_none(self) -> None:
        call = await walked(step(RoutingSettings(tasks_of="none")), a_call(SUMS.format(n=12)))
        assert call.task == "" and call.asked is not None and call.trail.decisions == []

    async def test_formats_in_which_nobody_asks(self) -> None:
        call = await walked(step(hold_outs={"model selection": 0.5}), a_call(wire="openai.embeddings"))
        assert call.asked is None and call.task == "" and set(call.arms) == {"model selection"}

    async def test_what_cannot_be_read(self) -> None:
        call = a_call()
        call.body = b'{"messages": 7}'
        assert (await walked(step(), call)).asked is None


class TestSession:
    async def test_the_header_goes_first(self) -> None:
        call = await walked(step(), a_call(headers={b"x-farthing-session": b" s-1\n "}, prompt_cache_key="k"))
        assert call.session == "s-1"

    async def test_then_the_key_of_the_prompt_cache(self) -> None:
        assert (await walked(step(), a_call(prompt_cache_key="k"))).session == "k"

    async def test_then_how_it_began(self) -> None:
        one, other = await walked(step(), a_call("a")), await walked(step(), a_call("b"))
        assert len(one.session) == 16 and one.session != other.session


class TestArms:
    async def test_they_are_drawn_by_session(self) -> None:
        one = step(hold_outs={"model selection": 0.5, "semantic cache": 0.5})
        for session in (b"a", b"b", b"c", b"d"):
            call = await walked(one, a_call(headers={b"x-farthing-session": session}))
            unit = f"t\0{session.decode()}"
            assert call.arms == {
                lever: is_held_out(lever, unit, 0.5) for lever in ("model selection", "semantic cache")
            }

    async def test_only_active_levers_have_one(self) -> None:
        assert (await walked(step(hold_outs={"semantic cache": 0.0}), a_call())).arms == {}

    async def test_a_call_that_is_not_routed_is_in_no_arm_of_routing(self) -> None:
        one = step(hold_outs={"model selection": 1.0, "semantic cache": 1.0}, routes=False)
        call = await walked(one, a_call(headers={b"x-farthing-session": b"s"}))
        assert (call.arms, call.session, call.asked) == ({"semantic cache": True}, "s", None)

    async def test_the_salt_decides(self) -> None:
        one, arms = step(), []
        calls = [a_call(headers={b"x-farthing-session": b"s-%d" % number}) for number in range(40)]
        for salt in ("one", "other"):
            one.hold_out({"model selection": 0.5}, salt)
            arms.append([(await walked(one, call)).arms["model selection"] for call in calls])
        assert arms[0] != arms[1]
        assert arms[0] == [is_held_out("model selection", f"t\0s-{number}", 0.5, "one") for number in range(40)]

    async def test_shares_can_change(self) -> None:
        one = step(hold_outs={"model selection": 1.0})
        one.hold_out({"model selection": 0.0})
        assert (await walked(one, a_call())).arms == {}
