import random
from collections import Counter
from collections.abc import Mapping, Sequence

from farthing.model.asked import Asked
from farthing.model.call import Call
from farthing.model.routes import Cell, Table, Tier
from farthing.quality.choices import Exploring
from farthing.settings import RoutingSettings
from farthing.steps.route.policy import Policies
from unit.quality.worlds import a_call

PRICE = {"tiny": 10, "small": 100, "mid": 1000, "big": 2000}


class Models:
    missing_for: str = ""

    def tiers(self) -> Mapping[Tier, tuple[str, ...]]:
        return {"small": ("tiny", "small"), "mid": ("mid",), "flagship": ("big", "bigger")}

    def missing(self, model: str, asked: Asked, max_output: int | None = None, region: str = "") -> str:
        return "it cannot" if model == self.missing_for else ""


class Costs:
    def of(self, model: str, call: Call, scopes: Sequence[str], *, warm: bool = False) -> int | None:
        return PRICE.get(model)


def exploring(table: Table | None = None, deny: Sequence[str] = (), missing_for: str = "") -> Exploring:
    models = Models()
    models.missing_for = missing_for
    policies = Policies(RoutingSettings(deny=list(deny), quality_floor=0.95))
    return Exploring(models, Costs(), policies, lambda: table or Table(), random.Random(1))


def drawn(explorer: Exploring, than: str = "big") -> Counter[str]:
    return Counter(explorer.promising(a_call(), than) for _ in range(300))


def test_the_flagship_is_the_first_of_its_tier_if_it_can_serve() -> None:
    assert exploring().flagship(a_call()) == "big"
    assert exploring(deny=["big"]).flagship(a_call()) == ""
    assert exploring(missing_for="big").flagship(a_call()) == ""


def test_only_cheaper_models_that_can_and_may_serve() -> None:
    assert set(drawn(exploring())) == {"tiny", "small", "mid"}
    assert set(drawn(exploring(deny=["tiny"], missing_for="mid"))) == {"small"}
    assert set(drawn(exploring(), than="tiny")) == {""}
    assert set(drawn(exploring(), than="unpriced")) == {""}


def test_what_is_likely_to_clear_the_floor_is_looked_at_most() -> None:
    cells = {
        "tiny": Cell("tiny", 0.5, 0.4, observations=300), "small": Cell("small", 0.97, 0.9, observations=300),
        "mid": Cell("mid", 0.97, 0.0, observations=300, state="demoted"),
    }  # fmt: skip
    seen = drawn(exploring(Table(cells={("t", "task:qa"): cells})))
    assert seen["small"] > 250 and seen["tiny"] + seen["mid"] > 0
