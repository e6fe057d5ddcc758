"""What the classifier looks at."""

from hypothesis import given
from hypothesis import strategies as st

from farthing.steps.task import features


@given(st.text(alphabet="aJ019\u0663 .):(^=$\\+-*/\n\t", max_size=40))
def test_numbers_and_formulas_are_counted_as_their_patterns_find_them(text: str) -> None:
    numbers = features._numbers(text)
    assert numbers == len(features._NUMBER.findall(text))
    pattern = features._FORMULA if "^" in text or "=" in text else features._SUM
    assert features._formulas(text, numbers) == len(pattern.findall(text))


@given(st.text(alphabet="aJ1 .):(\n\r\t", max_size=20))
def test_options_are_counted_as_their_pattern_finds_them(text: str) -> None:
    options = len(features._OPTIONS.findall(text))
    assert f"options {min(options, 4)}" in features.shape(text, "", code=False, quoted=False)
