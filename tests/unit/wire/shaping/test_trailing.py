"""White space at the ends of lines: what is seen stays."""

from hypothesis import given
from hypothesis import strategies as st

from farthing.wire.shaping.trailing import trimmed


@given(st.text(alphabet="ab \t\n`.", max_size=80))
def test_only_white_space_goes(text: str) -> None:
    made = trimmed(text)
    if made is not None:
        assert made.text.split() == text.split()
        assert made.text.count("\n") <= text.count("\n") and len(made.text) < len(text)
        assert trimmed(made.text) is None


def test_line_ends_go_and_breaks_of_markdown_stay() -> None:
    made = trimmed("Be brief.   \nUse   facts.\t\nOne line  \nand the next. \n\n   ")
    assert made is not None and made.text == "Be brief.\nUse   facts.\nOne line  \nand the next."


def test_code_and_fences_are_left_alone() -> None:
    for text in ("See:   \n```\na   \nb   \n```\n   ", "def f(a):   \n    return a;   \n   ", "Be brief.\n", "plain"):
        assert trimmed(text) is None, text
