from farthing.model.routes import ANY, Cell, State, Table
from farthing.steps.route.choose import Candidate
from farthing.steps.route.telling import in_full

SCOPES = ("task:qa", ANY)


def told(*cells: Cell, tier: str = "small", runner_up: str = "", removed: dict[str, str] | None = None) -> list[str]:
    table = Table(version=7, cells={(ANY, "task:qa"): {cell.model: cell for cell in cells}})
    candidates = [Candidate("luna", tier, 1_500_000_000)]  # type: ignore[arg-type]
    return in_full(table, candidates, removed or {}, "t", SCOPES, 0.95, runner_up).split("\n")


def cell(lower: float, state: State = "measured") -> Cell:
    return Cell("luna", 1.0, lower, state=state)


def test_the_floor_and_the_version_come_first() -> None:
    assert told()[0] == "floor: 95.0% of the flagship's quality, by version 7 of the table"


def test_what_is_known_of_a_model_is_said() -> None:
    assert told()[1] == "luna: small, $1.500000000 expected, quality not known"
    assert told(tier="flagship")[1].endswith("needs no evidence")
    assert told(cell(0.96))[1].endswith("at least 96.0% (measured)")
    assert told(cell(0.94, "prior"))[1].endswith("at least 94.0% (prior), below the floor")
    for state in ("locked", "demoted"):
        assert told(cell(0.0, state))[1].endswith(f", {state}")


def test_what_removed_others_and_the_runner_up_are_at_the_end() -> None:
    assert told(runner_up="sol", removed={"tiny": "denied by policy"})[2:] == [
        "removed: tiny (denied by policy)",
        "runner-up: sol",
    ]
