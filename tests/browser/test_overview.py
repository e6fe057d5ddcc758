"""The overview as a person meets it."""

from browser.conftest import Visitor


def test_it_is_sound_everywhere(any_visitor: Visitor) -> None:
    any_visitor.open("/?period=30d&compare=before")
    any_visitor.check()


def test_a_feature_leads_to_its_calls(visitor: Visitor) -> None:
    page = visitor.open("/?period=30d")
    assert "feature=coding" in (
        page.get_by_role("row", name="coding agent").get_by_role("link").first.get_attribute("href") or ""
    )
