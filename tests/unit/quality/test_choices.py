import random
from collections import Counter
from collections.abc import Mapping, Sequence

from farthing.model.asked import Asked
from farthing.model.call import Call
from farthing.model.routes import Tier
from farthing.quality.choices import Exploring
from farthing.quality.noninferiority import Counts
from farthing.quality.probing import FIRST_WAIT
from farthing.settings import RoutingSettings
from farthing.steps.route.policy import Policies
from unit.quality.worlds import a_call

PRICE = {"tiny": 400, "small": 600, "mid": 1000, "big": 2000}


class Models:
    missing_for: str = ""

    def tiers(self) -> Mapping[Tier, tuple[str, ...]]:
        return {"small": ("tiny", "small"), "mid": ("mid",), "flagship": ("big", "bigger")}

    def missing(self, model: str, asked: Asked, max_output: int | None = None, region: str = "") -> str:
        return "it cannot" if model == self.missing_for else ""


class Costs:
    def of(self, model: str, call: Call, scopes: Sequence[str], *, warm: bool = False) -> int | None:
        return PRICE.get(model)


def exploring(
    seen: Mapping[str, Counts] | None = None, deny: Sequence[str] = (), missing_for: str = "", floor: float = 0.95
) -> Exploring:  # fmt: skip
    models = Models()
    models.missing_for = missing_for
    policies = Policies(RoutingSettings(deny=list(deny), quality_floor=floor))

    def counts(tenant: str, scope: str, model: str) -> Counts:
        assert (tenant, scope) == ("t", "task:qa")
        return (seen or {}).get(model, Counts())

    return Exploring(models, Costs(), policies, counts, random.Random(1))


def drawn(explorer: Exploring, than: str = "big", calls: int = 300) -> Counter[str]:
    return Counter(explorer.promising(a_call(), than) for _ in range(calls))


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
    seen = {"tiny": Counts(same=150, worse=150), "small": Counts(4, 291, 5), "mid": Counts(same=260, worse=40)}
    explorer = exploring(seen)
    assert drawn(explorer, calls=FIRST_WAIT) == {"small": FIRST_WAIT}
    found = drawn(explorer)
    assert min(found["tiny"], found["mid"]) > 20, "they are probed"


def test_who_began_well_is_looked_at_on() -> None:
    found = drawn(exploring({"small": Counts(1, 98, 1)}, deny=["tiny"], floor=0.99))
    assert found["small"] > found["mid"] > 0


def test_where_nobody_is_likely_to_do_all_are_only_probed() -> None:
    hopeless = dict.fromkeys(("tiny", "small", "mid"), Counts(same=80, worse=20))
    explorer = exploring(hopeless)
    assert set(drawn(explorer, calls=FIRST_WAIT)) == {""}
    assert set(drawn(explorer)) == {"", "tiny", "small", "mid"}


def test_learning_beside_a_cheaper_model_is_rarer_since_the_flagship_is_asked_for_it() -> None:
    found = drawn(exploring(), than="mid")
    assert set(found) == {"tiny", "small", ""} and 40 < 300 - found[""] < 110, "600 of 2,400 can be saved"
