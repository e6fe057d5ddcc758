import pytest

from farthing.model.routes import ANY, Cell, Table
from farthing.quality.locks import with_lock, without_lock

HELD = Table(cells={(ANY, "task:qa"): {"a": Cell("a", 0.98, 0.97, 300, "measured"), "b": Cell("b", 0.9, 0.8)}})
SCOPES = ("task:qa", ANY)


def test_a_lock_keeps_what_was_known_and_leaves_the_rest() -> None:
    table = with_lock(HELD, HELD, ANY, "task:qa", "a", "locked by ana")
    assert table.lock("t", SCOPES) == "a" and table.lock("t", (ANY,)) == ""
    cell = table.cells[ANY, "task:qa"]["a"]
    assert (cell.quality, cell.lower, cell.observations, cell.why) == (0.98, 0.97, 300, "locked by ana")
    assert table.cells[ANY, "task:qa"]["b"] == HELD.cells[ANY, "task:qa"]["b"]
    assert HELD.lock("t", SCOPES) == ""


def test_one_model_at_a_time_is_locked_for_a_scope() -> None:
    table = with_lock(with_lock(HELD, HELD, ANY, "task:qa", "a", ""), HELD, ANY, "task:qa", "b", "")
    assert [cell.model for cell in table.cells[ANY, "task:qa"].values() if cell.state == "locked"] == ["b"]


def test_a_tenant_s_own_lock_comes_first() -> None:
    table = with_lock(with_lock(HELD, HELD, ANY, "task:qa", "a", ""), HELD, "acme", ANY, "c", "")
    assert table.lock("acme", SCOPES) == "c" and table.lock("other", SCOPES) == "a"


def test_what_is_taken_back_is_as_it_was() -> None:
    table = with_lock(HELD, HELD, ANY, "task:qa", "a", "")
    assert without_lock(table, ANY, "task:qa", "a", HELD.cells[ANY, "task:qa"]["a"]).cells == HELD.cells
    new = with_lock(HELD, HELD, "acme", "template:00", "z", "")
    assert without_lock(new, "acme", "template:00", "z").cells == HELD.cells
    for model in ("b", "nobody"):
        with pytest.raises(ValueError, match="not locked"):
            without_lock(table, ANY, "task:qa", model)
