"""Contexts: where they pay, and what becomes of them at a real provider's side."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
import pytest

from farthing.catalog.caching import Caching, Cachings
from farthing.model.call import Answer, Ask, Call, Deployment
from farthing.model.record import Attempt
from farthing.model.usage import Usage
from farthing.prices import PriceBook
from farthing.settings import ProviderSettings
from farthing.settings.values import Secret
from farthing.steps.shape.context_keeping import AFTER_FAILURE_S, LIFETIME_S, ContextKeeper, Stored
from farthing.steps.shape.contexts import SEEN, Contexts, gain, least_calls
from farthing.upstream.context_caches import ContextCaches, Refused
from farthing.upstream.http1 import Http1Client
from farthing.upstream.providers import Provider
from farthing.upstream.simulator import SimulatorSettings, running

AT_US = 1_795_000_000_000_000
BOOK = PriceBook.load()
FLASH = Deployment("flash", "gemini", "gemini-2.5-flash", "google")
SYSTEM = "".join(f"Rule {number}: be friendly and keep to the facts of the order. " for number in range(400))


def caching(model: str) -> Caching:
    found = Cachings(BOOK, lambda: AT_US).of(Deployment(model, "gemini", model, "google"), "openai.chat")
    assert found is not None
    return found


@pytest.mark.parametrize(("model", "nothing_held", "half_held", "most_held"), [
    ("gemini-2.5-flash", 4.9, 9.7, 48.2), ("gemini-2.5-pro", 5.2, 10.3, 51.2),
])  # fmt: skip
def test_calls_an_hour_from_which_a_context_pays(
    model: str, nothing_held: float, half_held: float, most_held: float
) -> None:
    """By the rate cards, where a provider holds nothing, half, and nine tenths of a prompt by itself; where it holds all, none
    ever does."""
    rates = caching(model)
    found = [least_calls(held, rates) for held in (0.0, 0.5, 0.9)]
    assert found == pytest.approx([nothing_held, half_held, most_held], abs=0.1)
    assert least_calls(1.0, rates) > 1e9
    for held, calls in zip((0.0, 0.5, 0.9), found, strict=True):
        assert gain(calls, held, rates) == pytest.approx(rates.plain)  # an hour's gain pays for its making
        assert gain(calls * 0.7, held, rates) < rates.plain


class World:
    """The step and its keeper before the simulator, with a clock of their own."""

    def __init__(self, caches: ContextCaches, read: float = 0.0) -> None:
        self.now = 1_000.0
        self.read = read
        self.booked: list[Stored] = []
        self.flags: list[str] = []
        self.caches = caches
        self.step = Contexts(
            True, {"other": False}, Cachings(BOOK, lambda: AT_US), lambda _: (FLASH,), lambda _: True, BOOK, lambda: self.now
        )  # fmt: skip
        self.keeper = ContextKeeper(self.step, lambda _: caches, Refused, self.booked.append, lambda: self.now)

    async def calls(self, count: int, every_s: float = 30.0, **more: Any) -> Call:
        for _ in range(count):
            call = await self.call(**more)
            self.now += every_s
            await self.keeper.look()
        return call

    async def call(self, system: str = SYSTEM, feature: str = "") -> Call:
        messages = [{"role": "system", "content": system}, {"role": "user", "content": f"At {self.now}?"}]
        body = msgspec.json.encode({"model": "flash", "messages": messages})
        call = Call(
            id=f"c{self.now}", wire="openai.chat", headers={}, peer="", body=body, ask=Ask("flash"), started_us=AT_US, started=0.0
        )  # fmt: skip
        call.principal = msgspec.structs.replace(call.principal, feature=feature)

        async def proceed(call: Call) -> Answer:
            context = call.marks.context if call.marks is not None else None
            total = len(body) // 4
            read = int(total * (0.98 if context is not None else self.read))
            usage = Usage(uncached_in=total - read, cache_read=read, out=20)
            priced = BOOK.price("google", FLASH.model, usage, at_us=AT_US)
            attempt = Attempt(
                no=1, provider="gemini", model=FLASH.model, usage=usage, cost=priced.nano, cost_state="computed", started_us=AT_US
            )  # fmt: skip
            attempt.flags = [context.flag] if context is not None else []
            call.trail.attempts.append(attempt)
            return Answer(200, [])

        await self.step(call, proceed)
        return call


@pytest.fixture
async def caches() -> AsyncIterator[ContextCaches]:
    client = Http1Client()
    async with running(SimulatorSettings(seed=1)) as url:
        settings = ProviderSettings(base_url=f"{url}/v1beta/openai", api_key=Secret("some-key"))
        yield ContextCaches(Provider("gemini", settings, client))
    await client.close()


def has_context(call: Call) -> bool:
    return call.marks is not None and call.marks.context is not None


async def test_one_is_made_when_enough_is_known_and_used_and_let_go(caches: ContextCaches) -> None:
    world = World(caches)
    assert not has_context(await world.calls(SEEN))
    call = await world.calls(3)
    assert has_context(call)
    assert [(each.made, each.seconds) for each in world.booked] == [(True, 0.0)], "though the gateway may be killed"
    saving = call.trail.savings[0]
    assert saving.before > 3 * saving.after
    assert saving.estimated
    await world.calls(60)
    told = len(world.booked)
    assert [each.made for each in world.booked] == [True, *[False] * (told - 1)]
    assert told >= 60 * 30 / LIFETIME_S - 1
    world.now += 4 * 3_600.0
    await world.keeper.look()
    assert len(world.booked) == told + 1
    assert world.booked[-1].seconds <= LIFETIME_S
    assert not has_context(await world.call())


async def test_where_the_provider_holds_it_anyway_none_is_made(caches: ContextCaches) -> None:
    world = World(caches, read=0.99)
    assert not has_context(await world.calls(60, 10.0))
    assert not world.booked


async def test_what_is_called_seldom_gets_none(caches: ContextCaches) -> None:
    assert not has_context(await World(caches).calls(40, 1_200.0))


async def test_one_that_the_provider_lost_is_made_anew(caches: ContextCaches) -> None:
    world = World(caches)
    lost = (await world.calls(12)).marks
    assert lost is not None
    assert lost.context is not None
    await caches.delete(lost.context.name)
    await caches.delete(lost.context.name)  # no error
    assert not await caches.prolong(lost.context.name, "60s")
    world.step.lost(lost.context)
    await world.keeper.look()
    assert [each.made for each in world.booked] == [True, False]
    again = (await world.calls(3)).marks
    assert again is not None
    assert again.context is not None
    assert again.context.name != lost.context.name
    await world.keeper.close()
    assert not await caches.prolong(again.context.name, "60s")
    assert [each.made for each in world.booked] == [True, False, True, False]


async def test_one_that_cannot_be_prolonged_ends(caches: ContextCaches) -> None:
    world = World(caches)
    marks = (await world.calls(12)).marks
    assert marks is not None
    assert marks.context is not None
    await caches.delete(marks.context.name)
    until = world.now + LIFETIME_S
    while world.now < until:
        await world.call()
        world.now += 20.0
        await world.keeper.look()
    assert world.booked[0].made


async def test_held_out_calls_go_without_and_tell_what_is_held_anyway(caches: ContextCaches) -> None:
    world = World(caches)
    world.step.hold_out({"provider caching": 0.5})
    await world.calls(12)
    calls = [await world.calls(1) for _ in range(60)]
    held = [call for call in calls if call.arms.get("provider caching")]
    assert 15 < len(held) < 45
    assert not any(map(has_context, held))
    assert all(has_context(call) for call in calls if not call.arms.get("provider caching"))


async def test_after_a_refusal_it_is_left_alone_for_an_hour(caches: ContextCaches) -> None:
    world = World(caches)
    asked: list[bytes] = []

    class Refusing:
        async def create(self, body: bytes) -> Any:
            asked.append(body)
            raise Refused(400)

        prolong: Callable[..., Any] = caches.prolong
        delete: Callable[..., Any] = caches.delete

    world.keeper = ContextKeeper(world.step, lambda _: Refusing(), Refused, world.booked.append, lambda: world.now)
    assert not has_context(await world.calls(int(AFTER_FAILURE_S / 30) + 10))
    assert len(asked) == 1
    await world.calls(10)
    assert len(asked) == 2


@pytest.mark.parametrize("more", [{"system": "Short."}, {"feature": "other"}], ids=["short", "a feature without"])
async def test_some_calls_have_no_part_in_it(more: dict[str, str], caches: ContextCaches) -> None:
    world = World(caches)
    assert not has_context(await world.calls(20, **more))
    assert not world.step.beginnings
