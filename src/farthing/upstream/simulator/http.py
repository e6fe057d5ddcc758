"""What the endpoints share of HTTP: keys, bodies, headers, JSON; which family a client speaks."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from farthing.upstream.simulator import errors, play
from farthing.upstream.simulator.faults import Plan, UnknownFault
from farthing.upstream.simulator.provider import Provider, key_of
from farthing.upstream.simulator.wire import Family, Json, Refusal

Handler = Callable[[Request, str, int, Plan], Awaitable[Response]]
"""An endpoint: the request, the customer, the number of the request, the faults that it asked for."""

_ANTHROPIC_LONGEST = 32 * 1024 * 1024
_PROXY_PAGE = b"<html><head><title>%d</title></head><body><center><h1>%d Bad gateway</h1></center></body></html>"


def json_answer(what: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(what), status, headers, media_type="application/json")


def stamped(response: Response, family: Family, name: str) -> Response:
    if family == "anthropic":
        response.headers["request-id"] = name
        response.headers["anthropic-organization-id"] = "00000000-0000-4000-8000-000000000000"
    else:
        response.headers["x-request-id"] = name
        response.headers["openai-organization"] = "org-simulator"
        response.headers["openai-version"] = "2020-10-01"
    return response


def spoken_family(request: Request) -> Family:
    """Anthropic's clients name its version; that tells them apart where both share a path."""
    return "anthropic" if "anthropic-version" in request.headers else "openai"


def customer(request: Request, family: Family) -> str:
    """The customer. Raises Refusal without a key; any other will do."""
    bearer = request.headers.get("authorization", "")
    secret = bearer[7:].strip() if bearer.lower().startswith("bearer ") else ""
    secret = secret or request.headers.get("x-api-key", "") or request.headers.get("api-key", "")
    secret = secret or request.headers.get("x-goog-api-key", "")
    if secret:
        return key_of(secret)
    if family == "anthropic":
        raise Refusal(401, "authentication_error", "x-api-key header is required")
    raise Refusal(
        401, "invalid_request_error", "You didn't provide an API key. You need to provide your API key in an Authorization "
        "header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).",
    )  # fmt: skip


class HungUp(Exception):
    """The connection shall close before a byte is sent."""


def planned(
    provider: Provider, request: Request, body: Mapping[str, Any], number: int, raw: bytes, family: Family
) -> Plan:
    """The faults of a request that its endpoint sees to. Raises Refusal for those that are errors, and for a name that
    there is not (a test must not pass because of a typing error); raises HungUp."""
    header = request.headers.get("x-simulate-fault", "")
    try:
        plan = provider.faults.plan(header, body, number, raw)
    except UnknownFault as error:
        raise Refusal(400, "invalid_request_error", str(error)) from error
    if plan.has("drop"):
        raise HungUp
    errors.check(plan, family)
    return plan


def looked(provider: Provider, request: Request, number: int, family: Family) -> Plan:
    """The faults of a request that only looks at batches. Raises Refusal."""
    try:
        plan = provider.faults.plan(request.headers.get("x-simulate-fault", ""), {}, number)
    except UnknownFault as error:
        raise Refusal(400, "invalid_request_error", str(error)) from error
    if plan.has("batch-look-500"):
        raise errors.provider_error(500, family)
    return plan


def content(data: bytes, plan: Plan, media_type: str) -> Response:
    """A file, which may break off."""
    if plan.has("batch-cut-results"):
        return play.Whole(200, {}, data, plan=Plan({"cut-stream": 0.0}))
    return Response(data, media_type=media_type)


def refused(refusal: Refusal, family: Family, name: str) -> Response:
    """The answer to a request that is refused; a proxy before the provider answers with a page."""
    if refusal.status in (502, 504):
        return Response(_PROXY_PAGE % (refusal.status, refusal.status), refusal.status, media_type="text/html")
    shown = errors.shape(refusal, family, name)
    return stamped(json_answer(shown, refusal.status, refusal.headers), family, name)


async def json_body(request: Request, family: Family, longest: int) -> tuple[Json, bytes]:
    """The JSON object that was sent, and its bytes. Raises Refusal; Anthropic takes no more than 32 MB."""
    longest = min(longest, _ANTHROPIC_LONGEST) if family == "anthropic" else longest
    raw = await raw_body(request, longest, family)
    return decoded(raw, family), raw


def decoded(raw: bytes, family: Family) -> Json:
    """The JSON object. Raises Refusal."""
    try:
        body = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise errors.no_json(family) from error
    if not isinstance(body, dict):
        raise errors.no_json(family)
    return body


async def raw_body(request: Request, longest: int, family: Family) -> bytes:
    """Raises Refusal (413) for more bytes than `longest`."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > longest:
            raise errors.provider_error(413, family)
        parts.append(part)
    return b"".join(parts)


def uploaded(raw: bytes, content_type: str) -> dict[str, tuple[str, bytes]]:
    """The fields of a multipart form: name -> (file name, content). Raises Refusal."""
    boundary = re.search(r'boundary="?([^";]+)"?', content_type)
    if boundary is None:
        raise Refusal(400, "invalid_request_error", "The request must be multipart/form-data.")
    fields = {}
    for part in raw.split(b"--" + boundary[1].encode())[1:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        name = re.search(rb'\bname="([^"]*)"', head)
        file = re.search(rb'filename="([^"]*)"', head)
        if name is not None:
            fields[name[1].decode("utf-8", "replace")] = (
                file[1].decode("utf-8", "replace") if file else "", content.removesuffix(b"\r\n")
            )  # fmt: skip
    return fields


def page(listed: Sequence[Json], request: Request, most: int) -> Json:
    """Part of a list, by `limit` and `after` (`after_id`, `before_id`). Raises Refusal."""
    asked = request.query_params
    try:
        limit = min(most, max(1, int(asked.get("limit", "20"))))
    except ValueError as error:
        raise Refusal(400, "invalid_request_error", "limit: expected an integer") from error
    names = [one["id"] for one in listed]
    after, before = asked.get("after") or asked.get("after_id"), asked.get("before_id")
    start = names.index(after) + 1 if after in names else 0
    end = names.index(before) if before in names else len(names)
    start = max(start, end - limit) if before in names else start
    shown = list(listed[start : min(end, start + limit)])
    first, last = (shown[0]["id"], shown[-1]["id"]) if shown else (None, None)
    more = start > 0 if before in names else start + limit < end
    return {"data": shown, "first_id": first, "last_id": last, "has_more": more}
