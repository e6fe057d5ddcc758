"""Lets people in: by their session, by a key that is sent along, or without either where the gateway has no keys and they
are on its machine."""

from collections.abc import Callable
from typing import Literal

import msgspec
from starlette.requests import Request

from farthing.dashboard.access.sessions import Sessions
from farthing.dashboard.signing import Signer
from farthing.gateway.guard import Guard, Need, Pass, peer_of
from farthing.model.errors import NotAllowed, NotAuthenticated, NotFound
from farthing.model.principal import ROLES
from farthing.settings import Settings, is_loopback
from farthing.steps.identify import secret_of

Reach = Literal["loopback", "on", "off"]
FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")
"""What tells that a proxy stands in between, so that the connection does not say who calls."""


class Visit(msgspec.Struct, frozen=True):
    """Somebody who was let in."""

    entered: Pass
    id: str
    """Of the session, or of what stands for one. Forms and messages belong to it."""
    signed_in: bool = False
    """Whether there is a session to end."""


class Door:
    """`reach`: for whom there are pages at all."""

    def __init__(
        self, guard: Guard, sessions: Sessions, signer: Signer, reach: Reach, now_us: Callable[[], int]
    ) -> None:
        self._guard = guard
        self._sessions = sessions
        self.signer = signer
        self._reach = reach
        self._now_us = now_us

    async def enter(self, request: Request, need: Need) -> Visit:
        """Who came, with what it may. Raises NotAuthenticated for somebody who must sign in, NotAllowed, NotFound where
        pages are off."""
        self.require_open(request)
        if not secret_of(dict(request.scope["headers"])):
            session = await self._sessions.of(request, self._now_us())
            if session is not None:
                if ROLES.index(session.key.role) < ROLES.index(need.role):
                    raise NotAllowed(_too_little(need, session.key.role))
                entered = self._guard.let_in(request, session.key, need, session.person)
                return Visit(entered, session.id, signed_in=True)
        key = await self._guard.caller(request)
        if key is None and _is_forwarded(request):
            raise NotAuthenticated("Without keys only this machine is served, and a proxy stands in between.")
        return Visit(self._guard.let_in(request, key, need), key.id if key is not None else "")

    def still_in(self, request: Request, visit: Visit) -> bool:
        """Whether what let somebody in holds, as far as memory knows: the time of the session, the key. No store is asked, so
        that it can be asked often; who signed out is not seen."""
        if visit.signed_in:
            return self._sessions.holds(request, self._now_us())
        return self._sessions.is_open(visit.entered.key)

    def require_open(self, request: Request) -> None:
        """Raises NotFound where there are no pages for whoever comes."""
        is_here = is_loopback(peer_of(request)) and not _is_forwarded(request)
        if self._reach == "off" or (self._reach == "loopback" and not is_here):
            raise NotFound("There is nothing at this address.")


def reach_of(settings: Settings) -> Reach:
    enabled = settings.dashboard.enabled
    return settings.server.admin if enabled == "admin" else enabled


def _is_forwarded(request: Request) -> bool:
    return any(name in request.headers for name in FORWARDED)


def _too_little(need: Need, role: str) -> str:
    has = f"yours is {role}" if role else "yours sees its own calls only"
    return f"This page is for the role {need.role}{' and above' if need.role != 'admin' else ''}; {has}."
