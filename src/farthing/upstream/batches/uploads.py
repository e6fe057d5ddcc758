"""Files at the provider, as OpenAI, Azure, Groq and Mistral keep them: one goes up as a form, results come down as lines.

Knows nothing of batches.
"""

import secrets
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from io import BytesIO

import msgspec

from farthing.model.clock import Clock
from farthing.model.errors import UpstreamError
from farthing.upstream.batches.api import Refused
from farthing.upstream.batches.asking import Asking, decoded, segment

_WAITING = ("uploaded", "pending", "running", "processing")
_LOOKS = 60


class _File(msgspec.Struct):
    id: str
    status: str | None = None


def form(lines: Iterable[bytes], name: str, purpose: str = "batch") -> bytes:
    """A form with the purpose and a file of these lines. Its boundary, in its first line, is random: none of what clients
    write can hold it."""
    boundary = b"farthing-" + secrets.token_hex(16).encode()
    head = (
        b'--%b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\n%b\r\n--%b\r\nContent-Disposition: form-data; '
        b'name="file"; filename="%b.jsonl"\r\nContent-Type: application/jsonl\r\n\r\n'
    )
    made = BytesIO()  # unlike a join it holds its parts once
    made.write(head % (boundary, purpose.encode(), boundary, name.encode()))
    made.writelines(lines)
    made.write(b"\r\n--%b--\r\n" % boundary)
    return made.getvalue()


async def upload(asking: Asking, data: bytes, clock: Clock, *, waits: bool = False) -> str:
    """Send such a form; gives the file's id. `waits`: until the provider has looked at it. Raises UpstreamError, Refused;
    a file that got there all the same costs nothing and expires."""
    boundary = data[2 : data.index(b"\r\n")]
    answer = await asking.post("/files", data, content_type=b"multipart/form-data; boundary=" + boundary)
    file = decoded(answer, _File)
    for look in range(_LOOKS):
        if not waits or file.status not in _WAITING:
            return file.id
        await clock.sleep(min(5.0, 0.5 * (look + 1)))
        file = decoded(await asking.get(f"/files/{segment(file.id)}"), _File)
    raise UpstreamError("The provider does not get ready with an uploaded file.")


async def remove(asking: Asking, *ids: str) -> None:
    """Delete files. Raises UpstreamError."""
    for id in ids:
        if id:
            try:
                await asking.delete(f"/files/{segment(id)}")
            except Refused:
                continue  # it may not be deleted; it expires


async def lines(asking: Asking, *ids: str) -> AsyncGenerator[bytes, None]:
    """The lines of these files, those without a name left out. One that is missing does not hide the others; it is raised
    at the end, as Refused. Raises UpstreamError."""
    missing: Refused | None = None
    for id in ids:
        if not id:
            continue
        try:
            async with aclosing(asking.lines(f"/files/{segment(id)}/content")) as rows:
                async for line in rows:
                    yield line
        except Refused as refused:
            missing = refused
    if missing is not None:
        raise missing
