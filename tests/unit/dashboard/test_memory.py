"""What pages keep between two openings."""

from farthing.dashboard.memory import MOST, Memory


def test_a_value_holds_as_long_as_its_stamp() -> None:
    memory = Memory()
    assert memory.get("a", 1) is None
    memory.keep("a", 1, "x")
    assert memory.get("a", 1) == "x"
    assert memory.get("a", 2) is None


def test_the_last_used_are_kept() -> None:
    memory = Memory()
    for key in range(MOST):
        memory.keep(key, 0, f"{key}")
    assert memory.get(0, 0) == "0"
    memory.keep(MOST, 0, "new")
    assert memory.get(0, 0) == "0"
    assert memory.get(1, 0) is None
