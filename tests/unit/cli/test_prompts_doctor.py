"""`farthing prompts doctor`: what it says with findings, without any, and for machines."""

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path

from click.testing import Result

from farthing.store import open_store
from farthing.store.busters import LOOKED, Broken, Busters
from stores import ready

NOW_US = time.time_ns() // 1000
DATE = Broken(
    "default", "support\x1b[2J chat", "gpt-5.5", "date", "system 1", 40, 80_000, 360_000_000, 31, "a, 00 a 0000", NOW_US
)
SEEN = Broken("default", "support\x1b[2J chat", "gpt-5.5", LOOKED, "", 100, 400_000, 0, 0, "", NOW_US)


def fill(folder: Path, rows: list[Broken]) -> None:
    async def filled() -> None:
        store = await open_store(ready(folder))
        await Busters(store).add(rows)
        await store.close()

    asyncio.run(filled())


def test_findings_are_told_with_the_spot_and_the_fix(folder: Path, farthing: Callable[..., Result]) -> None:
    fill(folder, [DATE, SEEN])
    told = farthing("prompts", "doctor").output
    assert "100 calls with 400,000 tokens" in told
    assert "1. $10.80 a month: support [2J chat, gpt-5.5" in told
    assert "A date or time in system 1, byte 31 changes from call to call: `a, 00 a 0000`." in told
    assert "40 of 100 calls, 80,000 tokens" in told and "Move it to the end of the prompt" in told
    shown = json.loads(farthing("prompts", "doctor", "--json").output)
    assert shown["findings"][0]["lost"] == {"nano_dollars": 360_000_000, "dollars": "0.360000000"}
    assert farthing("prompts", "doctor", "--tenant", "other", "--json").output.count("gpt-5.5") == 0


def test_without_findings_it_says_what_to_do(folder: Path, farthing: Callable[..., Result]) -> None:
    fill(folder, [])
    assert "set `doctor = true` in [prompts]" in farthing("prompts", "doctor").output
    fill(folder, [SEEN])
    assert "Nothing kept their providers' caches from being read." in farthing("prompts", "doctor").output


def test_the_report_tells_it_in_short_and_so_does_the_page_to_send(
    folder: Path, farthing: Callable[..., Result]
) -> None:
    fill(folder, [DATE, SEEN])
    told = farthing("report").output
    assert "Unread caches of providers: $10.80 a month." in told
    assert "$10.80 a month: support [2J chat, gpt-5.5. A date or time in system 1, byte 31" in told
    assert "Unread caches" not in farthing("report", "--where", "feature=other").output
    assert "Unread caches" not in farthing("report", "--where", "team=other").output, "no sums are kept for it"
    shown = json.loads(farthing("report", "--json").output)["unread_caches"]
    assert shown["month"]["dollars"] == "10.800000000" and len(shown["findings"]) == 1
    page = farthing("report", "html", "--out", "-").stdout
    assert "Caches that were not read cost $0.3600 in these days: $10.80 a month." in page
    assert "Move it to the end of the prompt" in page
    fill(folder, [])
    assert json.loads(farthing("report", "--tenant", "other", "--json").output)["unread_caches"] is None
