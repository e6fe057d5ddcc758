"""The page on budgets in a browser: from all to one, a budget made, raised and removed by hand."""

from datetime import UTC, datetime, timedelta

from playwright.sync_api import expect

from browser.conftest import Visitor


def test_it_is_sound_everywhere(any_visitor: Visitor) -> None:
    page = any_visitor.open("/budgets")
    expect(page.locator(".budget")).not_to_have_count(0)
    any_visitor.check()
    page = any_visitor.open("/budgets?budget=each-user")
    expect(page.locator("#members tbody tr")).not_to_have_count(0)
    any_visitor.check()
    any_visitor.open("/budgets?budget=nobody", 404)


def test_one_is_made_raised_and_removed(visitor: Visitor) -> None:
    page = visitor.open("/budgets")
    page.locator(".budget", has_text="company").get_by_role("link", name="company").click()
    expect(page.locator("#leases")).to_contain_text("gateway-1")
    page.get_by_role("link", name="Budgets").last.click()
    form = page.locator("#make")
    form.locator('input[name="name"]').fill("by-hand")
    form.get_by_label("Amount").fill("lots")
    form.get_by_label("Team").fill("support")
    form.get_by_role("button", name="Make the budget").click()
    expect(page.get_by_role("alert")).to_contain_text("no amount of dollars")
    expect(form.get_by_label("Team")).to_have_value("support")
    visitor.forget()
    form.get_by_label("Amount").fill("30")
    form.get_by_role("button", name="Make the budget").click()
    expect(page.locator(".flash")).to_contain_text(
        "The budget by-hand is made: $30.00 a month for calls of team support."
    )
    page.get_by_label("How much more").fill("5")
    page.get_by_label("Last day (UTC)").fill((datetime.now(UTC) + timedelta(days=2)).strftime("%Y-%m-%d"))
    page.get_by_label("Reason").fill("launch")
    page.get_by_role("button", name="Raise").click()
    expect(page.locator(".flash")).to_contain_text("is $35.00 until")
    visitor.check()
    page.locator("summary", has_text="Remove").click()
    page.get_by_role("button", name="Remove").click()
    expect(page.locator(".flash")).to_contain_text("is removed")
    expect(page.locator(".budget", has_text="by-hand")).to_have_count(0)
