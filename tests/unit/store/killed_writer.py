"""A gateway's writing side, for tests that kill it: opens, puts, and says on stdout what was opened and committed."""

import asyncio
import sys
from collections.abc import Sequence
from itertools import count

from farthing.model.record import Attempt, Record
from farthing.store import Journal, Ledger, open_store
from unit.store.samples import MORNING_US, a_record


async def main(url: str, folder: str, name: str) -> None:
    def committed(batch: Sequence[Record]) -> None:
        _say(*(f"committed {record.id}" for record in batch))

    store = await open_store(url)
    journal = Journal(folder)
    ledger = Ledger(store, journal, flush_s=0.01, observers=[committed])
    under_way: list[Record] = []
    for number in count():
        record = a_record(f"{name}-{number:06}", started_us=MORNING_US + number, user=f"user-{number % 30}")
        journal.open(_sent(record))
        _say(f"opened {record.id}")
        under_way.append(record)
        if len(under_way) > 20:
            ledger.put(under_way.pop(0))
        if number % 50 == 0:
            await asyncio.sleep(0.001)


def _sent(record: Record) -> Record:
    """The call as it stands when its attempt is sent."""
    sent = a_record(record.id, started_us=record.started_us, user=record.user)
    sent.attempts = [Attempt(no=1, provider="openai", model="gpt-5.4-mini", started_us=record.started_us)]
    return sent


def _say(*lines: str) -> None:
    sys.stdout.write("".join(line + "\n" for line in lines))
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
