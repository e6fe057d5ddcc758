"""The simulator as an ASGI app and as a server: routes, keys, bodies, errors in each provider's shape.

    create_app(settings)        the app
    running(settings)           serves it in this process on a free loopback port, for tests and the demo
    serve(settings, ...)        serves it until it is interrupted

`GET /simulator/bill` tells what the provider charges; it needs no key.
"""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Literal

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from farthing.upstream.simulator import models, tokens
from farthing.upstream.simulator.anthropic_messages import AnthropicMessages
from farthing.upstream.simulator.faults import Plan, UnknownFault
from farthing.upstream.simulator.models import Model
from farthing.upstream.simulator.openai_chat import OpenAIChat, unknown_model
from farthing.upstream.simulator.play import Dropped, Streamed, Whole
from farthing.upstream.simulator.provider import Provider, Work, key_of, visible
from farthing.upstream.simulator.rate_limits import moment
from farthing.upstream.simulator.settings import SimulatorSettings
from farthing.upstream.simulator.wire import Json, Refusal, Spent, Wire, anthropic_error, openai_error

Family = Literal["openai", "anthropic"]

_ANTHROPIC_LONGEST = 32 * 1024 * 1024
_OPENAI_ERRORS = {
    400: ("invalid_request_error", None, "The request is not valid."),
    401: ("invalid_request_error", "invalid_api_key", "Incorrect API key provided: sk-sim****. You can find your API key "
          "at https://platform.openai.com/account/api-keys."),
    403: ("invalid_request_error", "unsupported_country_region_territory", "Country, region, or territory not supported"),
    404: ("invalid_request_error", "model_not_found", "The model does not exist or you do not have access to it."),
    408: ("invalid_request_error", "request_timeout", "The request took too long to arrive."),
    409: ("conflict_error", None, "The resource was changed meanwhile. Please try again."),
    413: ("invalid_request_error", "request_too_large", "The request is too large."),
    422: ("invalid_request_error", None, "The request cannot be processed."),
    429: ("requests", "rate_limit_exceeded", "Rate limit reached for requests. Please try again later."),
    500: ("server_error", None, "The server had an error while processing your request. Sorry about that!"),
    503: ("server_error", None, "The engine is currently overloaded, please try again later"),
    529: ("server_error", None, "The engine is currently overloaded, please try again later"),
}  # fmt: skip
_ANTHROPIC_ERRORS = {
    400: ("invalid_request_error", "The request is not valid."),
    401: ("authentication_error", "invalid x-api-key"),
    403: ("permission_error", "Your API key does not have permission to use the specified resource."),
    404: ("not_found_error", "Not found"),
    408: ("timeout_error", "The request took too long to arrive."),
    409: ("conflict_error", "The resource was changed meanwhile."),
    413: ("request_too_large", "Request exceeds the maximum size"),
    422: ("invalid_request_error", "The request cannot be processed."),
    429: ("rate_limit_error", "This request would exceed the rate limit for your organization."),
    500: ("api_error", "Internal server error"),
    503: ("api_error", "Service unavailable"),
    529: ("overloaded_error", "Overloaded"),
}
_PROXY_PAGE = b"<html><head><title>%d</title></head><body><center><h1>%d Bad gateway</h1></center></body></html>"


