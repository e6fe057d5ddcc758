"""Keys: how secrets are made, where keys are kept, and the ring in memory that a call is checked against.

A secret is shown once, when it is made. What is stored and held in memory is its SHA-256: the secret is random and long,
so a slow hash would add cost to each call and nothing else.
"""

import asyncio
import hashlib
import secrets
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any, Protocol

import msgspec

from farthing.model.errors import Unavailable
from farthing.model.principal import KEY_PREFIX, Key
from farthing.store import audit
from farthing.store.engine import Connection, Row
from farthing.store.errors import Duplicate, StoreError
from farthing.store.schema import KEY_COLUMNS

_json = msgspec.json.Encoder()
_tags = msgspec.json.Decoder(dict[str, str])
_names = msgspec.json.Decoder(tuple[str, ...])
_ALL = ", ".join((*KEY_COLUMNS, "former_hash", "former_until_us"))


def new_secret() -> str:
    """A secret with 256 random bits, safe in headers, URLs and shells."""
    return KEY_PREFIX + secrets.token_urlsafe(32)


def new_id() -> str:
    """An id for a key; it is not secret."""
    return "key-" + secrets.token_hex(6)


def hash_of(secret: str | bytes) -> bytes:
    """What is stored of a secret."""
    return hashlib.sha256(secret.encode(errors="replace") if isinstance(secret, str) else secret).digest()


def add(connection: Connection, key: Key, who: str) -> None:
    """Raises ValueError if the key's id or secret is there already."""
    try:
        with connection.transaction():
            connection.insert("keys", KEY_COLUMNS, [_row(key)])
            _changed(connection)
            audit.note(connection, "key", key.id, "made", tenant=key.tenant, who=who, after=shown(key))
    except Duplicate:
        raise ValueError(f"a key with the id {key.id!r} or with this secret is there already") from None


def every(connection: Connection) -> list[Key]:
    return [_key(row) for row in connection.query(f"SELECT {_ALL} FROM keys ORDER BY created_us, id")]


def by_id(connection: Connection, key_id: str) -> Key | None:
    found = connection.query(f"SELECT {_ALL} FROM keys WHERE id = ?", (key_id,))
    return _key(found[0]) if found else None


def shown(key: Key) -> dict[str, Any]:
    """A key as people and machines may see it: without the hash of its secret."""
    plain: dict[str, Any] = msgspec.to_builtins(key)
    del plain["hash"]
    return plain


def revoke(connection: Connection, key_id: str, now_us: int, who: str) -> bool:
    with connection.transaction():
        count = connection.execute(
            "UPDATE keys SET revoked_us = ? WHERE id = ? AND revoked_us = 0", (max(1, now_us), key_id)
        )
        _changed(connection)
        if count:
            _note(connection, key_id, "revoked", who)
    return count > 0


def rotate(connection: Connection, key_id: str, new_hash: bytes, former_until_us: int, who: str) -> bool:
    """The former secret works until `former_until_us` (0: no longer); one that was replaced before works no longer."""
    with connection.transaction():
        count = connection.execute(
            "UPDATE keys SET former_hash = hash, former_until_us = ?, hash = ? WHERE id = ? AND revoked_us = 0",
            (former_until_us, new_hash, key_id),
        )
        _changed(connection)
        if count:
            _note(connection, key_id, "rotated", who, former_until_us=former_until_us)
    return count > 0


def changes(connection: Connection) -> int:
    return int(connection.query("SELECT n FROM marks WHERE name = 'keys'")[0][0])


def live(connection: Connection) -> tuple[int, list[Key]]:
    """The count of changes first: a change between the two reads is then seen by the next look."""
    count = changes(connection)
    return count, [
        key for row in connection.query(f"SELECT {_ALL} FROM keys WHERE revoked_us = 0") for key in _doors(row)
    ]


