"""`/v1/files`: files of requests for batches, and the files that batches end with, as OpenAI's clients know them.

What is uploaded goes into the store as it arrives; what a batch ends with is made from its lines as it is read. So no file is
ever held whole. Files for other purposes are the providers' own: Farthing keeps none.
"""

from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from farthing.gateway.finals import OUTPUT, job_of_file
from farthing.gateway.guard import Guard, Pass
from farthing.gateway.handed import check_stored, hands_in, new_name, own_file, own_key
from farthing.gateway.outputs import STATES, openai_line, pages_of
from farthing.gateway.streamed import Streamed
from farthing.gateway.uploads import FIELD_LIMIT, Part, Room, form_of, too_large
from farthing.model.batch import File
from farthing.model.clock import SYSTEM, Clock
from farthing.model.errors import BadRequest, NotFound
from farthing.settings import BatchSettings
from farthing.store import Store
from farthing.store.batch import files, lines
from farthing.store.errors import RowRefused
from farthing.store.sealing import Wrapping

PATH = "/v1/files"
BATCH = "batch"
PURPOSES = (BATCH, OUTPUT)
MEDIA = "application/octet-stream"
MIB = 2**20
FORM_BYTES = 64 * 1024
"""What a form may have around its file."""
MOST = 10_000
"""Files of one list."""
DAY_S = 86_400
KEPT_S = (3600, 30 * DAY_S)
"""Bounds of `expires_after`; the upper one is how long a file is kept that says nothing."""


class _Upload:
    """A form with one file, as it arrives."""

    def __init__(self, store: Store, wrapping: Wrapping, file: File, most: int) -> None:
        self._store, self._wrapping = store, wrapping
        self._file = file
        self._most = most
        self._fields: dict[str, bytes] = {}
        self._held = bytearray()
        self._size = 0
        self._begun = False

    async def take(self, part: Part) -> None:
        """Raises BadRequest, TooLarge, StoreError."""
        if part.name != "file":
            self._field(part)
            return
        if part.first:
            await self._begin(part)
        self._held += part.data
        self._size += len(part.data)
        if self._size > self._most:
            raise too_large(self._most)
        if len(self._held) >= files.PART:
            await self._put(files.PART)

    async def finished(self) -> File:
        """The file, when the form has ended. Raises BadRequest, StoreError."""
        if not self._begun:
            raise BadRequest("`file` is missing.", param="file")
        self._check_purpose()
        kept_s = self._kept_s()
        await self._put(len(self._held))
        expires_us = self._file.created_us + kept_s * 1_000_000
        done = await self._store.do(lambda connection: files.finish(connection, self._file.id, expires_us=expires_us))
        assert done is not None
        return done

    async def forget(self) -> None:
        if self._begun:
            await self._store.do(lambda connection: files.delete(connection, self._file.id))

    def _field(self, part: Part) -> None:
        whole = self._fields.get(part.name, b"") + part.data
        if len(whole) > FIELD_LIMIT:
            raise BadRequest(f"A field of the form has more than {FIELD_LIMIT} bytes.")
        self._fields[part.name] = whole

    async def _begin(self, part: Part) -> None:
        if self._begun or part.filename is None:
            raise BadRequest("`file` must be one file.", param="file")
        if not part.filename.endswith(".jsonl"):
            raise BadRequest("A file for batches is JSON lines, and its name ends in .jsonl.", param="file")
        if "purpose" in self._fields:
            self._check_purpose()
        self._file.name = "".join(letter if letter.isprintable() else "_" for letter in part.filename)
        self._begun = True
        await self._store.do(lambda connection: files.create(connection, self._file))

    def _check_purpose(self) -> None:
        purpose = self._fields.get("purpose", b"").decode("utf-8", "replace")
        if purpose != BATCH:
            raise BadRequest("Farthing keeps files for batches: `purpose` must be `batch`.", param="purpose")

    def _kept_s(self) -> int:
        anchor = self._fields.get("expires_after[anchor]", b"created_at")
        seconds = self._fields.get("expires_after[seconds]", b"%d" % KEPT_S[1]).decode("ascii", "replace")
        if anchor != b"created_at":
            raise BadRequest("`expires_after[anchor]` must be `created_at`.", param="expires_after[anchor]")
        if not (seconds.isascii() and seconds.isdigit()) or not KEPT_S[0] <= int(seconds[:12]) <= KEPT_S[1]:
            says = f"`expires_after[seconds]` must be {KEPT_S[0]} to {KEPT_S[1]}."
            raise BadRequest(says, param="expires_after[seconds]")
        return int(seconds)

    async def _put(self, size: int) -> None:
        """The first bytes of what is held go into the store."""
        data = bytes(self._held[:size])
        del self._held[:size]
        if data:
            await self._store.do(
                lambda connection: files.append(connection, self._file.id, data, wrapping=self._wrapping)
            )


