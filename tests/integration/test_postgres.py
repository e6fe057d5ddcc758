"""The main flow on PostgreSQL: two workers, keys, both SDKs, reports; the rest of the store has tests of its own on both."""

from collections.abc import Iterator
from typing import Any

import pytest

from integration import rates
from integration.callers import AsyncCaller, Caller
from integration.conftest import Keyed
from integration.gateways import Gateway, eventually, gateway, settings_text
from integration.ledger import booked

GPT, CLAUDE = "gpt-4o-mini", "claude-haiku-4-5"


@pytest.fixture
def pair(tmp_path_factory: pytest.TempPathFactory, upstreams: str, postgres_url: str) -> Iterator[Keyed]:
    secrets: list[str] = []

    def make_admin(made: Gateway) -> None:
        secrets.append(made.farthing_json("keys", "create", "boss", "--admin")["secret"])

    settings = settings_text(store=f'url = "{postgres_url}"', providers=upstreams)
    with gateway(tmp_path_factory.mktemp("pg"), settings, "--workers", "2", before=make_admin) as made:
        yield Keyed(made, secrets[0])


async def test_the_main_flow(pair: Keyed) -> None:
    asked: Any = [{"role": "user", "content": "Tell me about elephants."}]
    secret = pair.key("team key", tags={"team": "deck"}, pinned=["team"])
    caller = Caller(pair.gateway.url, secret)
    answer = caller.openai.chat.completions.create(
        model=GPT,
        messages=asked,
        user="ad\u00e9",
        extra_headers={"x-farthing-feature": "chat", "x-farthing-team": "lie"},
    )
    costs = [rates.of_chat(GPT, answer.usage)]
    record = booked(pair.gateway, caller, costs[0], secret)
    assert (record["team"], record["feature"], record["user"]) == ("deck", "chat", "ad\u00e9")
    with caller.anthropic.messages.stream(model=CLAUDE, max_tokens=99, messages=asked) as stream:
        costs.append(rates.of_message(CLAUDE, stream.get_final_message().usage))
    booked(pair.gateway, caller, costs[1], secret)
    stream_id = caller.call_id
    async with AsyncCaller(pair.gateway.url, secret) as acaller:
        embedded = await acaller.openai.embeddings.create(model="text-embedding-3-small", input="an elephant")
        costs.append(rates.of_embeddings("text-embedding-3-small", embedded.usage))
        booked(pair.gateway, acaller, costs[2], secret)
    caller.close()

    def whole() -> Any:
        rows = pair.gateway.farthing_json("report", "--by", "team")["rows"]
        return rows if sum(row["calls"] for row in rows) == 3 else None

    (row,) = eventually(whole, "all calls are in the report")
    assert (row["team"], row["cost"]["nano_dollars"]) == ("deck", sum(costs))
    assert pair.gateway.farthing_json("explain", stream_id)["cost"]["nano_dollars"] == costs[1]
    listed = pair.gateway.farthing_json("calls")
    assert sorted(each["cost"]["nano_dollars"] for each in listed) == sorted(costs)
    key_id = next(key["id"] for key in pair.gateway.farthing_json("keys", "list") if key["name"] == "team key")
    pair.gateway.farthing("keys", "revoke", key_id)
    eventually(lambda: pair.gateway.get("/v1/models", secret).status_code == 401, "the key is out")
    assert pair.gateway.stop() == 0
    assert "Traceback" not in pair.gateway.log
