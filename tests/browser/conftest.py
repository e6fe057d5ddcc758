"""The pages in a real browser, on a real gateway whose ledger is a company's. What holds for every page is held here."""

import shutil
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

from browser import company, oddities
from integration.gateways import Gateway, gateway, settings_text

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PROVIDERS = """
[providers.openai]
base_url = "http://127.0.0.1:9/v1"
api_key = "sk-none"
[providers.anthropic]
base_url = "http://127.0.0.1:9"
api_key = "sk-none"
"""
TRANSACTIONS = """
[transactions]
hourly_rate = 60
[transactions.plans]
pro = 20
[transactions.types.support_resolution]
human_minutes = 15
"""
expect.set_options(timeout=120_000)  # a slow machine needs its time
WIDTHS = {"desktop": 1360, "phone": 390}


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway without keys, so that whoever is on its machine sees all."""

    def filled(made: Gateway) -> None:
        for module in (company, oddities):
            made.fill(module.__file__)

    with gateway(
        tmp_path_factory.mktemp("site"), settings_text(providers=PROVIDERS + TRANSACTIONS), before=filled
    ) as made:
        yield made


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """One for this folder: as long as it lives its event loop runs, and no test of another kind could have one."""
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


class Visitor:
    """Somebody with a browser. Whatever a page does wrong on its own, such as an error in the console or a request to
    somewhere else, fails the test when the visitor leaves."""

    def __init__(self, browser: Browser, url: str, theme: Any = "light", width: int = WIDTHS["desktop"]) -> None:
        self.url = url
        self._wrong: list[str] = []
        self._context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)
        self.page: Page = self._context.new_page()
        self.page.set_default_timeout(120_000)
        self.page.on(
            "console", lambda said: self._wrong.append(said.text) if said.type in ("error", "warning") else None
        )
        self.page.on("pageerror", lambda error: self._wrong.append(f"{error}"))
        self.page.on("request", self._seen)

    def open(self, path: str, status: int = 200) -> Page:
        answer = self.page.goto(self.url + path, wait_until="load")
        assert answer is not None
        assert answer.status == status, f"{path}: {answer.status}"
        if status >= 400:  # the browser itself tells the console of these
            self._wrong.clear()
        return self.page

    def forget(self) -> None:
        """What the browser itself told the console of an answer that was to be an error."""
        self._wrong.clear()

    def check(self) -> None:
        """What holds for each page: nothing wrong in the console, nothing that axe finds serious, nothing wider than the
        screen."""
        assert not self._wrong, self._wrong
        seen = Axe().run(self.page, options={"resultTypes": ["violations"]}).response["violations"]
        found = [each for each in seen if each["impact"] in ("serious", "critical")]
        assert not found, [
            (each["id"], each["help"], [node["html"][:200] for node in each["nodes"][:3]]) for each in found
        ]
        wide = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 1, f"the page is {wide} pixels wider than the screen"

    def forgive(self, word: str) -> None:
        """What the browser said of it is no fault of the page."""
        self._wrong = [said for said in self._wrong if word not in said]

    def leave(self) -> None:
        self._context.close()
        assert not self._wrong, self._wrong

    def _seen(self, request: Any) -> None:
        if urlsplit(request.url).netloc != urlsplit(self.url).netloc and not request.url.startswith("data:"):
            self._wrong.append(f"a request to elsewhere: {request.url}")


@pytest.fixture(params=["light", "dark"])
def theme(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=sorted(WIDTHS))
def width(request: pytest.FixtureRequest) -> int:
    return WIDTHS[request.param]


@pytest.fixture
def visitor(chromium: Browser, site: Gateway) -> Iterator[Visitor]:
    made = Visitor(chromium, site.url)
    yield made
    made.leave()


@pytest.fixture
def any_visitor(chromium: Browser, site: Gateway, theme: str, width: int) -> Iterator[Visitor]:
    """Light and dark, on a desk and on a phone."""
    made = Visitor(chromium, site.url, theme, width)
    yield made
    made.leave()
