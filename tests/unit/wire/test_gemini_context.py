"""Gemini's cached contents in chat completions: what is kept of a request, and how a request names it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.model.marks import Context
from farthing.wire.gemini_context import Opening, creation, opening_of, with_context

SYSTEM = {"role": "system", "content": "Be brief."}
PERSON = {"role": "user", "content": "Hi"}

texts = st.text(max_size=30)
turns = st.lists(
    st.builds(lambda role, content: {"role": role, "content": content}, st.sampled_from(("user", "assistant")), texts),
    min_size=1, max_size=4,
)  # fmt: skip


def body_of(request: dict[str, Any], indent: int | None = None) -> bytes:
    return json.dumps(request, indent=indent, ensure_ascii=False).encode("utf-8", "surrogatepass")


def context(opening: Opening) -> Context:
    return Context("gemini", "gemini-2.5-flash", "cachedContents/abc", opening.raw)


@given(texts.filter(bool), turns, turns, st.sampled_from((None, 1)))
def test_the_name_comes_and_the_system_prompt_goes(
    system: str, messages: list[Any], others: list[Any], indent: int | None
) -> None:  # fmt: skip
    first = {"role": "system", "content": system}
    opening = opening_of(body_of({"model": "m", "messages": [first, *messages]}, indent))
    if opening is None:  # no JSON text of that can be sent
        return
    assert opening.texts == (system,)
    request = {"model": "m", "messages": [first, *others], "temperature": 0}
    written = json.loads(with_context(body_of(request, indent), context(opening)))
    assert written.pop("extra_body") == {"google": {"cached_content": "cachedContents/abc"}}
    assert written == {**request, "messages": others}


def test_texts_in_parts_are_kept_apart() -> None:
    parts = [{"type": "text", "text": "Be brief."}, {"type": "text", "text": "Be kind."}]
    opening = opening_of(body_of({"messages": [{"role": "developer", "content": parts}, PERSON]}))
    assert opening is not None
    made = json.loads(creation("gemini-2.5-flash", opening, 600))
    assert made == {
        "model": "models/gemini-2.5-flash", "ttl": "600s",
        "systemInstruction": {"parts": [{"text": "Be brief."}, {"text": "Be kind."}]},
    }  # fmt: skip


@pytest.mark.parametrize(
    "request_",
    [
        {"messages": [PERSON]},
        {"messages": [PERSON, SYSTEM]},
        {"messages": [SYSTEM]},
        {"messages": [SYSTEM, SYSTEM, PERSON]},
        {"messages": [{**SYSTEM, "name": "shop"}, PERSON]},
        {"messages": [{"role": "system", "content": [{"type": "image_url", "image_url": {"url": "u"}}]}, PERSON]},
        {"messages": [SYSTEM, PERSON], "tools": [{"type": "function"}]},
        {"messages": [SYSTEM, PERSON], "tool_choice": "auto"},
        {"messages": [SYSTEM, PERSON], "extra_body": {"google": {}}},
        {"messages": "none"},
        {"messages": [SYSTEM, "text"]},
        [],
    ],
    ids=str,
)
def test_what_cannot_be_kept_whole_is_not_kept(request_: Any) -> None:
    assert opening_of(body_of(request_)) is None


def test_a_request_that_begins_otherwise_stays_as_it_is() -> None:
    opening = opening_of(body_of({"messages": [SYSTEM, PERSON]}))
    assert opening is not None
    for request in (
        {"messages": [{**SYSTEM, "content": "Be brief!"}, PERSON]},
        {"messages": [SYSTEM]},
        {"messages": [SYSTEM, PERSON], "tools": [{"type": "function"}]},
        {"messages": [SYSTEM, PERSON], "extra_body": {"google": {"thinking_config": {}}}},
        {"input": "x"},
    ):
        body = body_of(request)
        assert with_context(body, context(opening)) is body