def by_hash(connection: Connection, secret_hash: bytes) -> Key | None:
    found = connection.query(
        f"SELECT {_ALL} FROM keys WHERE revoked_us = 0 AND (hash = ? OR former_hash = ?)", (secret_hash, secret_hash)
    )
    return next((key for row in found for key in _doors(row) if key.hash == secret_hash), None)


def _changed(connection: Connection) -> None:
    connection.execute("UPDATE marks SET n = n + 1 WHERE name = 'keys'")


def _note(connection: Connection, key_id: str, what: str, who: str, **detail: object) -> None:
    key = by_id(connection, key_id)
    assert key is not None
    audit.note(connection, "key", key_id, what, tenant=key.tenant, who=who, name=key.name, **detail)


def _row(key: Key) -> Row:
    return (
        key.id, key.name, key.hash, key.tenant, _packed(key.tags), _packed(key.pinned), _packed(key.models),
        key.requests_per_minute, key.tokens_per_minute, int(key.role == "admin"), key.created_us, key.expires_us, key.revoked_us,
        None if key.substitute is None else int(key.substitute), key.region, key.role,
    )  # fmt: skip


def _packed(value: object) -> str:
    return _json.encode(value).decode()


def _key(row: Row) -> Key:
    (
        id_, name, hash_, tenant, tags, pinned, models, requests_per_minute, tokens_per_minute, _admin, created_us,
        expires_us, revoked_us, substitute, region, role, _former_hash, _former_until_us,
    ) = row  # fmt: skip
    return Key(
        id=id_, name=name, hash=bytes(hash_), tenant=tenant, tags=_tags.decode(tags), pinned=_names.decode(pinned),
        models=_names.decode(models), requests_per_minute=requests_per_minute, tokens_per_minute=tokens_per_minute,
        role=role, created_us=created_us, expires_us=expires_us, revoked_us=revoked_us,
        substitute=None if substitute is None else bool(substitute), region=region,
    )  # fmt: skip


def _doors(row: Row) -> list[Key]:
    """The key under each secret that opens it: its own, and the former one as a key that expires with its grace."""
    key = _key(row)
    former_hash, former_until_us = row[-2:]
    if former_hash is None or former_until_us == 0:
        return [key]
    ends = min(former_until_us, key.expires_us) if key.expires_us else former_until_us
    return [key, msgspec.structs.replace(key, hash=bytes(former_hash), expires_us=ends)]


class KeyStore(Protocol):
    """What the ring needs of the store."""

    def when_keys_change(self, tell: Callable[[], Awaitable[None]]) -> None: ...

    async def key_changes(self) -> int: ...

    async def live_keys(self) -> tuple[int, list[Key]]: ...

    async def find_key(self, secret_hash: bytes) -> Key | None: ...


