"""The stand-in for a judge: the same numbers and most of the same words, and nothing of questions that nobody answered."""

import msgspec
import pytest

from farthing.planner.replay.alike import Judged, are_alike
from unit.planner.pasts import chat


def says(text: str) -> bytes:
    return msgspec.json.encode({"choices": [{"message": {"content": text}, "finish_reason": "stop"}]})


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("Yes.", " yes. ", True), ("It is in the hall by the door.", "It is in the hall, by the door!", True),
        ("It takes 3 days.", "It takes 4 days.", False), ("It is in the hall.", "Ask the driver tomorrow.", False),
        ("", "", True),
    ],
)  # fmt: skip
def test_answers_are_alike_by_numbers_and_words(one: str, other: str, alike: bool) -> None:
    assert are_alike(one, other) is are_alike(other, one) is alike


async def test_a_hit_is_judged_by_what_was_recorded_for_its_question() -> None:
    judge = Judged([chat(1, "Where is it?", answer=says("In the hall.")), chat(2, "Why?", answer=b"")])
    assert await judge.answers("default", "Where is it?", "in the hall.") is True
    assert await judge.answers("default", "Where is it?", "Nobody knows.") is False
    assert await judge.answers("default", "Why?", "Because.") is None
    assert await judge.answers("other", "Where is it?", "In the hall.") is None
    assert await judge.answers("default", "Where is it?", "") is None
