from farthing.model.routes import ANY, Cell, State, Table
from farthing.quality.proposals import Move, moves, reason, refreshed, with_moves


def cell(lower: float, state: State = "measured", model: str = "small", n: float = 400) -> Cell:
    return Cell(model, 1.0, lower, observations=n, state=state)


def table(*cells: Cell, tenant: str = "t", scope: str = "task:qa") -> Table:
    return Table(cells={(tenant, scope): {each.model: each for each in cells}})


def floors(scope: str) -> tuple[float, ...]:
    return (0.99, 0.95)


def kinds(old: Table, new: Table) -> list[tuple[str, float]]:
    return [(each.kind, each.floor) for each in moves(old, new, floors)]


def test_what_crosses_a_floor_is_a_move() -> None:
    assert kinds(Table(), table(cell(0.96))) == [("promote", 0.95)]
    assert kinds(table(cell(0.96)), table(cell(0.995))) == [("promote", 0.99)]
    assert kinds(table(cell(0.96)), table(cell(0.97))) == []
    assert kinds(table(cell(0.995)), table(cell(0.97))) == [("demote", 0.99)]
    assert kinds(Table(), table(cell(0.5))) == []
    assert kinds(table(cell(0.5)), table(cell(0.0, "demoted"))) == [("demote", 0.95)]


def test_a_prior_is_no_promotion_and_a_lock_stays() -> None:
    assert kinds(Table(), table(cell(0.999, "prior"))) == []
    assert kinds(table(cell(0.5, "locked")), table(cell(0.999))) == []
    assert kinds(table(cell(0.0, "demoted")), table(cell(0.999, "prior"))) == []


def test_a_narrow_cell_that_is_worse_than_the_wide_one_is_a_demotion() -> None:
    wide = table(cell(0.995), tenant=ANY, scope=ANY)
    new = Table(cells={**wide.cells, ("t", "task:qa"): {"small": cell(0.9)}})
    assert kinds(wide, new) == [("demote", 0.95)]


def test_evidence_that_is_gone_takes_its_cell_with_it() -> None:
    old = table(cell(0.995))
    (move,) = moves(old, Table(), floors)
    assert (move.kind, move.after.lower, move.after.state) == ("demote", 0.0, "prior")
    assert kinds(old, table(cell(0.995, "prior"), tenant=ANY, scope=ANY)) == []


def test_demotions_come_first_and_then_who_has_most_evidence() -> None:
    old = table(cell(0.995, model="mid"))
    new = table(cell(0.9, model="mid"), cell(0.995, model="a", n=10), cell(0.995, model="b", n=900))
    assert [each.after.model for each in moves(old, new, floors)] == ["mid", "b", "a"]


def test_some_moves_can_be_made_and_others_wait() -> None:
    old = table(cell(0.96, model="a"))
    new = table(cell(0.97, model="a"), cell(0.995, model="b"), cell(0.995, model="c"))
    found = moves(old, new, floors)
    made = with_moves(refreshed(old, new, found), found[:1])
    lowers = {model: each.lower for model, each in made.cells["t", "task:qa"].items()}
    assert lowers == {"a": 0.97, "b": 0.995}
    assert old.cells["t", "task:qa"]["a"].lower == 0.96, "the old table is as it was"


def test_a_move_reads_like_a_line_of_a_diff() -> None:
    up = Move("promote", "t", "task:qa", cell(0.9), cell(0.9934), 0.99)
    assert str(up) == "+ small for task:qa of t (at least 99.3 %, >= 99 %, was 90.0 %; 400 comparisons)"
    down = Move("demote", ANY, ANY, None, cell(0.5), 0.95)
    assert reason([up, down]).splitlines()[1] == "- small for * (at least 50.0 %, < 95 %; 400 comparisons)"


def test_what_was_shown_stays_while_its_bound_only_sways() -> None:
    old = table(cell(0.995))
    for lower, found in ((0.986, []), (0.984, [("demote", 0.99)]), (0.96, [("demote", 0.99)])):
        assert kinds(old, table(cell(lower))) == found
    assert kinds(old, table(cell(0.986, "demoted"))) == [("demote", 0.95)]
    swaying = table(cell(0.986))
    kept = refreshed(old, swaying, moves(old, swaying, floors)).cells["t", "task:qa"]["small"]
    assert kept.lower == 0.995, "a bound that holds at any time holds on"
    better = table(cell(0.997))
    assert refreshed(old, better, []).cells["t", "task:qa"]["small"].lower == 0.997
