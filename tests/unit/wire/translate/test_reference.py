"""The reference page says what the code does."""

from pathlib import Path

from farthing.wire.translate.reference import filled

PAGE = Path(__file__).parents[4] / "docs" / "reference" / "translation.md"


def test_the_tables_of_the_page_are_those_of_the_code() -> None:
    page = PAGE.read_text()
    assert filled(page) == page, "run: python -m farthing.wire.translate.reference docs/reference/translation.md"
    assert page.count("<!-- table: ") == 5
