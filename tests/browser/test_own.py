"""The page about own models as a person meets it: in every light and width, sliders that move, and a student taken back."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from browser import company, own
from browser.conftest import PROVIDERS, Visitor
from integration.gateways import Gateway, gateway, settings_text


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    def filled(made: Gateway) -> None:
        made.fill(company.__file__)
        made.fill(own.__file__, f"{made.folder}/farthing-models")

    with gateway(tmp_path_factory.mktemp("own"), settings_text(providers=PROVIDERS + own.SETTINGS), before=filled) as made:  # fmt: skip
        yield made


def test_it_is_sound_everywhere(any_visitor: Visitor) -> None:
    page = any_visitor.open("/own?period=7d&of_growth=60")
    expect(page.locator("#students tbody tr")).to_have_count(5)
    expect(page.locator("#compare .tile")).to_have_count(5)
    expect(page.locator("#quantized tbody tr")).to_have_count(3)
    expect(page.locator(".drawing svg:visible")).to_be_visible()
    any_visitor.check()
    page.locator("#students summary", has_text="Roll back").click()
    any_visitor.check()


def test_a_slider_is_moved_and_a_student_taken_back(visitor: Visitor) -> None:
    page = visitor.open("/own")
    slider = page.get_by_role("slider", name="Times today's calls")
    slider.focus()
    page.evaluate("window.stayed = true")
    before = page.locator("#compare-shown").inner_text()
    slider.press("End")
    expect(page.get_by_role("slider", name="Times today's calls: 100")).to_have_value("100")
    expect(page.locator("#compare-shown")).not_to_have_text(before)
    expect(page.locator(".drawing svg:visible")).to_be_visible()
    assert (
        "of_growth=100" in page.url
        and page.evaluate("window.stayed")
        and slider.get_attribute("aria-valuetext") == "100"
    )
    page.get_by_label("Model of the API").fill("no such model")
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert page.evaluate("window.stayed")
    row = page.locator("#students tr", has_text=own.SERVING)
    row.locator("summary", has_text="Roll back").click()
    row.locator(".ask").get_by_role("button", name="Roll back").click()
    expect(page.get_by_role("status")).to_contain_text("version 1 serves again")
    visitor.check()
