"""Effort in the words of each format."""

import json

from farthing.wire.effort import EFFORTS, takes, with_effort


def test_each_format_has_its_member() -> None:
    assert json.loads(with_effort("openai.chat", b'{"model":"gpt-5"}', "minimal"))["reasoning_effort"] == "minimal"
    assert json.loads(with_effort("openai.responses", b'{ "model":"gpt-5"}', "high"))["reasoning"] == {"effort": "high"}
    for effort in EFFORTS:
        made = json.loads(with_effort("anthropic.messages", b'{"model":"claude-opus-4-6"}', effort))
        assert made["output_config"]["effort"] in ("low", "medium", "high")


def test_what_a_request_says_by_itself_stays() -> None:
    for wire, body in (
        ("openai.chat", b'{"reasoning_effort":"high"}'), ("openai.chat", b'{"reasoning":{"effort":"low"}}'),
        ("openai.chat", b'{"r\\u0065asoning_effort":"high"}'), ("openai.responses", b'{"reasoning":null}'),
        ("anthropic.messages", b'{"thinking":{"type":"enabled","budget_tokens":1024}}'),
        ("anthropic.messages", b'{"output_config":{"format":{}}}'),
    ):  # fmt: skip
        assert with_effort(wire, body, "low") is body
    nested = b'{"messages":[{"content":"x","reasoning":"y"}]}'
    assert json.loads(with_effort("openai.chat", nested, "low"))["reasoning_effort"] == "low"


def test_only_models_that_are_known_to_take_it() -> None:
    assert (
        takes("openai.chat", "gpt-5-mini")
        and takes("openai.responses", "o3")
        and takes("anthropic.messages", "claude-opus-4-6")
    )
    assert not takes("openai.chat", "gpt-4o") and not takes("openai.chat", "claude-opus-4-6")
    assert not takes("anthropic.messages", "claude-sonnet-4-5") and not takes("openai.embeddings", "gpt-5")
