"""Any address that nothing answers, when a browser asks for a page: then the answer is a page too. Programs, and whoever
asks below `/v1/`, get the error that they always got."""

from starlette.routing import Match, Route
from starlette.types import Scope

FOR_PROGRAMS = "/v1/"


class Elsewhere(Route):
    """Comes last wherever it stands: it says of itself that it fits in part, which counts only where nothing fits."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, child = super().matches(scope)
        if match is not Match.FULL or scope["path"].startswith(FOR_PROGRAMS) or not _wants_page(scope):
            return Match.NONE, {}
        return Match.PARTIAL, child


def _wants_page(scope: Scope) -> bool:
    return any(name == b"accept" and b"text/html" in value for name, value in scope["headers"])
