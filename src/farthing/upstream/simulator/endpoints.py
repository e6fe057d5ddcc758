"""The simulator's endpoints: which path does what."""

from collections.abc import Awaitable, Callable

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from farthing.upstream.simulator import http, models
from farthing.upstream.simulator.anthropic_batches import AnthropicBatches
from farthing.upstream.simulator.anthropic_messages import AnthropicMessages
from farthing.upstream.simulator.errors import provider_error
from farthing.upstream.simulator.faults import Plan
from farthing.upstream.simulator.files import Files
from farthing.upstream.simulator.gemini_contexts import GeminiContexts
from farthing.upstream.simulator.http import Handler
from farthing.upstream.simulator.mistral_batches import MistralBatches
from farthing.upstream.simulator.models import Model
from farthing.upstream.simulator.openai_batches import OpenAIBatches
from farthing.upstream.simulator.openai_chat import OpenAIChat, unknown_model
from farthing.upstream.simulator.openai_embeddings import OpenAIEmbeddings
from farthing.upstream.simulator.openai_fine_tuning import FineTuning
from farthing.upstream.simulator.openai_responses import OpenAIResponses
from farthing.upstream.simulator.play import Dropped, Streamed, Whole
from farthing.upstream.simulator.provider import Provider, Work, visible
from farthing.upstream.simulator.rate_limits import moment
from farthing.upstream.simulator.wire import Family, Json, Refusal, Spent, Wire

_AZURE = "/openai/deployments/{deployment}"
_BASES = ("/v1", "/openai/v1", _AZURE)
_GEMINI = "/v1beta"
_AZURE_BATCHES = ("/openai/v1", "/openai")


