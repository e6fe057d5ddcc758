"""A gateway that puts, hits, drops and links without an end, for tests that kill it; says what it wrote and dropped."""

import asyncio
import sys
from itertools import count

from farthing.store.entries import Link, Which, open_entries
from unit.store.entries.samples import NOW_US, an_entry


async def main(url: str, name: str) -> None:
    cache = await open_entries(url, flush_s=0.01, now_us=lambda: NOW_US)
    for number in count():
        entries = [
            an_entry(f"{name} {number} {each}", answer=f"{name} {number} {each}".encode() * 50) for each in range(20)
        ]
        for entry in entries:
            cache.put(entry)
            cache.link(
                Link(
                    id=f"l {entry.id}",
                    tenant="acme",
                    entry_id=entry.id,
                    question="Why?",
                    vector=b"v",
                    created_us=NOW_US,
                )
            )
            cache.hit("acme", entry.id, at_us=NOW_US)
        await cache.flush()
        _say(*(f"written {entry.id}" for entry in entries[1:]))
        await cache.drop("acme", Which(ids=(entries[0].id,)))
        _say(f"dropped {entries[0].id}")


def _say(*lines: str) -> None:
    sys.stdout.write("".join(line + "\n" for line in lines))
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
