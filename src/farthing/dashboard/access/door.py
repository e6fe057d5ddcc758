"""Lets people in: by the key of their session, or without one where the gateway has no keys and they are on its machine."""

import msgspec
from starlette.requests import Request

from farthing.dashboard.access.signing import Signer
from farthing.gateway.guard import Guard, Need, Pass
from farthing.store import Store
from farthing.store.secret import secret


class Visit(msgspec.Struct, frozen=True):
    """Somebody who was let in."""

    entered: Pass
    id: str
    """Of the session, or of what stands for one. Forms and messages belong to it."""


class Door:
    def __init__(self, guard: Guard, store: Store) -> None:
        self._guard = guard
        self._store = store
        self._signer: Signer | None = None

    async def enter(self, request: Request, need: Need) -> Visit:
        """Who came, with what it may. Raises NotAuthenticated for somebody who must sign in, NotAllowed, NotFound where
        pages are off."""
        entered = await self._guard.enter(request, need)
        return Visit(entered, entered.key.id if entered.key is not None else "")

    async def signer(self) -> Signer:
        """With the secret of this store, which all its gateways share. Raises StoreError."""
        if self._signer is None:
            self._signer = Signer(await self._store.do(lambda connection: secret(connection, "pages")))
        return self._signer
