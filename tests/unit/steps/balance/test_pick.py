import random
from collections import Counter
from typing import Any

import pytest

from farthing.model.call import Deployment
from farthing.settings import BalanceSettings
from farthing.steps.balance.latency import PeakEwma
from farthing.steps.balance.pick import Picker, much_busier
from farthing.steps.balance.place import Place, State
from farthing.steps.balance.retries import ALWAYS, RetryBudget, pause_s
from farthing.steps.balance.sticky import MOST, WORTH_BYTES, Sticky
from farthing.store.buckets import Buckets
from unit.steps.balance.scene import BOOK
from unit.steps.conftest import MakeCall

BUCKETS = Buckets()


def place(name: str, *, ms: float = 0.0, prices: str = "openai", model: str = "gpt-4o-mini", **fields: Any) -> Place:
    deployment = Deployment(name, name, model, prices, **fields)
    made = Place(deployment, State(deployment, BalanceSettings(), BUCKETS))
    if ms:
        made.state.total.add(ms / 1e3, 0.0)
    return made


def picks(strategy: str, *places: Place, times: int = 400) -> Counter[str]:
    picker = Picker(strategy, BOOK, lambda: 1_790_000_000_000_000, random.Random(1))
    return Counter(picker.pick(places, 0.0, stream=False).place.name for _ in range(times))


CHEAP, DEAR = {"model": "gpt-4o-mini"}, {"model": "gpt-4o"}


def test_cost() -> None:
    assert picks("cost", place("dear", **DEAR), place("cheap", **CHEAP, ms=900)) == {"cheap": 400}
    assert picks("cost", place("nobody knows", model="imaginary"), place("dear", **DEAR)) == {"dear": 400}


def test_latency_takes_the_faster_of_two_random_ones() -> None:
    seen = picks("latency", place("a", ms=100), place("b", ms=110), place("slow", ms=1000))
    assert seen["slow"] == 0 and seen["a"] > seen["b"] > 50


def test_one_that_waits_for_long_is_slow_already() -> None:
    stuck, fine = place("stuck", ms=100), place("fine", ms=120)
    stuck.state.enter(-0.5, stream=False)
    assert picks("latency", stuck, fine) == {"fine": 400}
    stuck.state.enter(-9.0, stream=True)
    stuck.state.heard(1, stream=False)
    assert picks("latency", stuck, fine) == {"stuck": 400}


def test_head_room() -> None:
    tight = place("tight", tokens_per_minute=1000)
    tight.state.room.take(700, 0.0)
    assert picks("head-room", tight, place("roomy", tokens_per_minute=500)) == {"roomy": 400}


def test_weights() -> None:
    seen = picks("weighted", place("a", weight=3.0), place("b", weight=1.0), place("c", weight=0.0))
    assert seen["c"] == 0 and 270 < seen["a"] < 330
    assert len(picks("weighted", place("a", weight=0.0), place("b", weight=0.0))) == 2


def test_combined() -> None:
    assert picks("combined", place("dear", **DEAR, ms=100), place("cheap", **CHEAP, ms=300)) == {"cheap": 400}
    assert picks("combined", place("dear", **DEAR, ms=100), place("cheap", **CHEAP, ms=900)) == {"dear": 400}
    tight = place("tight", tokens_per_minute=1010)
    tight.state.room.take(1000, 0.0)
    assert picks("combined", tight, place("dear", **DEAR)) == {"dear": 400}


def test_reserved_capacity_comes_first() -> None:
    assert picks("combined", place("cheap", **CHEAP), place("own", **DEAR, reserved=True, ms=999)) == {"own": 400}
    owns = picks("latency", place("a", reserved=True), place("b", reserved=True), place("c"))
    assert owns.keys() == {"a", "b"}


@pytest.mark.parametrize("strategy", ["combined", "cost", "latency", "head-room", "weighted"])
def test_the_reason_names_the_runner_up(strategy: str) -> None:
    picker = Picker(strategy, BOOK, lambda: 1_790_000_000_000_000, random.Random(1))
    picked = picker.pick([place("a", ms=100, **DEAR), place("b", ms=900)], 0.0, stream=False)
    assert picked.why and (strategy == "weighted" or "a" in picked.why or "b" in picked.why)


def test_a_peak_counts_at_once_and_fades() -> None:
    speed = PeakEwma()
    assert speed.at(0.0) == 0
    speed.add(0.1, 0.0)
    speed.add(1.0, 0.1)
    assert speed.at(0.1) == 1.0
    speed.add(0.1, 0.2)
    assert 0.9 < speed.at(0.2) < 1.0
    assert speed.at(10.0) < 0.1 < speed.at(5.0)


def test_retries_are_a_share_of_calls() -> None:
    budget = RetryBudget(10.0)
    assert [budget.take(1000.0) for _ in range(ALWAYS + 1)] == [True] * ALWAYS + [False]
    budget.calls += 200
    assert [budget.take(1000.0) for _ in range(11)] == [True] * 10 + [False]
    assert budget.take(1200.0), "after a while all is forgotten"
    assert not RetryBudget(0.0).take(0.0)


def test_pauses_grow_and_differ() -> None:
    assert pause_s(1, lambda: 0.0) == 0.05 and pause_s(1, lambda: 1.0) == 0.1
    assert pause_s(3, lambda: 1.0) == 0.4 and pause_s(50, lambda: 1.0) == 2.0


def test_conversations_stay_where_their_prompt_is(make_call: MakeCall) -> None:
    sticky = Sticky(300.0)
    long = b'{"messages":"' + b"x" * WORTH_BYTES
    one, other, short = make_call(body=long), make_call(body=b"y" + long), make_call()
    assert sticky.key(short) == 0 and sticky.key(one) != sticky.key(other) != 0
    sticky.served(sticky.key(one), "a", 0.0)
    assert (sticky.place(sticky.key(one), 299.0), sticky.place(sticky.key(one), 301.0)) == ("a", "")
    other.session = one.session = "s"
    assert sticky.key(one) == sticky.key(other)
    assert Sticky(0.0).key(one) == 0
    for number in range(MOST + 5):
        sticky.served(number, "b", 0.0)
    assert sticky.place(0, 0.0) == "" and sticky.place(MOST, 0.0) == "b"


def test_a_warm_place_that_is_much_busier_is_left() -> None:
    warm, idle = place("warm"), place("idle")
    for _ in range(9):
        warm.state.enter(0.0, stream=False)
    assert much_busier(warm, [warm, idle]) and not much_busier(idle, [warm, idle])
