"""The night's work as one job that can wait: a file of requests that a program of the company hands in, as
`farthing batch submit` does. Knows nothing of when that is, and of what becomes of it.
"""

from collections.abc import Sequence

import msgspec

from farthing.app.inside import JSON
from farthing.demo import inside
from farthing.demo.company import Ask
from farthing.gateway.asgi import Endpoints
from farthing.model.call import Header
from farthing.steps.defer.handing import JOBS
from farthing.wire import FORMATS

_EDGE = b"farthing-demo-night"
_FORM: Header = (b"content-type", b"multipart/form-data; boundary=" + _EDGE)


class Refused(Exception):
    """The gateway did not take it; the message is what it said."""


async def hand_in(endpoints: Endpoints, key: str, name: str, deadline: str, asks: Sequence[Ask]) -> None:
    """All of these, which are of one wire and one feature, to be answered within the deadline. Raises Refused."""
    wire, feature = asks[0].wire, asks[0].tags["feature"]
    form = _form(name, b"".join(_row(number, ask) for number, ask in enumerate(asks)))
    file = await _posted(endpoints, key, "/v1/files", form, _FORM)
    wanted = {"input_file_id": file["id"], "format": wire, "deadline": deadline, "name": name}
    await _posted(endpoints, key, JOBS, wanted, tags={"feature": feature})


async def _posted(
    endpoints: Endpoints, key: str, path: str, body: object, kind: Header = JSON, tags: dict[str, str] | None = None
) -> dict[str, str]:  # fmt: skip
    got = await inside.post(endpoints, key, path, body, kind, tags or {})
    if got.status not in (200, 201, 202):
        raise Refused(got.body.decode("utf-8", "replace"))
    said: dict[str, str] = msgspec.json.decode(got.body)
    return said


def _row(number: int, ask: Ask) -> bytes:
    """A line of the file. The body says whose it is, since the job is of them all."""
    body = {**ask.body, "user": ask.tags["user"]}
    line = {"custom_id": f"invoice-{number:04}", "method": "POST", "url": FORMATS[ask.wire].path, "body": body}
    return msgspec.json.encode(line) + b"\n"


def _form(name: str, rows: bytes) -> bytes:
    head = (
        b'--%b\r\ncontent-disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'
        b'--%b\r\ncontent-disposition: form-data; name="file"; filename="%b.jsonl"\r\n'
        b"content-type: application/jsonl\r\n\r\n"
    )
    return head % (_EDGE, _EDGE, name.replace(" ", "-").encode()) + rows + b"\r\n--%b--\r\n" % _EDGE
