"""The page Plan as a person meets it: in every light and width, before and after the first plan, and a change that goes its way."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from browser import planned
from browser.conftest import PROVIDERS, Visitor
from integration.gateways import Gateway, gateway, settings_text


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    def filled(made: Gateway) -> None:
        made.fill(planned.__file__)

    with gateway(tmp_path_factory.mktemp("plan"), settings_text(providers=PROVIDERS), before=filled) as made:
        yield made


def test_it_is_sound_everywhere(any_visitor: Visitor) -> None:
    page = any_visitor.open("/plan")
    expect(page.locator(".stage")).to_have_count(4)
    expect(page.locator(".drawing svg:visible")).to_have_count(3)
    any_visitor.check()


def test_a_change_is_proposed_and_accepted(visitor: Visitor) -> None:
    page = visitor.open("/plan")
    page.get_by_role("checkbox", name="semantic cache").check()
    page.get_by_role("textbox", name="Why").fill("it repeats")
    page.get_by_role("button", name="Propose").click()
    expect(page.get_by_role("status")).to_contain_text("Change 1 is proposed")
    expect(page.locator("#proposed .diff li")).to_have_count(4)
    visitor.check()
    page.locator("#proposed summary", has_text="Accept").click()
    page.locator("#proposed .ask").get_by_role("button", name="Accept").first.click()
    expect(page.locator("#proposed")).to_contain_text("farthing plan apply 1")
    page.get_by_role("button", name="Make a plan now").click()
    expect(page.get_by_role("status")).to_contain_text("A gateway makes a plan now")
    visitor.check()
