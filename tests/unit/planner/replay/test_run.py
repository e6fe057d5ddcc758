"""Replays: what was recorded is what it costs; equal inputs come to the same; nobody is served from another's cache."""

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.model.past import PastCall
from farthing.model.usage import Usage
from farthing.planner.levers import REPLAYED, switched
from farthing.planner.replay.run import Came, replay, wordiness
from farthing.prices import PriceBook
from farthing.settings import Amount as Dollars
from farthing.settings import ContractSettings, PricesSettings, ProviderSettings, Settings, Url
from laws import examples
from unit.planner.pasts import chat, message

QUIET = examples(5)


def as_it_was(tree: Settings) -> Settings:
    return tree


def all_on(tree: Settings) -> Settings:
    return switched(tree, REPLAYED)


def cache_on(tree: Settings) -> Settings:
    return switched(tree, [lever for lever in REPLAYED if lever.name == "semantic cache"])


def price(book: PriceBook, past: PastCall) -> int:
    assert past.usage is not None
    return book.price(past.provider, past.model, past.usage, at_us=past.at_us).nano


def whole(found: Sequence[Came | None]) -> list[Came]:
    assert all(each is not None for each in found)
    return [each for each in found if each is not None]


USAGES = st.lists(st.tuples(st.integers(1, 900), st.integers(1, 400)), min_size=1, max_size=12)


@QUIET
@given(USAGES)
async def test_a_replay_with_nothing_switched_on_costs_what_was_recorded(
    book: PriceBook, usages: list[tuple[int, int]]
) -> None:
    calls = [(message if n % 3 == 2 else chat)(n, f"Question number {n}", max_output=500) for n in range(len(usages))]
    for past, (given_in, out) in zip(calls, usages, strict=True):
        past.usage = Usage(uncached_in=given_in, out=out)
    found = whole(await replay(calls, None, as_it_was))
    assert [each.cost for each in found] == [price(book, past) for past in calls]
    assert all(each.known and each.status == 200 and not each.by_lever for each in found)


async def test_equal_inputs_come_to_the_same() -> None:
    calls = [chat(n, f"Is parcel {n % 4} late?") for n in range(30)]
    assert await replay(calls, None, all_on) == await replay(calls, None, all_on)


async def test_who_asks_again_is_served_from_the_cache() -> None:
    calls = [chat(n, "Where is my parcel?", user="ann") for n in range(5)]
    found = whole(await replay(calls, None, cache_on))
    assert found[0].cost > 0 and [each.cost for each in found[1:]] == [0] * 4
    assert sum(found[1].by_lever.values()) > 0


@pytest.mark.parametrize("switch", [cache_on, all_on])
async def test_levers_never_see_another_tenants_cache(switch: object) -> None:
    words = "Where is my parcel? It was to come on Monday and nobody at home has seen it yet."
    mixed = [chat(n, words, tenant=f"tenant-{n % 3}") for n in range(12)]
    apart = {
        tenant: [past for past in mixed if past.tenant == tenant] for tenant in ("tenant-0", "tenant-1", "tenant-2")
    }
    together = whole(await replay(mixed, None, cache_on if switch is cache_on else all_on))
    for tenant, own in apart.items():
        alone = whole(await replay(own, None, cache_on if switch is cache_on else all_on))
        beside = [each for past, each in zip(mixed, together, strict=True) if past.tenant == tenant]
        assert [each.cost for each in beside] == [each.cost for each in alone]
        assert beside[0].cost > 0


async def test_answers_outlive_no_day() -> None:
    calls = [chat(n, "Where is my parcel?", at_s=n * 90_000.0) for n in range(3)]
    assert all(each.cost > 0 for each in whole(await replay(calls, None, cache_on)))


async def test_no_calls_come_to_nothing() -> None:
    assert await replay([], None, as_it_was) == []


async def test_an_unknown_model_has_no_known_cost() -> None:
    past = msgspec.structs.replace(chat(1, model="house-model"), provider="")
    found = await replay([past], None, as_it_was)
    assert found[0] is None or not found[0].known or found[0].status >= 400


async def test_what_is_heard_are_calls() -> None:
    heard: list[int] = []
    await replay([chat(n) for n in range(1_001)], None, as_it_was, heard.append)
    assert heard == [500, 1_000]


async def test_a_price_that_changes_overnight_changes_who_is_chosen() -> None:
    day_s = 86_400.0
    calls = [
        chat(n, f"Sort ticket {n}: is it late or lost?", at_s=day_s * (n // 3), task="classification") for n in range(6)
    ]
    own = Settings(providers={"openai": ProviderSettings(base_url=Url("http://127.0.0.1:1/v1"))})
    first = whole(await replay(calls, own, all_on))[0].model
    changes = datetime.fromtimestamp(calls[3].at_us / 1e6, UTC).date()
    rates = {"input": Dollars("900"), "output": Dollars("4000")}
    dear = PricesSettings(contracts=[ContractSettings("openai", [first], rates=rates, valid_from=changes)])
    chosen = [each.model for each in whole(await replay(calls, msgspec.structs.replace(own, prices=dear), all_on))]
    assert chosen[:3] == [first] * 3 and first not in chosen[3:]


def test_the_same_words_are_more_tokens_in_another_vocabulary() -> None:
    assert wordiness("gpt-4.1", "gpt-4o") == 1.0
    assert wordiness("gpt-4.1", "claude-sonnet-4-5") == pytest.approx(1 / 1.15)
    assert wordiness("claude-sonnet-4-5", "gpt-4o") == pytest.approx(1.15)
    assert wordiness("gpt-5-mini", "gpt-4o") == 3.0, "it thinks"
