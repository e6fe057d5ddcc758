import re
from pathlib import Path

import pytest

from farthing.prices import Contract, PriceBook
from farthing.prices.odd import odd_prices

from .shelf import cards, model


@pytest.mark.parametrize(
    ("rates", "said"),
    [
        ({"input": "0.000003"}, "typed per token or per thousand"),
        (
            {"input": "300", "output": "10"},
            r"input at \$300 per 1M tokens is far from what is usual \(\$1-15 .*typed in cents",
        ),
        ({"output": "0.000015"}, r"\$2-60 for a large model"),
        ({"output": "1500"}, "typed in cents"),
        ({"input": "13"}, r"\$0.01-0.13 for embeddings"),
        ({"training": "2500", "input": "3", "output": "6"}, r"\$8-25"),
        ({"training": "0.000008"}, "per token"),
        ({"web_search": "0.0001"}, "per 1,000 web_search"),
    ],
)
def test_a_price_in_the_wrong_unit_is_seen(rates: dict[str, str], said: str) -> None:
    (warning,) = odd_prices([cards(models=[model({"rates": rates})])])
    assert warning.startswith("acme m: ")
    assert re.search(said, warning), warning


@pytest.mark.parametrize(
    "rates",
    [
        {"input": "3", "output": "15", "cache_read": "0.3", "web_search": "10"},
        {"input": "0.01", "output": "0.02", "cache_read": "0.0016"},
        {"input": "150", "output": "600"},
        {"input": "0"},
        {"input": "0.02"},
        {"training": "25", "input": "3.75", "output": "15"},
    ],
)
def test_usual_prices_and_free_ones_are_not(rates: dict[str, str]) -> None:
    assert odd_prices([cards(models=[model({"rates": rates})])]) == []


def test_a_price_far_from_the_shipped_one_is_seen() -> None:
    shipped = cards(models=[model({"rates": {"input": "2.5", "output": "10"}})])
    cents = cards(models=[model({"rates": {"input": "0.0025", "output": "10"}})])
    (warning,) = odd_prices([cents], [shipped])
    assert "more than 20 times off the list price of $2.5" in warning
    assert odd_prices([cards(models=[model({"rates": {"input": "0.5", "output": "40"}})])], [shipped]) == []


def test_a_book_warns_of_files_and_contracts(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text('{"provider": "vllm", "models": [{"id": "llama", "prices": [{"rates": {"input": 0.0000002}}]}]}')
    contracts = [
        Contract("openai", ("gpt-4o",), rates={"input": "250", "output": "10"}),
        Contract("openai", ("gpt-4.1",), rates={"input": "2"}),
        Contract("anthropic", percent_off="10"),
        Contract("openai", ("gpt-5*",), rates={"output": "0.00001"}),
        Contract("openai", ("text-embedding-3-small",), rates={"input": "2"}),
    ]
    files, contract, other, embedding = PriceBook.load(files=[path], contracts=contracts).warnings
    assert files.startswith("vllm llama: input at $0.0000002 per 1M tokens")
    assert contract.startswith("contract with openai, gpt-4o: input at $250 per 1M tokens is far")
    assert other.startswith("contract with openai, gpt-5*: output at $0.00001")
    assert embedding.startswith(
        "contract with openai, text-embedding-3-small: input at $2 per 1M tokens is more than 20"
    )
