"""Gemini's cached contents: system prompts that lie at the provider until their time is over, and the chat completions that
name them in `extra_body.google.cached_content`. Google's own refusals, in the shape of the wire that is spoken.

What lies there is billed by the hour: `token_seconds` is the truth that a ledger can be held against.
"""

from datetime import UTC, datetime
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from farthing.upstream.simulator import http, models, tokens
from farthing.upstream.simulator.faults import Plan
from farthing.upstream.simulator.provider import Provider
from farthing.upstream.simulator.wire import Json, Refusal, an_object

_LEAST_AROUND = 4
"""Tokens that a message counts besides its content."""


class _Held(msgspec.Struct):
    model: str
    text: str
    tokens: int
    born: float
    expires: float


class GeminiContexts:
    """Those of one simulated provider."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._held: dict[tuple[str, str], _Held] = {}
        self._over = 0.0
        self.made_tokens = 0

    @property
    def token_seconds(self) -> float:
        """Of all contexts, those that are over and those that live."""
        self._expire()
        now = self._provider.clock()
        return self._over + sum(each.tokens * (now - each.born) for each in self._held.values())

    async def create(self, request: Request, key: str, number: int, plan: Plan) -> Response:
        body, _ = await http.json_body(request, "openai", self._provider.settings.max_body_bytes)
        model = models.find(str(body.get("model", "")).removeprefix("models/"), "openai")
        if model is None or model.maker != "google":
            raise Refusal(404, "NOT_FOUND", "models that can be cached: those of Gemini")
        text = "".join(str(an_object(part).get("text", "")) for part in _parts(body))
        count = tokens.count(text) + _LEAST_AROUND
        if count < model.cache_min:
            message = f"Cached content is too small. total_token_count={count}, min_total_token_count={model.cache_min}"
            raise Refusal(400, "INVALID_ARGUMENT", message)
        now = self._provider.clock()
        name = "cachedContents/" + self._provider.name(20, "context", number)
        self._held[key, name] = _Held(model.id, text, count, now, now + _seconds(body))
        self.made_tokens += count
        return http.json_answer(self._shown(name, self._held[key, name]))

    async def change(self, request: Request, key: str, number: int, plan: Plan) -> Response:
        body, _ = await http.json_body(request, "openai", self._provider.settings.max_body_bytes)
        name, held = self._find(request, key)
        held.expires = self._provider.clock() + _seconds(body)
        return http.json_answer(self._shown(name, held))

    async def delete(self, request: Request, key: str, number: int, plan: Plan) -> Response:
        name, _ = self._find(request, key)
        self._drop((key, name), self._provider.clock())
        return http.json_answer({})

    async def list(self, request: Request, key: str, number: int, plan: Plan) -> Response:
        self._expire()
        mine = [self._shown(name, held) for (whose, name), held in self._held.items() if whose == key]
        return http.json_answer({"cachedContents": mine} if mine else {})

    def put_back(self, body: Json, key: str) -> int:
        """Put the system prompt of the context that a request names into it, and tell how many tokens that is; 0 where it
        names none. Raises Refusal."""
        google = an_object(an_object(body.get("extra_body")).get("google"))
        name = google.get("cached_content")
        if name is None:
            return 0
        self._expire()
        held = self._held.get((key, str(name)))
        model = models.find(str(body.get("model", "")), "openai")
        if held is None or model is None or model.id != held.model:
            raise Refusal(403, "PERMISSION_DENIED", "CachedContent not found (or permission denied)")
        messages = body.get("messages")
        sent = [an_object(each).get("role") for each in messages] if isinstance(messages, list) else []
        if not sent or "system" in sent or "developer" in sent or body.get("tools") or body.get("tool_choice"):
            raise Refusal(
                400, "INVALID_ARGUMENT", "Tool config, tools and system instruction should not be set in the request when using "
                "cached content.",
            )  # fmt: skip
        del body["extra_body"]
        body["messages"] = [{"role": "system", "content": held.text}, *body["messages"]]
        return held.tokens

    def _find(self, request: Request, key: str) -> tuple[str, _Held]:
        self._expire()
        name = "cachedContents/" + str(request.path_params["context"])
        held = self._held.get((key, name))
        if held is None:
            raise Refusal(403, "PERMISSION_DENIED", "CachedContent not found (or permission denied)")
        return name, held

    def _expire(self) -> None:
        now = self._provider.clock()
        for place, held in list(self._held.items()):
            if held.expires <= now:
                self._drop(place, held.expires)

    def _drop(self, place: tuple[str, str], at: float) -> None:
        held = self._held.pop(place)
        self._over += held.tokens * (at - held.born)

    def _shown(self, name: str, held: _Held) -> Json:
        return {
            "name": name, "model": f"models/{held.model}", "createTime": _moment(held.born),
            "expireTime": _moment(held.expires), "usageMetadata": {"totalTokenCount": held.tokens},
        }  # fmt: skip


def _parts(body: Json) -> list[Any]:
    parts = an_object(body.get("systemInstruction")).get("parts")
    return parts if isinstance(parts, list) else []


def _seconds(body: Json) -> float:
    ttl = body.get("ttl", "3600s")
    try:
        seconds = float(str(ttl).removesuffix("s"))
    except ValueError:
        seconds = 0.0
    if not str(ttl).endswith("s") or seconds <= 0:
        raise Refusal(400, "INVALID_ARGUMENT", f"Invalid value at 'cached_content.ttl': {ttl}")
    return seconds


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")
