"""Whose words a call's marks are written in."""

import json

import pytest

from farthing.app.prompts import _dresser
from farthing.catalog.caching import Cachings
from farthing.model.call import Ask, Call, Deployment
from farthing.model.marks import Context, Marks
from farthing.prices import PriceBook

AT_US = 1_795_000_000_000_000
CHAT, RESPONSES = "openai.chat", "openai.responses"
SYSTEM, PERSON = {"role": "system", "content": "Be brief. " * 900}, {"role": "user", "content": "Hi"}
CONTEXT = Context("gemini", "gemini-2.5-flash", "cachedContents/1", json.dumps(SYSTEM).encode(), 20)
dress = _dresser(Cachings(PriceBook.load(), lambda: AT_US))


def call_at(provider: str, prices: str, model: str, marks: Marks, wire: str = CHAT) -> Call:
    messages = "input" if wire == RESPONSES else "messages"
    body = json.dumps({"model": model, messages: [SYSTEM, PERSON]}).encode()
    call = Call(id="c", wire=wire, headers={}, peer="", body=body, ask=Ask(model), started_us=AT_US, started=0.0)
    call.deployment, call.marks = Deployment(model, provider, model, prices), marks
    return call


@pytest.mark.parametrize(
    ("prices", "model", "wire", "member", "header"),
    [
        ("openai", "gpt-4o", CHAT, "abc", ""),
        ("mistral", "mistral-large-latest", CHAT, "abc", ""),
        ("x-ai", "grok-4", CHAT, "", "abc"),
        ("x-ai", "grok-4", RESPONSES, "abc", ""),
        ("deepseek", "deepseek-chat", CHAT, "", ""),
        ("google", "gemini-2.5-flash", CHAT, "", ""),
    ],
    ids=lambda value: str(value),
)
def test_what_belongs_together_is_said_as_the_provider_takes_it(
    prices: str, model: str, wire: str, member: str, header: str
) -> None:
    call = call_at("mine", prices, model, Marks(key="abc"), wire)
    made = dress(call, wire, call.body)
    assert json.loads(made.body).get("prompt_cache_key", "") == member
    assert dict(made.headers).get(b"x-grok-conv-id", b"").decode() == header
    assert made.flag == ""


def test_a_context_is_named_where_it_lies_and_nowhere_else() -> None:
    call = call_at("gemini", "google", "gemini-2.5-flash", Marks(context=CONTEXT))
    made = dress(call, CHAT, call.body)
    assert json.loads(made.body)["messages"] == [PERSON]
    assert made.flag == "cache_context 20"
    for provider, model in (("gemini-too", "gemini-2.5-flash"), ("gemini", "gemini-2.5-pro")):
        call = call_at(provider, "google", model, Marks(context=CONTEXT))
        assert dress(call, CHAT, call.body).body is call.body