class Simulator:
    """The endpoints. One object a served app."""

    def __init__(self, settings: SimulatorSettings, clock: Callable[[], float]) -> None:
        self.provider = Provider(settings, clock)
        self.settings = settings
        self.chat = OpenAIChat()
        self.messages = AnthropicMessages()

    def routes(self) -> list[Route]:
        return [
            *(
                Route(f"{base}/chat/completions", self.endpoint("openai", self.call(self.chat)), methods=["POST"])
                for base in ("/v1", "/openai/v1", "/openai/deployments/{deployment}")
            ),
            Route("/v1/messages", self.endpoint("anthropic", self.call(self.messages)), methods=["POST"]),
            Route("/v1/messages/count_tokens", self.endpoint("anthropic", self.count_tokens), methods=["POST"]),
            Route("/v1/models", self.endpoint("openai", self.list_models), methods=["GET"]),
            Route("/v1/models/{model}", self.endpoint("openai", self.show_model), methods=["GET"]),
            Route("/simulator/bill", self.show_bill, methods=["GET"]),
            Route("/{path:path}", self.endpoint("openai", self.nothing_here)),
        ]

    def endpoint(self, family: Family, inner: "Handler") -> Callable[[Request], Any]:
        """An endpoint whose refusals are written in the family's shape."""

        async def answer(request: Request) -> Response:
            number = self.provider.number()
            spoken = _spoken_family(request, family)
            try:
                key = _key(request, spoken)
                plan = self._plan(request, {}, number)
                return _stamped(await inner(request, key, number, plan), spoken, self._request_id(number))
            except Refusal as refusal:
                return self._refused(refusal, spoken, number)
            except ClientDisconnect:
                return Response(status_code=499)

        return answer

    def call(self, wire: Wire) -> "Handler":
        """The endpoint of a wire: one call of a model."""

        async def answer(request: Request, key: str, number: int, plan: Plan) -> Response:
            body, raw = await self.body(request, wire.family)
            deployment = request.path_params.get("deployment")
            if deployment is not None:
                body["model"] = deployment
            plan = self._plan(request, body, number, raw)
            if plan.has("drop"):
                return Dropped()
            failed = _failed(plan, wire.family)
            if failed is not None:
                return failed
            work = self.provider.work(wire, body, key, number, plan)
            path = request.url.path
            return self._streamed(wire, work, plan, path) if work.asked.stream else self._whole(wire, work, plan, path)

        return answer

    async def count_tokens(self, request: Request, key: str, number: int, plan: Plan) -> Response:
        body, raw = await self.body(request, "anthropic")
        plan = self._plan(request, body, number, raw)
        failed = _failed(plan, "anthropic")
        if failed is not None:
            return failed
        asked = self.messages.measure(body)
        return Whole(200, {}, msgspec.json.encode({"input_tokens": asked.prompt}), plan=plan)

    async def list_models(self, request: Request, key: str, number: int, plan: Plan) -> Response:
        if _spoken_family(request, "openai") == "anthropic":
            listed = [_anthropic_model(model) for model in models.of_family("anthropic")]
            return _json({"data": listed, "has_more": False, "first_id": listed[0]["id"], "last_id": listed[-1]["id"]})
        return _json({"object": "list", "data": [_openai_model(model) for model in models.of_family("openai")]})

    async def show_model(self, request: Request, key: str, number: int, plan: Plan) -> Response:
        family = _spoken_family(request, "openai")
        name = request.path_params["model"]
        model = models.find(name, family)
        if model is None:
            raise unknown_model(name) if family == "openai" else Refusal(404, "not_found_error", f"model: {name}")
        return _json(_openai_model(model) if family == "openai" else _anthropic_model(model))

    async def show_bill(self, request: Request) -> Response:
        bill = self.provider.bill
        return _json({"totals": bill.totals, "lines": list(bill.lines)})

    async def nothing_here(self, request: Request, key: str, number: int, plan: Plan) -> Response:
        raise Refusal(
            404, "invalid_request_error" if _spoken_family(request, "openai") == "openai" else "not_found_error",
            f"Invalid URL ({request.method} {request.url.path})",
        )  # fmt: skip

    async def body(self, request: Request, family: Family) -> tuple[Json, bytes]:
        """The JSON object that was sent, and its bytes. Raises Refusal."""
        raw = await self.raw(request, family)
        try:
            body = msgspec.json.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise _no_json(family) from error
        if not isinstance(body, dict):
            raise _no_json(family)
        return body, raw

    async def raw(self, request: Request, family: Family) -> bytes:
        longest = self.settings.max_body_bytes
        longest = min(longest, _ANTHROPIC_LONGEST) if family == "anthropic" else longest
        parts, size = [], 0
        async for part in request.stream():
            size += len(part)
            if size > longest:
                raise _error(413, family)
            parts.append(part)
        return b"".join(parts)

    def _plan(self, request: Request, body: Mapping[str, Any], number: int, raw: bytes = b"") -> Plan:
        """Raises Refusal for a fault that there is not: a test must not pass because of a typing error."""
        if not body:
            return Plan()
        header = request.headers.get("x-simulate-fault", "")
        try:
            return self.provider.faults.plan(header, body, number, raw)
        except UnknownFault as error:
            raise Refusal(400, "invalid_request_error", str(error)) from error

    def _whole(self, wire: Wire, work: Work, plan: Plan, path: str) -> Response:
        answer = wire.answer(work.asked, work.replies, work.told)

        def ended(how: str) -> None:
            self._charge(work, path, work.spent, how)

        wait = work.pace.whole(work.spent.output)
        return Whole(200, work.headers, msgspec.json.encode(answer), plan=plan, wait=wait, ended=ended)

    def _streamed(self, wire: Wire, work: Work, plan: Plan, path: str) -> Response:
        spent = work.spent

        def ended(how: str, sent: int, total: int) -> None:
            seen = visible(work.replies)
            unsent = seen - seen * sent // total if total else 0
            self._charge(work, path, msgspec.structs.replace(spent, output=spent.output - unsent), how)

        shape = next((name.removeprefix("usage-") for name in plan.values if name.startswith("usage-")), "")
        pieces = list(wire.pieces(work.asked, work.replies, work.told, shape))
        deltas = sum(piece.kind == "delta" for piece in pieces) or 1
        return Streamed(
            work.headers,
            pieces,
            plan=plan,
            error=wire.error_piece(_error(529, wire.family)),
            pace=work.pace,
            thinking=work.pace.per_token * spent.reasoning,
            gap=work.pace.per_token * visible(work.replies) / deltas,
            ended=ended,
        )

    def _charge(self, work: Work, path: str, spent: Spent, how: str) -> None:
        asked = work.asked
        self.provider.bill.add(
            asked.id, path, asked.question.model.id, spent, tier=asked.tier, stream=asked.stream, ended=how
        )

    def _request_id(self, number: int) -> str:
        return "req_" + self.provider.name(24, "request", number)

    def _refused(self, refusal: Refusal, family: Family, number: int) -> Response:
        name = self._request_id(number)
        shown = openai_error(refusal) if family == "openai" else anthropic_error(refusal, name)
        return _stamped(_json(shown, refusal.status, refusal.headers), family, name)


