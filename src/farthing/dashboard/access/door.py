"""Lets people in: by the key of their session, or without one where the gateway has no keys and they are on its machine."""

from starlette.requests import Request

from farthing.gateway.guard import Guard, Need, Pass


class Door:
    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    async def enter(self, request: Request, need: Need) -> Pass:
        """Who came, with what it may. Raises NotAuthenticated for somebody who must sign in, NotAllowed, NotFound where
        pages are off."""
        return await self._guard.enter(request, need)
