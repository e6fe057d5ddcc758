"""Draws charts as SVG, in one process of its own that starts with the first chart and ends when none was asked for.

Drawings are kept by what they show, so a page whose figures did not change costs nothing to draw again.
"""

import asyncio
import importlib
import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from zlib import crc32

from farthing.dashboard.aside import Aside, CannotDo
from farthing.dashboard.charts.chart import Chart

MOST_KEPT = 256
NARROW, NARROWER = 290, 0.62
"""What a chart is drawn again with for a phone, where the wide one would be too small to read: so wide at most, without its
axis, and so much narrower at least."""


class CannotDraw(Exception):
    """The chart could not be drawn; the page shows its table instead."""


class Studio:
    """One for a gateway process."""

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, str] = OrderedDict()
        self._under_way: dict[bytes, asyncio.Task[str]] = {}
        self._aside = Aside()

    async def draw(self, chart: Chart) -> str:
        """The chart as two `<svg>` elements, of which styles show one: `wide`, and `narrow` for phones. Raises CannotDraw."""
        key = chart.key
        if (found := self._kept.get(key)) is not None:
            self._kept.move_to_end(key)
            return found
        task = self._under_way.get(key)
        if task is None:
            task = self._under_way[key] = asyncio.create_task(self._drawn(chart))
            task.add_done_callback(partial(self._done, key))
        return await asyncio.shield(task)

    def _done(self, key: bytes, task: asyncio.Task[str]) -> None:
        """Whoever asked may have left by then: the next one finds it."""
        del self._under_way[key]
        if task.cancelled() or task.exception() is not None:
            return
        self._kept[key] = task.result()
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)

    async def _drawn(self, chart: Chart) -> str:
        try:
            return await self._aside.run(both_of, chart.kind, chart.rows, chart.options)
        except CannotDo as error:
            raise CannotDraw(str(error)) from error

    def close(self) -> None:
        """End the process; the next chart starts another."""
        self._aside.close(wait=True)


def both_of(kind: str, rows: Sequence[Mapping[str, Any]], options: Mapping[str, Any]) -> str:
    """The chart for a wide page, and for a narrow one. Runs in the process of its own, the only one that loads Altair and the
    renderer."""
    spec = _spec_of(kind, rows, options)
    config = {**spec["config"], "legend": {**spec["config"]["legend"], "columns": 2}}
    config["axisX"] = {**config["axisX"], "labelOverlap": "greedy", "labelSeparation": 8}
    narrow = {**spec, "config": config, "width": min(NARROW, round(NARROWER * spec["width"]))}
    return _svg(spec, "wide") + _svg(narrow, "narrow")


def svg_of(kind: str, rows: Sequence[Mapping[str, Any]], options: Mapping[str, Any]) -> str:
    """The wide one alone."""
    return _svg(_spec_of(kind, rows, options), "wide")


def _spec_of(kind: str, rows: Sequence[Mapping[str, Any]], options: Mapping[str, Any]) -> dict[str, Any]:
    theme = importlib.import_module("farthing.dashboard.charts.theme")
    chart = importlib.import_module(f"farthing.dashboard.charts.{kind}").draw(rows, options)
    spec: dict[str, Any] = theme.dressed(chart)
    return spec


def _svg(spec: Mapping[str, Any], look: str) -> str:
    return _embeddable(importlib.import_module("vl_convert").vegalite_to_svg(spec), look)


def _embeddable(svg: str, look: str) -> str:
    """The drawing as part of a page: it is as wide as its place, and what it names is named by no other drawing there."""
    own = f"{crc32(svg.encode()):08x}-"
    svg = re.sub(r'<svg([^>]*?) width="[\d.]+" height="[\d.]+"', r'<svg\1 width="100%"', svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) class="[^"]*"', rf'\1 class="{look}"', svg, count=1)
    return re.sub(r'(\bid="|url\(#)', rf"\g<1>{own}", svg)
