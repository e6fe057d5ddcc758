"""Lines share an answer only where chance has no part in it and nobody sees what is not theirs."""

from typing import Any

import msgspec
import pytest

from farthing.batch.joining import digest_of


def chat(**more: Any) -> bytes:
    return msgspec.json.encode(
        {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "temperature": 0, **more}
    )


def digest(body: bytes, wire: str = "openai.chat", **more: str) -> bytes:
    return digest_of(wire, body, **{"tenant": "t", "sharing": "tenant", "model": "m", **more})  # type: ignore[arg-type]


def test_equal_questions_share() -> None:
    assert len(digest(chat())) == 16
    assert digest(chat()) == digest(b'{ "temperature":0.0, "messages":[{"content":"Hi","role":"user"}],"model":"m"}')
    assert digest(chat()) == digest(chat(user="somebody", service_tier="flex"))


@pytest.mark.parametrize("more", [{"temperature": 0.2}, {"temperature": None}, {"n": 2}, {"temperature": 1}])
def test_sampled_answers_are_each_ones_own(more: dict[str, Any]) -> None:
    assert digest(chat(**more)) == b""


def test_what_does_not_say_its_temperature_is_sampled() -> None:
    assert digest(b'{"model":"m","messages":[{"role":"user","content":"Hi"}]}') == b""
    assert (
        digest(b'{"model":"m","max_tokens":5,"messages":[{"role":"user","content":"Hi"}]}', "anthropic.messages") == b""
    )


@pytest.mark.parametrize("more", [{"tenant": "u"}, {"sharing": "user eve"}, {"model": "n"}, {"feature": "f"}])
def test_a_wall_is_a_wall(more: dict[str, str]) -> None:
    assert digest(chat()) != digest(chat(), **more) != b""


def test_names_do_not_run_into_each_other() -> None:
    assert digest(chat(), tenant="ab", sharing="c") != digest(chat(), tenant="a", sharing="bc")


def test_nobody_to_share_with() -> None:
    assert digest(chat(), sharing="") == b""


def test_another_question_is_another() -> None:
    assert digest(chat()) != digest(chat(seed=7)) and digest(chat()) != digest(chat(max_tokens=7))


def test_embeddings_have_no_chance_in_them() -> None:
    one, same, other = (
        digest(body, "openai.embeddings")
        for body in (
            b'{"model":"m","input":"a"}',
            b'{"input":"a","model":"m","user":"x"}',
            b'{"model":"m","input":["a","b"]}',
        )
    )
    assert one == same != other != b""


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"messages":3}', b'{"temperature":0,"temperature":1,"messages":[]}']
)
@pytest.mark.parametrize("wire", ["openai.chat", "openai.embeddings", "anthropic.messages", "unknown"])
def test_what_cannot_be_read_is_never_joined(body: bytes, wire: str) -> None:
    assert digest(body, wire) == b""
