"""Calls without text, as many as wanted: a seed's two thousand, again and again, each time at its own moment and in a conversation
of its own. And what a plan of them takes."""

import asyncio
import random
import resource
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from farthing.model.past import PastCall
from farthing.model.plan import Plan
from farthing.model.usage import Usage
from farthing.planner.imports.booking import record_of
from farthing.planner.without_text import plan_of_calls, plan_of_store
from farthing.prices import PriceBook
from farthing.store import open_store
from planning.world import BEGIN_US, own_settings

KINDS = (
    ("support", "openai", "gpt-4o", (300, 2_000), (20, 300)), ("triage", "openai", "gpt-4.1", (900, 3_000), (2, 12)),
    ("agent", "anthropic", "claude-sonnet-4-5", (4_000, 30_000), (50, 900)), ("nightly", "openai", "gpt-4o", (2_000, 9_000), (200, 1_200)),
)  # fmt: skip
DISTINCT = 2_000
MONTH_US = 28 * 86_400_000_000
PATIENCE = {"nightly": 21_600.0}


class Took(NamedTuple):
    calls: int
    a_second: float
    """Calls a second of CPU, the making of the calls included."""
    mb: float
    """The most that the process held."""
    saved: float
    """Percent, all together."""


def distinct(seed: int) -> list[PastCall]:
    dice = random.Random(seed)
    found = []
    for number in range(DISTINCT):
        feature, provider, model, tokens, out = dice.choice(KINDS)
        usage = Usage(uncached_in=dice.randint(*tokens), out=dice.randint(*out))
        found.append(
            PastCall(
                id=f"c{number}", at_us=0, user=f"user-{dice.randrange(300)}", feature=feature, session=f"s{number // 7}" if feature == "agent" else "",
                model=model, provider=provider, usage=usage, status=200, first_byte_us=300_000 if feature == "support" else 0,
                prompt_digest=dice.randbytes(16), template=f"{dice.randrange(40):016x}",
            )
        )  # fmt: skip
    return found


class Many(Sequence[PastCall]):
    """The calls, made while they are read."""

    def __init__(self, seed: int, count: int) -> None:
        self._distinct = distinct(seed)
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, place: int) -> PastCall:  # type: ignore[override]
        past = self._distinct[place % DISTINCT]
        turn = f"{past.session}/{place // DISTINCT}" if past.session else ""
        return msgspec.structs.replace(past, at_us=BEGIN_US + place * MONTH_US // self._count, session=turn)

    def __iter__(self) -> Iterator[PastCall]:
        return map(self.__getitem__, range(self._count))


def read(job: tuple[int, int]) -> Took:
    """A plan of so many calls of a seed."""
    seed, count = job
    calls = Many(seed, count)
    begun = time.process_time()
    return _took(asyncio.run(plan_of_calls(calls, own_settings(), PATIENCE)), begun)


def read_from_store(job: tuple[int, int]) -> Took:
    """The same from a store, without the time that writing it took."""
    return asyncio.run(_stored(*job))


async def _stored(seed: int, count: int) -> Took:
    book = PriceBook.load()
    with tempfile.TemporaryDirectory(prefix="farthing-bench-plan-") as folder:
        store = await open_store(f"sqlite:///{Path(folder) / 'many.db'}")
        calls = Many(seed, count)
        for start in range(0, count, 2_000):
            some = (calls[place] for place in range(start, min(count, start + 2_000)))
            await store.write(
                [record_of(msgspec.structs.replace(past, id=f"c{start + n}"), book) for n, past in enumerate(some)]
            )
        begun = time.process_time()
        took = _took(await plan_of_store(store, own_settings(), PATIENCE), begun)
        await store.close()
    return took


def _took(plan: Plan, begun: float) -> Took:
    seconds = time.process_time() - begun
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Took(plan.calls, plan.calls / seconds, held, 100 * plan.together.likely / max(1, plan.a_month))
