"""The list of calls and the cost card of one, as a person meets them; with words of callers that try to be more."""

from playwright.sync_api import expect

from browser import oddities
from browser.conftest import Visitor

ODD = "/calls?period=90d&feature=%3Cscript%3Edocument.title%3D%27taken%27%3C%2Fscript%3E+%26+%7B%7B+7*7+%7D%7D"


def test_the_list_is_sound_everywhere(any_visitor: Visitor) -> None:
    any_visitor.open("/calls?period=7d&outcome=error")
    any_visitor.check()
    page = any_visitor.open(ODD)
    any_visitor.check()
    expect(page.locator("#calls tbody tr")).to_have_count(1)
    assert page.title() == "Calls · Farthing"


def test_a_card_is_sound_everywhere(any_visitor: Visitor) -> None:
    page = any_visitor.open(f"/calls/{oddities.RICH}")
    page.get_by_text("Usage as the provider reported it").click()
    any_visitor.check()
    page = any_visitor.open(f"/calls/{oddities.HOSTILE}")
    for folded in page.locator("details summary").all():
        folded.click()
    any_visitor.check()
    assert page.title().startswith("Call call-")
    assert page.locator("main script, main img, main style").count() == 0


def test_filters_are_set_and_taken_away(visitor: Visitor) -> None:
    page = visitor.open("/calls?period=30d")
    page.get_by_label("Often asked for").get_by_role("link", name="errors").click()
    expect(page.locator("#calls tbody tr.bad").first).to_be_visible()
    page.get_by_label("What to filter by").select_option("feature")
    page.get_by_placeholder("is exactly").fill("coding agent")
    page.get_by_role("button", name="Add filter").click()
    expect(page.locator(".chip")).to_have_count(2)
    page.locator("select[name=period]").select_option("90d")
    page.wait_for_url("**period=90d**")
    expect(page.locator(".chip")).to_have_count(2)
    page.get_by_label("Often asked for").get_by_role("link", name="errors").click()
    expect(page.locator(".chip")).to_have_count(1)
    first = page.locator("#calls tbody a").first.get_attribute("href")
    page.get_by_role("link", name="Older").click()
    page.get_by_role("link", name="Newest").click()
    assert page.locator("#calls tbody a").first.get_attribute("href") == first


def test_the_name_of_a_call_can_be_copied(visitor: Visitor) -> None:
    page = visitor.open(f"/calls/{oddities.RICH}")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == oddities.RICH


def test_each_state_of_a_call_is_sound(visitor: Visitor) -> None:
    for call_id in (oddities.UNPRICED, oddities.HIT, oddities.REFUSED, oddities.CUT_OFF):
        visitor.open(f"/calls/{call_id}")
        visitor.check()
    page = visitor.open("/calls/call-nowhere", 404)
    visitor.check()
    expect(page.get_by_text("This is not how calls are named here")).to_be_visible()
