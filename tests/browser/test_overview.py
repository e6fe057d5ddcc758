"""The overview as a person meets it."""

import re

from browser.conftest import Visitor


def test_it_is_sound_everywhere(any_visitor: Visitor) -> None:
    any_visitor.open("/?period=30d&compare=before")
    any_visitor.check()


def test_one_look_says_spending_savings_troubles_and_what_is_next(visitor: Visitor) -> None:
    page = visitor.open("/?period=30d&compare=before")
    heads = [each.inner_text() for each in page.locator(".tile h3").all()]
    assert heads[0] == "Spent, last 30 days"
    assert heads[1].startswith("Forecast, end of ")
    assert heads[2:4] == ["Saved", "Open alerts"]
    top = page.locator("#wrong").bounding_box()
    assert top is not None
    assert top["y"] < 500, "what is wrong is on the first screen"
    assert page.locator("#wrong li").count() <= 3
    spend = page.locator(".chart.wide").bounding_box()
    assert spend is not None
    assert spend["y"] < 700, "and so is what was spent when"
    for words in ("What was saved, and by what", "What to switch on next", "Six metrics against their targets"):
        assert page.get_by_text(words, exact=True).is_visible()
    assert page.locator(".legend").inner_text().count("(none)") == 1
    assert page.locator(".metric").count() == 6


def test_no_word_of_a_chart_is_cut_off(visitor: Visitor) -> None:
    page = visitor.open("/?period=30d")
    cut = page.evaluate("""() => [...document.querySelectorAll(".drawing svg.wide text")].filter((text) => {
        const own = text.getBoundingClientRect(), card = text.closest(".card, .chart").getBoundingClientRect();
        return text.textContent.includes("\\u2026") || own.left < card.left || own.right > card.right;
    }).map((text) => text.textContent)""")
    assert cut == []


def test_marks_say_what_they_show_beside_the_pointer(visitor: Visitor) -> None:
    page = visitor.open("/?period=30d")
    accident = page.locator('.wide .drawing svg.wide [aria-label^="coding agent"]').nth(20)
    accident.hover()
    said = page.locator(".tooltip").inner_text()
    assert re.fullmatch(r"coding agent, \d+ \w+: \$[\d.]+ of \$[\d.]+", said), said
    page.locator('#savings .drawing svg.wide [aria-label^="model selection saved"]').hover()
    assert page.locator(".tooltip").inner_text().startswith("model selection saved $")


def test_a_feature_leads_to_its_calls(visitor: Visitor) -> None:
    page = visitor.open("/?period=30d")
    assert "feature=coding" in (
        page.get_by_role("row", name="coding agent").get_by_role("link").first.get_attribute("href") or ""
    )
    page.locator("#metrics details summary").first.click()
    assert page.get_by_text("failed", exact=True).is_visible()