class Endpoints:
    """Of one simulated provider."""

    def __init__(self, provider: Provider) -> None:
        kept = provider.settings.kept
        self.provider = provider
        self.chat = OpenAIChat()
        self.responses = OpenAIResponses(kept)
        self.embeddings = OpenAIEmbeddings()
        self.messages = AnthropicMessages()
        self.files = Files(provider)
        self.contexts = GeminiContexts(provider)
        wires: dict[str, Wire] = {
            "/v1/chat/completions": self.chat, "/v1/responses": self.responses, "/v1/embeddings": self.embeddings
        }  # fmt: skip
        azure: dict[str, Wire] = {
            **wires, "/chat/completions": self.chat, "/responses": self.responses, "/embeddings": self.embeddings
        }  # fmt: skip
        self.batches = OpenAIBatches(provider, self.files, wires)
        self.azure_batches = OpenAIBatches(provider, self.files, azure, path="/openai/batches", expires=False)
        self.mistral_batches = MistralBatches(provider, self.files, wires)
        self.message_batches = AnthropicBatches(provider, self.messages)
        self.fine_tuning = FineTuning(provider, self.files)

    def routes(self) -> list[Route]:
        return [
            *(self._route("POST", f"{base}/chat/completions", self.call(self.chat)) for base in _BASES),
            *(self._route("POST", f"{base}/responses", self.call(self.responses)) for base in _BASES[:2]),
            *(self._route("POST", f"{base}/embeddings", self.call(self.embeddings)) for base in _BASES),
            self._route("POST", "/v1/responses/input_tokens", self.count_input_tokens),
            self._route("GET", "/v1/responses/{response}", self.show_response),
            self._route("DELETE", "/v1/responses/{response}", self.delete_response),
            self._route("POST", f"{_GEMINI}/openai/chat/completions", self.call(self.chat)),
            self._route("POST", f"{_GEMINI}/cachedContents", self.contexts.create),
            self._route("GET", f"{_GEMINI}/cachedContents", self.contexts.list),
            self._route("PATCH", f"{_GEMINI}/cachedContents/{{context}}", self.contexts.change),
            self._route("DELETE", f"{_GEMINI}/cachedContents/{{context}}", self.contexts.delete),
            *self._file_routes("/v1", self.batches),
            *(route for base in _AZURE_BATCHES for route in self._file_routes(base, self.azure_batches)),
            *(route for base in ("/v1", *_AZURE_BATCHES) for route in self._tuning_routes(base)),
            self._route("POST", "/v1/batch/jobs", self.mistral_batches.create),
            self._route("GET", "/v1/batch/jobs", self.mistral_batches.list),
            self._route("GET", "/v1/batch/jobs/{job}", self.mistral_batches.show),
            self._route("POST", "/v1/batch/jobs/{job}/cancel", self.mistral_batches.cancel),
            self._route("POST", "/v1/messages", self.call(self.messages), "anthropic"),
            self._route("POST", "/v1/messages/count_tokens", self.count_tokens, "anthropic"),
            self._route("POST", "/v1/messages/batches", self.message_batches.create, "anthropic"),
            self._route("GET", "/v1/messages/batches", self.message_batches.list, "anthropic"),
            self._route("GET", "/v1/messages/batches/{batch}", self.message_batches.show, "anthropic"),
            self._route("DELETE", "/v1/messages/batches/{batch}", self.message_batches.delete, "anthropic"),
            self._route("POST", "/v1/messages/batches/{batch}/cancel", self.message_batches.cancel, "anthropic"),
            self._route("GET", "/v1/messages/batches/{batch}/results", self.message_batches.results, "anthropic"),
            self._route("GET", "/v1/models", self.list_models, None),
            self._route("GET", "/v1/models/{model}", self.show_model, None),
            Route("/simulator/bill", self.show_bill, methods=["GET"]),
            Route("/simulator/skills", self.shift_skills, methods=["POST"]),
            self._route("*", "/{path:path}", self.nothing_here, None),
        ]

    def _file_routes(self, base: str, batches: OpenAIBatches) -> list[Route]:
        """Files and batches, at OpenAI's path or at Azure's."""
        return [
            self._route("POST", f"{base}/files", self.files.upload),
            self._route("GET", f"{base}/files", self.files.list),
            self._route("GET", f"{base}/files/{{file}}", self.files.show),
            self._route("DELETE", f"{base}/files/{{file}}", self.files.delete),
            self._route("GET", f"{base}/files/{{file}}/content", self.files.content),
            self._route("POST", f"{base}/batches", batches.create),
            self._route("GET", f"{base}/batches", batches.list),
            self._route("GET", f"{base}/batches/{{batch}}", batches.show),
            self._route("POST", f"{base}/batches/{{batch}}/cancel", batches.cancel),
        ]

    def _tuning_routes(self, base: str) -> list[Route]:
        jobs = f"{base}/fine_tuning/jobs"
        return [
            self._route("POST", jobs, self.fine_tuning.create),
            self._route("GET", jobs, self.fine_tuning.list),
            self._route("GET", f"{jobs}/{{job}}", self.fine_tuning.show),
            self._route("POST", f"{jobs}/{{job}}/cancel", self.fine_tuning.cancel),
            self._route("GET", f"{jobs}/{{job}}/events", self.fine_tuning.events),
        ]

    def _route(self, method: str, path: str, inner: Handler, family: Family | None = "openai") -> Route:
        """`family` None: the path is known to both, the client's headers tell which it means."""
        methods = [method] if method != "*" else ["GET", "POST", "PUT", "PATCH", "DELETE"]
        return Route(path, self._endpoint(inner, family), methods=methods)

    def _endpoint(self, inner: Handler, family: Family | None) -> Callable[[Request], Awaitable[Response]]:
        """An endpoint whose refusals are written in the family's shape."""

        async def answer(request: Request) -> Response:
            number = self.provider.number()
            spoken = family or http.spoken_family(request)
            name = "req_" + self.provider.name(24, "request", number)
            try:
                key = http.customer(request, spoken)
                return http.stamped(await inner(request, key, number, Plan()), spoken, name)
            except Refusal as refusal:
                return http.refused(refusal, spoken, name)
            except http.HungUp:
                return Dropped()
            except ClientDisconnect:
                return Response(status_code=499)

        return answer

    def call(self, wire: Wire) -> Handler:
        """The endpoint of a wire: one call of a model."""

        async def answer(request: Request, key: str, number: int, plan: Plan) -> Response:
            body, raw = await self._body(request, wire.family)
            if "deployment" in request.path_params:
                body["model"] = request.path_params["deployment"]
            plan = http.planned(self.provider, request, body, number, raw, wire.family)
            context = self.contexts.put_back(body, key) if wire is self.chat else 0
            work = self.provider.work(wire, body, key, number, plan, context=context)
            path = request.url.path
            plainly = not work.asked.stream or plan.has("html") or plan.has("empty-body")
            return self._whole(wire, work, plan, path) if plainly else self._streamed(wire, work, plan, path)

        return answer

    async def count_tokens(self, request: Request, key: str, number: int, plan: Plan) -> Response:
        body, raw = await self._body(request, "anthropic")
        plan = http.planned(self.provider, request, body, number, raw, "anthropic")
        return Whole(200, {}, msgspec.json.encode({"input_tokens": self.messages.measure(body).prompt}), plan=plan)

    async def count_input_tokens(self, request: Request, key: str, number: int, plan: Plan) -> Response:
        body, raw = await self._body(request, "openai")
        plan = http.planned(self.provider, request, body, number, raw, "openai")
        counted = {"object": "response.input_tokens", "input_tokens": self.responses.read(body).prompt}
        return Whole(200, {}, msgspec.json.encode(counted), plan=plan)

    async def show_response(self, request: Request, key: str, number: int, plan: Plan) -> Response:
        return http.json_answer(self.responses.stored(request.path_params["response"]))

    async def delete_response(self, request: Request, key: str, number: int, plan: Plan) -> Response:
        return http.json_answer(self.responses.delete(request.path_params["response"]))

    async def list_models(self, request: Request, key: str, number: int, plan: Plan) -> Response:
        if http.spoken_family(request) == "anthropic":
            return http.json_answer(
                http.page([_anthropic_model(one) for one in models.of_family("anthropic")], request, 1000)
            )
        listed = [_openai_model(one) for one in models.of_family("openai")]
        return http.json_answer({"object": "list", "data": listed})

    async def show_model(self, request: Request, key: str, number: int, plan: Plan) -> Response:
        family = http.spoken_family(request)
        name = request.path_params["model"]
        model = models.find(name, family)
        if model is None or not self.provider.serves(model.id):
            raise unknown_model(name) if family == "openai" else Refusal(404, "not_found_error", f"model: {name}")
        return http.json_answer(_openai_model(model) if family == "openai" else _anthropic_model(model))

    async def show_bill(self, request: Request) -> Response:
        for each in (self.batches, self.azure_batches, self.message_batches, self.mistral_batches):
            await each.advance()
        self.fine_tuning.advance()
        bill = self.provider.bill
        contexts = {"made_tokens": self.contexts.made_tokens, "token_seconds": self.contexts.token_seconds}
        return http.json_answer({"totals": bill.totals, "lines": list(bill.lines), "contexts": contexts})

    async def shift_skills(self, request: Request) -> Response:
        """Models become better or worse by what the body says, as {"gpt-4o-mini": -0.2}; those that it leaves out are as
        they were at first."""
        try:
            shifts = msgspec.json.decode(await request.body(), type=dict[str, float])
        except msgspec.MsgspecError as error:
            return http.json_answer({"error": str(error)}, 400)
        unknown = sorted(shifts.keys() - models.MODELS.keys())
        if unknown:
            return http.json_answer({"error": f"no such model: {', '.join(unknown)}"}, 400)
        self.provider.skills.shifts = shifts
        return http.json_answer(shifts)

    async def nothing_here(self, request: Request, key: str, number: int, plan: Plan) -> Response:
        if http.spoken_family(request) == "anthropic":
            raise Refusal(404, "not_found_error", "Not Found")
        raise Refusal(404, "invalid_request_error", f"Invalid URL ({request.method} {request.url.path})")

    async def _body(self, request: Request, family: Family) -> tuple[Json, bytes]:
        if family == "anthropic" and "anthropic-version" not in request.headers:
            raise Refusal(400, "invalid_request_error", "anthropic-version: header is required")
        return await http.json_body(request, family, self.provider.settings.max_body_bytes)

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
            unsent = seen - seen * sent // total if total and not self.provider.settings.bills_on else 0
            self._charge(work, path, msgspec.structs.replace(spent, output=spent.output - unsent), how)

        shape = next((name.removeprefix("usage-") for name in plan.values if name.startswith("usage-")), "")
        pieces = list(wire.pieces(work.asked, work.replies, work.told, shape))
        deltas = sum(piece.kind == "delta" for piece in pieces) or 1
        return Streamed(
            work.headers,
            pieces,
            plan=plan,
            error=wire.error_piece(provider_error(529, wire.family)),
            pace=work.pace,
            thinking=work.pace.per_token * spent.reasoning,
            gap=work.pace.per_token * visible(work.replies) / deltas,
            ended=ended,
        )

    def _charge(self, work: Work, path: str, spent: Spent, how: str) -> None:
        asked = work.asked
        self.provider.bill.add(
            asked.id, path, asked.question.model.id, spent, tier=asked.tier, stream=asked.stream, ended=how,
            user=asked.body["user"] if isinstance(asked.body.get("user"), str) else "",
        )  # fmt: skip


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
