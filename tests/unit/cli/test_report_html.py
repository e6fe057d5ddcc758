"""`farthing report html`: one file that is whole in itself, with the figures of the ledger, for a month and a tenant."""

import asyncio
import re
import time
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import Result

from farthing.model.arms import MODEL_SELECTION
from farthing.model.record import Record, Saving
from farthing.store import open_store
from farthing.store.corrections import Corrections, Entry
from farthing.store.rollups import DAY_US, month_of
from stores import ready

Farthing = Callable[..., Result]
LAST = month_of(month_of(time.time_ns() // 1000) - 1)
NAME = time.strftime("%Y-%m", time.gmtime(LAST / 1e6))
HOSTILE = "<script>alert(1)</script>" + "x" * 300


class Tags(HTMLParser):
    """What a file is made of, and what it would load or run."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.loads: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.loads += [
            f"{name}={value}"
            for name, value in attrs
            if name in ("src", "href", "style", "xlink:href") or name.startswith("on")
        ]


@pytest.fixture
def ledger(folder: Path) -> Path:
    """Calls of the last month and of the one before, in two tenants; one without a price; a correction."""
    calls = [
        Record(
            id=f"{tenant}-{month}-{number}", started_us=LAST + number % 9 * DAY_US - (0 if month == "last" else 20 * DAY_US),
            wire="openai.chat", model="gpt-5.4", provider="openai", tenant=tenant, feature=HOSTILE if number % 3 else "chat",
            cost=10**9, baseline=3 * 10**9, in_tokens=10, out_tokens=5, tier="small", cost_state="computed",
            savings=[Saving(MODEL_SELECTION, 3 * 10**9, 10**9)],
        )
        for tenant in ("default", "acme")
        for month, count in (("last", 12), ("before", 4))
        for number in range(count if tenant == "default" else 2)
    ]  # fmt: skip
    calls.append(Record(id="unpriced", started_us=LAST, wire="openai.chat", cost_state="unpriced", in_tokens=7))

    async def write() -> None:
        store = await open_store(ready(Path()))
        await store.write(calls)
        await Corrections(store).post([Entry(LAST, 5 * 10**9, "openai")], who="ann", reason="the bill of the month")
        await store.close()

    asyncio.run(write())
    return folder


def test_a_month_is_one_whole_file(farthing: Farthing, ledger: Path) -> None:
    said = farthing("report", "html", "--month", NAME, "--out", "month.html")
    assert f"The report of {NAME} is in month.html" in said.stderr
    text = Path("month.html").read_text(encoding="utf-8")
    found = Tags(text)
    assert not found.tags & {"script", "link", "img", "iframe"} and found.loads == []
    assert "url(" not in re.sub(r"url\(#[\w-]+\)", "", text)
    assert {"svg", "table", "style"} <= found.tags
    for words in (
        "13 calls cost $12.00", "cost $4.00 (+200 %)", "1 of 13 calls (7.7 %) has no known price or usage and is in no amount here", "would have cost $36.00",
        "$24.00 (66.7 %) was saved, by model selection $24.00", "Corrections of $5.00", "the bill of the month", "No alert was told",
        "1 of 13 calls have no known price or usage", "&lt;script&gt;",
    ):  # fmt: skip
        assert words in text, words


def test_a_tenant_sees_its_own(farthing: Farthing, ledger: Path) -> None:
    text = farthing("report", "html", "--month", NAME, "--tenant", "acme", "--out", "-").stdout
    assert "2 calls cost $2.00" in text and "Tenant acme" in text and "the bill of the month" not in text


def test_this_month_is_told_so_far_and_an_empty_one_too(farthing: Farthing, ledger: Path) -> None:
    farthing("report", "html")
    text = Path(f"farthing-{time.strftime('%Y-%m', time.gmtime())}.html").read_text(encoding="utf-8")
    assert "so far: 0 calls cost $0.00" in text and "Nothing was spent." in text
    assert farthing("report", "html", "--month", "2026-13").exit_code == 2
