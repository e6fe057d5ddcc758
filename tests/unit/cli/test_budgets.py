"""Budgets from the command line: made, shown, raised, reconciled, removed."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from farthing.cli.main import cli
from farthing.store import leases, open_store
from farthing.store.leases import Want
from stores import ready


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Result]:
    config = tmp_path / "farthing.toml"
    config.write_text('[store]\nurl = "sqlite:///ledger.db"\n')

    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(cli, ["budgets", *arguments, "--config", str(config)])

    return invoke


def test_a_budget_lives(run: Callable[..., Result]) -> None:
    assert "There are no budgets" in run("list").output
    made = run(
        "set", "support", "--amount", "5.50", "--scope", "feature=support", "--scope", "user=*", "--window", "week"
    )
    assert made.output == "The budget support is $5.50 a week for user=* feature=support.\n"
    assert "(nobody yet)" in run("list").output
    raised = run("raise", "support", "--amount", "2", "--until", "7d", "--reason", "launch")
    assert raised.output.startswith("The budget support is $7.50 a week until")
    assert "$2.00 more until" in run("show", "support").output
    (shown,) = json.loads(run("list", "--json").output)
    assert (shown["amount"], shown["standings"], shown["raises"][0]["reason"]) == (5_500_000_000, [], "launch")
    assert run("remove", "support").exit_code == 0
    assert run("remove", "support").exit_code == run("show", "support").exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("set", "x", "--amount", "much"), "no amount of dollars"),
        (("set", "x", "--amount", "1.5", "--unit", "calls"), "whole number"),
        (("set", "x y", "--amount", "1"), "up to 48 letters"),
        (("set", "x", "--amount", "1", "--window", "eon"), "no window"),
        (("set", "x", "--amount", "1", "--zone", "Mars"), "no time zone"),
        (("raise", "x", "--amount", "1", "--until", "2020-01-01", "--reason", "r"), "is over"),
        (("raise", "x", "--amount", "1", "--until", "7d", "--reason", "r"), "no budget x"),
    ],
)
def test_mistakes_are_said(run: Callable[..., Result], arguments: tuple[str, ...], said: str) -> None:
    result = run(*arguments)
    assert result.exit_code in (1, 2) and said in result.output


def test_what_a_vanished_gateway_held_is_given_back_on_ones_word(run: Callable[..., Result], tmp_path: Path) -> None:
    run("set", "all", "--amount", "1")

    async def vanish() -> None:
        store = await open_store(ready(tmp_path, "ledger.db"))
        want = Want("all", "", "2026-11", 0, (), 10**9, 1_000, 1_000, 1_000, 0)
        await store.do(lambda connection: leases.register(connection, "gone-1", 0, 1))
        await store.do(lambda connection: leases.take(connection, "gone-1", [want], 0, 1))
        await store.close()

    asyncio.run(vanish())
    assert "gone-1" in run("reconcile").output
    assert run("reconcile", "--release", "nobody").exit_code == 1
    assert json.loads(run("reconcile", "--release", "gone-1", "--json").output)["released"] == {"gone-1": 1_000}
    assert "No vanished gateway holds anything." in run("reconcile").output
