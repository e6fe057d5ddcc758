"""What levers leave in a store: a few days of calls, a proposal of the routing table, stored answers with verdicts, and what
the doctor found in prompts.

`cd tests; python -m browser.levers sqlite:////tmp/x/farthing.db` fills one.
"""

import asyncio
import sys
import time
from collections.abc import Iterator

from browser import company
from farthing.model.routes import Cell, Table
from farthing.store import Routes, open_store
from farthing.store.busters import LOOKED, Broken, Busters
from farthing.store.entries import Entry, Verdict, open_entries


def found(now: int) -> Iterator[Broken]:
    """Of the doctor: a time, tools in another order, and a name with markup in it."""
    at = [now - ago * 86_400_000_000 for ago in range(4)]
    for last_us in at:
        yield Broken("default", "support chat", "gpt-5.4", LOOKED, "", 90, 216_000, 0, 0, "", last_us)
        yield Broken("default", "<b>bold</b>", "gpt-5.4-mini", LOOKED, "", 9, 9_000, 0, 0, "", last_us)
    yield Broken(
        "default",
        "support chat",
        "gpt-5.4",
        "date",
        "system 1",
        170,
        340_000,
        765_000_000,
        31,
        "a, 00 a 0000, 00:00:00",
        at[1],
    )
    yield Broken("default", "support chat", "gpt-5.4", "tool order", "tools", 12, 14_000, 31_500_000, 2, "", at[2])
    yield Broken("default", "<b>bold</b>", "gpt-5.4-mini", "name", "system 2", 4, 4_000, 2_700_000, 9, "a@a.a", at[0])
    yield Broken("other", "their feature", "gpt-5.4", "uuid", "system 1", 4, 4_000, 2_700_000_000, 9, "", at[0])


async def fill(url: str) -> None:
    now = time.time_ns() // 1000
    store = await open_store(url)
    await store.write(list(company.records(now, 4)))
    cells = {
        ("default", "task:qa"): {
            "gpt-5.4-mini": Cell("gpt-5.4-mini", 0.999, 0.993, 640, "measured", why="640 comparisons")
        },
        ("default", "task:extraction"): {
            "gpt-4.1-nano": Cell("gpt-4.1-nano", 0.9, 0.8, 300, "demoted", why="the alarm")
        },
    }
    await Routes(store).propose(Table(cells=cells), "two moves", "farthing")
    await Busters(store).add(list(found(now)))
    await store.close()
    entries = await open_entries(url)
    for number in range(8):
        entries.put(
            Entry(
                id=f"ent-{number}", tenant="default", scope="support chat" if number % 2 else "<b>bold</b>", exact=b"%d" % number,
                asked="auto", created_us=now, cost=10**7, hits=number, source_call="call-1", pinned=number == 5,
            )
        )  # fmt: skip
        entries.verdict(
            Verdict(tenant="default", scope="support chat", entry_id="ent-1", call_id=f"call-{number}", similarity=0.97, wrong=number == 3, source="feedback", at_us=now)
        )  # fmt: skip
    await entries.flush()
    await entries.close()


if __name__ == "__main__":
    asyncio.run(fill(sys.argv[1]))
