"""A page that stays open, while calls come and alerts open: what changes, and what must not."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from browser.conftest import PROVIDERS, WIDTHS, Visitor
from farthing.model.record import Record
from farthing.store import Store, open_store
from farthing.store.alerts import Alerts, Change, Standing
from farthing.store.progress import Work, end, say
from integration.gateways import Gateway, gateway, settings_text


def _now_us() -> int:
    return time.time_ns() // 1000


def _calls(first: int, count: int) -> list[Record]:
    now = _now_us()
    return [
        Record(
            id=f"call-{number:04d}", started_us=now - (9_999 - number), wire="openai.chat", model="gpt-5.4", provider="openai",
            feature=f"feature {number % 3}", key_id="key-a", cost=10**7, baseline=10**7, in_tokens=100, out_tokens=10,
        )
        for number in range(first, first + count)
    ]  # fmt: skip


def do(made: Gateway, work: Callable[[Store], Awaitable[Any]]) -> None:
    async def done() -> None:
        store = await open_store(f"sqlite:///{made.folder}/ledger.db")
        await work(store)
        await store.close()

    with ThreadPoolExecutor(1) as thread:  # the browser's loop runs in this one
        thread.submit(asyncio.run, done()).result()


@pytest.fixture(scope="module")
def moving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    def filled(made: Gateway) -> None:
        do(made, lambda store: store.write(_calls(0, 60)))

    with gateway(tmp_path_factory.mktemp("moving"), settings_text(providers=PROVIDERS), before=filled) as made:
        yield made


@pytest.fixture(params=[("light", "desktop"), ("dark", "phone")], ids=["light", "dark"])
def visitor(request: pytest.FixtureRequest, chromium: Browser, moving: Gateway) -> Iterator[Visitor]:
    theme, width = request.param
    made = Visitor(chromium, moving.url, theme, WIDTHS[width])
    yield made
    made.leave()


def live(visitor: Visitor, path: str) -> Any:
    page = visitor.open(path)
    page.evaluate("window.opened = true")
    expect(page.locator("[data-live-dot=live]")).to_be_visible()
    return page


def test_new_calls_appear_and_the_rest_stays_as_it_was(visitor: Visitor, moving: Gateway) -> None:
    page = live(visitor, "/calls?period=today")
    newest = page.locator("#calls tbody tr").first
    last = newest.locator("th a").get_attribute("href")
    page.evaluate("scrollTo(0, 500)")
    kept = page.locator(f'#calls a[href="{last}"]')
    kept.focus()
    page.evaluate("scrollTo(0, 500)")
    at = int((last or "").split("call-")[1][:4]) + 1
    do(moving, lambda store: store.write(_calls(at, 2)))
    expect(newest.locator("th a")).to_have_attribute("href", f"/calls/call-{at + 1:04d}?period=today")
    assert page.evaluate("window.opened") is True
    assert page.evaluate("document.activeElement.getAttribute('href')") == last
    assert page.locator("#calls tbody tr").count() == 50
    assert page.evaluate("scrollY") > 0
    visitor.check()


def test_open_parts_selected_text_and_forms_are_left_alone(visitor: Visitor, moving: Gateway) -> None:
    page = live(visitor, "/?period=7d")
    details = page.locator(".metric details").first
    details.locator("summary").click()
    page.evaluate("getSelection().selectAllChildren(document.querySelector('h1'))")
    spent = page.locator(".tile .value").first
    before = spent.inner_text()
    do(moving, lambda store: store.write(_calls(1_000 + _now_us() % 8_000, 1)))
    expect(spent).not_to_have_text(before)
    assert details.evaluate("each => each.open")
    assert page.evaluate("getSelection().toString()") == page.locator("h1").inner_text()
    page.locator(".filters select").first.focus()
    before = spent.inner_text()
    do(moving, lambda store: store.write(_calls(1_000 + _now_us() % 8_000, 1)))
    page.wait_for_timeout(3_500)
    assert spent.inner_text() == before
    page.locator("h1").click()
    expect(spent).not_to_have_text(before)


def test_what_is_over_stays_and_alerts_are_told_there_too(visitor: Visitor, moving: Gateway) -> None:
    page = live(visitor, "/spend?period=yesterday")
    assert page.locator("#main[data-live]").count() == 0
    alert = Standing(
        "x", "default", "day_spend", "feature", "<b>chat</b>", "alert", text="Twice the usual.", since_us=_now_us()
    )
    do(moving, lambda store: Alerts(store).decide(lambda known, mutes: Change([alert])))
    toast = page.locator(".toast")
    expect(toast).to_contain_text("New alert: day spend: feature <b>chat</b>. Twice the usual.")
    visitor.check()
    toast.get_by_role("button").click()
    expect(toast).to_have_count(0)


def test_pictures_and_proofs_that_are_late_appear_by_themselves(visitor: Visitor) -> None:
    page = visitor.open("/?period=7d")
    expect(page.locator("#main:not([data-soon])")).to_be_visible()
    expect(page.locator(".drawing svg:visible").first).to_be_visible()
    assert "being worked out" not in page.locator("#savings").inner_text()
    visitor.check()


def test_it_can_be_paused(visitor: Visitor, moving: Gateway) -> None:
    page = live(visitor, "/?period=7d")
    page.locator("[data-live-dot]").click()
    expect(page.locator("[data-live-dot=paused]")).to_be_visible()
    page.reload()
    expect(page.locator("[data-live-dot=paused]")).to_be_visible()
    page.locator("[data-live-dot]").click()
    expect(page.locator("[data-live-dot=live]")).to_be_visible()


def test_work_under_way_is_shown_until_it_ends(visitor: Visitor, moving: Gateway) -> None:
    begun = _now_us() - 10 * 10**6
    work = Work("job", "default", "writing history", 25, 100, begun, begun + 10 * 10**6)
    page = live(visitor, "/?period=7d")
    do(moving, lambda store: store.do(lambda each: say(each, work)))
    expect(page.get_by_role("region", name="writing history")).to_contain_text("25 %, about 30.0 s left")
    visitor.check()
    do(moving, lambda store: store.do(lambda each: end(each, "job")))
    expect(page.get_by_role("region", name="writing history")).to_have_count(0)


def test_a_gateway_that_went_away_is_noticed(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> None:
    with gateway(tmp_path_factory.mktemp("brief"), settings_text(providers=PROVIDERS)) as made:
        visitor = Visitor(chromium, made.url)
        page = live(visitor, "/")
        made.stop()
        expect(page.locator("[data-live-dot=offline]")).to_be_visible()
        visitor._wrong.clear()  # the browser tells the console that it cannot connect
        visitor._context.close()


OLD = """<p class="flash" role="status">Done.</p><div class="tiles">1</div>
  <details class="a"><summary>more</summary><p>words</p></details>
  <ul><li><a href="/1">1</a></li><li><a href="/2">2</a></li></ul><span class="badge good">fine</span>"""
NEW = """<section class="progress">10 %</section><div class="tiles">2</div>
  <details class="a"><summary>more</summary><p>new words</p></details>
  <ul><li><a href="/3">3</a></li><li><a href="/1">one</a></li></ul><span class="badge bad">not</span>"""


def test_parts_that_come_and_go_leave_the_others_alone(visitor: Visitor, moving: Gateway) -> None:
    """On parts made for it: each keeps its mark as long as it is the same element."""
    page = live(visitor, "/?period=7d")
    page.evaluate(
        """old => {
          document.getElementById("main").innerHTML = old;
          for (const each of document.querySelectorAll("#main *")) each.mark = each.textContent;
          document.querySelector("#main details").open = true;
        }""",
        OLD,
    )
    page.route(
        "**/?period=7d", lambda route: route.fulfill(body=f"<main id='main'>{NEW}</main>", content_type="text/html")
    )
    do(moving, lambda store: store.write(_calls(1_000 + _now_us() % 8_000, 1)))
    main = page.locator("#main")
    expect(main).to_contain_text("new words")
    assert main.inner_text().split() == ["10", "%", "Done.", "2", "more", "new", "words", "3", "one", "not"]
    assert page.locator("#main details").evaluate("each => each.open")
    marks = ("div.tiles", "details p", 'a[href="/1"]', 'a[href="/3"]', "span.badge")
    assert [page.locator(f"#main {each}").evaluate("each => each.mark ?? ''") for each in marks] == ["1", "words", "1", "", "fine"]  # fmt: skip
