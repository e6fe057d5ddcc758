"""Unit economics in a browser: from all types to one transaction and its calls, and the calculator."""

from playwright.sync_api import expect

from browser.conftest import Visitor


def test_it_is_sound_everywhere(any_visitor: Visitor) -> None:
    any_visitor.open("/units?period=90d&of_plain=0.50&of_human_cost=15")
    any_visitor.check()
    page = any_visitor.open("/units/type?type=support_resolution&period=30d")
    expect(page.locator(".distribution svg:visible")).to_be_visible()
    any_visitor.check()
    any_visitor.open("/units?period=2020-01")
    any_visitor.check()


def test_from_a_type_to_one_transaction_and_a_call(visitor: Visitor) -> None:
    page = visitor.open("/units?period=30d")
    page.locator("#types").get_by_role("link", name="support_resolution").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("support_resolution")
    page.locator("#newest tbody a").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("T-")
    visitor.check()
    page.locator("#calls tbody a").first.click()
    expect(page.locator(".law")).to_contain_text("adds up")
    page = visitor.open("/units/type?type=support_resolution&period=30d")
    page.get_by_placeholder("Id of one").fill("T-none")
    page.get_by_role("button", name="Open it").click()
    expect(page.locator("main")).to_contain_text("There is no such transaction.")
    visitor.forget()


def test_half_a_dollar_against_fifteen(visitor: Visitor) -> None:
    page = visitor.open("/units")
    page.get_by_label("Known cost").fill("0.50")
    page.get_by_label("Cost by hand").fill("15")
    page.get_by_role("button", name="Work it out").click()
    expect(page.locator("#calculator")).to_contain_text("Each one saves $14.50, 96.7 % of what it costs by hand.")