Handler = Callable[[Request, str, int, Plan], Any]


def create_app(settings: SimulatorSettings | None = None, *, clock: Callable[[], float] = time.time) -> Starlette:
    """The simulator's ASGI app. `clock` gives Unix seconds; caches, limits and batches go by it.

    Raises Unavailable without the extra `tokens`, UnknownFault for a fault in the settings that there is not.
    """
    tokens.require()
    return Starlette(routes=Simulator(settings or SimulatorSettings(), clock).routes())


@asynccontextmanager
async def running(
    settings: SimulatorSettings | None = None, *, clock: Callable[[], float] = time.time, port: int = 0
) -> AsyncIterator[str]:
    """Serve in this event loop on 127.0.0.1; gives the base URL without a path, as `http://127.0.0.1:49152`.

    OpenAI clients want `/v1` behind it, Anthropic's do not. On leaving, what is still open is broken off.
    """
    server = _Server(_config(create_app(settings, clock=clock)))
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            while not server.started:
                if serving.done():
                    await serving
                await asyncio.sleep(0.005)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving


def serve(settings: SimulatorSettings | None = None, *, host: str = "127.0.0.1", port: int = 4142) -> None:
    """Serve until SIGINT or SIGTERM."""
    uvicorn.Server(_config(create_app(settings), host=host, port=port)).run()


