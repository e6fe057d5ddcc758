"""Whose answers a line may share: as far as its key and its feature let it, and never where chance or its caller says no."""

import json
from typing import Any

import pytest

from farthing.batch.alike import Alike
from farthing.model.principal import Key
from farthing.settings import CacheSettings
from farthing.wire import FORMATS

ALIKE = Alike(CacheSettings())
BODY = {"model": "gpt-5", "temperature": 0, "messages": [{"role": "user", "content": "hi"}]}
ANA = Key("k1", "ana", b"", tags={"team": "red"})


def digest(
    body: dict[str, Any],
    key: Key | None = ANA,
    tenant: str = "t",
    wire: str = "openai.chat",
    settings: Alike = ALIKE,
    **headers: str,
) -> bytes:
    text = json.dumps(body).encode()
    sent = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
    return settings.digest(wire, text, FORMATS[wire].ask(text), sent, key, tenant)


def test_the_same_question_of_the_same_team_is_alike() -> None:
    mine = digest(BODY)
    assert len(mine) == 16 and mine == digest(BODY, Key("k2", "bob", b"", tags={"team": "red"}))
    assert mine == digest({**BODY, "metadata": {"run": "2"}})
    for other in (
        digest(BODY, Key("k3", "eve", b"", tags={"team": "blue"})), digest(BODY, Key("k4", "none", b"")), digest(BODY, tenant="u"),
        digest({**BODY, "model": "gpt-4"}), digest({**BODY, "messages": [{"role": "user", "content": "ho"}]}),
        digest(BODY, x_farthing_feature="chat"),
    ):  # fmt: skip
        assert len(other) == 16 and other != mine


@pytest.mark.parametrize("changed", [{"temperature": 1}, {"temperature": 0.1}, {"n": 2}, {"temperature": None}])
def test_chance_is_not_shared(changed: dict[str, Any]) -> None:
    body = {name: value for name, value in {**BODY, **changed}.items() if value is not None}
    assert digest(body) == b""


@pytest.mark.parametrize("said", ["no-cache", "no-store", "max-age=5"])
def test_who_wants_an_answer_of_their_own_gets_one(said: str) -> None:
    assert digest(BODY, cache_control=said) == digest(BODY, x_farthing_cache=said) == b""


def test_who_shares_is_what_settings_say() -> None:
    wide, narrow = Alike(CacheSettings(share="tenant")), Alike(CacheSettings(share="user"))
    stranger = Key("k9", "x", b"", tags={"team": "blue"})
    assert digest(BODY, settings=wide) == digest(BODY, stranger, settings=wide)
    assert digest({**BODY, "user": "u1"}, settings=narrow) != digest({**BODY, "user": "u2"}, settings=narrow)
    assert digest(BODY, None, settings=wide)


def test_embeddings_are_alike_by_themselves() -> None:
    body = {"model": "text-embedding-3-small", "input": "x"}
    assert digest(body, wire="openai.embeddings") == digest(body, wire="openai.embeddings") != b""
