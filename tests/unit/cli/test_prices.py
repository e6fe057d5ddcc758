"""`farthing prices`: lists, differences, and the price of one answer."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

CHAT = {
    "object": "chat.completion", "model": "gpt-4o-2024-08-06", "choices": [],
    "usage": {"prompt_tokens": 1000, "completion_tokens": 200, "total_tokens": 1200, "prompt_tokens_details": {"cached_tokens": 400}},
}  # fmt: skip
MESSAGE = {"type": "message", "model": "claude-sonnet-4-5", "usage": {"input_tokens": 100, "output_tokens": 20}}
STREAM = (
    b'event: message_start\ndata: {"type":"message_start","message":{"type":"message","model":"claude-sonnet-4-5",'
    b'"usage":{"input_tokens":100,"output_tokens":1}}}\n\n'
    b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":20}}\n\n'
    b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
)
NOW = ("--at", "2026-01-01")
CARDS = {
    "provider": "openai", "source": "us",
    "models": [{"id": "gpt-4o", "match": {"equals": "gpt-4o"}, "prices": [{"rates": {"uncached_in": 7, "out": 10}}]}],
}  # fmt: skip


def test_providers_models_and_rates_are_shown(farthing: Callable[..., Result]) -> None:
    assert "anthropic" in farthing("prices", "show").output
    models = farthing("prices", "show", "anthropic", *NOW).output
    assert ["claude-sonnet-4-5", "3", "0.3", "3.75", "6", "15"] in [line.split() for line in models.splitlines()]
    rates = [line.split() for line in farthing("prices", "show", "openai", "gpt-4o", *NOW).output.splitlines()]
    assert ["standard", "uncached_in", "2.5", "1M"] in rates
    assert any(line[:2] == ["batch", "uncached_in"] for line in rates)


def test_rates_for_machines(farthing: Callable[..., Result]) -> None:
    assert json.loads(farthing("prices", "show", "--json").stdout)["openai"] > 50
    assert (
        json.loads(farthing("prices", "show", "anthropic", "--json", *NOW).stdout)["claude-sonnet-4-5"]["out"]
        == 15_000_000
    )
    shown = json.loads(farthing("prices", "show", "openai", "gpt-4o", "--json", *NOW).stdout)
    assert {"tier": "", "above": 0, "unit": "uncached_in", "rate": 2_500_000, "mark": ""} in shown["rates"]


def test_contracts_are_applied(farthing: Callable[..., Result], folder: Path) -> None:
    (folder / "farthing.toml").write_text('[[prices.contracts]]\nprovider = "anthropic"\npercent_off = 50\n')
    models = farthing("prices", "show", "anthropic", *NOW).output
    assert ["claude-sonnet-4-5", "1.5", "0.15", "1.875", "3", "7.5"] in [line.split() for line in models.splitlines()]


@pytest.mark.parametrize("arguments", [("opnai",), ("openai", "gpt-none")])
def test_what_is_not_known_is_said(arguments: tuple[str, ...], farthing: Callable[..., Result]) -> None:
    done = farthing("prices", "show", *arguments)
    assert done.exit_code == 1
    assert "no price" in done.output


def test_a_file_is_compared(farthing: Callable[..., Result], folder: Path) -> None:
    (folder / "cards.json").write_text(json.dumps(CARDS))
    done = farthing("prices", "diff", "cards.json", "--json")
    assert done.exit_code == 1
    changed = {(each["model"], each["unit"]): (each["old"], each["new"]) for each in json.loads(done.stdout)}
    assert changed["gpt-4o", "uncached_in"] == ("2.5", "7")
    (folder / "odd.json").write_text("{")
    assert farthing("prices", "diff", "odd.json").exit_code == 1


def test_the_shipped_prices_differ_from_the_installed_source_where_the_overlay_says_so(
    farthing: Callable[..., Result],
) -> None:
    pytest.importorskip("genai_prices")
    assert farthing("prices", "diff", "--provider", "anthropic").output == "Nothing differs.\n"
    done = farthing("prices", "diff", "--provider", "deepseek")
    assert done.exit_code == 1 and "deepseek-chat" in done.output
    assert len(farthing("prices", "diff", "--all").output) > len(farthing("prices", "diff").output)


def test_small_differences_can_be_left_out(farthing: Callable[..., Result], folder: Path) -> None:
    (folder / "cards.json").write_text(json.dumps(CARDS))
    assert farthing("prices", "diff", "cards.json", "--more-than", "1000").exit_code == 0


@pytest.mark.parametrize(
    ("answer", "nano"),
    [(json.dumps(CHAT).encode(), 4_000_000), (json.dumps(MESSAGE).encode(), 600_000), (STREAM, 600_000)],
)
def test_an_answer_is_priced(answer: bytes, nano: int, farthing: Callable[..., Result]) -> None:
    done = farthing("prices", "price-this", "--json", *NOW, stdin=answer)
    assert json.loads(done.stdout)["cost"]["nano_dollars"] == nano


def test_a_priced_answer_shows_its_lines(farthing: Callable[..., Result], folder: Path) -> None:
    (folder / "answer.json").write_text(json.dumps(CHAT))
    shown = [line.split() for line in farthing("prices", "price-this", "answer.json", *NOW).output.splitlines()]
    assert ["cache_read", "400", "1.25", "$0.0005"] in shown
    assert ["cost:", "$0.004000000"] in shown


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"", "neither a JSON object nor an event stream"),
        (b"\xff\xfe", "neither a JSON object nor an event stream"),
        (b"{}", "does not say which format"),
        (b'{"type":"message","model":"claude-sonnet-4-5"}', "reports no usage"),
        (b'{"type":"message","usage":{"input_tokens":1,"output_tokens":1}}', "does not name its model"),
        (
            b'{"type":"message","model":"none-like-it","usage":{"input_tokens":1,"output_tokens":1}}',
            "not every unit has a price",
        ),
    ],
)
def test_what_cannot_be_priced_is_explained(answer: bytes, said: str, farthing: Callable[..., Result]) -> None:
    done = farthing("prices", "price-this", stdin=answer)
    assert done.exit_code == 1
    assert said in done.output
