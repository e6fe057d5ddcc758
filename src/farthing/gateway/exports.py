"""`/v1/farthing/exports`: the ledger as files for others, of one tenant: a FOCUS data set, and statements of who pays what.

A file is made whole first, beyond some megabytes on disk, and then sent piece by piece: a slow reader holds no state of
the ledger open, and what goes wrong is an error instead of half a file.
"""

import asyncio
import io
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from tempfile import SpooledTemporaryFile
from typing import TextIO, TypeVar, get_args

import msgspec
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from farthing.finops.focus.columns import Version
from farthing.finops.focus.rows import Wanted, export
from farthing.finops.focus.table import CsvFile
from farthing.finops.focus.units import Kinds
from farthing.finops.statement import statement, table
from farthing.finops.statement.page import page
from farthing.gateway.guard import Guard, Pass
from farthing.gateway.reports import span_of
from farthing.model.errors import BadRequest, Unavailable
from farthing.settings import Settings
from farthing.store import Store
from farthing.store.engine import Connection
from farthing.store.rollups import DAY_US, month_of

IN_MEMORY = 4 * 2**20
PIECE = 64 * 2**10
MOST_DAYS = 400
LONGEST_TITLE = 128
SHAPES = {"csv": "text/csv", "html": "text/html", "json": "application/json"}
T = TypeVar("T", bound=str)


def routes(store: Store, guard: Guard, settings: Settings, in_memory: int = IN_MEMORY) -> list[Route]:
    hosts = {name: each.kind or name for name, each in settings.providers.items()}

    async def focus(request: Request, entered: Pass) -> Response:
        query = request.query_params
        version = _one_of(query, "focus", get_args(Version), "1.2")
        kinds = _one_of(query, "token_kinds", get_args(Kinds), "type")
        first, end = span(query, time.time_ns() // 1000)
        wanted = Wanted(first, end, entered.tenant, version, kinds, hosts)
        file = _File(f"focus-{table.day_name(first)}.csv", SHAPES["csv"], in_memory)

        def work(connection: Connection) -> None:
            file.write(lambda text: export(connection, wanted, CsvFile(text, wanted.columns).write))

        return await file.made(store.do(work))

    async def statements(request: Request, entered: Pass) -> Response:
        query = request.query_params
        shape = _one_of(query, "format", tuple(SHAPES), "csv")
        wanted = _wanted(query, entered.tenant)
        found = await store.do(lambda connection: statement.read(connection, settings.finops, wanted))
        title = query.get("title", "")[:LONGEST_TITLE]
        file = _File(f"statement-{table.day_name(wanted.since_us)}.{shape}", SHAPES[shape], in_memory)
        return await file.made(asyncio.to_thread(file.write, lambda text: _write(text, found, shape, title)))

    return [
        guard.page("/v1/farthing/exports/focus", "GET", focus),
        guard.page("/v1/farthing/exports/statement", "GET", statements),
    ]


def span(query: QueryParams, now_us: int) -> tuple[int, int]:
    """Whole UTC days: `month`, or from `since_us` to `until_us`; this month by default. Raises BadRequest."""
    named = query.get("month")
    if named is None and "since_us" not in query and "until_us" not in query:
        first = month_of(now_us)
    elif named is None:
        first, end = span_of(query, now_us)
        if end - first > MOST_DAYS * DAY_US:
            raise BadRequest(f"An export is of {MOST_DAYS} days at most.", param="until_us")
        return first, end
    elif "since_us" in query or "until_us" in query:
        raise BadRequest("month says it all: leave out since_us and until_us.", param="month")
    else:
        first = _month(named)
    return first, month_of(first + 32 * DAY_US)


def _month(text: str) -> int:
    try:
        began = datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC)
        if not 1970 <= began.year < 2096:
            raise ValueError
    except ValueError:
        raise BadRequest("month is a calendar month (UTC), such as 2026-01.", param="month") from None
    return int(began.timestamp()) * 1_000_000


def _wanted(query: QueryParams, tenant: str) -> statement.Wanted:
    first, end = span(query, time.time_ns() // 1000)
    former = month_of(first - 1) if first and first == month_of(first) else first - (end - first)
    return statement.Wanted(
        first, end, max(0, former), _one_of(query, "by", get_args(statement.By), "team"),
        _one_of(query, "shared", tuple(statement.KEYS), "cost"), tenant, _flag(query, "spread_unnamed"), _flag(query, "lines"),
    )  # fmt: skip


def _one_of(query: QueryParams, name: str, known: tuple[T, ...], default: T) -> T:
    said = query.get(name, default)
    for each in known:
        if each == said:
            return each
    raise BadRequest(f"{name} is one of {', '.join(known)}.", param=name)


def _flag(query: QueryParams, name: str) -> bool:
    return _one_of(query, name, ("true", "false"), "false") == "true"


def _write(file: TextIO, found: statement.Statements, shape: str, title: str) -> None:
    if shape == "csv":
        table.write(file, found)
    elif shape == "json":
        file.write(msgspec.json.encode(table.plain(found)).decode())
    else:
        for piece in page(found, title):
            file.write(piece)


class _File(Response):
    """A file that is made and then sent."""

    def __init__(self, name: str, media: str, in_memory: int) -> None:
        super().__init__(media_type=media)
        self._name = name
        self._file = SpooledTemporaryFile(max_size=in_memory)  # noqa: SIM115 - it lives until it is sent

    def write(self, fill: Callable[[TextIO], object]) -> None:
        """Make it; blocks. Raises Unavailable where it has no room."""
        text = io.TextIOWrapper(self._file, encoding="utf-8", newline="", write_through=True)
        try:
            fill(text)
            text.flush()
        except OSError:
            raise Unavailable("The gateway has no room for this file.") from None
        finally:
            text.detach()

    async def made(self, work: object) -> "_File":
        """Itself, when `work` is done."""
        try:
            await work  # type: ignore[misc]
            size = self._file.tell()
            self._file.seek(0)
        except BaseException:
            self._file.close()
            raise
        self.headers["content-length"] = f"{size}"
        self.headers["content-disposition"] = f'attachment; filename="{self._name}"'
        self.headers["x-content-type-options"] = "nosniff"
        return self

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            while piece := self._file.read(PIECE):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            self._file.close()


def described() -> Mapping[str, tuple[str, ...]]:
    """What values parts of the query can have, for the description of the pages."""
    return {
        "focus": get_args(Version), "token_kinds": get_args(Kinds), "format": tuple(SHAPES),
        "by": get_args(statement.By), "shared": tuple(statement.KEYS), "spread_unnamed": ("true", "false"),
        "lines": ("true", "false"),
    }  # fmt: skip
