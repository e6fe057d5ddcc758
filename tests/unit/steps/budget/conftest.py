"""A gateway's budgets on a real store, and a provider that keeps to limits and remembers what it billed."""

import asyncio
from collections.abc import AsyncIterator, Callable

import msgspec
import pytest

from farthing.catalog import Expect
from farthing.model.call import Answer, Ask, Call, Deployment, Ending, Proceed
from farthing.model.clock import SYSTEM, Clock
from farthing.model.principal import Principal
from farthing.model.record import Attempt, Record
from farthing.model.usage import Usage
from farthing.pipeline import chain
from farthing.prices import PriceBook
from farthing.prices.card import CardFile, RateCard
from farthing.steps.admit import Admit
from farthing.steps.budget.purses import Purses
from farthing.steps.budget.step import Budget as BudgetStep
from farthing.store import Store, open_store, writing
from farthing.store.budgets import Budgets

PLACE = Deployment("m", "there", "m", "there")
FREE = Deployment("free", "there", "free", "there")
IN_NANO, OUT_NANO = 1_000, 10_000
"""What a token costs at `m`: 1 and 10 dollars a million."""


@pytest.fixture(scope="session")
def book() -> PriceBook:
    def card(name: str, into: str, out: str) -> RateCard:
        return msgspec.convert(
            {"id": name, "match": {"equals": name}, "prices": [{"rates": {"input": into, "output": out}}]}, RateCard
        )

    return PriceBook([CardFile(provider="there", models=[card("m", "1", "10"), card("free", "0", "0")])])


class Notes:
    def __init__(self) -> None:
        self.notes: dict[str, Record] = {}

    def open(self, record: Record) -> None:
        self.notes[record.id] = msgspec.convert(msgspec.to_builtins(record), Record)


class Upstream:
    """Bills what it wrote: `length` tokens, or as many as the request allows."""

    def __init__(self, length: Callable[[], int] = lambda: 100, in_tokens: int = 2) -> None:
        self.length = length
        self.in_tokens = in_tokens
        self.billed = 0
        self.cut = 0
        self.calls = 0
        self.bodies: list[bytes] = []
        self.pause_s = 0.0

    async def __call__(self, call: Call) -> Answer:
        assert call.deployment is not None
        attempt = Attempt(no=len(call.trail.attempts) + 1, provider="there", model=call.deployment.model, status=200)
        call.trail.attempts.append(attempt)
        self.bodies.append(call.body)
        self.calls += 1
        wanted = self.length()
        limit = msgspec.json.decode(call.body).get("max_tokens")
        out = wanted if limit is None else min(wanted, limit)
        self.cut += out < wanted
        self.billed += self.in_tokens * IN_NANO + out * OUT_NANO if call.deployment is PLACE else 0
        await asyncio.sleep(self.pause_s)
        attempt.usage = Usage(uncached_in=self.in_tokens, out=out)
        return Answer(200, [], b"{}")


class Gateway:
    """What one process has: purses, the step, and a writer of its records."""

    def __init__(
        self,
        store: Store,
        name: str,
        book: PriceBook,
        upstream: Proceed,
        patience_s: float = 0.5,
        clock: Clock = SYSTEM,
    ) -> None:
        self.store = store
        self.expect = Expect()
        self.journal = Notes()
        self.purses = Purses(store, Budgets(store), name, clock=clock.monotonic, sleep=clock.sleep)
        self.steps = [BudgetStep(self.purses, book, self.expect, patience_s=patience_s), Admit(book, self.journal)]
        self.proceed = chain(self.steps, upstream)
        self.records: list[Record] = []
        self.numbers = 0
        self.name = name

    def call(self, max_tokens: int | None = 200, place: Deployment = PLACE, headers: dict[bytes, bytes] | None = None,
             **who: str) -> Call:  # fmt: skip
        self.numbers += 1
        body = b'{"model":"m"}' if max_tokens is None else b'{"model":"m","max_tokens":%d}' % max_tokens
        call = Call(
            id=f"{self.name}-{self.numbers:05}", wire="openai.chat", headers=headers or {}, peer="", body=body,
            ask=Ask("m", max_output=max_tokens), started_us=1_790_000_000_000_000, started=0.0,
        )  # fmt: skip
        call.principal, call.deployment = Principal(**who), place
        return call

    async def send(self, call: Call | None = None, **who: str) -> Call:
        """A call from its start to its record."""
        call = call or self.call(**who)
        try:
            answer = await self.proceed(call)
        finally:
            self.records.append(call.record(200, Ending(), 1))
        if answer.stream is not None:
            while await answer.stream.next():
                pass
        return call

    async def write(self) -> None:
        records, self.records = self.records, []
        await self.store.do(lambda connection: writing.write(connection, records))

    async def close(self) -> None:
        await self.write()
        await self.purses.close()


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    store = await open_store(url)
    yield store
    await store.close()