class _Server(uvicorn.Server):
    """A server that leaves the process's signals alone."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _Protocol(HttpToolsProtocol):
    """Leaves the connection in the scope, for the faults that close it without a word."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["farthing.transport"] = self.transport  # type: ignore[typeddict-unknown-key]


def _config(app: Starlette, host: str = "127.0.0.1", port: int = 0) -> uvicorn.Config:
    return uvicorn.Config(
        app, host=host, port=port, http=_Protocol, ws="none", lifespan="off", access_log=False, log_level="critical",
        timeout_keep_alive=60, timeout_graceful_shutdown=0, server_header=False,
    )  # fmt: skip


def _spoken_family(request: Request, family: Family) -> Family:
    """Anthropic's SDK names its version; that tells it apart where both share a path."""
    return "anthropic" if "anthropic-version" in request.headers else family


def _key(request: Request, family: Family) -> str:
    """The customer. Raises Refusal without a key; any other will do."""
    bearer = request.headers.get("authorization", "")
    secret = bearer[7:].strip() if bearer.lower().startswith("bearer ") else ""
    secret = secret or request.headers.get("x-api-key", "") or request.headers.get("api-key", "")
    if secret:
        return key_of(secret)
    if family == "anthropic":
        raise Refusal(401, "authentication_error", "x-api-key header is required")
    raise Refusal(
        401, "invalid_request_error", "You didn't provide an API key. You need to provide your API key in an Authorization "
        "header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).",
    )  # fmt: skip


def _no_json(family: Family) -> Refusal:
    if family == "anthropic":
        return Refusal(400, "invalid_request_error", "The request body is not valid JSON")
    return Refusal(
        400, "invalid_request_error", "We could not parse the JSON body of your request. (HINT: This likely means you "
        "aren't using your HTTP library correctly. The OpenAI API expects a JSON payload, but what was sent was not valid "
        "JSON.)",
    )  # fmt: skip


def _error(status: int, family: Family) -> Refusal:
    if family == "anthropic":
        kind, message = _ANTHROPIC_ERRORS.get(status, _ANTHROPIC_ERRORS[500])
        return Refusal(status, kind, message)
    kind, code, message = _OPENAI_ERRORS.get(status, _OPENAI_ERRORS[500])
    return Refusal(503 if status == 529 else status, kind, message, code=code)


def _failed(plan: Plan, family: Family) -> Response | None:
    """Raises Refusal for a fault that is an error of the provider; answers for one of a proxy before it."""
    if plan.has("insufficient-quota"):
        message = "You exceeded your current quota, please check your plan and billing details."
        if family == "openai":
            raise Refusal(429, "insufficient_quota", message, code="insufficient_quota")
        raise Refusal(400, "invalid_request_error", "Your credit balance is too low to access the Anthropic API.")
    for name, value in plan.values.items():
        if not name.startswith("status-"):
            continue
        status = int(name.removeprefix("status-"))
        if status in (502, 504):
            return Response(_PROXY_PAGE % (status, status), status, media_type="text/html")
        refusal = _error(status, family)
        if status in (429, 503) and value:
            refusal.headers["retry-after"] = f"{value:g}"
        raise refusal
    return None


def _json(what: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(what), status, headers, media_type="application/json")


def _stamped(response: Response, family: Family, name: str) -> Response:
    if family == "anthropic":
        response.headers["request-id"] = name
        response.headers["anthropic-organization-id"] = "00000000-0000-4000-8000-000000000000"
    else:
        response.headers["x-request-id"] = name
        response.headers["openai-organization"] = "org-simulator"
        response.headers["openai-version"] = "2020-10-01"
    return response


def _openai_model(model: Model) -> Json:
    return {"id": model.id, "object": "model", "created": model.created, "owned_by": model.maker}


def _anthropic_model(model: Model) -> Json:
    return {
        "type": "model",
        "id": model.name,
        "display_name": model.id.replace("-", " ").title(),
        "created_at": moment(model.created),
        "lifecycle": "active",
        "max_input_tokens": model.context,
        "max_tokens": model.max_output,
    }
