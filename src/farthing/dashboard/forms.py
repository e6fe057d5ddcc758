"""What somebody sends with a form: a small body, read in full before anything of it is believed, and only from our own pages."""

from urllib.parse import parse_qsl, urlsplit

import msgspec
from starlette.datastructures import ImmutableMultiDict
from starlette.requests import Request

from farthing.dashboard.signing import Signer
from farthing.model.errors import BadRequest, NotAllowed, TooLarge

Form = ImmutableMultiDict[str, str]
"""Fields by name; `getlist` for names that came more than once."""
LIMIT = 64 * 1024
"""Bytes of a body."""
MOST_FIELDS = 400
TOKEN = "_token"
"""Name of the hidden field that proves that the form was ours."""
TOKEN_S = 24 * 3600.0
"""How long a page may stand open before its forms are sent."""
_KIND = "application/x-www-form-urlencoded"


class Posted(msgspec.Struct, frozen=True):
    """What was sent and did not work, for the page to say why and to keep what was typed."""

    action: str
    form: Form
    problem: str
    param: str = ""
    """The field that it is about, where that is known."""


async def read_form(request: Request) -> Form:
    """Raises BadRequest, TooLarge."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != _KIND:
        raise BadRequest(f"A form is sent as {_KIND}.")
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LIMIT:
            raise TooLarge("This is more than a form can hold.")
    try:
        fields = parse_qsl(
            body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="replace"
        )
    except ValueError:
        raise BadRequest("These are more fields than any form here has.") from None
    return ImmutableMultiDict([(name, value.replace("\0", "").replace("\r\n", "\n")) for name, value in fields])


def token(signer: Signer, visit_id: str, now_us: int) -> str:
    """For the forms of a page that this visit is shown."""
    return signer.sign("form", {"visit": visit_id}, now_us)


def require_own(request: Request, form: Form, signer: Signer, visit_id: str, now_us: int) -> None:
    """The form was sent from a page that we showed to this visit. Raises NotAllowed."""
    require_same_origin(request)
    found = signer.read("form", form.get(TOKEN, ""), now_us, TOKEN_S)
    if found is None or found.get("visit") != visit_id:
        raise NotAllowed("This form is too old, or is not from here. Open the page again and repeat what you did.")


def require_same_origin(request: Request) -> None:
    """By what the browser says of where a request comes from, and a page cannot make it say otherwise. Raises NotAllowed."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        own = site in ("same-origin", "none")
    else:  # browsers say it to https and localhost only
        origin = request.headers.get("origin")
        own = origin is None or _place(origin) == request.headers.get("host", "").lower()
    if not own:
        raise NotAllowed("This form was sent from another site.")


def _place(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""
