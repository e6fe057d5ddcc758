"""The page on alerts in a browser: what is open, a mute set and ended, what would have fired."""

from playwright.sync_api import expect

from browser.conftest import Visitor


def test_it_is_sound_everywhere(any_visitor: Visitor) -> None:
    page = any_visitor.open("/alerts")
    expect(page.locator("#open")).to_contain_text("drift: feature weekly report")
    any_visitor.check()
    page.locator("#open summary", has_text="Mute").first.click()
    any_visitor.check()


def test_one_is_muted_and_told_again(visitor: Visitor) -> None:
    page = visitor.open("/alerts")
    page.locator("#over").get_by_role("link", name="day spend").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Alert")
    expect(page.locator("#history")).to_contain_text("told first")
    page.get_by_role("link", name="Calls behind it").click()
    expect(page.locator(".chip")).to_contain_text("coding agent")
    page = visitor.open("/alerts")
    row = page.locator("#open .alert-row", has_text="waste: feature coding agent")
    row.locator("summary").click()
    row.get_by_label("For").select_option("7d")
    row.get_by_label("Why").fill("we know")
    row.get_by_role("button", name="Mute").click()
    expect(page.locator(".flash")).to_contain_text("Muted until")
    expect(page.locator("#muted")).to_contain_text("waste: feature coding agent")
    page.locator("#mutes").get_by_role("button", name="End").click()
    expect(page.locator(".flash")).to_contain_text("The mute has ended")
    expect(page.locator("#open")).to_contain_text("waste: feature coding agent")


def test_what_would_have_fired(visitor: Visitor) -> None:
    page = visitor.open("/alerts")
    page.locator("select[name=backtest]").select_option("30")
    page.get_by_role("button", name="Work it out").click()
    for _ in range(120):  # a slow machine says that it is not ready yet
        if page.locator("#fired").count():
            break
        page.wait_for_timeout(1_000)
        page.reload()
    expect(page.locator("#fired")).to_contain_text("day spend: feature coding agent")
    visitor.check()
    page.locator("#channels").get_by_role("button", name="Send a test").first.click()
    expect(page.locator(".flash")).to_contain_text("took a test message")
