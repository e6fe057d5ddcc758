"""`farthing explain`: the cost card of one call."""

import io
import json
from collections.abc import Callable
from pathlib import Path

from click.testing import Result
from rich.console import Console

from farthing.cli.explain import card, for_machines
from farthing.model.money import show_dollars
from farthing.model.record import Attempt, Decision, Record


def test_a_card_for_people(farthing: Callable[..., Result], ledger: Path) -> None:
    shown = farthing("explain", "call-1").output
    for words in (
        "2024-10-04 12:00:00 UTC, took 1,234.0 ms, first byte after 200.0 ms",
        "feature=chat, order=[red]7[/red]",
        "attempt 1: gpt-4o-2024-08-06 at openai, 200 ok",
        "$0.002600000 (computed from the usage that the provider reported)",
        "4 of the output tokens",
        "list-1",
        "family_rate",
        "the only one",
    ):
        assert words in shown
    lines = [line.split() for line in shown.splitlines()]
    assert ["uncached_in", "1,000", "2.5", "$0.0025"] in lines
    assert ["out", "10", "10", "$0.0001"] in lines
    assert ["as", "sent", "$0.003000000"] in lines
    assert ["-", "cache", "$0.000400000", "overhead", f"{show_dollars(100_000)},", "estimated"] in lines


def test_an_unknown_cost_is_not_shown_as_zero(farthing: Callable[..., Result], ledger: Path) -> None:
    shown = farthing("explain", "call-2").output
    assert "? (known so far: $0.000000000)" in shown
    assert "no price is known" in shown


def test_json_has_everything(farthing: Callable[..., Result], ledger: Path) -> None:
    shown = json.loads(farthing("explain", "call-1", "--json").stdout)
    assert shown["cost"] == {"nano_dollars": 2_600_000, "dollars": "0.002600000"}
    assert shown["saved"]["nano_dollars"] == 400_000
    assert shown["attempts"][0]["lines"][0] == {
        "unit": "uncached_in",
        "count": 1000,
        "rate": 2_500_000,
        "dollars": "0.0025",
    }
    assert shown["attempts"][0]["raw_usage"] == '{"prompt_tokens":1000}'
    assert shown["savings"][0]["saved"]["nano_dollars"] == 400_000


def test_a_call_that_is_not_there(farthing: Callable[..., Result], ledger: Path) -> None:
    done = farthing("explain", "call-3")
    assert done.exit_code == 1
    assert "there is no call 'call-3' in the ledger" in done.output


def shown_card(record: Record) -> str:
    console = Console(file=io.StringIO(), width=120, markup=False, highlight=False)
    console.print(card(record))
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def test_a_call_that_was_refused_here_was_not_sent_and_is_not_billed() -> None:
    refused = Record(id="call-9", started_us=1, wire="openai.chat", status=404, outcome="error", cost_state="computed")
    shown = shown_card(refused)
    assert "nothing was sent" in shown
    assert "no provider bills it" in shown
    assert "usage" not in shown


def test_an_attempt_that_the_provider_refused_is_not_billed() -> None:
    attempt = Attempt(no=1, provider="openai", model="gpt-4o", status=400, outcome="error", cost_state="computed")
    shown = shown_card(
        Record(
            id="call-9", started_us=1, wire="openai.chat", model="gpt-4o", provider="openai", status=400, outcome="error",
            cost_state="computed", attempts=[attempt],
        )
    )  # fmt: skip
    assert "gpt-4o at openai" in shown
    assert shown.count("no provider bills it") == 2
    assert "per 1M" not in shown


WHY = "luna is the cheapest that keeps 99.0%\nfloor: 99.0% of the flagship's quality\nluna: small, at least 99.5%\nrunner-up: sol"


def a_routed_call() -> Record:
    attempts = [
        Attempt(
            no=1, provider="azure", deployment="azure-eu", model="luna", status=500, outcome="error", duration_us=1500
        ),
        Attempt(no=2, provider="openai", deployment="openai/luna", model="luna", status=200, cost_state="computed"),
    ]
    return Record(
        id="call-7", started_us=1, wire="openai.chat", model_asked="auto", model="luna", provider="openai", status=200,
        task="qa", tier="small", template="00ff", session="talk", arms={"semantic cache": True, "model selection": False},
        attempts=attempts, decisions=[
            Decision("task", "qa", "its words, 80% likely"), Decision("route", "luna", WHY),
            Decision("route", "sol", "the first answer was refused: not JSON"), Decision("balance", "azure/luna", "cheapest"),
        ],
    )  # fmt: skip


def test_the_way_to_the_model_is_shown_in_full() -> None:
    lines = [" ".join(line.split()) for line in shown_card(a_routed_call()).splitlines()]
    at = lines.index("route")
    assert lines[at + 1 : lines.index("decisions")] == [
        "task qa: its words, 80% likely", "template 00ff", "session talk",
        "held out it went without semantic cache, to measure that", "chosen luna",
        "because luna is the cheapest that keeps 99.0%", "floor 99.0% of the flagship's quality",
        "luna small, at least 99.5%", "runner-up sol", "then sol", "because the first answer was refused: not JSON",
    ]  # fmt: skip
    assert "attempt 1: luna at azure (azure-eu), 500 error, 1.5 ms" in lines
    assert "attempt 2: luna at openai, 200 ok" in lines
    assert "balance azure/luna cheapest" in lines


def test_the_way_to_the_model_for_machines() -> None:
    route = for_machines(a_routed_call())["route"]
    assert (route["task"], route["task_found_by"], route["tier"], route["model"]) == (
        "qa",
        "its words, 80% likely",
        "small",
        "sol",
    )
    assert route["why"] == "luna is the cheapest that keeps 99.0%" and route["weighed"][-1] == "runner-up: sol"
    assert route["held_out_of"] == ["semantic cache"] and len(route["then"]) == 1
    assert for_machines(Record(id="c", started_us=1, wire="openai.chat"))["route"] is None
