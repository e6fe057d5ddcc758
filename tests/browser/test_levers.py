"""The pages on routing and the cache as a person meets them: in every light and width, and what is done there."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from browser import levers
from browser.conftest import PROVIDERS, Visitor
from integration.gateways import Gateway, gateway, settings_text

SETTINGS = """
[routing]
small = ["gpt-4.1-nano"]
mid = ["gpt-5.4-mini"]
flagship = ["gpt-5.4", "claude-opus-4-5"]
[cache]
mode = "exact"
judge = "gpt-5.4"
[prompts]
doctor = true
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """With tiers, a proposal and a cache."""

    def filled(made: Gateway) -> None:
        made.fill(levers.__file__)

    text = settings_text(providers=PROVIDERS) + SETTINGS
    with gateway(tmp_path_factory.mktemp("levers"), text, before=filled) as made:
        yield made


def test_they_are_sound_everywhere(any_visitor: Visitor) -> None:
    page = any_visitor.open("/routing?period=7d")
    expect(page.locator("#proposals .diff li")).to_have_count(2)
    any_visitor.check()
    page = any_visitor.open("/cache?period=7d")
    expect(page.get_by_role("row", name="<b>bold</b>").first).to_be_visible()
    any_visitor.check()
    page.locator("#features .confirm summary").first.click()
    any_visitor.check()
    page = any_visitor.open("/prompts?period=7d")
    expect(page.locator("#doctor li")).to_have_count(3)
    any_visitor.check()


def test_a_proposal_is_weighed_applied_and_undone(visitor: Visitor) -> None:
    page = visitor.open("/routing?period=7d")
    page.get_by_role("link", name="What it does to the cost").click()
    expect(page.locator("#proposals")).to_contain_text("routed calls of the last 7 days")
    page.locator("summary", has_text="Apply").click()
    page.get_by_role("button", name="Apply").click()
    expect(page.locator(".flash")).to_contain_text("of the table holds")
    expect(page.locator("#table").get_by_role("row", name="qa gpt-5.4-mini")).to_contain_text("in")
    page.locator("summary", has_text="Undo version").click()
    page.get_by_role("button", name="Undo it").click()
    expect(page.locator(".flash")).to_contain_text("is undone")
    expect(page.locator("#history tbody tr").first).to_contain_text("undone")
    page.locator("#decisions tbody th a").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Call")


def test_what_breaks_caches_leads_to_its_calls(visitor: Visitor) -> None:
    page = visitor.open("/prompts?period=7d")
    first = page.locator("#doctor li").first
    expect(first).to_contain_text(
        "A date or time in system 1, byte 31 changes from call to call: `a, 00 a 0000, 00:00:00`."
    )
    expect(page.locator("#doctor")).to_contain_text("<b>bold</b>")
    page.locator('.drawing svg.wide path[aria-label*="coding agent"]').last.hover()
    expect(page.locator(".tooltip")).to_contain_text("tokens")
    first.get_by_role("link", name="calls").click()
    expect(page.locator(".chip")).to_contain_text("support chat")


def test_the_answers_of_a_feature_are_dropped(visitor: Visitor) -> None:
    page = visitor.open("/cache?period=7d")
    mark = page.locator('.drawing svg.wide path[aria-label*="exact"]').last
    mark.hover()
    expect(page.locator(".tooltip")).to_contain_text("calls")
    row = page.locator("#features").get_by_role("row", name="support chat")
    row.locator("summary").click()
    row.get_by_role("button", name="Drop them").click()
    expect(page.locator(".flash")).to_contain_text(
        "3 answers of feature support chat dropped. The next calls ask the model."
    )
    expect(page.locator("#pins tbody tr")).to_have_count(1)
    page.locator("#features").get_by_role("link", name="support chat").click()
    expect(page.locator(".chip")).to_contain_text("support chat")
    expect(page.locator("#features tbody tr")).to_have_count(1)
