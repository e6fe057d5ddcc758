"""Draws charts as SVG, in one process of its own that starts with the first chart and ends when none was asked for.

Drawings are kept by what they show, so a page whose figures did not change costs nothing to draw again.
"""

import asyncio
import importlib
import multiprocessing
import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any
from zlib import crc32

from farthing.dashboard.charts.chart import Chart

MOST_KEPT = 256
IDLE_S = 300.0
PATIENCE_S = 20.0


class CannotDraw(Exception):
    """The chart could not be drawn; the page shows its table instead."""


class Studio:
    """One for a gateway process."""

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, str] = OrderedDict()
        self._under_way: dict[bytes, asyncio.Task[str]] = {}
        self._pool: ProcessPoolExecutor | None = None
        self._ends: asyncio.TimerHandle | None = None

    async def draw(self, chart: Chart) -> str:
        """The chart as an `<svg>` element. Raises CannotDraw."""
        key = chart.key
        if (found := self._kept.get(key)) is not None:
            self._kept.move_to_end(key)
            return found
        task = self._under_way.get(key)
        if task is None:
            task = self._under_way[key] = asyncio.create_task(self._drawn(chart))
            task.add_done_callback(lambda _: self._under_way.pop(key, None))
        svg = await asyncio.shield(task)
        self._kept[key] = svg
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return svg

    async def _drawn(self, chart: Chart) -> str:
        loop = asyncio.get_running_loop()
        self._rest_later(loop)
        try:
            work = loop.run_in_executor(self._workers(), svg_of, chart.kind, chart.rows, chart.options)
            return await asyncio.wait_for(work, PATIENCE_S)
        except (BrokenProcessPool, TimeoutError) as error:
            self.close()
            raise CannotDraw("the drawing process ended or took too long") from error
        except Exception as error:
            raise CannotDraw(f"{type(error).__name__}: {error}") from error

    def _workers(self) -> ProcessPoolExecutor:
        if self._pool is None:
            self._pool = ProcessPoolExecutor(max_workers=1, mp_context=multiprocessing.get_context("spawn"))
        return self._pool

    def _rest_later(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._ends is not None:
            self._ends.cancel()
        self._ends = loop.call_later(IDLE_S, self.close)

    def close(self) -> None:
        """End the process; the next chart starts another."""
        if self._ends is not None:
            self._ends.cancel()
            self._ends = None
        pool, self._pool = self._pool, None
        if pool is not None:
            for process in list((pool._processes or {}).values()):
                process.terminate()
            pool.shutdown(wait=False, cancel_futures=True)


def svg_of(kind: str, rows: Sequence[Mapping[str, Any]], options: Mapping[str, Any]) -> str:
    """Runs in the process of its own, the only one that loads Altair and the renderer."""
    theme = importlib.import_module("farthing.dashboard.charts.theme")
    convert = importlib.import_module("vl_convert")
    chart = importlib.import_module(f"farthing.dashboard.charts.{kind}").draw(rows, options)
    return _embeddable(convert.vegalite_to_svg(theme.dressed(chart)))


def _embeddable(svg: str) -> str:
    """The drawing as part of a page: it is as wide as its place, and what it names is named by no other drawing there."""
    own = f"{crc32(svg.encode()):08x}-"
    svg = re.sub(r'(<svg[^>]*?) width="[\d.]+" height="[\d.]+"', r'\1 width="100%"', svg, count=1)
    return re.sub(r'(\bid="|url\(#)', rf"\g<1>{own}", svg)
