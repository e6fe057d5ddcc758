"""A folder to work in without keys in the environment, and a ledger with a few calls."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from farthing.cli.main import cli
from farthing.model.record import Attempt, Decision, PricedLine, Record, Saving
from farthing.model.usage import Usage
from farthing.store import open_store
from stores import ready

Farthing = Callable[..., Result]

DAY_US = 86_400_000_000
NOON_US = 20_000 * DAY_US + DAY_US // 2
"""2024-10-04, 12:00 UTC."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "OPENAI_BASE_URL", "ANTHROPIC_BASE_URL", "FARTHING_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "160")
    return tmp_path


@pytest.fixture
def farthing(folder: Path) -> Farthing:
    """Run a command: `farthing("keys", "list")`."""

    def run(*arguments: str, stdin: bytes | None = None, env: dict[str, str] | None = None) -> Result:
        return CliRunner().invoke(cli, arguments, input=stdin, env=env, catch_exceptions=False)

    return run


def a_call(call_id: str, **more: object) -> Record:
    """A priced call of 1,000 tokens in and 10 out that a lever made cheaper."""
    lines = [PricedLine("uncached_in", 1000, 2_500_000), PricedLine("out", 10, 10_000_000)]
    attempt = Attempt(
        no=1, provider="openai", model="gpt-4o-2024-08-06", status=200, usage=Usage(uncached_in=1000, out=10, reasoning=4),
        cost_state="computed", cost=2_600_000, lines=lines, price_version="list-1", flags=["family_rate"],
        raw_usage=b'{"prompt_tokens":1000}',
    )  # fmt: skip
    record = Record(
        id=call_id, started_us=NOON_US, wire="openai.chat", model_asked="gpt-4o", model="gpt-4o-2024-08-06",
        provider="openai", feature="chat", team="support", status=200, cost_state="computed", cost=2_600_000,
        baseline=3_000_000, in_tokens=1000, out_tokens=10, duration_us=1_234_000, first_byte_us=200_000,
        attempts=[attempt], savings=[Saving("cache", 3_000_000, 2_500_000, 100_000, estimated=True)],
        decisions=[Decision("balance", "openai", "the only one")], tags={"order": "[red]7[/red]"},
    )  # fmt: skip
    for name, value in more.items():
        setattr(record, name, value)
    return record


@pytest.fixture
def ledger(folder: Path) -> Path:
    """`farthing.db` with a priced call of the feature chat, and an unpriced one without a feature."""
    unpriced = a_call(
        "call-2",
        feature="",
        cost_state="unpriced",
        cost=0,
        baseline=0,
        savings=[],
        decisions=[],
        attempts=[],
        error="odd",
    )

    async def write() -> None:
        store = await open_store(ready(Path()))
        await store.write([a_call("call-1"), unpriced])
        await store.close()

    asyncio.run(write())
    return folder / "farthing.db"
