"""A text that comes again becomes a word about the first."""

from farthing.wire.shaping.repeats import LEAST_CHARS, Repeats, refer

LONG = "The policy says: " + "orders can be sent back within thirty days, if their seal is unbroken. " * 20


def test_the_second_one_refers_to_the_first() -> None:
    repeats = Repeats()
    assert repeats.first(LONG.encode(), "call_1") is None
    assert repeats.first(LONG.encode(), "call_2") == "call_1"
    made = refer(LONG, "call_1")
    assert made is not None and made.tokens > 100
    assert "call_1" in made.text and made.text.count("The policy says") == 1


def test_others_stay() -> None:
    repeats = Repeats()
    for text in (LONG, LONG + "!", LONG[: LEAST_CHARS - 1], LONG[: LEAST_CHARS - 1]):
        assert repeats.first(text.encode(), "") is None
    assert refer("short", "") is None
