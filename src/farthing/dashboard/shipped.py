"""Files that come with the pages: style sheet, script, pictures. Their addresses change with their content, so that a browser
may keep them for ever."""

import mimetypes
from functools import lru_cache
from hashlib import sha256
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response

from farthing.model.errors import NotFound

FOREVER, AWHILE = "public, max-age=31536000, immutable", "public, max-age=60"


@lru_cache
def _all() -> dict[str, bytes]:
    folder = files("farthing.dashboard").joinpath("static")
    return {each.name: each.read_bytes() for each in folder.iterdir() if each.is_file()}


def address(name: str) -> str:
    """Raises KeyError for a file that is not there."""
    return f"/static/{name}?v={_version(name)}"


@lru_cache
def _version(name: str) -> str:
    return sha256(_all()[name]).hexdigest()[:10]


def text(name: str) -> str:
    """Raises KeyError for a file that is not there."""
    return _all()[name].decode()


async def answer(request: Request) -> Response:
    """Kept for ever only under the address of this very content: while gateways of two versions stand behind one address, the
    page may be of one and its file of the other. Raises NotFound."""
    name = request.path_params["name"]
    content = _all().get(name)
    if content is None:
        raise NotFound("There is nothing at this address.")
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    kept = FOREVER if request.query_params.get("v") == _version(name) else AWHILE
    return Response(content, media_type=kind, headers={"cache-control": kept, "x-content-type-options": "nosniff"})
