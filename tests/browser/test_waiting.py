"""The pages on work that can wait as a person meets them: in every light and width, and what is done there."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from browser import waiting
from browser.conftest import PROVIDERS, Visitor
from integration.gateways import Gateway, gateway, settings_text


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """With a queue that nobody works, so that it stays as it is."""

    def filled(made: Gateway) -> None:
        made.fill(waiting.__file__)

    text = settings_text(providers=PROVIDERS) + "[batch]\nworker = false\n"
    with gateway(tmp_path_factory.mktemp("waiting"), text, before=filled) as made:
        yield made


def test_they_are_sound_everywhere(any_visitor: Visitor) -> None:
    page = any_visitor.open("/batch?period=7d")
    expect(page.locator("#jobs tbody tr")).to_have_count(4)
    expect(page.locator("#jobs progress").first).to_be_visible()
    any_visitor.check()
    page.locator("#jobs summary", has_text="Promote").first.click()
    any_visitor.check()
    page = any_visitor.open("/batch/jobs/batch_tickets_monday")
    expect(page.locator("#errors tbody tr")).to_have_count(2)
    any_visitor.check()
    any_visitor.open("/batch/jobs/job-late")
    any_visitor.check()


def test_a_job_is_promoted_and_then_cancelled(visitor: Visitor) -> None:
    page = visitor.open("/batch")
    row = page.locator("#jobs tr", has_text="job-late")
    row.locator("summary", has_text="Promote").click()
    row.get_by_role("button", name="Have it done now").click()
    expect(page.get_by_role("status")).to_contain_text("of job job-late")
    page.locator("#jobs").get_by_role("link", name="job-late").click()
    page.locator("summary", has_text="Cancel").click()
    page.get_by_role("button", name="Cancel it").click()
    expect(page.get_by_role("status")).to_contain_text("25 lines are with a provider")
    expect(page.locator(".badge", has_text="cancelling")).to_be_visible()
    visitor.check()
