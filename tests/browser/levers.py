"""What levers leave in a store: a few days of calls, a proposal of the routing table, stored answers with verdicts.

`cd tests; python -m browser.levers sqlite:////tmp/x/farthing.db` fills one.
"""

import asyncio
import sys
import time

from browser import company
from farthing.model.routes import Cell, Table
from farthing.store import Routes, open_store
from farthing.store.entries import Entry, Verdict, open_entries


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
