"""Takes the pictures of the pages that README and docs show, from a demo that runs: `make demo`, then in a second terminal
`.venv/bin/python tools/screenshots.py`. It needs Chromium (Debian: `chromium`).

The demo writes the history of a company that ends today, so pictures of two days differ in their dates and not in their story.
"""

import argparse
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, sync_playwright

IMAGES = Path(__file__).parents[1] / "docs" / "images"
PAGES = {
    "spend": "/spend", "calls": "/calls", "budgets": "/budgets", "alerts": "/alerts", "units": "/units",
    "routing": "/routing", "cache": "/cache", "batch": "/batch", "own": "/own", "prompts": "/prompts", "keys": "/keys", "audit": "/audit",
}  # fmt: skip
"""By the name of the picture. One that this version has no page for is left out."""
MOST_BYTES = 250_000
WIDTH, HEIGHT = 1280, 860
OVERVIEW = 1160
"""High enough for the chart of spend by day."""
Theme = Literal["light", "dark"]


def link(settings: Path) -> str:
    """An address that signs in once."""
    command = [sys.executable, "-m", "farthing", "dashboard", "link", "--config", str(settings)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"http\S+", said)
    assert found is not None, said
    return found[0]


@contextmanager
def signed_in(
    browser: Browser, settings: Path, theme: Theme, width: int = WIDTH, height: int = HEIGHT
) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=theme)
    page = context.new_page()
    page.goto(link(settings), wait_until="load")
    page.wait_for_url(lambda address: "/sign-in" not in address)
    yield page
    context.close()


def shoot(page: Page, path: Path) -> None:
    """The first screen of what the page shows now. A picture that is too large is a failure."""
    page.wait_for_selector("#main:not([data-soon])", timeout=60_000)  # what is worked out late
    page.wait_for_timeout(400)  # fonts and drawings
    path.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=path, full_page=False)
    size = path.stat().st_size
    print(f"{path.relative_to(IMAGES)}  {size / 1000:.0f} KB")  # noqa: T201
    assert size <= MOST_BYTES, f"{path} has more than {MOST_BYTES} bytes"


def card_of(page: Page, home: str) -> str:
    """The address of the card of a call whose model Farthing chose; or else of the newest."""
    for query in ("?tier=small", ""):
        page.goto(f"{home}/calls{query}", wait_until="load")
        links = page.locator("main a[href*='/calls/call-']")
        if links.count():
            return home + (links.first.get_attribute("href") or "")
    return f"{home}/calls"


def take(browser: Browser, settings: Path) -> None:
    with signed_in(browser, settings, "dark", height=OVERVIEW) as page:
        shoot(page, IMAGES / "overview-dark.png")
    with signed_in(browser, settings, "light", height=OVERVIEW) as page:
        shoot(page, IMAGES / "overview-light.png")
    with signed_in(browser, settings, "light") as page:
        home = "/".join(page.url.split("/")[:3])
        for name, path in PAGES.items():
            answer = page.goto(f"{home}{path}", wait_until="load")
            if answer is not None and answer.ok:
                shoot(page, IMAGES / "pages" / f"{name}.png")
        page.goto(card_of(page, home), wait_until="load")
        shoot(page, IMAGES / "pages" / "call.png")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--config", type=Path, default=Path(".farthing/demo/farthing.toml"), help="Settings of the demo."
    )
    parser.add_argument("--chromium", default=shutil.which("chromium") or shutil.which("google-chrome"))
    chosen = parser.parse_args()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chosen.chromium, args=["--no-sandbox"])
        take(browser, chosen.config)
        browser.close()


if __name__ == "__main__":
    main()