class KeyRing:
    """The keys that open the gateway, in memory.

    A background task takes over changes of the store within `refresh_s`; so long may a key still work that another process has
    revoked. Changes of this process are taken over before whoever makes them is answered, and the very first key, which
    closes the gateway, within `closing_s`, or with the first call that carries it. While the store cannot be read, the keys that are known stay (`trouble` says why). A secret that is not known is looked up in
    the store once, and no more than `lookups_per_s` such look-ups are made, so that a flood of wrong keys stays here; a
    key that was made during a flood works after the next refresh.
    """

    def __init__(
        self, store: KeyStore, *, refresh_s: float = 3.0, closing_s: float = 0.5, lookups_per_s: float = 20.0,
        most_unknown: int = 10_000, now: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        self._store = store
        self._refresh_s = refresh_s
        self._closing_s = min(closing_s, refresh_s)
        self._lookups_per_s = lookups_per_s
        self._most_unknown = most_unknown
        self._now = now
        self._keys: dict[bytes, Key] = {}
        self._unknown: dict[bytes, None] = {}
        self._asking: dict[bytes, asyncio.Task[None]] = {}
        self._changes = -1
        self._allowance = lookups_per_s
        self._allowed_at = time.monotonic()
        self._task: asyncio.Task[None] | None = None
        self.trouble = ""
        """Why the keys could not be refreshed the last time, in words; empty if they were."""

    def __len__(self) -> int:
        return len(self._keys)

    @property
    def empty(self) -> bool:
        """Whether no key was ever made: one that is revoked or expired still closes the gateway to strangers."""
        return self._changes <= 0

    async def load(self) -> None:
        """Read the keys and keep them fresh from now on. Raises StoreError."""
        await self.refresh()
        if self._task is None:
            self._store.when_keys_change(self._try_refresh)
            self._task = asyncio.create_task(self._keep_fresh(), name="keys")

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    def find(self, secret_hash: bytes) -> Key | None:
        """The key that this secret opens, from memory; None if it is unknown here, revoked or expired."""
        key = self._keys.get(secret_hash)
        if key is not None and key.expires_us and key.expires_us <= self._now() * 1e6:
            return None
        return key

    def named(self, key_id: str) -> list[Key]:
        """A key by its id, from memory: once for each secret that opens it now. Empty if it is unknown here or revoked."""
        return [key for key in self._keys.values() if key.id == key_id]

    async def look_up(self, secret_hash: bytes) -> Key | None:
        """`find`, and for a secret that memory does not know a look into the store, within the bounds above.

        Raises Unavailable if the store cannot be read.
        """
        if secret_hash not in self._keys and secret_hash not in self._unknown:
            asking = self._asking.get(secret_hash)
            if asking is None and self._may_ask():
                asking = self._asking[secret_hash] = asyncio.create_task(self._ask(secret_hash), name="key look-up")
                asking.add_done_callback(partial(self._asked, secret_hash))
            if asking is not None:
                await asyncio.shield(asking)  # many calls can wait for one look-up; one that leaves does not end it
        return self.find(secret_hash)

    async def _ask(self, secret_hash: bytes) -> None:
        try:
            key = await self._store.find_key(secret_hash)
            if self.empty:
                await self.refresh()
        except StoreError as error:
            self.trouble = error.message
            raise Unavailable("keys cannot be checked now", retry_after=self._refresh_s) from error
        if key is None:
            self._remember_unknown(secret_hash)
        else:
            self._keys[secret_hash] = key

    def _asked(self, secret_hash: bytes, task: asyncio.Task[None]) -> None:
        del self._asking[secret_hash]
        if not task.cancelled():
            task.exception()  # whoever waited has raised it; if all have left, nobody needs it

    async def refresh(self) -> None:
        """Take over what changed in the store. Raises StoreError. A store that has lost all keys was deleted or replaced:
        then those that are known stay, since a gateway without keys would be open to its whole machine."""
        before = self._changes
        changes = await self._store.key_changes()
        if changes == 0 < self._changes:
            self.trouble = "the store has lost its keys; those known so far stay until the gateway starts again"
            return
        if changes != before:
            changes, keys = await self._store.live_keys()
            if self._changes != before:
                return  # another look was quicker, and may have seen more
            self._changes = changes
            self._keys = {key.hash: key for key in keys}
            self._unknown = {}
        self.trouble = ""

    async def _keep_fresh(self) -> None:
        while True:
            await asyncio.sleep(self._closing_s if self.empty else self._refresh_s)
            await self._try_refresh()

    async def _try_refresh(self) -> None:
        try:
            await self.refresh()
        except StoreError as error:
            self.trouble = error.message

    def _may_ask(self) -> bool:
        """One look-up from the allowance, which grows with time."""
        now = time.monotonic()
        grown = self._allowance + (now - self._allowed_at) * self._lookups_per_s
        self._allowance = min(grown, self._lookups_per_s)
        self._allowed_at = now
        if self._allowance < 1:
            return False
        self._allowance -= 1
        return True

    def _remember_unknown(self, secret_hash: bytes) -> None:
        if len(self._unknown) >= self._most_unknown:
            self._unknown.clear()
        self._unknown[secret_hash] = None
