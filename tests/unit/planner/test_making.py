"""Plans: equal calls give equal plans; parts add up; what cannot be said is said."""

import asyncio
from typing import Any

import msgspec
import pytest

from farthing.model.past import PastCall
from farthing.model.plan import LeverPlan, Plan
from farthing.model.usage import Usage
from farthing.planner.levers import REPLAYED
from farthing.planner.making import Wanted, make
from farthing.planner.whatif import changed
from farthing.prices import PriceBook
from unit.planner.pasts import chat
from unit.planner.test_without_text import own

SYSTEM = " ".join(f"Rule {n}: parcels of kind {n} go to place {n * 7}." for n in range(12))


def unheard(what: str, done: int, total: int) -> None:
    """Nobody looks at the bar."""


def a_month() -> list[PastCall]:
    """Ten conversations a day for four days: a question that comes again and one that does not."""
    calls = []
    for n in range(40):
        at_s = 86_400.0 * (n // 10) + 600.0 * (n % 10)
        calls.append(chat(2 * n, f"Where is my parcel of kind {n % 5}?", at_s=at_s, system=SYSTEM, session=f"s{n}"))
        calls.append(
            chat(
                2 * n + 1,
                f"Sort ticket {n}.",
                at_s=at_s + 60,
                feature="triage",
                session=f"t{n}",
                usage=Usage(uncached_in=60, out=3),
            )
        )
    return calls


async def planned(calls: list[PastCall], book: PriceBook, **more: Any) -> Plan:
    return await make(calls, Wanted(None, book, **more), unheard)


@pytest.fixture(scope="module")
def cached(book: PriceBook) -> Plan:
    """A month with the cache as its only lever."""
    return asyncio.run(planned(a_month(), book, levers=REPLAYED[:1]))


def lever(plan: Plan, name: str) -> LeverPlan:
    return next(each for each in plan.levers if each.lever == name)


async def test_equal_inputs_give_equal_plans_that_survive_json(book: PriceBook) -> None:
    one, two = await planned(a_month(), book), await planned(a_month(), book)
    assert one == two
    assert msgspec.json.decode(msgspec.json.encode(one), type=Plan) == one


def test_what_comes_again_is_saved_and_shown(cached: Plan) -> None:
    plan, cache = cached, lever(cached, "semantic cache")
    assert plan.replayed == plan.calls == 80 and not plan.left_out
    assert plan.base == plan.recorded, "nothing of this is long enough for a provider's cache"
    assert 15 <= cache.calls <= 35 and cache.dearer == 0 and not cache.against
    assert cache.examples and all(each.after == 0 < each.before for each in cache.examples)
    assert 0 < cache.alone.likely <= plan.a_month
    assert plan.together.likely == cache.alone.likely == cache.beside.likely == cache.booked


async def test_a_lever_is_worth_no_less_in_all_than_what_all_lack_without_it(book: PriceBook) -> None:
    plan = await planned(a_month(), book, levers=REPLAYED[:2])
    together = plan.together.likely
    cache, routing = (lever(plan, each.name) for each in REPLAYED[:2])
    assert abs(cache.alone.likely + routing.beside.likely - together) <= 4
    assert abs(routing.alone.likely + cache.beside.likely - together) <= 4


async def test_waiting_is_a_bound_until_somebody_says_what_can_wait(book: PriceBook) -> None:
    bound = lever(await planned(a_month(), book, levers=()), "batching")
    assert bound.is_bound and bound.alone.likely > 0
    said = await planned(a_month(), book, levers=(), patience={"triage": 3_600.0})
    waiting = lever(said, "batching")
    assert not waiting.is_bound and 0 < waiting.alone.likely < bound.alone.likely
    assert waiting.toml == '[batch.features."triage"]\ndeadline_s = 3600' and waiting.calls == 40
    assert said.together.likely == waiting.beside.likely


async def test_cheaper_models_that_nothing_is_proved_of_are_scenarios_beyond_the_total(book: PriceBook) -> None:
    plan = await make(a_month(), Wanted(own(), book, levers=REPLAYED[:2]), unheard)
    cache, routing = (lever(plan, each.name) for each in REPLAYED[:2])
    equal, worse, bad = routing.scenarios
    assert equal.a_month == worse.a_month > 0 == bad.a_month == routing.beside.likely
    assert equal.a_month + cache.beside.likely < plan.a_month, "what the cache answers is not saved again"
    assert "triage" in equal.settled_by and not cache.scenarios


async def test_what_cannot_be_asked_again_is_counted_by_why(book: PriceBook) -> None:
    odd = [
        chat(100, cached=True), chat(101, attempt_of="past-000001"), chat(102, outcome="error"), chat(103, usage=None),
        chat(104, prompt=b""), chat(105, wire="openai.embeddings"),
    ]  # fmt: skip
    plan = await planned([*a_month(), *odd], book, levers=())
    assert sum(plan.left_out.values()) == len(odd) and plan.replayed == 80 and plan.calls == 86
    assert plan.left_out["no prompt in the log"] == 1 and plan.left_out["failed, or a retry"] == 2


@pytest.mark.parametrize("calls", [[], [chat(1, prompt=b"", usage=None)]])
async def test_nothing_to_ask_saves_nothing(book: PriceBook, calls: list[PastCall]) -> None:
    plan = await planned(calls, book)
    assert plan.together.likely == 0 and plan.replayed == 0 and plan.calls == len(calls)


async def test_other_settings_hold_for_all_of_it(book: PriceBook, cached: Plan) -> None:
    short = await planned(
        a_month(), book, levers=REPLAYED[:1], base=lambda settings: changed(settings, {"cache.ttl_s": "1"})
    )
    assert lever(short, "semantic cache").alone.likely < lever(cached, "semantic cache").alone.likely


async def test_a_broken_prompt_is_no_end_of_the_plan(book: PriceBook) -> None:
    broken = [chat(200 + n, prompt=body) for n, body in enumerate((b"{", b"[]", b'{"model":3}', b'{"messages":{}}'))]
    plan = await planned([*a_month(), *broken], book, levers=REPLAYED[:1])
    assert plan.notes and plan.together.likely > 0
