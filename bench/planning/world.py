"""A gateway in this process before the simulator, on a clock of its own: a month is asked, and its ledger kept."""

import random
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack
from tempfile import TemporaryDirectory
from typing import NamedTuple

import msgspec

from farthing.app.around import Around, Readers
from farthing.app.build import Parts, assemble
from farthing.app.inside import JSON, sent
from farthing.app.moved import Moved
from farthing.model.past import PastCall
from farthing.model.principal import Key
from farthing.model.record import Record
from farthing.settings import AlertSettings, ModelSettings, ProviderSettings, Settings, StoreSettings, StoreUrl, Url
from farthing.settings.batch import BatchSettings
from farthing.settings.values import Secret
from farthing.store import hash_of, new_secret, open_store
from farthing.upstream.simulator.inside import Inside
from farthing.upstream.simulator.settings import SimulatorSettings
from farthing.wire import FORMATS
from planning.months import Ask

BEGIN_US = 1_788_739_200_000_000
"""Monday, 7 September 2026, 00:00 UTC."""
PATIENCE_S = 60.0
WRITE_EVERY = 500


OWN = Readers()
"""Each gateway reads by itself."""


class Happened(NamedTuple):
    """One call and what it was."""

    past: PastCall
    cost: int


def own_settings() -> Settings:
    """A gateway on which nothing is switched on yet, and that holds nobody out, as a plan does not: with a single prompt of each
    feature it would be all of the feature or nothing."""
    makers = {
        "openai": ("gpt-4o", "gpt-4o-mini", "gpt-4.1", "gpt-4.1-mini"), "anthropic": ("claude-sonnet-4-5", "claude-haiku-4-5", "claude-opus-4-5"),
    }  # fmt: skip
    tree = Settings(
        providers={name: ProviderSettings(base_url=Url("http://127.0.0.1:1/v1"), api_key=Secret("k")) for name in makers},
        models={model: ModelSettings(provider=name) for name, models in makers.items() for model in models},
        alerts=AlertSettings(on=False), batch=BatchSettings(worker=False),
    )  # fmt: skip
    routing = msgspec.structs.replace(
        tree.routing, small=["gpt-4o-mini", "claude-haiku-4-5"], mid=["gpt-4.1-mini", "claude-sonnet-4-5"],
        flagship=["gpt-4.1", "gpt-4o", "claude-opus-4-5"], hold_out_percent=0.0,
    )  # fmt: skip
    return msgspec.structs.replace(tree, routing=routing)


async def ask(
    calls: Sequence[Ask], settings: Settings, seed: int, month: int, readers: Readers = OWN
) -> list[Happened]:  # fmt: skip
    """The month's calls, by these settings; `seed` is the simulator's, `readers` are shared by those who ask the same calls. What calls of the gateway's own cost is added to the
    last call's. Raises RuntimeError for a call that is refused."""
    with TemporaryDirectory(prefix="farthing-bench-plan-") as folder:
        store = StoreSettings(url=StoreUrl(f"sqlite:///{folder}/farthing.db"))
        world = _World(
            msgspec.structs.replace(settings, store=store), seed, BEGIN_US + month * 28 * 86_400_000_000, readers
        )
        return await world.play(calls)


class _World:
    def __init__(self, settings: Settings, seed: int, begin_us: int, readers: Readers) -> None:
        self._settings = settings
        self._readers = readers
        self._time = Moved(begin_us)
        self._begin_us = begin_us
        self._inside = Inside(SimulatorSettings(seed=seed), lambda: self._time.now_us / 1e6, self._time.passes)
        self._dice = random.Random(seed)
        self._records: dict[str, Record] = {}
        self._overhead = 0

    async def play(self, calls: Sequence[Ask]) -> list[Happened]:
        secret = await self._key()
        ids: list[str] = []
        answers: list[bytes] = []
        async with AsyncExitStack() as stack:
            parts = await assemble(self._settings, stack, self._around())
            for place, each in enumerate(calls):
                call_id, answer = await self._one(parts, each, secret)
                ids.append(call_id)
                answers.append(answer)
                if place % WRITE_EVERY == WRITE_EVERY - 1:
                    await parts.ledger.flush(PATIENCE_S)
            await parts.ledger.flush(PATIENCE_S)
        own = set(ids)
        for name, record in self._records.items():
            self._overhead += record.cost if name not in own else 0
        found = [
            _happened(each, self._records[name], answer) for each, name, answer in zip(calls, ids, answers, strict=True)
        ]
        if self._overhead:
            found[-1] = found[-1]._replace(cost=found[-1].cost + self._overhead)
        return found

    async def _one(self, parts: Parts, each: Ask, secret: str) -> tuple[str, bytes]:
        self._time.to(self._begin_us + round(each.at_s * 1e6))
        path = FORMATS[each.wire].path
        tags = {"feature": each.feature, "user": each.user, "session": each.session}
        said = [(f"x-farthing-{name}".encode(), value.encode()) for name, value in tags.items() if value]
        headers = [(b"authorization", b"Bearer " + secret.encode()), JSON, *said]
        got = await sent(parts.endpoints.edges[path], path, headers, msgspec.json.encode(each.body))
        if got.status != 200:
            raise RuntimeError(f"{each.feature}: {got.status} {got.body[:300]!r}")
        return got.headers[b"x-farthing-call-id"].decode(), got.body

    def _around(self) -> Around:
        return Around(
            clock=self._time.clock, dice=self._dice, new_id=lambda: f"call-{self._time.now_us // 1000:011x}{self._dice.getrandbits(64):016x}",
            client=self._inside, observers=[self._heard], driven=True, readers=self._readers,
        )  # fmt: skip

    def _heard(self, records: Iterable[Record]) -> None:
        self._records.update((record.id, record) for record in records)

    async def _key(self) -> str:
        secret = new_secret()
        store = await open_store(self._settings.store.url.reveal())
        await store.add_key(Key(id="key-1", name="bench", hash=hash_of(secret)))
        await store.close()
        return secret


def _happened(each: Ask, record: Record, answer: bytes) -> Happened:
    last = record.attempts[-1] if record.attempts else None
    past = PastCall(
        id=record.id, at_us=record.started_us, user=each.user, feature=each.feature, session=each.session,
        model=last.model if last is not None else record.model, asked=record.model_asked, provider=record.provider, wire=each.wire,
        usage=last.usage if last is not None else None, status=record.status, outcome=record.outcome, duration_us=record.duration_us,
        prompt=msgspec.json.encode(each.body), answer=answer,
    )  # fmt: skip
    return Happened(past, record.cost)
