"""The page on spend as a person meets it: from a feature down to one call, in every light and width."""

from playwright.sync_api import expect

from browser.conftest import Visitor


def test_it_is_sound_everywhere(any_visitor: Visitor) -> None:
    any_visitor.open("/spend?period=90d&by=feature&compare=before")  # with names that callers made up
    any_visitor.check()
    any_visitor.open("/spend?period=30d&feature=support+chat&model=gpt-5.4-mini&by=user")
    any_visitor.check()
    assert any_visitor.page.title() == "Spend · Farthing"


def test_from_a_feature_down_to_one_call(visitor: Visitor) -> None:
    page = visitor.open("/spend?period=30d")
    table = page.locator("#spend")
    expect(page.locator(".drawing svg:visible")).to_be_visible()
    table.get_by_role("link", name="support chat").click()
    expect(page.locator(".chip")).to_contain_text("support chat")
    expect(page.get_by_label("See spend by").locator("[aria-current]")).to_have_text("Model")
    page.get_by_label("See spend by").get_by_role("link", name="User").click()
    page.locator("#spend").get_by_role("row", name="user-001").get_by_role("link").nth(1).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Calls")
    expect(page.locator(".chip")).to_have_count(2)
    page.locator("#calls tbody a").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Call")
    expect(page.locator(".law")).to_contain_text("adds up")
    page.get_by_role("link", name="Calls").first.click()
    expect(page.locator(".chip")).to_have_count(2)  # the way back is as narrow
    page.locator(".chip").first.click()
    expect(page.locator(".chip")).to_have_count(1)


def test_order_search_and_period_need_no_more_than_an_address(visitor: Visitor) -> None:
    page = visitor.open("/spend?period=30d&by=user")
    page.get_by_role("columnheader", name="Calls").get_by_role("link").click()
    expect(page.get_by_role("columnheader", name="Calls")).to_have_attribute("aria-sort", "descending")
    page.get_by_placeholder("Find a name").fill("user-00")
    page.get_by_role("button", name="Find").click()
    expect(page.locator("#spend tbody th").first).to_contain_text("user-00")
    expect(page.get_by_role("columnheader", name="Calls")).to_have_attribute("aria-sort", "descending")
    page.locator("select[name=period]").select_option("7d")
    page.wait_for_url("**period=7d**")
    assert "sort=-calls" in page.url and "q=user-00" in page.url and "by=user" in page.url
    page.get_by_label("against the period before").check()
    expect(page.get_by_role("columnheader", name="Change")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    assert download.value.suggested_filename == "farthing-spend-spend.csv"


def test_a_mark_tells_what_it_shows(visitor: Visitor) -> None:
    page = visitor.open("/spend?period=30d")
    mark = page.locator('.drawing svg.wide path[aria-label*="coding agent"]').last
    mark.hover()
    expect(page.locator(".tooltip")).to_contain_text("coding agent")


def test_errors_are_pages(visitor: Visitor) -> None:
    page = visitor.open("/spend?by=nonsense", 400)
    visitor.check()
    expect(page.get_by_role("heading", level=1)).to_have_text("This cannot be read")
    page.get_by_label("Pages").get_by_role("link", name="Spend").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Spend")
    page = visitor.open("/nowhere/at-all", 404)
    visitor.check()
    expect(page.get_by_text("There is no page at /nowhere/at-all")).to_be_visible()
