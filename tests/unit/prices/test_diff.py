import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from farthing.prices.book import CARDS
from farthing.prices.diff import Difference, differences, read_source

from .shelf import cards, model

TODAY = date(2026, 11, 25)


def rows(old: object, new: object, **options: object) -> list[tuple[object, ...]]:
    found = differences([cards(models=old)], [cards(models=new)], on=TODAY, **options)  # type: ignore[arg-type]
    return [(d.model, d.tier, d.unit, d.above, d.old, d.new) for d in found]


def test_a_changed_rate_is_one_row() -> None:
    old = [model({"rates": {"input": 2, "output": 8}})]
    new = [model({"rates": {"input": 2, "output": {"0": 8, "200000": 12}}}, {"rates": {"input": 1}, "tier": "batch"})]
    assert rows(old, new) == [
        ("m", "", "out", 200_000, None, Decimal(12)),
        ("m", "batch", "uncached_in", 0, None, Decimal(1)),
    ]
    assert rows(old, old) == []


def test_the_days_price_is_compared() -> None:
    old = [model({"rates": {"input": 2}}, {"rates": {"input": 1}, "valid_from": "2026-12-01"})]
    new = [
        model(
            {"rates": {"input": 3}},
            {"rates": {"input": 2}, "valid_from": "2026-01-01"},
            {"rates": {"input": 9}, "hours": ["01:00:00", "02:00:00"]},
        )
    ]
    assert rows(old, new) == []


def test_models_are_paired_by_what_they_match() -> None:
    old = [model({"rates": {"input": 2}}, id="m-2026-01-01"), model({"rates": {"input": 5}}, id="gone")]
    new = [
        model({"rates": {"input": 3}}, id="m", match={"starts_with": "m"}),
        model({"rates": {"input": 7}}, id="born"),
    ]
    assert rows(old, new) == [
        ("born", "", "uncached_in", 0, None, Decimal(7)),
        ("gone", "", "uncached_in", 0, Decimal(5), None),
        ("m-2026-01-01", "", "uncached_in", 0, Decimal(2), Decimal(3)),
    ]
    assert len(rows(old, new, shared_only=True)) == 1


def test_small_differences_can_be_left_out() -> None:
    old, new = [model({"rates": {"input": 100, "output": 0}})], [model({"rates": {"input": 101, "output": 1}})]
    assert [row[2] for row in rows(old, new, more_than_percent=Decimal(1))] == ["out"]
    assert Difference("p", "m", "", "out", 0, Decimal(4), Decimal(3)).percent == -25
    assert Difference("p", "m", "", "out", 0, None, Decimal(3)).percent is None


LITELLM = {
    "sample_spec": {"litellm_provider": "one of https://docs", "input_cost_per_token": 0.0},
    "gpt-x": {
        "litellm_provider": "openai", "max_input_tokens": 1000, "mode": "chat",
        "input_cost_per_token": 2.5e-06, "input_cost_per_token_batches": 1.25e-06, "output_cost_per_token": 1e-05,
        "input_cost_per_token_above_272k_tokens": 5e-06, "input_cost_per_token_above_272k_tokens_priority": 1e-05,
        "input_cost_per_token_priority": 5e-06, "cache_read_input_token_cost": 1.25e-06,
        "cache_creation_input_token_cost": 3.125e-06, "cache_creation_input_token_cost_above_12hr": 6.25e-06,
        "search_context_cost_per_query": {"search_context_size_medium": 0.01}, "file_search_cost_per_1k_calls": 2.5,
        "output_cost_per_reasoning_token": 1e-05, "output_cost_per_audio_token": 0.0,
    },
    "anthropic/claude-x": {"litellm_provider": "anthropic", "cache_creation_input_token_cost_above_1hr": 6e-06},
    "free": {"litellm_provider": "openai", "input_cost_per_token": 0.0},
    "elsewhere": {"litellm_provider": "nobody", "input_cost_per_token": 1e-06},
}  # fmt: skip


def test_litellms_map_is_a_source(tmp_path: Path) -> None:
    path = tmp_path / "model_prices.json"
    path.write_text(json.dumps(LITELLM))
    anthropic, openai = read_source(path)
    (claude,) = anthropic.models
    assert (claude.id, claude.prices[0].rates) == ("claude-x", {"w1h": Decimal(6)})
    (card,) = openai.models
    prices = {price.tier: price.rates for price in card.prices}
    assert prices[""] == {
        "uncached_in": {"0": Decimal("2.5"), "272000": Decimal(5)}, "out": Decimal(10), "cache_read": Decimal("1.25"),
        "w30m": Decimal("3.125"), "w12h": Decimal("6.25"), "web_search": Decimal(10), "file_search": Decimal("2.5"),
    }  # fmt: skip
    assert prices["batch"] == {"uncached_in": Decimal("1.25")}
    assert prices["priority"] == {"uncached_in": {"0": Decimal(5), "272000": Decimal(10)}}
    assert card.context_window == 1000


def test_a_folder_or_a_file_of_cards_is_a_source() -> None:
    assert {file.provider for file in read_source(CARDS)} > {"openai", "anthropic"}
    assert [file.provider for file in read_source(CARDS / "groq.json")] == ["groq"]
    assert differences(read_source(CARDS), read_source(CARDS), on=TODAY) == []


@pytest.mark.parametrize("text", ["{", "{}", "[]", '{"a": 1}'])
def test_a_file_that_is_no_source_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"x\.json"):
        read_source(path)
