"""Large bodies: forms in pieces, however they are cut and whatever is in them; bounds in size and number."""

import tracemalloc
from collections.abc import AsyncIterator, Iterable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from farthing.gateway.protocol import CONNECTION
from farthing.gateway.uploads import FIELD_LIMIT, PARTS_LIMIT, PIECE, Part, Room, chunks_of, form_of
from farthing.model.errors import BadRequest, FarthingError, TooLarge, Unavailable

BOUNDARY = "a-boundary-7f"
NAMES = st.text(st.characters(min_codepoint=48, max_codepoint=122, exclude_characters='\\"'), min_size=1, max_size=8)


class Connection:
    def __init__(self) -> None:
        self.asked = 0

    def more_time(self) -> None:
        self.asked += 1


def request(
    chunks: Iterable[bytes], content_type: str = f"multipart/form-data; boundary={BOUNDARY}", **more: Any
) -> Request:
    pending = iter([*({"type": "http.request", "body": each, "more_body": True} for each in chunks)])

    async def receive() -> dict[str, Any]:
        return next(pending, {"type": "http.request", "body": b"", "more_body": False})

    headers = {
        "content-type": content_type,
        **{name.replace("_", "-"): value for name, value in more.items() if name != "extensions"},
    }
    scope = {
        "type": "http", "method": "POST", "path": "/", "query_string": b"", "extensions": more.get("extensions", {}),
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers.items()],
    }  # fmt: skip
    return Request(scope, receive)  # type: ignore[arg-type]


def form(fields: Iterable[tuple[str, str | None, bytes]], boundary: str = BOUNDARY) -> bytes:
    body = b""
    for name, filename, data in fields:
        more = "" if filename is None else f'; filename="{filename}"'
        body += f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'.encode() + data + b"\r\n"
    return body + f"--{boundary}--\r\n".encode()


def cut(body: bytes, cuts: list[int]) -> list[bytes]:
    places = [0, *sorted(each % (len(body) + 1) for each in cuts), len(body)]
    return [body[start:end] for start, end in pairwise(places)]


async def gathered(parts: AsyncIterator[Part]) -> list[tuple[str, str | None, bytes]]:
    found: list[tuple[str, str | None, bytes]] = []
    async for part in parts:
        if part.first:
            found.append((part.name, part.filename, b""))
        name, filename, data = found[-1]
        assert (name, filename) == (part.name, part.filename)
        found[-1] = (name, filename, data + part.data)
    return found


FIELDS = st.lists(
    st.tuples(NAMES, st.none() | NAMES, st.binary(max_size=300) | st.sampled_from([b"\r\n", f"\r\n--{BOUNDARY[:-1]}".encode()])),
    min_size=1, max_size=5,
)  # fmt: skip


@given(FIELDS, st.lists(st.integers(0, 10**6), max_size=30))
async def test_fields_as_they_were_sent_however_they_are_cut(fields: list[Any], cuts: list[int]) -> None:
    assert await gathered(form_of(request(cut(form(fields), cuts)), 2**20)) == fields


@given(st.binary(max_size=400), st.lists(st.integers(0, 500), max_size=6), st.integers(0, 3))
async def test_whatever_bytes_come_the_answer_is_a_refusal(data: bytes, cuts: list[int], how: int) -> None:
    head = f"--{BOUNDARY}\r\n".encode()
    body = (
        data,
        head + data,
        head + b'Content-Disposition: form-data; name="a"\r\n\r\n' + data,
        form([("a", "b", data)])[:-7],
    )[how]
    try:
        await gathered(form_of(request(cut(body, cuts)), 2**20))
    except FarthingError as error:
        assert error.status == 400


@given(st.text(st.characters(max_codepoint=255, exclude_characters="\r\n"), max_size=60))
async def test_whatever_kind_it_says_it_is(content_type: str) -> None:
    for said in (
        content_type,
        f"multipart/form-data; boundary={content_type}",
        f'multipart/form-data; boundary="{content_type}',
    ):
        try:
            await gathered(form_of(request([form([("a", "b", b"c")])], said), 2**20))
        except FarthingError as error:
            assert error.status == 400


async def test_what_is_no_form() -> None:
    whole = form([("purpose", None, b"batch")])
    for chunks, content_type in (
        ([whole], "application/json"), ([whole], "multipart/form-data"), ([whole[:-6]], None), ([b""], None),
        ([whole], f"multipart/form-data; boundary={'x' * 999}"), ([whole.replace(b"form-data", b"attachment")], None),
        ([whole.replace(b"Disposition", b"Other")], None), ([form([("a", None, b"")] * (PARTS_LIMIT + 1))], None),
        ([f"--{BOUNDARY}\r\n".encode() + b"A: b\r\n" * 5000 + b"\r\n"], None), ([f"--{BOUNDARY}\r\nA: ".encode() + b"b" * 10**6], None),
    ):  # fmt: skip
        with pytest.raises(BadRequest):
            await gathered(form_of(request(chunks, *([content_type] if content_type is not None else [])), 2**21))


async def test_a_body_is_bounded_and_gets_time_while_it_arrives() -> None:
    connection = Connection()
    sent = request([b"x" * 2**16] * 64, extensions={CONNECTION: connection})
    assert sum([len(chunk) async for chunk in chunks_of(sent, 2**22)]) == 2**22
    assert connection.asked == 2**22 // PIECE
    for refused in (
        request([b"x" * 2**16] * 65),
        request([], content_length=f"{2**22 + 1}"),
        request([], content_length="9" * 40),
    ):
        with pytest.raises(TooLarge, match="4 MiB"):
            [chunk async for chunk in chunks_of(refused, 2**22)]
    with pytest.raises(BadRequest, match="compressed"):
        [chunk async for chunk in chunks_of(request([], content_encoding="gzip"), 2**22)]


async def test_memory_is_that_of_a_piece() -> None:
    head, _, tail = form([("file", "a.jsonl", b"HERE")]).partition(b"HERE")

    def chunks() -> Iterable[bytes]:
        yield head
        for _ in range(300):
            yield b'{"custom_id": "a", "body": "\r\n-- \\n"}\n' * 1700  # 20 MB in all
        yield tail

    pending = chunks()

    async def receive() -> dict[str, Any]:
        data = next(pending, None)
        return {"type": "http.request", "body": data or b"", "more_body": data is not None}

    sent = request([])
    tracemalloc.start()
    size = 0
    async for part in form_of(Request(sent.scope, receive), 2**26):  # type: ignore[arg-type]
        size += len(part.data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert size > 18_000_000 and peak < 2**20


def test_room_is_for_so_many() -> None:
    room = Room(2)
    with room.taken(), room.taken(), pytest.raises(Unavailable), room.taken():
        raise AssertionError
    with room.taken(), room.taken():
        pass
    assert FIELD_LIMIT < PIECE
