"""Templates to pages: what they know everywhere, the drawing of charts, and the headers that keep a page safe."""

import asyncio
import logging
import re
from base64 import b64encode
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse

from farthing.dashboard import formats, shipped, table
from farthing.dashboard.charts.chart import Chart
from farthing.dashboard.charts.studio import CannotDraw, Studio

_COLOURS = re.compile(r":root \{[^}]*\}")
DRAWN_WITHIN_S = 2.5
"""So long a page waits for its pictures: the first one of a gateway takes some seconds."""
THEMES = ("light", "dark", "auto")
log = logging.getLogger("farthing.dashboard")

SECURITY = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "cache-control": "no-store",
}
"""For every page: nothing from elsewhere, no inline script or style, in nobody's frame, kept by no cache."""
COMPRESSED = (Middleware(GZipMiddleware, minimum_size=1_024, compresslevel=6),)
"""For pages, files and tables, where the browser takes it. What is secret on a page is new each second, so that its size tells
nothing to who may choose other parts of it."""


class Rendering:
    """Fills templates. One for a gateway process."""

    def __init__(self, studio: Studio, drawn_within_s: float = DRAWN_WITHIN_S) -> None:
        self._studio = studio
        self._drawn_within_s = drawn_within_s
        self._turn = asyncio.Lock()
        """One template at a time is filled, and not on the loop: model calls wait for no page, and not for twenty in a row."""
        self._environment = _environment()

    async def page(
        self, template: str, values: Mapping[str, Any], status: int = 200, theme: str = "auto"
    ) -> HTMLResponse:
        """The filled template; charts among the values are drawn first, side by side. With `soon` among the values, or where
        a picture is late, the browser reads the page once more in a moment."""
        values = {"flash": "", "menu": [], "soon": False, **values, "theme": theme}
        return HTMLResponse(await self._filled(template, values, self._drawn_within_s), status, headers=SECURITY)

    async def document(self, template: str, values: Mapping[str, Any]) -> str:
        """A page that is whole in one file, with its style in it."""
        return await self._filled(template, {**values, "style": Markup(document_style())})  # our own file

    async def _filled(self, template: str, values: Mapping[str, Any], drawn_within_s: float | None = None) -> str:
        charts = {name: value for name, value in values.items() if isinstance(value, Chart)}
        tasks = [asyncio.ensure_future(self._drawing(each)) for each in charts.values()]
        late = (await asyncio.wait(tasks, timeout=drawn_within_s))[1] if tasks else set()
        for task in late:  # the studio goes on drawing
            task.cancel()
        drawn = [None if task in late else task.result() for task in tasks]
        known = {**values, "charts": charts, "drawings": dict(zip(charts, drawn, strict=True))}
        if late:
            known["soon"] = True
        async with self._turn:
            return await asyncio.to_thread(self._environment.get_template(template).render, known)

    async def _drawing(self, chart: Chart) -> Markup | None:
        """The picture; None where there is nothing to draw, or it cannot be drawn, and the page says it in words."""
        if not chart.rows:
            return None
        try:
            return Markup(await self._studio.draw(chart))
        except CannotDraw as error:
            log.warning("the chart %r cannot be drawn: %s", chart.kind, error)
            return None


@cache
def _environment() -> Environment:
    """What all templates know; it keeps those that were read."""
    made = Environment(
        loader=PackageLoader("farthing.dashboard"), autoescape=True, auto_reload=False, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    made.filters |= {
        "money": formats.money, "count": formats.count, "percent": formats.percent, "duration": formats.duration,
        "moment": formats.moment, "iso": formats.iso, "said": formats.said,
    }  # fmt: skip
    made.globals |= {
        "shown": table.shown, "exact": table.exact, "change": formats.change, "static": shipped.address,
    }  # fmt: skip
    return made


@cache
def document_style() -> str:
    """The style of a document: its own, with the light colours of the pages."""
    colours = _COLOURS.search(shipped.text("app.css"))
    return f"{colours[0] if colours else ''}\n{shipped.text('report.css')}"


@cache
def document_security() -> dict[str, str]:
    """Headers of a document that is shown by a browser: its own style, and nothing else."""
    mark = b64encode(sha256(document_style().encode()).digest()).decode()
    return SECURITY | {
        "content-security-policy": f"default-src 'none'; style-src 'sha256-{mark}'; base-uri 'none'; frame-ancestors 'none'"
    }


def theme_of(request: Request) -> str:
    """Light, dark, or as the browser's machine has it; as the switch of the pages left it."""
    theme = request.cookies.get("theme", "auto")
    return theme if theme in THEMES else "auto"
