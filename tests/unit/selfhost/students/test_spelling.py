"""How teachers spell: to and fro, anew for good, and what is known of it afterwards."""

import pytest

from farthing.selfhost.students.pairs import Captured, clean, steady
from farthing.selfhost.students.spelling import Spelling, spellings


def said(*parts: str) -> list[tuple[str, str]]:
    """Letter by letter: `a` and `A` mean `a`."""
    return [(letter.lower(), letter) for part in parts for letter in part]


@pytest.mark.parametrize(
    ("calls", "found"),
    [
        (said("aaaa", "bb"), {"a": ("a",), "b": ("b",)}),
        (said("aaAaaAaa"), {"a": ("a", "A")}),  # to and fro
        (said("aaaaaaaaA"), {"a": ("a",)}),  # once, last: not known yet
        (said("aaaaaaAAAA"), {"a": ("A",)}),
        (said("ababababab", "cc", "ABABABABAB"), {"a": ("A",), "b": ("B",)}),  # how c is spelled now nobody knows
        (said("abababab", "cc", "AAA"), {"a": ("a",), "b": ("b",), "c": ("c",)}),
        ([], {}),
    ],
)
def test_the_spelling_of_now_and_others_in_use(calls: list[tuple[str, str]], found: dict[str, tuple[str, ...]]) -> None:
    assert spellings(calls) == found


def test_a_student_of_a_teacher_that_changed_its_way_has_the_new_one() -> None:
    calls = [Captured(f"text {at}", "Yes" if at % 2 else "No", "t", at) for at in range(40)]
    calls += [Captured(f"text {at}", "yes" if at % 2 else "no", "t", at) for at in range(40, 60)]
    data = clean(calls, most=100)
    assert set(data.answers) == {"yes", "no"} and data.spellings == ((), ()) and data.size == 60


KNOWN = Spelling(('{"way": "track"}', '{"way": "stop"}'), (('{"way":"track"}',), ()))


@pytest.mark.parametrize(
    ("told", "is_other"),
    [
        ('{"way": "track"}', False), ('{"way":"track"}', False), ('{"way":"stop"}', True), ('{"way": "STOP"}', True),
        ('{"way": "stop"}\n', True), ("stop", True), ('```json\n{"way": "stop"}\n```', True), ('{"found": "stop"}', True),
        ('["stop"]', True), ('{"way": "another"}', False), ("{" * 10_000, False), ("", False), ("I cannot say that.", False), ("\ud800", False), ('{"way": "\ud800"}', False), ("[" * 10_000, False), ('{"found": {"it": ["Stop"]}}', True), ("```\nnothing\n```", False),
    ],
)  # fmt: skip
def test_another_form_is_told_from_another_answer(told: str, is_other: bool) -> None:
    assert KNOWN.is_other(told) is is_other


def test_a_teacher_agrees_in_a_spelling_that_its_clients_know() -> None:
    assert KNOWN.agrees('{"way": "track"}', '{"way":"track"}') and not KNOWN.agrees('{"way": "stop"}', '{"way":"stop"}')
    assert not KNOWN.agrees('{"way": "stop"}', '{"way": "track"}') and not KNOWN.agrees("else", "else")
    assert not Spelling(("yes", "no"), ()).is_other("maybe")


@pytest.mark.parametrize(
    ("contexts", "found"),
    [
        (["a"] * 50, ("a",)), (["a", "b"] * 25, ("a", "b")), (["a"] * 45 + ["b"] * 5, ("a", "b")),
        ([f"day {at // 5}" for at in range(50)], ()), (["a"] * 49 + [""], ("a",)), ([""] * 50, ()), (["a"] * 49 + ["b"], ("a",)), ([f"{at % 9}" for at in range(90)], tuple("012345678")),
        ([], ()),
    ],
)  # fmt: skip
def test_contexts_are_held_where_they_will_come_again(contexts: list[str], found: tuple[str, ...]) -> None:
    assert steady(Captured("text", "yes", "t", at, context=each) for at, each in enumerate(contexts)) == found


def test_contexts_that_change_are_held_without_what_changes_in_instructions() -> None:
    def held(*, settled: str = "{at}", context: str = "{at}") -> tuple[str, ...]:
        return steady(
            Captured("text", "yes", "t", at, context=context.format(at=at), settled=settled.format(at=at))
            for at in range(50)
        )

    assert held(settled="a") == ("a",) and held(settled="a", context="b") == ("b",)
    assert held() == held(settled="") == ()
