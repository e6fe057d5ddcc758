"""All pages as routes: each is let in, narrowed, read, drawn and filled in the same way, and says its errors as a page."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from farthing.dashboard import flash, shipped
from farthing.dashboard.access.door import Door, Visit
from farthing.dashboard.elsewhere import Elsewhere
from farthing.dashboard.filters import filters_of
from farthing.dashboard.forms import Posted, read_form, require_own, token
from farthing.dashboard.menu import menu
from farthing.dashboard.page import Action, Done, Page, Values
from farthing.dashboard.pages import PAGES
from farthing.dashboard.periods import NAMED
from farthing.dashboard.rendering import COMPRESSED, SECURITY, Rendering, document_security, theme_of
from farthing.dashboard.signing import Signer
from farthing.dashboard.sources import Sources
from farthing.dashboard.table import Table
from farthing.dashboard.view import View
from farthing.gateway.guard import OWN, Need
from farthing.model.errors import FarthingError, NotAuthenticated, NotFound, Unavailable
from farthing.store import StoreError

HEADINGS = {
    403: "Not for this key", 404: "Nothing here", 400: "This cannot be read", 413: "Too much", 429: "Too often",
    503: "One moment",
}  # fmt: skip
FILES = 2
"""Made at the same time; others wait."""
PIECE = 64 * 1024
"""Characters of a file that are sent at once."""
Answer = Callable[["Opened"], Awaitable[Response]]


class Opened(NamedTuple):
    """A page, for somebody who was let in."""

    page: Page
    request: Request
    view: View
    visit: Visit
    signer: Signer


class Site:
    """The pages. `routes` is what the gateway adds to its own."""

    def __init__(self, sources: Sources, door: Door, rendering: Rendering, pages: Sequence[Page] = PAGES) -> None:
        self._pages = pages
        self._sources = sources
        self._door = door
        self._rendering = rendering
        self._files = asyncio.Semaphore(FILES)

    def routes(self) -> list[Route]:
        found = [Route("/static/{name}", shipped.answer, methods=["GET"], middleware=COMPRESSED)]
        for page in self._pages:
            base = page.path.rstrip("/")
            found += [
                Route(
                    page.path,
                    self._guarded(page, page.need, self._shown),
                    methods=["GET"],
                    name=page.name,
                    middleware=COMPRESSED,
                ),
                Route(
                    f"{base}/csv/{{table}}",
                    self._guarded(page, page.need, self._csv),
                    methods=["GET"],
                    middleware=COMPRESSED,
                ),
            ]
            found += [
                Route(f"{base}/{name}", self._guarded(page, action.need, partial(self._done, name, action)), methods=["POST"])
                for name, action in page.actions.items()
            ]  # fmt: skip
        return [*found, Elsewhere("/{path:path}", self._lost, methods=["GET"])]

    def _guarded(self, page: Page, need: Need, answer: Answer) -> Callable[[Request], Awaitable[Response]]:
        """Errors are pages too."""

        async def answered(request: Request) -> Response:
            opened = None
            try:
                opened = self._opened(page, request, await self._door.enter(request, need))
                return await answer(opened)
            except NotAuthenticated:
                return RedirectResponse(f"/sign-in?{urlencode({'next': _here(request)})}", 303, headers=SECURITY)
            except StoreError:
                unread = Unavailable("The ledger cannot be read right now.", retry_after=5)
                return await self._error(page, request, unread, opened)
            except FarthingError as error:
                return await self._error(page, request, error, opened)

        return answered

    def _opened(self, page: Page, request: Request, visit: Visit) -> Opened:
        now_us = self._sources.now_us()
        signer = self._door.signer
        view = View(
            _path(request), request.path_params, request.query_params, filters_of(request.query_params, now_us),
            visit.entered, self._sources, token(signer, visit.id, now_us), signed_in=visit.signed_in,
        )  # fmt: skip
        return Opened(page, request, view, visit, signer)

    async def _shown(self, opened: Opened, more: Mapping[str, Any] = {}, status: int = 200) -> Response:
        page, request, view, visit, signer = opened
        said = flash.read(request, signer, visit.id, view.now_us)
        everywhere = {
            "page": page, "view": view, "menu": menu(self._pages, page, view), "periods": NAMED, "filters": view.filters,
            "flash": said, "live": request.method == "GET" and page.is_live(view),
        }  # fmt: skip
        values = {**everywhere, **await page.read(view), **more}
        if page.standalone:
            return await self._document(page, values)
        response = await self._rendering.page(f"{page.name}.html", values, status, theme_of(request))
        if said:
            flash.forget(response)
        return response

    async def _document(self, page: Page, values: Values) -> Response:
        """Shown, or kept as a file where the link says so."""
        text = await self._rendering.document(f"{page.name}.html", values)
        period = values["filters"].period
        name = f"farthing-{page.name}-{f'{period.first:%Y-%m}' if period.name == 'month' else period.name}.html"
        headers = document_security() | {"content-disposition": f'inline; filename="{name}"'}
        return HTMLResponse(text, headers=headers)

    async def _csv(self, opened: Opened) -> Response:
        """Few files at a time, and not on the loop, also where they are sent: some have ten thousand rows."""
        page, name = opened.page, opened.view.params["table"]
        async with self._files:
            found = _tables(await page.read(opened.view)).get(name)
            if found is None:
                raise NotFound(f"This page has no table {name!r}.")
            text = await asyncio.to_thread(found.csv)
        headers = SECURITY | {"content-disposition": f'attachment; filename="farthing-{page.name}-{name}.csv"'}
        return StreamingResponse(_pieces(text), media_type="text/csv", headers=headers)

    async def _done(self, name: str, action: Action, opened: Opened) -> Response:
        """Make a change, and open the page again; what did not work is said on the page, beside what was typed."""
        request, view, visit, signer = opened.request, opened.view, opened.visit, opened.signer
        form = await read_form(request)
        require_own(request, form, signer, visit.id, view.now_us)
        try:
            done = await action.do(view, form)
        except FarthingError as error:
            view.posted = Posted(name, form, error.message, error.param or "")
            return await self._shown(opened, status=error.status)
        if not isinstance(done, (str, Done)):
            return await self._shown(opened, done)
        said, href = done if isinstance(done, Done) else (done, view.again)
        response = RedirectResponse(href, 303, headers=SECURITY)
        flash.say(response, request, signer, visit.id, said, view.now_us)
        return response

    async def _lost(self, request: Request) -> Response:
        """There is no such page; whoever may come in is told with the menu beside it."""
        path = request.url.path
        error = NotFound(f"There is no page at {path if len(path) <= 80 else f'{path[:79]}…'}.\nSee whether the address is complete, or take a page of the menu.")  # fmt: skip
        page = Page("elsewhere", "", "Nothing here", OWN, _nothing)
        try:
            opened = self._opened(page, request, await self._door.enter(request, OWN))
        except (FarthingError, StoreError):
            return await self._error(page, request, error)
        return await self._error(page, request, error, opened)

    async def _error(
        self, page: Page, request: Request, error: FarthingError, opened: Opened | None = None
    ) -> Response:  # fmt: skip
        """For whoever was let in, with the menu beside it."""
        view = opened.view if opened is not None else None
        around = {"view": view, "menu": menu(self._pages, page, view)} if view is not None else {}
        values = {"page": page, "error": error, "heading": HEADINGS.get(error.status, "This did not work"), **around}
        return await self._rendering.page("error.html", values, error.status, theme_of(request))


async def _nothing(view: View) -> Values:
    return {}


def _tables(values: Values) -> dict[str, Table]:
    return {value.name: value for value in values.values() if isinstance(value, Table)}


def _pieces(text: str) -> Iterator[str]:
    """Each is compressed in a moment."""
    return (text[start : start + PIECE] for start in range(0, len(text), PIECE))


def _path(request: Request) -> str:
    """Of the page itself, also where one of its forms was sent or a table of it is downloaded."""
    path = request.url.path
    if request.method == "POST":
        return path.rpartition("/")[0] or "/"
    return path[: path.rindex("/csv/")] or "/" if "table" in request.path_params else path


def _here(request: Request) -> str:
    return f"{_path(request)}?{request.url.query}" if request.url.query else _path(request)
