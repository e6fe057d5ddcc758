"""The sentence that says what a form did, on the page that is opened next. The browser carries it there in a signed cookie
that lasts seconds, so that no address of ours can be made to say something."""

from starlette.requests import Request
from starlette.responses import Response

from farthing.dashboard.signing import Signer

COOKIE = "farthing-said"
LASTS_S = 60
LONGEST = 600
"""Characters; a cookie holds some 4,000 bytes."""


def say(response: Response, request: Request, signer: Signer, visit_id: str, said: str, now_us: int) -> None:
    text = said if len(said) <= LONGEST else f"{said[: LONGEST - 1]}…"
    value = signer.sign("flash", {"said": text, "visit": visit_id}, now_us)
    response.set_cookie(
        COOKIE, value, max_age=LASTS_S, httponly=True, samesite="strict", secure=request.url.scheme == "https"
    )


def read(request: Request, signer: Signer, visit_id: str, now_us: int) -> str:
    """What is to be said to this visit; empty if nothing is."""
    found = signer.read("flash", request.cookies.get(COOKIE, ""), now_us, LASTS_S)
    return str(found["said"]) if found is not None and found["visit"] == visit_id else ""


def forget(response: Response) -> None:
    response.delete_cookie(COOKIE, httponly=True, samesite="strict")
