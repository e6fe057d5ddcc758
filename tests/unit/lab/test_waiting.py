from typing import Any

from farthing.lab.waiting import words


def card(state: str, done: int) -> dict[str, Any]:
    return {"state": state, "lines": {"total": 9, "done": done, "failed": 0, "expired": 0, "cancelled": 0}}


def test_a_round_that_nobody_begins_asks_whether_a_gateway_runs() -> None:
    assert words(2, card("running", 4), idle=True) == "round 2: 4 of 9 are answered"
    assert "is one running?" in words(1, card("validating", 0), idle=True)
    assert "is one running?" not in words(1, card("validating", 0), idle=False)
