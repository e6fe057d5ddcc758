import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.model.routes import ANY, TASKS, Cell, Table
from farthing.quality.prior import Prior, TierPrior
from farthing.quality.shrinking import STRENGTH, Known, drawn, lower, lower_at_any_time
from farthing.quality.table import make, maker
from farthing.store.evidence import Sums

PRIOR = Prior(
    {
        "small": TierPrior(0.7, 0.002, 0.015, 0.3, {"qa": (0.7, 0.003)}),
        "mid": TierPrior(0.95, 0.0005, 0.003, 0.19, {"qa": (0.94, 0.001)}),
    }
)
TIERS = {"small": ("s",), "mid": ("m",), "flagship": ("f", "g")}


def pairs(n: int, total: float, squares: float, scope: str = "task:qa", model: str = "m", **more: object) -> Sums:
    return Sums(0, "t", scope, model, "shadow", "f", n, total, squares, **more)  # type: ignore[arg-type]


def scores(model: str, n: int, good: float, source: str = "check", scope: str = "task:qa") -> Sums:
    return Sums(0, "t", scope, model, source, "", scores=n, score=good, score_squares=good)


def table(*rows: Sums) -> Table:
    return make(rows, TIERS, "f", PRIOR)  # type: ignore[arg-type]


def cell(found: Table, scope: str = "task:qa", model: str = "m") -> Cell:
    return found.cells["t", scope][model]


def test_without_evidence_there_is_the_prior_for_every_task() -> None:
    found = table()
    assert set(found.cells) == {(ANY, scope) for scope in (*(f"task:{task}" for task in TASKS), ANY)}
    known = found.cells[ANY, "task:qa"]["m"]
    assert (known.quality, known.state, known.observations) == (0.94, "prior", 0)
    assert 0.8 < known.lower < 0.94
    assert found.cells[ANY, ANY]["m"].lower < known.lower, "work of an unknown kind is less sure"


def test_the_reference_has_no_cell_and_another_flagship_is_not_trusted_unseen() -> None:
    cells = table(pairs(100, 0, 0, model="f")).cells
    assert all("f" not in found for found in cells.values())
    assert cells[ANY, "task:qa"]["g"].lower < 0.93


def test_evidence_overrides_the_prior() -> None:
    assert cell(table(pairs(1000, 0, 0))).lower > 0.99
    bad = cell(table(pairs(1000, -300, 300)))
    assert bad.quality == pytest.approx(0.7, abs=0.01) and bad.lower < 0.7 and bad.state == "measured"


def test_few_comparisons_say_little() -> None:
    few = cell(table(pairs(10, 0, 0)))
    assert 0.94 < few.quality < 1.0 and few.lower < 0.9


def test_a_task_leans_on_what_is_known_of_the_model_elsewhere() -> None:
    alone = cell(table(pairs(20, 0, 0)))
    beside = cell(table(pairs(20, 0, 0), pairs(2000, -600, 600, ANY)))
    assert beside.quality < alone.quality - 0.1 and beside.lower <= alone.lower


def test_the_widest_scope_is_for_work_of_a_new_kind() -> None:
    found = table(pairs(2000, 0, 0), pairs(2000, 0, 0, ANY))
    assert cell(found, ANY).lower < cell(found).lower - 0.05


def test_comparisons_with_another_flagship_and_of_other_sources_do_not_count() -> None:
    other = Sums(0, "t", "task:qa", "m", "shadow", "old", 500, 0.0, 0.0)
    opened = Sums(0, "t", "task:qa", "m", "opened", "f", 500, 0.0, 0.0)
    assert table(other, opened).cells.keys() == table().cells.keys()


def test_lengths_alone_make_no_cell() -> None:
    lengths = Sums(0, "t", "task:qa", "m", "answers", "", answers=10, out_tokens=1000)
    assert ("t", "task:qa") not in table(lengths).cells
    assert cell(table(lengths, pairs(10, 0, 0))).out_tokens == 100


