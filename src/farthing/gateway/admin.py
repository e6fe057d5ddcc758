"""Admin pages as JSON: keys, what was spent, who changed what. They are absent on public addresses by default."""

import time
from typing import Annotated

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from farthing.gateway.bodies import read_body
from farthing.gateway.guard import Guard, Pass
from farthing.model.errors import BadRequest, NotFound
from farthing.model.principal import Key, Role
from farthing.steps.identify import VALUE_LIMIT
from farthing.store import Store, audit, hash_of, new_id, new_secret
from farthing.store.keys import shown
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
    role: Role = ""
    admin: bool = False
    """Short for the role admin."""
    expires_us: Annotated[int, msgspec.Meta(ge=0, le=LATEST_US)] = 0

    def __post_init__(self) -> None:
        words = (self.name, *self.tags, *self.tags.values(), *self.pinned, *self.models)
        if not all(word.isprintable() for word in words):
            raise ValueError("names, tags and models are plain text in one line")
        if self.admin and self.role not in ("", "admin"):
            raise ValueError("admin is the role admin; say one of the two")


def routes(store: Store, guard: Guard) -> list[Route]:
    async def keys(request: Request, entered: Pass) -> Response:
        every = [key for key in await store.keys() if key.tenant == entered.tenant]
        return JSONResponse({"data": [shown(key) for key in every]})

    async def create(request: Request, entered: Pass) -> Response:
        wanted = msgspec.structs.asdict(await read_body(request, NewKey))
        role = "admin" if wanted.pop("admin") else wanted.pop("role")
        secret = new_secret()
        now_us = time.time_ns() // 1000
        key = Key(
            id=new_id(), hash=hash_of(secret), tenant=entered.tenant, created_us=now_us, **(wanted | {"role": role})
        )  # fmt: skip
        await store.add_key(key, who=entered.who)
        return JSONResponse({**shown(key), "secret": secret}, 201)

    async def revoke(request: Request, entered: Pass) -> Response:
        key = await _mine(store, request, entered.tenant)
        await store.revoke_key(key.id, who=entered.who)
        return JSONResponse({"id": key.id, "revoked": True})

    async def rotate(request: Request, entered: Pass) -> Response:
        key = await _mine(store, request, entered.tenant)
        secret = new_secret()
        if not await store.rotate_key(key.id, hash_of(secret), who=entered.who):
            raise BadRequest("The key is revoked. Create a new one.")
        return JSONResponse({"id": key.id, "secret": secret})

    async def report(request: Request, entered: Pass) -> Response:
        query = request.query_params
        since_us, until_us = _moment(query.get("since_us", "0")), _moment(query.get("until_us", str(LATEST_US)))
        rows = await store.report(query.get("by", "feature"), since_us, until_us, tenant=entered.tenant)
        return JSONResponse({"data": msgspec.to_builtins(rows)})

    async def audit_log(request: Request, entered: Pass) -> Response:
        query = request.query_params
        since_us, until_us = _moment(query.get("since_us", "0")), _moment(query.get("until_us", str(LATEST_US)))
        kind = query.get("kind", "")
        if kind and kind not in audit.KINDS:
            raise BadRequest(f"kind is one of {', '.join(audit.KINDS)}.", param="kind")
        limit, before = _count(query.get("limit", "100")), _count(query["before"]) if "before" in query else None
        found = await store.do(
            lambda connection: audit.entries(
                connection, tenant=entered.tenant, kind=kind, target=query.get("target", "")[:VALUE_LIMIT], before=before,
                since_us=since_us, until_us=until_us, limit=limit,
            )
        )  # fmt: skip
        return JSONResponse({"data": msgspec.to_builtins(found)})

    return [
        guard.page("/v1/farthing/keys", "GET", keys),
        guard.page("/v1/farthing/keys", "POST", create),
        guard.page("/v1/farthing/keys/{key_id}/revoke", "POST", revoke),
        guard.page("/v1/farthing/keys/{key_id}/rotate", "POST", rotate),
        guard.page("/v1/farthing/report", "GET", report),
        guard.page("/v1/farthing/audit", "GET", audit_log),
    ]


async def _mine(store: Store, request: Request, tenant: str) -> Key:
    key = await store.key(request.path_params["key_id"])
    if key is None or key.tenant != tenant:
        raise NotFound("There is no such key.")
    return key


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or not 1 <= len(text) <= 15 or int(text) < 1:
        raise BadRequest("limit and before are whole numbers from 1.")
    return int(text)


def _moment(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 18 or int(text) > LATEST_US:
        raise BadRequest("since_us and until_us are microseconds since 1970.")
    return int(text)
