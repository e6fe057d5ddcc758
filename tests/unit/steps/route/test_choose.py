import pytest

from farthing.model.routes import ANY, Cell, Table
from farthing.steps.route.choose import Candidate, Choice, Finer, choose

S, M, F = Candidate("s", "small", 10), Candidate("m", "mid", 50), Candidate("f", "flagship", 100)
SCOPES = ("task:qa", ANY)


def table(**lower: float | Cell) -> Table:
    cells = {name: each if isinstance(each, Cell) else Cell(name, each + 0.01, each) for name, each in lower.items()}
    return Table(cells={("t", "task:qa"): cells})


def chosen(found: Table, floor: float = 0.95, candidates: tuple[Candidate, ...] = (S, M, F), **more: object) -> Choice:
    return choose(found, candidates, "t", SCOPES, floor, **more)  # type: ignore[arg-type]


def test_the_cheapest_that_clears_the_floor_serves() -> None:
    choice = chosen(table(s=0.8, m=0.96))
    assert (choice.model, choice.runner_up) == ("m", "f")
    assert choice.rejected == (("s", "80.0% is shown, 95.0% is the floor"),)
    assert "97.0%" in choice.why and "96.0%" in choice.why
    assert chosen(table(s=0.96, m=0.97)).model == "s"
    assert chosen(table(s=0.96, m=0.97)).runner_up == "m"


def test_what_is_not_known_does_not_serve() -> None:
    choice = chosen(Table())
    assert choice.model == "f" and choice.cell is None and "not known" in choice.why


def test_demoted_never_and_locked_always_clear() -> None:
    assert chosen(table(s=Cell("s", 1.0, 1.0, state="demoted"), m=0.9)).model == "f"
    assert chosen(table(s=Cell("s", 0.5, 0.5, state="locked"), m=0.99)).model == "s"


def test_what_costs_more_than_the_safe_one_is_not_looked_at() -> None:
    assert chosen(table(m=1.0), candidates=(Candidate("m", "mid", 200), F)).model == "f"


def test_the_safe_one_is_the_first_of_the_highest_tier() -> None:
    g = Candidate("g", "flagship", 80)
    assert chosen(Table(), candidates=(S, M, F, g)).model == "f"
    assert chosen(Table(), candidates=(S, M)).model == "m"
    assert chosen(Table(), candidates=(S,)).model == "s"
    with pytest.raises(ValueError, match="no candidate"):
        chosen(Table(), candidates=())


def test_the_textbook_looks_at_the_task_alone() -> None:
    good = table(s=1.0, m=1.0)
    found = [chosen(good, task=task, textbook=True).model for task in ("classification", "qa", "code", "", "tales")]
    assert found == ["s", "m", "f", "f", "f"]
    assert chosen(good, task="qa", textbook=True, candidates=(S, F)).model == "f"


def test_by_prompt_the_gain_is_weighed_against_the_cost() -> None:
    gaps = {"s": -0.3, "m": -0.02}
    assert chosen(Table(), finer=Finer(gaps, 0.0)).model == "f"
    assert chosen(Table(), finer=Finer(gaps, 0.001)).model == "m"
    assert chosen(Table(), finer=Finer(gaps, 0.1)).model == "s"
    assert chosen(Table(), finer=Finer({"m": -0.02}, 0.1)).model == "m", "what is not foretold does not serve"
    assert "-2.0% foretold" in chosen(Table(), finer=Finer(gaps, 0.001)).why


def test_by_prompt_a_demoted_model_does_not_serve() -> None:
    down = table(s=Cell("s", 1.0, 1.0, state="demoted"))
    choice = chosen(down, finer=Finer({"s": 0.0, "m": -0.5}, 0.001))
    assert choice.model == "f" and choice.rejected[0][0] == "s"
