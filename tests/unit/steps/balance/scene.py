"""Deployments that answer by script, behind the real relay, `admit` and price book, and the step before them."""

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from farthing.model.call import Answer, Call, Header, Headers
from farthing.model.errors import UpstreamError, UpstreamUnreachable
from farthing.model.record import Record
from farthing.pipeline import Proceed, chain
from farthing.prices import PriceBook
from farthing.settings import BalanceSettings, DeploymentSettings, ModelSettings, ProviderSettings, Secret, Url
from farthing.steps.admit import Admit
from farthing.steps.balance.health import Health
from farthing.steps.balance.step import Balance
from farthing.steps.meter import Meter
from farthing.store.buckets import Buckets
from farthing.upstream.client import Timeouts
from farthing.upstream.providers import Provider, Providers
from farthing.upstream.relay import Relay
from farthing.wire import FORMATS

MODEL = "gpt-4o-mini"
BOOK = PriceBook.load()
COST = 4_500
"""Nano-dollars of a usual answer at OpenAI's price: 10 tokens in, 5 out."""
USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
WHOLE = {
    "id": "1", "object": "chat.completion", "model": MODEL, "usage": USAGE,
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}],
}  # fmt: skip
OK = json.dumps(WHOLE).encode()


def event(value: object) -> bytes:
    return b"data: " + (value if isinstance(value, bytes) else json.dumps(value).encode()) + b"\n\n"


def delta(text: str = "", finish: str | None = None, **more: str) -> bytes:
    return event({"id": "1", "choices": [{"index": 0, "delta": {"content": text, **more}, "finish_reason": finish}]})


ROLE = delta(role="assistant")
END = delta(finish="stop") + event({"id": "1", "choices": [], "usage": USAGE}) + event(b"[DONE]")


def error(code: str, message: str = "no", kind: str = "") -> bytes:
    return json.dumps({"error": {"message": message, "type": kind or code, "code": code}}).encode()


class Reply:
    """What a host does with one request. A part is bytes, seconds to wait, or an exception."""

    def __init__(
        self, *parts: bytes | float | Exception, status: int = 200, after: float = 0.0, headers: Sequence[Header] = (),
        stream: bool = False,
    ) -> None:  # fmt: skip
        self.parts = list(parts)
        self.status = status
        self.after = after
        kind = b"text/event-stream" if stream else b"application/json"
        self.headers: Headers = [(b"content-type", kind), *headers]


def ok(after: float = 0.0, headers: Sequence[Header] = ()) -> Reply:
    return Reply(OK, after=after, headers=headers)


def refuses(status: int, body: bytes = b"{}", **headers: str) -> Reply:
    told = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Reply(body, status=status, headers=told)


def streams(*parts: bytes | float | Exception, after: float = 0.0) -> Reply:
    return Reply(*parts, after=after, stream=True)


def fails(error: Exception) -> Reply:
    return Reply(error, status=0)


DOWN = UpstreamUnreachable("it cannot be reached")
CUT = UpstreamError("it broke off")


class _Response:
    def __init__(self, reply: Reply) -> None:
        self.status = reply.status
        self.headers = list(reply.headers)
        self._parts = list(reply.parts)
        self.aborted = False

    async def next(self) -> bytes:
        while self._parts and not self.aborted:
            part = self._parts.pop(0)
            if isinstance(part, float):
                await asyncio.sleep(part)
            elif isinstance(part, Exception):
                raise part
            else:
                return part
        if self.aborted:
            raise UpstreamError("nobody reads on")
        return b""

    async def read(self, limit: int) -> bytes:
        whole = b""
        while part := await self.next():
            whole += part
        return whole

    def abort(self) -> None:
        self.aborted = True


