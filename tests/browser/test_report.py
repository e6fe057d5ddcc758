"""The report to send: shown by a browser, kept as a file, and printed."""

from pathlib import Path

from playwright.sync_api import Browser

from browser.conftest import Visitor


def test_it_is_sound_everywhere(any_visitor: Visitor) -> None:
    page = any_visitor.open("/report?period=last-month")
    assert page.locator("svg").count() >= 1
    assert page.evaluate("getComputedStyle(document.querySelector('main')).backgroundColor") == "rgb(255, 255, 255)"
    any_visitor.check()


def test_it_is_kept_from_the_overview_and_stands_by_itself(visitor: Visitor, chromium: Browser, tmp_path: Path) -> None:
    page = visitor.open("/")
    with page.expect_download() as kept:
        page.get_by_role("link", name="Report of this month").click()
    assert kept.value.suggested_filename.endswith(".html")
    file = tmp_path / "report.html"
    kept.value.save_as(file)
    context = chromium.new_context(offline=True, java_script_enabled=False)
    alone = context.new_page()
    asked: list[str] = []
    alone.on("request", lambda request: asked.append(request.url))
    alone.goto(file.as_uri())
    assert asked == [file.as_uri()]
    assert alone.get_by_role("heading", name="What was saved, and by what").count() == 1
    printed = alone.pdf(format="A4", prefer_css_page_size=True)
    assert printed.startswith(b"%PDF") and 2 <= printed.count(b"/Type /Page\n") <= 12
    context.close()