def test_scores_of_answers_that_nobody_compared_speak_only_against() -> None:
    compared = pairs(1000, 0, 0)
    plain = cell(table(compared)).lower
    worse = cell(table(compared, scores("m", 500, 250), scores("f", 500, 500)))
    better = cell(table(compared, scores("m", 500, 500), scores("f", 500, 450)))
    assert worse.lower < plain - 0.05 and "scored lower" in worse.why
    assert better.lower == pytest.approx(plain, abs=0.001), (
        "a gain is not enlarged, a bound is, by the flagship's score"
    )


def test_scores_are_compared_within_a_source_and_only_if_there_are_some() -> None:
    compared = pairs(1000, 0, 0)
    plain = cell(table(compared)).lower
    assert cell(table(compared, scores("m", 500, 250), scores("f", 500, 500, "feedback"))).lower == pytest.approx(plain)
    assert cell(table(compared, scores("m", 10, 0), scores("f", 500, 500))).lower == pytest.approx(plain)


def test_losses_are_shares_of_what_the_flagship_reaches() -> None:
    half = cell(table(pairs(1000, -50, 50), scores("f", 1000, 500)))
    assert half.quality == pytest.approx(0.9, abs=0.01)
    assert cell(table(pairs(1000, -50, 50))).quality == pytest.approx(0.95, abs=0.01)


def test_models_of_no_tier_have_no_cell() -> None:
    assert ("t", "task:qa") not in table(pairs(100, 0, 0, model="gone")).cells


def test_the_maker_asks_for_the_models_each_time() -> None:
    class Models:
        reference = "f"

        def tiers(self) -> dict[str, tuple[str, ...]]:
            return {"mid": ("m",), "flagship": (self.reference,)}

    models = Models()
    made = maker(models, lambda: PRIOR)  # type: ignore[arg-type]
    assert "m" in made([pairs(10, 0, 0)]).cells["t", "task:qa"]
    models.reference = "m"
    assert ("t", "task:qa") not in made([pairs(10, 0, 0)]).cells


@given(n=st.integers(0, 500), worse=st.floats(0, 1), better=st.floats(0, 1))
def test_the_bound_is_never_above_the_estimate_by_more_than_the_prior_draws_it(
    n: int, worse: float, better: float
) -> None:
    lost, won = n * worse, (n - n * worse) * better
    found = table(pairs(n, won - lost, won + lost))
    known = found.cell("t", ("task:qa",), "m")
    assert known is not None and 0 <= known.lower <= max(known.quality, 1 + (won - lost) / max(1, n)) + 1e-9


def test_a_mean_is_drawn_as_much_as_its_group_is_small() -> None:
    parent = Known(0.9, 0.001)
    half = drawn(STRENGTH, STRENGTH, STRENGTH, parent, 0.1)
    assert half.mean == pytest.approx(0.95)
    assert drawn(0, 0, 0, parent, 0.1).mean == 0.9
    assert drawn(10_000, 10_000, 10_000, parent, 0.1).mean == pytest.approx(1.0, abs=1e-3)


def test_a_bound_that_may_be_looked_at_always_errs_seldom() -> None:
    """Looked at 40 times each; the share of ever wrong ones may be 5 %, and drawing to the truth makes it less."""
    chance = random.Random(7)
    wrong = 0
    for _ in range(300):
        n = total = squares = 0.0
        for _ in range(40):
            for _ in range(25):
                value = chance.choice((-1.0, 0.0, 0.0, 1.0))
                n, total, squares = n + 1, total + value, squares + value * value
            if lower_at_any_time(drawn(n, total, squares, Known(0.0, 0.1), 0.5, 1.0)) > 0:
                wrong += 1
                break
    assert wrong / 300 < 0.05


def test_a_single_look_is_narrower() -> None:
    known = Known(0.9, 0.0001, 400)
    assert lower(known) == pytest.approx(0.9 - 0.01645, abs=1e-4)
    assert 0.9 - 0.032 < lower_at_any_time(known) < lower(known)


def test_scores_that_are_lower_by_luck_do_not_speak_against() -> None:
    compared = pairs(1000, 0, 0)
    found = cell(table(compared, scores("m", 100, 93), scores("f", 100, 96)))
    assert "scored lower" not in found.why
    assert "scored lower" in cell(table(compared, scores("m", 1000, 930), scores("f", 1000, 970))).why
