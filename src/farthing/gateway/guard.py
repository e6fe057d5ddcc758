"""Who may use the pages that are not model endpoints: the caller of a call, or an administrator."""

import time

from starlette.requests import Request

from farthing.model.errors import NotAllowed, NotFound
from farthing.model.principal import Key
from farthing.settings import is_loopback
from farthing.steps.identify import Keys, key_of_caller


class Guard:
    """Lets callers and administrators through, by the rules of the settings' `server.admin`."""

    def __init__(self, keys: Keys, admin: str) -> None:
        self._keys = keys
        self._admin = admin

    async def caller(self, request: Request) -> Key | None:
        """The key of the request; None where the gateway has no keys. Raises NotAuthenticated, NotAllowed."""
        return await key_of_caller(self._keys, dict(request.scope["headers"]), _peer(request), time.time_ns() // 1000)

    async def administrator(self, request: Request) -> Key | None:
        """The same for admin pages, which need an admin key, and are absent where they are off."""
        if self._admin == "off" or (self._admin == "loopback" and not is_loopback(_peer(request))):
            raise NotFound("There is nothing at this address.")
        key = await self.caller(request)
        if key is not None and not key.admin:
            raise NotAllowed("This needs an admin key (`farthing keys create --admin`).")
        return key


def _peer(request: Request) -> str:
    return request.client.host if request.client is not None else ""
