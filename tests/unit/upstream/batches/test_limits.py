"""Published limits are whole and dated; refusals teach, and what they taught is forgotten."""

import json
from importlib import resources

import pytest

from farthing.model.batch import Shard
from farthing.upstream.batches.limits import Learned, published
from farthing.upstream.batches.states import STATES

SHARD = Shard("s", "openai", "d", "m", "openai.chat", lines=100, bytes=8000, tokens=4000)


def test_every_kind_has_dated_limits_with_a_source() -> None:
    data = json.loads(resources.files("farthing.upstream.batches").joinpath("limits.json").read_bytes())
    assert data.pop("as_of") >= "2026"
    assert data.keys() == STATES.keys()
    for kind, said in data.items():
        assert said["source"] and published(kind).lines and published(kind).bytes and published(kind).window_s == 86_400


@pytest.mark.parametrize(
    ("code", "message", "name", "limit"),
    [
        ("token_limit_exceeded", "Enqueued token limit reached for gpt-4o-mini in organization org-1. Limit: 2,000,000 "
         "enqueued tokens. Please try again.", "tokens", 2_000_000),
        ("token_limit_exceeded", "The limit is 30000 for this deployment", "tokens", 30_000),
        ("token_limit_exceeded", "at most 90,000 enqueued tokens are allowed", "tokens", 90_000),
        ("token_limit_exceeded", "Too many tokens.", "tokens", 3000),
        ("token_limit_exceeded", "Limit: 3 batches", "tokens", 3000),
        ("too_many_tasks", "The input file has 100 lines; at most 60 are allowed.", "lines", 60),
        ("too_many_tasks", "Too many.", "lines", 75),
        ("request_too_large", "", "bytes", 7500),
    ],
)  # fmt: skip
def test_a_refusal_teaches(code: str, message: str, name: str, limit: int) -> None:
    learned = Learned("openai", lambda: 0.0)
    learned.learn(code, message, SHARD, 10_000)
    assert getattr(learned.of("m"), name) == limit
    assert learned.of("other") == learned.published == published("openai")


def test_other_codes_teach_nothing_and_guesses_are_forgotten_sooner() -> None:
    now = [0.0]
    learned = Learned("openai", lambda: now[0])
    learned.learn("http_401", "limit: 5000", SHARD)
    assert learned.of("m") == learned.published
    learned.learn("token_limit_exceeded", "", SHARD)
    learned.learn("token_limit_exceeded", "", Shard("s", "openai", "d", "m", "openai.chat", tokens=2000))
    assert learned.of("m").tokens == 1500
    now[0] = 3601
    assert learned.of("m").tokens == 0
    learned.learn("token_limit_exceeded", "Limit: 50,000", SHARD)
    now[0] += 3601
    assert learned.of("m").tokens == 50_000
    for at in range(2000):
        learned.learn("too_many_tasks", "", Shard("s", "openai", "d", str(at), "openai.chat", lines=10))
    assert learned.of("m") == learned.published
