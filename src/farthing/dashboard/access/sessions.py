"""Sessions: who somebody is, in a signed cookie of their browser. It names a key by its id, never its secret, or a person
whom a provider of identities has vouched for. It is over when the key is, when its time is, and when they sign out."""

import secrets
from collections.abc import Iterable

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from farthing.dashboard.access.cookies import Cookies
from farthing.dashboard.signing import SECOND_US, Signer
from farthing.model.principal import Key, Role
from farthing.store import KeyRing, Store
from farthing.store.spent import is_spent, spend

COOKIE = "farthing-session"


class Identity(msgspec.Struct, frozen=True):
    """Somebody whom a provider of identities has vouched for."""

    person: str
    role: Role
    tenant: str
    mark: str
    """Of the settings that it was made by: others end the session."""


class Session(msgspec.Struct, frozen=True):
    id: str
    key: Key
    """For a person: one that stands for them and is in no store."""
    person: str = ""


class Sessions:
    def __init__(
        self, store: Store, keys: KeyRing, signer: Signer, cookies: Cookies, hours: float, oidc_mark: str
    ) -> None:
        self._store = store
        self._keys = keys
        self._signer = signer
        self._cookies = cookies
        self._seconds = hours * 3600
        self._oidc_mark = oidc_mark

    async def of(self, request: Request, now_us: int) -> Session | None:
        """The session that a request belongs to. Raises StoreError."""
        said = self._signer.read("session", self._cookies.get(request, COOKIE), now_us, self._seconds)
        if said is None or await self._store.do(lambda connection: is_spent(connection, said["id"])):
            return None
        if said.get("person"):
            if said["mark"] != self._oidc_mark:
                return None
            key = Key(id="", name=said["person"], hash=b"", tenant=said["tenant"], role=said["role"])
            return Session(said["id"], key, said["person"])
        found = await self.key(said["key"], said["mark"], now_us)
        return Session(said["id"], found) if found is not None else None

    def holds(self, request: Request, now_us: int) -> bool:
        """Whether a session goes on, as far as memory knows."""
        said = self._signer.read("session", self._cookies.get(request, COOKIE), now_us, self._seconds)
        if said is None:
            return False
        if said.get("person"):
            return bool(said["mark"] == self._oidc_mark)
        return self._valid(self._keys.named(said["key"]), said["mark"], now_us) is not None

    def is_open(self, key: Key | None) -> bool:
        """Whether a key that is sent along still opens the pages; None stands for a gateway that has no keys."""
        return self._keys.empty if key is None else bool(self._keys.named(key.id))

    def begin(self, response: Response, request: Request, who: Key | Identity, now_us: int) -> None:
        """A new session, whatever the browser had before."""
        if isinstance(who, Key):
            said = {"key": who.id, "mark": self._signer.mark(who.hash)}
        else:
            said = msgspec.to_builtins(who)
        value = self._signer.sign("session", {"id": secrets.token_hex(12), **said}, now_us)
        self._cookies.set(response, request, COOKIE, value, self._seconds)

    async def end(self, response: Response, request: Request, session_id: str, now_us: int) -> None:
        """Also for whoever may have a copy of the cookie. Raises StoreError."""
        until_us = now_us + round(self._seconds * SECOND_US)
        await self._store.do(lambda connection: spend(connection, session_id, until_us, now_us))
        self._cookies.drop(response, request, COOKIE)

    async def key(self, key_id: str, mark: str, now_us: int) -> Key | None:
        """The key, if it is still opened by the secret that the session began with. One that was just made may be known
        to the store alone."""
        found = self._keys.named(key_id)
        if not found:
            stored = await self._store.key(key_id)
            found = [stored] if stored is not None else []
        return self._valid(found, mark, now_us)

    def _valid(self, found: Iterable[Key], mark: str, now_us: int) -> Key | None:
        return next((key for key in found if _is_valid(key, now_us) and self._signer.mark(key.hash) == mark), None)


def _is_valid(key: Key, now_us: int) -> bool:
    return not key.revoked_us and (not key.expires_us or key.expires_us > now_us)
