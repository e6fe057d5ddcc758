"""Places of a template, and the requests that rows become."""

import json

import pytest

from farthing.batch.prompts.template import Template, TemplateError, read_template


def read(text: str, name: str = "p.txt", model: str = "gpt-4o-mini", **more: int) -> tuple[Template, str]:
    return read_template(text, name, model, **more)


def test_a_text_is_one_message_and_json_in_it_stays() -> None:
    made, wire = read('Answer as {"label": "x"} and { not this }: {text}, {{ text }}\n')
    assert (made.names, wire) == (("text",), "openai.chat")
    body = made.filled({"text": "é {other}", "unused": 1})
    said = 'Answer as {"label": "x"} and { not this }: é {other}, é {other}'
    assert body == {"messages": [{"role": "user", "content": said}], "model": "gpt-4o-mini"}


def test_values_that_are_no_text_are_json() -> None:
    made, _ = read("{a}|{b}|{c}")
    assert made.filled({"a": 1.5, "b": {"x": [True]}, "c": None})["messages"][0]["content"] == '1.5|{"x":[true]}|'


def test_messages_and_bodies() -> None:
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "{q}"}]},
    ]
    made, wire = read(json.dumps(messages), "m.json")
    assert wire == "openai.chat" and made.filled({"q": "why"})["messages"][1]["content"] == [
        {"type": "text", "text": "why"}
    ]
    body = {
        "model": "own",
        "messages": messages,
        "temperature": 0,
        "response_format": {"type": "json_object"},
        "stream": False,
    }
    made, _ = read(json.dumps(body), "m.json", "")
    assert made.filled({"q": "why"})["temperature"] == 0 and made.filled({"q": "why"})["model"] == "own"
    made, _ = read(json.dumps(body), "m.json", "another", max_tokens=7)
    assert made.filled({"q": ""})["model"] == "another" and made.filled({"q": ""})["max_tokens"] == 7


def test_anthropic_models_get_their_own_format() -> None:
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "{q}"}]
    made, wire = read(json.dumps(messages), "m.json", "claude-haiku-4-5")
    body = made.filled({"q": "why"})
    assert wire == "anthropic.messages" and body["system"] == "Be brief." and body["max_tokens"] == 4096
    assert body["messages"] == [{"role": "user", "content": "why"}]
    _, wire = read("{q}", model="house/claude-opus-4-5")
    assert wire == "anthropic.messages"


@pytest.mark.parametrize(
    ("text", "name", "model", "says"),
    [
        ("no place", "p.txt", "m", "no place"), (" \n", "p.txt", "m", "empty"), ("{q}", "p.txt", "", "no model"),
        ("{", "p.json", "m", "no JSON"), ('{"a": 1}', "p.json", "m", "list of messages"), ("[]", "p.json", "m", "list of messages"),
        ('{"messages": [{"role": "user", "content": "{q}"}], "stream": true}', "p.json", "m", "streamed"),
        ('[{"role": "system", "content": "{q}"}]', "p.json", "claude-x", "nothing that a user says"),
    ],
)  # fmt: skip
def test_what_is_no_template_is_told(text: str, name: str, model: str, says: str) -> None:
    with pytest.raises(TemplateError, match=says):
        read_template(text, name, model)


def test_a_place_without_a_column_is_told_with_the_one_that_was_meant() -> None:
    made, _ = read("{titel}")
    with pytest.raises(TemplateError, match=r"Did you mean \{title\}"):
        made.check(("title", "body"))
    with pytest.raises(TemplateError, match="The columns are x, y"):
        made.check(("x", "y"))