class Host:
    """A provider's client: answers by its script, then as usual."""

    def __init__(self) -> None:
        self.script: list[Reply] = []
        self.usual = ok()
        self.bodies: list[bytes] = []
        self.answers: Callable[[bytes], Reply] | None = None

    @property
    def asked(self) -> int:
        return len(self.bodies)

    async def send(self, method: str, url: str, headers: object, body: bytes, timeouts: Timeouts) -> Any:
        self.bodies.append(body)
        reply = self.script.pop(0) if self.script else self.answers(body) if self.answers is not None else self.usual
        if reply.after:
            await asyncio.sleep(reply.after)
        if not reply.status:
            assert isinstance(reply.parts[0], Exception)
            raise reply.parts[0]
        return _Response(reply)

    async def close(self) -> None: ...


class Journal:
    def open(self, record: Record) -> None: ...


class Book:
    """The ledger: keeps what the meter puts into it."""

    full = False

    def __init__(self) -> None:
        self.records: list[Record] = []

    def put(self, record: Record) -> None:
        self.records.append(msgspec.structs.replace(record))

    async def room(self, patience_s: float) -> bool:
        return True


class Scene:
    """Hosts by name: each serves MODEL but those `beside`, which serve what the models of `more` say."""

    def __init__(
        self, *names: str, more: dict[str, ModelSettings] | None = None, each: dict[str, dict[str, Any]] | None = None,
        kinds: dict[str, str] | None = None, prices: dict[str, str] | None = None, fallbacks: Sequence[str] = (),
        beside: Sequence[str] = (),
        **balance: Any,
    ) -> None:  # fmt: skip
        self.hosts = {name: Host() for name in (*names, *beside)}
        listed = [DeploymentSettings(name, **(each or {}).get(name, {})) for name in names]
        models = {MODEL: ModelSettings(deployments=listed, fallbacks=list(fallbacks)), **(more or {})}
        providers = {
            name: Provider(
                name,
                ProviderSettings(
                    kind=(kinds or {}).get(name, "openai"), base_url=Url("http://127.0.0.1:1/v1"), api_key=Secret("secret"),
                    prices=(prices or {}).get(name, "openai"),
                ),
                host,
            )
            for name, host in self.hosts.items()
        }  # fmt: skip
        self.providers = Providers(providers, models)
        self.settings = BalanceSettings(**{"patience_s": 0.0, **balance})
        self.health = Health(self.providers, self.settings, Buckets())
        self.book = Book()
        self.step = Balance(self.providers, BOOK, self.health, self.settings)
        self.proceed: Proceed = chain([Meter(self.book), self.step, Admit(BOOK, Journal())], Relay(self.providers))
        self.calls: list[Call] = []

    def __getitem__(self, name: str) -> Host:
        return self.hosts[name]

    def call(self, model: str = MODEL, wire: str = "openai.chat", **more: Any) -> Call:
        body = {"model": model, "messages": [{"role": "user", "content": "hi"}], **more}
        if wire == "anthropic.messages":
            body.setdefault("max_tokens", 100)
        data = json.dumps(body).encode()
        made = Call(
            id=f"call-{len(self.calls)}", wire=wire, headers={}, peer="", body=data, ask=FORMATS[wire].ask(data),
            started_us=1_790_000_000_000_000, started=0.0,
        )  # fmt: skip
        self.calls.append(made)
        return made

    async def ask(self, **more: Any) -> Answer:
        return await self.proceed(self.call(**more))

    async def stream(self, **more: Any) -> bytes:
        answer = await self.ask(stream=True, stream_options={"include_usage": True}, **more)
        return await read(answer)

    @property
    def record(self) -> Record:
        """Of the latest call that ended."""
        return self.book.records[-1]

    def saved(self) -> tuple[int, int, int]:
        """The saving of request routing: before, after, overhead."""
        (saving,) = [each for each in self.record.savings if each.lever == "request routing"]
        return saving.before, saving.after, saving.overhead

    def state(self, name: str) -> str:
        return next(each.state for each in self.health.snapshot() if each.provider == name)


async def read(answer: Answer) -> bytes:
    assert answer.stream is not None, answer.body
    out = b""
    while data := await answer.stream.next():
        out += data
    return out
