"""A limit is put where the format has it; every other byte stays."""

import msgspec
import pytest

from farthing.wire.output_limit import least_output, with_output_limit


@pytest.mark.parametrize(
    ("wire", "body", "model", "after"),
    [
        ("openai.chat", b'{"model":"m", "max_tokens" : 900}', "m", b'{"model":"m", "max_tokens" : 70}'),
        ("openai.chat", b'{"max_completion_tokens":900,"max_tokens":null}', "o3", b'{"max_completion_tokens":70,"max_tokens":null}'),
        ("openai.chat", b'{"max_tokens":null}', "m", b'{"max_tokens":70}'),
        ("openai.chat", b'{"model":"m"}', "llama", b'{"max_tokens":70,"model":"m"}'),
        ("openai.chat", b'{"model":"m"}', "gpt-5-mini", b'{"max_completion_tokens":70,"model":"m"}'),
        ("openai.chat", b'{"tools":[{"max_tokens":1}],"model":"m"}', "llama", b'{"max_tokens":70,"tools":[{"max_tokens":1}],"model":"m"}'),
        ("openai.responses", b'{"model":"m","input":"x"}', "m", b'{"max_output_tokens":70,"model":"m","input":"x"}'),
        ("anthropic.messages", b'{"max_tokens":900,"model":"m"}', "m", b'{"max_tokens":70,"model":"m"}'),
    ],
)  # fmt: skip
def test_limits(wire: str, body: bytes, model: str, after: bytes) -> None:
    assert with_output_limit(wire, body, 70, model) == after
    msgspec.json.decode(after)


def test_thoughts_that_were_asked_for_need_room() -> None:
    assert least_output("openai.responses", b"{}") == 16
    assert least_output("openai.chat", b"{}") == least_output("anthropic.messages", b"{}") == 1
    assert least_output("anthropic.messages", b'{"thinking":{"type":"enabled","budget_tokens": 4096}}') == 4352
    assert least_output("openai.chat", b'{"reasoning_effort":"low"}') > 1024
    assert least_output("openai.chat", b'{"reasoning_effort":"none"}') == 1
