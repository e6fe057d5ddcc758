"""Admin pages as JSON: keys, and what was spent. They need an admin key, and are absent on public addresses by default."""

import time
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from farthing.gateway.bodies import read_body
from farthing.gateway.guard import Guard
from farthing.model.errors import BadRequest, NotFound
from farthing.model.principal import Key
from farthing.steps.identify import VALUE_LIMIT
from farthing.store import Store, hash_of, new_id, new_secret
from farthing.wire.body import MODEL_LIMIT

LATEST_US = 4 * 10**15
"""The year 2096."""


Name = Annotated[str, msgspec.Meta(min_length=1, max_length=VALUE_LIMIT)]
Names = Annotated[
    tuple[Annotated[str, msgspec.Meta(min_length=1, max_length=MODEL_LIMIT)], ...], msgspec.Meta(max_length=100)
]
Tags = Annotated[dict[Name, Annotated[str, msgspec.Meta(max_length=VALUE_LIMIT)]], msgspec.Meta(max_length=32)]
Count = Annotated[int, msgspec.Meta(ge=0, le=10**12)]


class NewKey(msgspec.Struct, forbid_unknown_fields=True):
    """What a key is made from. Raises ValueError for words that no terminal should show."""

    name: Name
    tags: Tags = {}
    pinned: Names = ()
    models: Names = ()
    requests_per_minute: Count = 0
    tokens_per_minute: Count = 0
    admin: bool = False
    expires_us: Annotated[int, msgspec.Meta(ge=0, le=LATEST_US)] = 0

    def __post_init__(self) -> None:
        words = (self.name, *self.tags, *self.tags.values(), *self.pinned, *self.models)
        if not all(word.isprintable() for word in words):
            raise ValueError("names, tags and models are plain text in one line")


def routes(store: Store, guard: Guard) -> list[Route]:
    async def keys(request: Request, tenant: str) -> Response:
        every = [key for key in await store.keys() if key.tenant == tenant]
        return JSONResponse({"data": [_shown(key) for key in every]})

    async def create(request: Request, tenant: str) -> Response:
        wanted = await read_body(request, NewKey)
        secret = new_secret()
        now_us = time.time_ns() // 1000
        key = Key(id=new_id(), hash=hash_of(secret), tenant=tenant, created_us=now_us, **msgspec.structs.asdict(wanted))
        await store.add_key(key)
        return JSONResponse({**_shown(key), "secret": secret}, 201)

    async def revoke(request: Request, tenant: str) -> Response:
        key = await _mine(store, request, tenant)
        await store.revoke_key(key.id)
        return JSONResponse({"id": key.id, "revoked": True})

    async def rotate(request: Request, tenant: str) -> Response:
        key = await _mine(store, request, tenant)
        secret = new_secret()
        if not await store.rotate_key(key.id, hash_of(secret)):
            raise BadRequest("The key is revoked. Create a new one.")
        return JSONResponse({"id": key.id, "secret": secret})

    async def report(request: Request, tenant: str) -> Response:
        query = request.query_params
        since_us, until_us = _moment(query.get("since_us", "0")), _moment(query.get("until_us", str(LATEST_US)))
        rows = await store.report(query.get("by", "feature"), since_us, until_us, tenant=tenant)
        return JSONResponse({"data": msgspec.to_builtins(rows)})

    def page(path: str, method: str, answer: Callable[[Request, str], Awaitable[Response]]) -> Route:
        async def guarded(request: Request) -> Response:
            key = await guard.administrator(request)
            return await answer(request, key.tenant if key is not None else "default")

        return Route(path, guarded, methods=[method], name=answer.__name__)

    return [
        page("/v1/farthing/keys", "GET", keys),
        page("/v1/farthing/keys", "POST", create),
        page("/v1/farthing/keys/{key_id}/revoke", "POST", revoke),
        page("/v1/farthing/keys/{key_id}/rotate", "POST", rotate),
        page("/v1/farthing/report", "GET", report),
    ]


async def _mine(store: Store, request: Request, tenant: str) -> Key:
    key = await store.key(request.path_params["key_id"])
    if key is None or key.tenant != tenant:
        raise NotFound("There is no such key.")
    return key


def _moment(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 18 or int(text) > LATEST_US:
        raise BadRequest("since_us and until_us are microseconds since 1970.")
    return int(text)


def _shown(key: Key) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(key)
    del plain["hash"]
    return plain