class _Files:
    """See the module."""

    def __init__(self, store: Store, settings: BatchSettings, wrapping: Wrapping, room: Room, clock: Clock) -> None:
        self._store, self._settings, self._wrapping = store, settings, wrapping
        self._room, self._clock = room, clock
        self._most = settings.max_file_mb * MIB

    async def create(self, request: Request, entered: Pass) -> Response:
        now_us = self._clock.now_us()
        file = File(new_name("file-"), entered.tenant, BATCH, "", now_us, hands_in(entered))
        file.expires_us = now_us + DAY_S * 1_000_000  # what is left of an upload that breaks off
        upload = _Upload(self._store, self._wrapping, file, self._most)
        await check_stored(self._store, entered.tenant, self._settings)
        with self._room.taken():
            try:
                async for part in form_of(request, self._most + FORM_BYTES):
                    await upload.take(part)
                return JSONResponse(shown(await upload.finished()))
            except BaseException as error:
                with suppress(RowRefused):
                    await upload.forget()
                if isinstance(error, RowRefused):
                    raise BadRequest("The file was deleted while it arrived.") from None
                raise

    async def every(self, request: Request, entered: Pass) -> Response:
        query = request.query_params
        limit = number_of(query.get("limit", f"{MOST}"), MOST)
        order, purpose = query.get("order", "desc"), query.get("purpose", "")
        if order not in ("asc", "desc"):
            raise BadRequest("order is asc or desc.", param="order")
        if purpose and purpose not in PURPOSES:
            return JSONResponse(listed([], more=False))
        after = query.get("after", "")
        if after and await own_file(self._store, entered, after, PURPOSES) is None:
            raise BadRequest("`after` must be the id of a file.", param="after")
        found = await self._store.do(
            lambda connection: files.page(
                connection, tenant=entered.tenant, purposes=(purpose,) if purpose else PURPOSES, after=after,
                limit=limit + 1, newest_first=order == "desc", key_id=own_key(entered),
            )
        )  # fmt: skip
        return JSONResponse(listed([shown(file) for file in found[:limit]], more=len(found) > limit))

    async def one(self, request: Request, entered: Pass) -> Response:
        return JSONResponse(shown(await self._mine(request, entered)))

    async def delete(self, request: Request, entered: Pass) -> Response:
        file = await self._mine(request, entered)
        await self._store.do(lambda connection: files.delete(connection, file.id, tenant=entered.tenant))
        if file.purpose == OUTPUT:
            await self._drop(file)
        return JSONResponse({"id": file.id, "object": "file", "deleted": True})

    async def content(self, request: Request, entered: Pass) -> Response:
        file = await self._mine(request, entered)
        headers = {"content-length": f"{file.bytes}"}
        if file.purpose != OUTPUT:
            return Streamed(self._parts(file), MEDIA, headers=headers)

        async def delivered() -> None:
            await self._store.do(lambda connection: files.delete(connection, file.id))
            await self._drop(file)

        then = delivered if self._settings.drop == "delivery" else None
        return Streamed(self._answers(file), MEDIA, headers=headers, then=then)

    async def _mine(self, request: Request, entered: Pass) -> File:
        found = await own_file(self._store, entered, request.path_params["file_id"], PURPOSES)
        if found is None:
            raise NotFound("There is no such file, or it is not yours.")
        return found

    async def _parts(self, file: File) -> AsyncGenerator[bytes, None]:
        for no in range(file.parts):
            piece = await self._store.do(
                lambda connection, no=no: files.part(connection, file.id, no, wrapping=self._wrapping)  # type: ignore[misc]
            )
            if piece is None:
                return
            yield piece

    async def _answers(self, file: File) -> AsyncGenerator[bytes, None]:
        found = job_of_file(file.id)
        assert found is not None
        job_id, kind = found
        async for some in pages_of(self._store, self._wrapping, job_id, STATES[kind]):
            yield b"".join([openai_line(line) for line in some])

    async def _drop(self, file: File) -> None:
        found = job_of_file(file.id)
        assert found is not None
        job_id, kind = found
        await self._store.do(lambda connection: lines.forget_texts(connection, job_id, STATES[kind]))


def routes(
    store: Store, guard: Guard, settings: BatchSettings, wrapping: Wrapping, room: Room, clock: Clock = SYSTEM
) -> list[Route]:
    pages = _Files(store, settings, wrapping, room, clock)
    return [
        guard.page(PATH, "POST", pages.create),
        guard.page(PATH, "GET", pages.every),
        guard.page(f"{PATH}/{{file_id}}", "GET", pages.one),
        guard.page(f"{PATH}/{{file_id}}", "DELETE", pages.delete),
        guard.page(f"{PATH}/{{file_id}}/content", "GET", pages.content),
    ]


def shown(file: File) -> dict[str, Any]:
    """As OpenAI's API has it."""
    return {
        "id": file.id, "object": "file", "bytes": file.bytes, "created_at": file.created_us // 1_000_000,
        "expires_at": file.expires_us // 1_000_000 or None, "filename": file.name, "purpose": file.purpose,
        "status": "processed", "status_details": None,
    }  # fmt: skip


def listed(data: list[dict[str, Any]], *, more: bool) -> dict[str, Any]:
    """A page of a list as OpenAI's API has it."""
    return {
        "object": "list", "data": data, "first_id": data[0]["id"] if data else None,
        "last_id": data[-1]["id"] if data else None, "has_more": more,
    }  # fmt: skip


def number_of(text: str, most: int) -> int:
    """A `limit`. Raises BadRequest."""
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text[:9]) <= most or len(text) > 9:
        raise BadRequest(f"limit is a whole number from 1 to {most}.", param="limit")
    return int(text)
