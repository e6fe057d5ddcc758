"""Cookies as all of ours are: out of reach of scripts, not sent along from other sites' forms, and over TLS only where there
is TLS."""

from starlette.requests import Request
from starlette.responses import Response


class Cookies:
    """`public_url`: where people reach the pages, if the settings say so; a proxy may end TLS there."""

    def __init__(self, public_url: str = "") -> None:
        self._is_public_tls = public_url.startswith("https:")

    def get(self, request: Request, name: str) -> str:
        return request.cookies.get(self._name(request, name), "")

    def set(self, response: Response, request: Request, name: str, value: str, seconds: float) -> None:
        response.set_cookie(
            self._name(request, name), value, max_age=round(seconds), httponly=True, samesite="lax",
            secure=self._is_secure(request),
        )  # fmt: skip

    def drop(self, response: Response, request: Request, name: str) -> None:
        response.delete_cookie(
            self._name(request, name), httponly=True, samesite="lax", secure=self._is_secure(request)
        )

    def _name(self, request: Request, name: str) -> str:
        """Browsers take a name of this kind from this host alone, so that no neighbour of the domain can set it."""
        return f"__Host-{name}" if self._is_secure(request) else name

    def _is_secure(self, request: Request) -> bool:
        return self._is_public_tls or request.url.scheme == "https"
