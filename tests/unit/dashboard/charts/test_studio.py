"""The studio: a real process draws, its end is survived, and what was drawn is not drawn again."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from farthing.dashboard.charts.chart import Chart
from farthing.dashboard.charts.studio import MOST_KEPT, CannotDraw, Studio, _embeddable
from farthing.dashboard.rendering import Rendering

ROWS = [
    {"at": f"2026-03-0{day}", "name": name, "dollars": day, "rank": 0, "said": f"{name}: ${day}"}
    for day in (1, 2)
    for name in ("<script>a</script>", '"b" & c')
]
OPTIONS = {"names": ["<script>a</script>", '"b" & c'], "each": "day"}
CHART = Chart("spend_over_time", "Spend", "Two names.", ROWS, OPTIONS)


class Counted(Studio):
    """Counts what is really drawn."""

    drawn = 0

    async def _drawn(self, chart: Chart) -> str:
        self.drawn += 1
        return await super()._drawn(chart)


@pytest.fixture
def studio() -> Iterator[Counted]:
    made = Counted()
    yield made
    made.close()


def pids(studio: Studio) -> list[int]:
    pool: Any = studio._aside._pool
    return list(pool._processes)


async def test_the_same_chart_is_drawn_once_and_hostile_names_stay_words(studio: Counted) -> None:
    one, two = await asyncio.gather(
        studio.draw(CHART), studio.draw(Chart("spend_over_time", "Other title", "", ROWS, OPTIONS))
    )
    assert one == two == await studio.draw(CHART)
    assert studio.drawn == 1
    assert one.startswith("<svg") and one.count('width="100%"') == 2
    assert re.findall(r'<svg[^>]* class="(\w+)"', one) == ["wide", "narrow"]
    wide, narrow = (float(width) for width in re.findall(r'viewBox="0 0 ([\d.]+)', one))
    assert narrow < 360 < wide  # a phone shows all of it, as large as it was drawn
    assert "<script" not in one
    assert "&lt;script&gt;a&lt;/script&gt;: $1" in one
    assert "var(--series-1)" in one  # one drawing for light and dark
    assert "http" not in re.sub(r'xmlns(:\w+)?="[^"]*"', "", one)


async def test_the_end_of_the_process_is_survived(studio: Counted) -> None:
    await studio.draw(CHART)
    (pid,) = pids(studio)
    assert pid != os.getpid()
    os.kill(pid, signal.SIGKILL)
    other = Chart("spend_over_time", "", "It is said in words.", ROWS[:1], OPTIONS)
    assert await Rendering(studio)._drawing(other) is None
    assert (await studio.draw(other)).startswith("<svg")  # the next try starts another


async def test_a_page_answers_in_words_when_a_chart_cannot_be_drawn(studio: Counted) -> None:
    for kind, options in (("spend_over_time", {}), ("no_such_chart", OPTIONS), ("../studio", OPTIONS)):
        with pytest.raises(CannotDraw):
            await studio.draw(Chart(kind, "", "", ROWS, options))
    template = '{% import "_macros.html" as ui with context %}{{ ui.figure("c") }}'
    rendering = Rendering(studio)
    chart = Chart("spend_over_time", "T", "Said instead.", ROWS, {})
    text = rendering._environment.from_string(template).render(
        charts={"c": chart}, drawings={"c": await rendering._drawing(chart)}, view=None
    )
    assert "Said instead." in text and "<svg" not in text


class Quick(Studio):
    """Draws without a process."""

    async def _drawn(self, chart: Chart) -> str:
        return "<svg>"


async def test_what_is_kept_is_bounded() -> None:
    studio = Quick()
    for day in range(MOST_KEPT + 1):
        await studio.draw(Chart("spend_over_time", "", "", [{"day": day}]))
    assert len(studio._kept) == MOST_KEPT
    assert Chart("spend_over_time", "", "", [{"day": 0}]).key not in studio._kept


def test_two_drawings_on_a_page_name_nothing_alike() -> None:
    one, two = (
        _embeddable(
            f'<svg width="10" height="{height}"><clipPath id="clip1"/><g clip-path="url(#clip1)"/></svg>', "wide"
        )
        for height in (5, 6)
    )
    names = [re.findall(r'id="([^"]+)"', svg)[0] for svg in (one, two)]
    assert names[0] != names[1]
    assert f"url(#{names[0]})" in one and f"url(#{names[1]})" in two


def test_the_gateway_s_own_process_never_loads_what_draws() -> None:
    """It would make each start a third of a second longer, and hold a hundred megabytes."""
    code = "import sys, farthing.app.dashboard; sys.exit('altair' in sys.modules or 'vl_convert' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
