"""Embeddings through the gateway, with the openai SDK."""

import pytest

from integration import rates
from integration.callers import AsyncCaller, Caller
from integration.gateways import Gateway
from integration.ledger import booked

MODEL = "text-embedding-3-small"


@pytest.mark.parametrize("given", ["a rope", ["a rope", "a sail", "an anchor"]])
def test_plain(caller: Caller, open_gateway: Gateway, given: str | list[str]) -> None:
    answer = caller.openai.embeddings.create(model=MODEL, input=given)
    assert len(answer.data) == (1 if isinstance(given, str) else 3)
    assert len(answer.data[0].embedding) == 1536
    record = booked(open_gateway, caller, rates.of_embeddings(MODEL, answer.usage))
    assert record["wire"] == "openai.embeddings"
    assert record["out_tokens"] == 0


async def test_async_with_fewer_dimensions(acaller: AsyncCaller, open_gateway: Gateway) -> None:
    answer = await acaller.openai.embeddings.create(model=MODEL, input="a mast", dimensions=64, encoding_format="float")
    assert len(answer.data[0].embedding) == 64
    booked(open_gateway, acaller, rates.of_embeddings(MODEL, answer.usage))


def test_the_costs_headers(caller: Caller) -> None:
    raw = caller.openai.embeddings.with_raw_response.create(model=MODEL, input="a long rope " * 50)
    assert raw.headers["x-farthing-cost"] == f"0.{rates.of_embeddings(MODEL, raw.parse().usage):09d}"
