"""What is remembered of one call for others alike."""

from collections.abc import Mapping

import pytest

from farthing.model.asked import Asked
from farthing.model.call import Call
from farthing.model.principal import Key
from farthing.model.routes import Cell, Table, Tier
from farthing.settings import RoutingSettings
from farthing.steps.route.policy import Policies
from farthing.steps.route.weighing import KEEP_S, Scales
from farthing.steps.route.wish import Wishes
from unit.steps.conftest import MakeCall


class Shop:
    """Models with a context window each; counts what it is asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.now = 0.0
        self.table = Table(cells={("*", "task:qa"): {"luna": Cell("luna", 1.0, 0.999)}})

    def tiers(self) -> Mapping[Tier, tuple[str, ...]]:
        return {"small": ("luna",), "flagship": ("sol",)}

    def missing(self, model: str, asked: Asked, max_output: int | None, region: str) -> str:
        return "too long" if model == "luna" and asked.most_in_tokens > 1000 else ""

    def of(
        self, model: str, call: Call, scopes: tuple[str, ...], *, warm: bool = False, longer: float = 1.0
    ) -> int | None:  # fmt: skip
        self.asked += 1
        return 1 if model == "luna" else 10

    def weigh(self, call: Call) -> str:
        rules = RoutingSettings()
        policy = self.policies.of(call)
        return self.scales.weigh(call, Wishes(rules, ()).of(call), policy, ("task:qa", "*")).chosen.model

    def open(self) -> "Shop":
        self.policies = Policies(RoutingSettings())
        self.scales = Scales(self, self, lambda: self.table, lambda: self.now)
        return self


@pytest.fixture
def shop() -> Shop:
    return Shop().open()


def sized(make_call: MakeCall, tokens: int) -> Call:
    call = make_call("auto")
    call.asked = Asked(in_tokens=tokens, most_in_tokens=tokens)
    return call


def test_like_calls_are_weighed_once(shop: Shop, make_call: MakeCall) -> None:
    assert shop.weigh(sized(make_call, 500)) == "luna"
    seen = shop.asked
    assert shop.weigh(sized(make_call, 497)) == "luna"
    assert shop.asked == seen
    shop.weigh(sized(make_call, 700))
    assert shop.asked > seen


def test_not_for_long_and_not_by_another_table(shop: Shop, make_call: MakeCall) -> None:
    assert shop.weigh(sized(make_call, 500)) == "luna"
    seen = shop.asked
    shop.now += KEEP_S
    shop.weigh(sized(make_call, 500))
    assert shop.asked > seen
    shop.table = Table()
    assert shop.weigh(sized(make_call, 500)) == "sol"


def test_a_size_is_never_rounded_into_a_window_that_it_does_not_fit(shop: Shop, make_call: MakeCall) -> None:
    assert shop.weigh(sized(make_call, 999)) == "sol", "as large as any of its kind"
    assert shop.weigh(sized(make_call, 1001)) == "sol"
    assert shop.weigh(sized(make_call, 900)) == "luna"


def test_what_a_key_may_use_is_its_own(shop: Shop, make_call: MakeCall) -> None:
    assert shop.weigh(sized(make_call, 500)) == "luna"
    call = sized(make_call, 500)
    call.key = Key("k", "k", b"", models=("sol",))
    assert shop.weigh(call) == "sol"
