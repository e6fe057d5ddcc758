"""The step that plans what calls say to a provider's prompt cache."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from farthing.catalog.caching import Cachings
from farthing.model.arms import PROVIDER_CACHING
from farthing.model.call import Answer, Ask, Call, Deployment
from farthing.model.errors import UnknownModel
from farthing.model.marks import ALIKE, EXPLICIT, MARKED
from farthing.model.record import Attempt
from farthing.model.usage import Usage
from farthing.prices import PriceBook
from farthing.steps.shape.prefixes import Prefixes
from farthing.steps.shape.step import Shape

AT_US = 1_795_000_000_000_000
BOOK = PriceBook.load()
PLACES = {
    "claude": Deployment("claude", "anthropic", "claude-sonnet-5", "anthropic"),
    "gpt": Deployment("gpt", "openai", "gpt-5.6-sol", "openai"),
    "gpt-4o": Deployment("gpt-4o", "openai", "gpt-4o", "openai"),
    "grok": Deployment("grok", "xai", "grok-4", "x-ai"),
    "own": Deployment("own", "mine", "llama", "mine"),
}
WIRES = {"claude": "anthropic.messages"}
SYSTEM = "Be kind and keep to the facts of the order. " * 500


def places(model: str) -> tuple[Deployment, ...]:
    if model not in PLACES:
        raise UnknownModel("nobody serves it")
    return (PLACES[model],)


class World:
    """The step before a provider that holds what is marked."""

    def __init__(self, everywhere: bool = True, features: dict[str, bool] | None = None) -> None:
        self.now = 0.0
        self.held: set[bytes] = set()
        self.memory = Prefixes()
        self.step = Shape(
            everywhere, features or {}, self.memory, Cachings(BOOK, lambda: AT_US), places, lambda wire, provider: wire,
            BOOK, lambda: self.now,
        )  # fmt: skip

    async def call(
        self, model: str, system: str = SYSTEM, text: str = "", *, feature: str = "", more: dict[str, Any] | None = None,
        usage: Callable[[Call], Usage] | None = None, status: int = 200,
    ) -> Call:  # fmt: skip
        self.now += 20.0
        wire = WIRES.get(model, "openai.chat")
        message = {"role": "user", "content": text or f"Where is order {self.now}?"}
        request: dict[str, Any] = {"model": model, "messages": [message]}
        if wire == "anthropic.messages":
            request["system"] = system
        else:
            request["messages"] = [{"role": "system", "content": system}, message]
        body = msgspec.json.encode(request | (more or {}))
        call = Call(
            id="c", wire=wire, headers={}, peer="", body=body, ask=Ask(model), started_us=AT_US, started=0.0
        )  # fmt: skip
        call.principal = msgspec.structs.replace(call.principal, feature=feature)

        async def proceed(call: Call) -> Answer:
            place = call.deployment = places(call.ask.model)[0]
            used = usage(call) if usage is not None else self._usage(call)
            priced = BOOK.price(place.prices, place.model, used, at_us=AT_US)
            flag = self._flag(call, place)
            call.trail.attempts.append(
                Attempt(
                    no=1,
                    provider=place.provider,
                    model=place.model,
                    usage=used,
                    cost=priced.nano,
                    cost_state=priced.state,
                    started_us=AT_US,
                    flags=[flag] if flag else [],
                )
            )
            return Answer(status, [], b"{}")

        await self.step(call, proceed)
        return call

    def _usage(self, call: Call) -> Usage:
        tokens = len(call.body) // 4
        if call.marks is None or not call.marks.points:
            return Usage(uncached_in=tokens, out=10)
        opening = call.opening.to_bytes(8, "big")
        if opening in self.held:
            return Usage(uncached_in=60, cache_read=tokens - 60, out=10)
        self.held.add(opening)
        return Usage(uncached_in=60, w5m=tokens - 60, out=10)

    def _flag(self, call: Call, place: Deployment) -> str:
        if call.marks is None or not (call.marks.points or call.marks.explicit):
            return ""
        return MARKED if place.prices == "anthropic" else ALIKE if call.marks.goes_on else EXPLICIT


def said(call: Call) -> list[str]:
    return [decision.what for decision in call.trail.decisions if decision.step == "shape"]


async def test_a_shared_prompt_is_written_once_and_then_read() -> None:
    world = World()
    calls = [await world.call("claude") for _ in range(4)]
    assert [call.marks is not None for call in calls] == [False, True, True, True]
    assert said(calls[2]) == ["keep the system prompt 5m"]
    saved = [sum(saving.saved for saving in call.trail.savings) for call in calls]
    assert saved[0] == 0 > saved[1]
    assert saved[2] > 0 < saved[3]
    assert all(saving.lever == PROVIDER_CACHING for call in calls for saving in call.trail.savings)


async def test_only_features_that_want_it() -> None:
    world = World(everywhere=False, features={"chat": True})
    for _ in range(3):
        wanted, other = await world.call("claude", feature="chat"), await world.call("claude", feature="report")
    assert wanted.marks is not None
    assert other.marks is None
    assert not said(other)


@pytest.mark.parametrize(
    "more", [{"cache_control": {"type": "ephemeral"}}, {"prompt_cache_key": "k"}, {"cached_content": "x"}]
)
async def test_who_plans_by_himself_is_left_alone(more: dict[str, Any]) -> None:
    world = World()
    for _ in range(4):
        call = await world.call("claude", more=more)
    assert call.marks is None
    assert said(call) == ["unmarked"]


@pytest.mark.parametrize("model", ["own", "nobody"])
async def test_nothing_is_said_where_nothing_is_known(model: str) -> None:
    if model == "nobody":
        with pytest.raises(UnknownModel):
            await World().call(model)
        return
    world = World()
    for _ in range(4):
        call = await world.call(model)
    assert call.marks is None


async def test_short_prompts_are_not_looked_at() -> None:
    world = World()
    for _ in range(4):
        call = await world.call("claude", "Be kind.")
    assert call.marks is None
    assert not world.memory.scopes


async def test_a_held_out_beginning_goes_without() -> None:
    world = World()
    world.step.hold_out({PROVIDER_CACHING: 1.0}, "salt")
    for _ in range(4):
        call = await world.call("claude")
    assert call.arms == {PROVIDER_CACHING: True}
    assert call.marks is None
    assert said(call) == ["unmarked"]
    assert not call.trail.savings


@pytest.mark.parametrize("model", ["gpt-4o", "grok"])
async def test_hosts_that_keep_all_are_told_what_belongs_together(model: str) -> None:
    world = World()
    calls = [await world.call(model) for _ in range(5)]
    keys = [call.marks.key if call.marks is not None else "" for call in calls]
    assert keys[:3] == ["", "", ""]
    assert keys[3] == keys[4] != ""
    assert not any(call.trail.savings for call in calls)


async def test_a_call_that_nothing_can_be_marked_in_is_in_no_arm() -> None:
    world = World()
    world.step.hold_out({PROVIDER_CACHING: 0.5}, "salt")
    assert PROVIDER_CACHING not in (await world.call("gpt-4o")).arms
    for model in ("claude", "gpt"):
        assert PROVIDER_CACHING in (await world.call(model)).arms


async def test_what_a_provider_would_write_in_vain_is_not_written() -> None:
    world = World()
    for number in range(60):
        world.now += 400.0
        call = await world.call("gpt", f"{number} {SYSTEM}")
    assert call.marks is not None
    assert call.marks.explicit
    assert not call.marks.points
    assert said(call) == ["keep nothing"]
    assert sum(saving.saved for saving in call.trail.savings) > 0


async def test_an_error_is_no_proof_that_anything_is_held() -> None:
    world = World()
    for _ in range(4):
        call = await world.call("claude", usage=lambda call: Usage(), status=500)
    assert "are written" in call.trail.decisions[-1].why
    assert not call.trail.decisions[-1].why.startswith("5,")


async def test_tokens_are_learned_from_usage() -> None:
    world = World()
    for _ in range(60):
        await world.call("claude", usage=lambda call: Usage(uncached_in=len(call.body)))
    scope = next(iter(world.memory.scopes.values()))
    assert scope.tokens_a_byte > 0.9


async def test_a_host_that_lies_about_what_it_read_buys_no_bets() -> None:
    world = World()
    for _ in range(4):
        call = await world.call("claude", usage=lambda call: Usage(uncached_in=60, cache_read=10**12, out=10))
    assert call.marks is not None and call.marks.points
    (scope,) = world.memory.scopes.values()
    rates = Cachings(BOOK, lambda: AT_US).of(PLACES["claude"], "anthropic.messages")
    assert rates is not None
    assert scope.credit <= 4 * 1.5 * len(call.body) * rates.plain, "no more than its bytes can be"
