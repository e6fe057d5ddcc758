"""Templates to pages: what is said in the headers, what happens to hostile words, and to a chart that cannot be drawn."""

import asyncio
import threading
from collections.abc import Iterator

import pytest
from jinja2 import DictLoader, Environment, UndefinedError
from starlette.requests import Request

from farthing.dashboard.charts.chart import Chart
from farthing.dashboard.charts.studio import CannotDraw, Studio
from farthing.dashboard.page import Page
from farthing.dashboard.rendering import SECURITY, Rendering, theme_of
from farthing.gateway.guard import OWN
from farthing.model.errors import NotFound


class Pen(Studio):
    """Draws nothing, or fails."""

    def __init__(self, svg: str = "") -> None:
        super().__init__()
        self.svg = svg

    async def draw(self, chart: Chart) -> str:
        if not self.svg:
            raise CannotDraw("no ink")
        return self.svg


async def nothing(view: object) -> dict[str, object]:
    return {}


ERROR = {"page": Page("x", "/x", "<X>", OWN, nothing), "heading": "<i>", "error": NotFound("<script>\nsecond & <b>")}


@pytest.fixture
def rendering() -> Iterator[Rendering]:
    yield Rendering(Pen())


async def test_words_are_never_markup_and_lines_are_apart(rendering: Rendering) -> None:
    answer = await rendering.page("error.html", ERROR, 404, "dark")
    text = bytes(answer.body).decode()
    assert answer.status_code == 404
    assert "&lt;script&gt;" in text and "<script>\n" not in text
    assert "<li>second &amp; &lt;b&gt;</li>" in text
    assert 'data-theme="dark"' in text


async def test_each_page_says_what_a_browser_may_do_with_it(rendering: Rendering) -> None:
    answer = await rendering.page("error.html", ERROR)
    for name, value in SECURITY.items():
        assert answer.headers[name] == value
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy and "default-src 'none'" in policy and "script-src 'self'" in policy


async def test_a_template_that_asks_for_what_is_not_there_is_a_mistake(rendering: Rendering) -> None:
    with pytest.raises(UndefinedError):
        await rendering.page("error.html", {"page": ERROR["page"]})


@pytest.mark.parametrize(("svg", "seen"), [("<svg>ok</svg>", "<svg>ok</svg>"), ("", "three dollars &amp; a half")])
async def test_a_chart_that_cannot_be_drawn_is_said_in_words(svg: str, seen: str) -> None:
    rendering = Rendering(Pen(svg))
    template = rendering._environment.from_string('{% import "_macros.html" as ui with context %}{{ ui.figure("c") }}')
    chart = Chart("spend_over_time", "T", "three dollars & a half", [{"x": 1}])
    drawing = await rendering._drawing(chart)
    text = template.render(charts={"c": chart}, drawings={"c": drawing}, view=None)
    assert seen in text


class Slow(Studio):
    """Draws when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.let = asyncio.Event()

    async def _drawn(self, chart: Chart) -> str:
        await self.let.wait()
        return "<svg>drawn</svg>"


async def test_a_page_does_not_wait_for_a_late_picture_and_finds_it_the_next_time() -> None:
    studio = Slow()
    late, patient = Rendering(studio, drawn_within_s=0.01), Rendering(studio, drawn_within_s=60)
    for each in (late, patient):
        each._environment = Environment(loader=DictLoader({"t": "{{ drawings.c }} {{ soon }}"}))
    values = {"c": Chart("spend_over_time", "T", "words", [{"x": 1}])}
    assert (await late.page("t", values)).body == b"None True"
    studio.let.set()
    assert (await patient.page("t", values)).body == b"<svg>drawn</svg> False"


def test_the_theme_is_one_of_ours() -> None:
    def asked(cookie: str) -> str:
        return theme_of(Request({"type": "http", "headers": [(b"cookie", cookie.encode())]}))

    assert asked("theme=dark") == "dark"
    assert asked('theme="><script>') == asked("") == "auto"


async def test_no_template_is_filled_on_the_loop(rendering: Rendering) -> None:
    threads: list[str] = []

    class Heading(str):
        def __html__(self) -> str:
            threads.append(threading.current_thread().name)
            return "x"

    many = [rendering.page("error.html", {**ERROR, "heading": Heading()}) for _ in range(3)]
    assert {answer.status_code for answer in await asyncio.gather(*many)} == {200}
    assert threads and threading.main_thread().name not in threads
