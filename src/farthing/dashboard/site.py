"""All pages as routes: each is let in, narrowed, read, drawn and filled in the same way, and says its errors as a page."""

from collections.abc import Awaitable, Callable
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from farthing.dashboard import shipped
from farthing.dashboard.access.door import Door
from farthing.dashboard.filters import filters_of
from farthing.dashboard.menu import menu
from farthing.dashboard.page import Page, Values
from farthing.dashboard.pages import PAGES
from farthing.dashboard.periods import NAMED
from farthing.dashboard.rendering import SECURITY, Rendering
from farthing.dashboard.sources import Sources
from farthing.dashboard.table import Table
from farthing.dashboard.view import View
from farthing.model.errors import FarthingError, NotAuthenticated, NotFound, Unavailable
from farthing.store import StoreError

THEMES = ("light", "dark", "auto")
HEADINGS = {403: "Not for this key", 404: "Nothing here", 400: "This address cannot be read", 503: "One moment"}
Answer = Callable[[Page, Request, View], Awaitable[Response]]


class Site:
    """The pages. `routes` is what the gateway adds to its own."""

    def __init__(self, sources: Sources, door: Door, rendering: Rendering) -> None:
        self._sources = sources
        self._door = door
        self._rendering = rendering

    def routes(self) -> list[Route]:
        found = [Route("/static/{name}", shipped.answer, methods=["GET"])]
        for page in PAGES:
            found += [
                Route(page.path, self._guarded(page, self._shown), methods=["GET"], name=page.name),
                Route(f"{page.path.rstrip('/')}/csv/{{table}}", self._guarded(page, self._csv), methods=["GET"]),
            ]
        return found

    def _guarded(self, page: Page, answer: Answer) -> Callable[[Request], Awaitable[Response]]:
        """Errors are pages too."""

        async def answered(request: Request) -> Response:
            try:
                entered = await self._door.enter(request, page.need)
                filters = filters_of(request.query_params, self._sources.now_us())
                view = View(
                    request.url.path, request.path_params, request.query_params, filters, entered, self._sources
                )
                return await answer(page, request, view)
            except NotAuthenticated:
                return RedirectResponse(f"/sign-in?{urlencode({'next': _here(request)})}", 303, headers=SECURITY)
            except StoreError:
                return await self._error(
                    page, request, Unavailable("The ledger cannot be read right now.", retry_after=5)
                )
            except FarthingError as error:
                return await self._error(page, request, error)

        return answered

    async def _shown(self, page: Page, request: Request, view: View) -> Response:
        everywhere = {
            "page": page, "view": view, "menu": menu(PAGES, page, view), "periods": NAMED, "filters": view.filters,
        }  # fmt: skip
        values = {**everywhere, **await page.read(view)}
        return await self._rendering.page(f"{page.name}.html", values, theme=_theme(request))

    async def _csv(self, page: Page, request: Request, view: View) -> Response:
        name = view.params["table"]
        found = _tables(await page.read(view)).get(name)
        if found is None:
            raise NotFound(f"This page has no table {name!r}.")
        headers = SECURITY | {"content-disposition": f'attachment; filename="farthing-{page.name}-{name}.csv"'}
        return PlainTextResponse(found.csv(), media_type="text/csv", headers=headers)

    async def _error(self, page: Page, request: Request, error: FarthingError) -> Response:
        values = {"page": page, "error": error, "heading": HEADINGS.get(error.status, "This did not work")}
        return await self._rendering.page("error.html", values, error.status, _theme(request))


def _tables(values: Values) -> dict[str, Table]:
    return {value.name: value for value in values.values() if isinstance(value, Table)}


def _theme(request: Request) -> str:
    theme = request.cookies.get("theme", "auto")
    return theme if theme in THEMES else "auto"


def _here(request: Request) -> str:
    return f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path
