"""Who calls: key -> principal, and the tags that headers, `metadata` and `user` add, as far as the key lets them.

Without any key the gateway serves its own machine only. A key's secret is hashed here and goes no further.
"""

from collections.abc import Callable, Mapping
from hashlib import sha256
from ipaddress import ip_address
from typing import Protocol
from urllib.parse import urlsplit

from farthing.model.call import Answer, Call
from farthing.model.errors import NotAllowed, NotAuthenticated
from farthing.model.principal import KEY_PREFIX, TAG_FIELDS, Key, Principal, may_use
from farthing.model.routes import ROUTED
from farthing.pipeline import Proceed

HEADER = b"x-farthing-"
TAG_HEADER = b"x-farthing-tag-"
FIELDS = frozenset((*TAG_FIELDS, "transaction"))
"""What callers can say of a call under its own name; all else is a free tag."""
MEMO = 10_000
"""How many principals are remembered; callers choose their tags, so there is a bound."""
VALUE_LIMIT = 128
"""Characters of a tag."""
VALUE_BYTES = 4 * VALUE_LIMIT
"""Bytes of a header that can be part of a tag; what follows is not even looked at, and not remembered."""
NAME_LIMIT = 64
"""Characters of a free tag's name."""
TAGS_LIMIT = 16
"""Free tags of a call."""


_PREFIX = KEY_PREFIX.encode()


class Keys(Protocol):
    """The keys that the gateway knows."""

    @property
    def empty(self) -> bool: ...
    def find(self, secret_hash: bytes) -> Key | None: ...
    async def look_up(self, secret_hash: bytes) -> Key | None:
        """From then on they are not `empty` if the store has any."""


class Identify:
    """See the module. `gather` finds the business transaction of a call that says none, and the tools that it names."""

    name = "identify"

    def __init__(self, keys: Keys, gather: Callable[[Call], None] | None = None) -> None:
        self._keys = keys
        self._gather = gather
        self._known: dict[tuple[object, ...], tuple[Principal, str]] = {}

    async def __call__(self, call: Call, proceed: Proceed) -> Answer:
        self.know(call, await key_of_caller(self._keys, call.headers, call.peer, call.started_us))
        return await proceed(call)

    def know(self, call: Call, key: Key | None) -> None:
        """Say who calls, by a key that was checked. Raises NotAllowed where the key may not use the model."""
        call.key = key
        call.principal, call.task = self._principal(key, said_of(call))
        if key is not None and call.ask.model not in ROUTED and not may_use(key, call.ask.model):
            allowed = ", ".join(key.models)
            raise NotAllowed(f"The key '{key.name}' may not use this model. It may use: {allowed}.", param="model")
        if self._gather is not None:
            self._gather(call)

    def _principal(self, key: Key | None, said: dict[str, str]) -> tuple[Principal, str]:
        """Most calls say what another has said before."""
        memo = (key.hash if key is not None else b"", *said.items()) if len(said) < 4 else None
        known = self._known.get(memo) if memo is not None else None
        if known is None:
            known = principal_of(key, said)
            if memo is not None and len(self._known) < MEMO:
                self._known[memo] = known
        return known


async def key_of_caller(keys: Keys, headers: Mapping[bytes, bytes], peer: str, now_us: int) -> Key | None:
    """The key that a request was sent with; None where the gateway has none yet. Raises NotAuthenticated, NotAllowed."""
    secret = secret_of(headers)
    if keys.empty and secret.startswith(_PREFIX):
        await keys.look_up(sha256(secret).digest())  # the very first key may be newer than what is known here
    if keys.empty:
        require_own_machine(peer, headers)
        return None
    return await authenticate(keys, secret, now_us)


async def authenticate(keys: Keys, secret: bytes, now_us: int) -> Key:
    """The key of a secret. Raises NotAuthenticated."""
    if not secret:
        raise NotAuthenticated("No API key was sent. Send a Farthing key (fk-...) as the SDK's API key.")
    secret_hash = sha256(secret).digest()
    key = keys.find(secret_hash) or await keys.look_up(secret_hash)
    if key is None:
        raise NotAuthenticated("The API key is not known to this gateway. `farthing keys create` makes one.")
    if key.revoked_us and key.revoked_us <= now_us:
        raise NotAuthenticated(f"The API key '{key.name}' was revoked.")
    if key.expires_us and key.expires_us <= now_us:
        raise NotAuthenticated(f"The API key '{key.name}' has expired. `farthing keys rotate` gives a new one.")
    return key


def secret_of(headers: Mapping[bytes, bytes]) -> bytes:
    """The key that a client sent, the OpenAI way or the Anthropic way; b"" if none."""
    bearer = headers.get(b"authorization", b"")
    if bearer[:7].lower() == b"bearer ":
        return bearer[7:].strip()
    return headers.get(b"x-api-key", b"").strip() or headers.get(b"api-key", b"").strip()


def require_own_machine(peer: str, headers: Mapping[bytes, bytes]) -> None:
    """Without keys only programs of this machine are served, and no web page that its browser shows: neither by its own
    origin, nor by a name that was made to point here. Raises NotAllowed."""
    if not _loopback(peer):
        raise NotAllowed(
            "This gateway has no keys yet, so it serves its own machine only. Make one there with `farthing keys create`."
        )
    host = headers.get(b"host", b"localhost").decode("latin-1")
    origin = headers.get(b"origin", b"").decode("latin-1")
    try:
        own = _loopback(urlsplit(f"//{host}").hostname or "") and (
            not origin or _loopback(urlsplit(origin).hostname or "")
        )
    except ValueError:
        own = False
    if not own:
        raise NotAllowed(
            "This gateway has no keys yet, so it answers to localhost only, and not to web pages of others."
        )


def said_of(call: Call) -> dict[str, str]:
    """What the caller says of the call: headers go before `metadata`, and these before `user`."""
    said = dict(call.ask.metadata)
    if call.ask.user:
        said.setdefault("user", call.ask.user[:VALUE_LIMIT])
    for name, value in call.headers.items():
        if name.startswith(HEADER):
            is_tag = name.startswith(TAG_HEADER)
            tag = name[len(TAG_HEADER if is_tag else HEADER) :][:NAME_LIMIT].decode("latin-1")
            if is_tag or tag in FIELDS or tag == "task":
                said[tag] = value[:VALUE_BYTES].decode("utf-8", "replace")
    return said


def principal_of(key: Key | None, said: Mapping[str, str]) -> tuple[Principal, str]:
    """The principal of a call, and its declared task: what was said, then the key's own tags; what the key pins stays."""
    if key is not None:
        said = {**key.tags, **said, **{name: key.tags.get(name, "") for name in key.pinned}}
    fields = {name: clean(said[name]) for name in FIELDS if name in said}
    free = [name for name in said if name not in FIELDS and name != "task"][:TAGS_LIMIT]
    tags = {clean(name)[:NAME_LIMIT]: clean(said[name]) for name in free}
    task = clean(said.get("task", ""))
    if key is None:
        return Principal(tags=tags, **fields), task
    return Principal(tenant=key.tenant, key_id=key.id, tags=tags, **fields), task


def clean(text: str) -> str:
    """A caller's word as it is kept: one short line, whatever was sent."""
    text = text[:VALUE_LIMIT]
    if text.isprintable():
        return text.strip()
    return "".join(char if char.isprintable() else " " for char in text).strip()


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
