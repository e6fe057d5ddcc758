"""The steps of a gateway, joined as `app.build` joins them, with a provider that answers what a test says: for calls of
clients, and for lines of jobs."""

import json
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from farthing.app.around import REAL
from farthing.app.budgets import build_budgets
from farthing.app.cache import build_cache
from farthing.app.prompts import build_prompts
from farthing.app.providers import open_providers
from farthing.app.routing import build_routing, models_of
from farthing.app.shaping import build_shaping
from farthing.app.walks import build_walks, has_batches
from farthing.batch.walks import Collector, Walks, Ways
from farthing.finops.transactions import Gatherer
from farthing.gateway.edge import new_call_id
from farthing.model.arms import MODEL_SELECTION, SEMANTIC_CACHE
from farthing.model.batch import Job, Line, Shard
from farthing.model.call import Answer, Call, Header, Headers
from farthing.model.errors import FarthingError
from farthing.model.principal import Key
from farthing.model.record import Record
from farthing.pipeline import Step, chain
from farthing.prices import PriceBook
from farthing.prices.configured import configured_book
from farthing.quality.errand import Errands, Overhead
from farthing.settings import parse
from farthing.steps.admit import Admit
from farthing.steps.balance.health import Health
from farthing.steps.balance.step import Balance
from farthing.steps.budget.purses import Purses
from farthing.steps.defer.step import Defer
from farthing.steps.identify import Identify
from farthing.steps.limits import Limits
from farthing.steps.meter import Meter
from farthing.store import Journal, KeyRing, Store, hash_of, open_store
from farthing.store.buckets import Buckets
from farthing.upstream.client import Timeouts
from farthing.upstream.relay import Relay
from farthing.wire import FORMATS

SECRET = "fk-lines"
SETTINGS = """
[providers.openai]
api_key = "sk-openai-123456"
[providers.anthropic]
api_key = "sk-anthropic-123456"
[providers.deepseek]
api_key = "sk-deepseek-123456"
[providers.gemini]
api_key = "gemini-123456"
"""
Said = tuple[int, bytes]
Says = Callable[[str, bytes], Said]
"""What a provider answers to a body at a URL: status and body."""


class Spoken:
    """A whole answer of a provider."""

    def __init__(self, said: Said) -> None:
        self.status, self.body = said
        self.headers: Headers = [(b"content-type", b"application/json")]

    async def next(self) -> bytes:
        body, self.body = self.body, b""
        return body

    async def read(self, limit: int) -> bytes:
        return await self.next()

    def abort(self) -> None: ...


class Hosts:
    """A client of all providers, which keeps what was sent."""

    def __init__(self, says: Says) -> None:
        self.says = says
        self.sent: list[tuple[str, bytes]] = []

    async def send(self, method: str, url: str, headers: Sequence[Header], body: bytes, timeouts: Timeouts) -> Spoken:
        self.sent.append((url, body))
        return Spoken(self.says(url, body))

    async def close(self) -> None: ...


class Wired(NamedTuple):
    """See the module."""

    walks: Walks
    hosts: Hosts
    store: Store
    keys: KeyRing
    book: PriceBook
    purses: Purses
    journal: Journal
    live: Callable[[Call], object]
    collected: Collector

    async def call(self, job: Job, body: bytes) -> tuple[Record, int, bytes]:
        """The same as an ordinary call: its record, status and answer."""
        headers = {name.encode(): value.encode() for name, value in job.headers.items()}
        if job.key_id:
            headers[b"authorization"] = b"Bearer " + SECRET.encode()
        call = Call(
            id=new_call_id(), wire=job.wire, headers=headers, peer="127.0.0.1", body=body, ask=FORMATS[job.wire].ask(body),
            started_us=time.time_ns() // 1000, started=time.monotonic(),
        )  # fmt: skip
        try:
            answer: Answer = await self.live(call)  # type: ignore[misc]
            status, data = answer.status, answer.body
        except FarthingError as error:
            status, data = error.status, FORMATS[job.wire].error(error, call.id)
        return self.collected.take(call.id), status, data


@asynccontextmanager
async def wired(folder: Path, says: Says, more: str = "", key: Key | None = None) -> AsyncIterator[Wired]:
    """Everything open, with settings beside the providers'."""
    if "[routing]" not in more:
        more += "\n[routing]\n"
    more = more.replace("[routing]", "[routing]\nhold_out_percent = 0")
    settings = parse(
        f'{SETTINGS}\n{more}\n[store]\nurl = "sqlite:///{folder}/ledger.db"\n', {}, folder / "farthing.toml"
    )
    async with AsyncExitStack() as stack:
        hosts = Hosts(says)
        book = configured_book(settings.prices)
        providers = await open_providers(settings, stack, hosts)
        store = await open_store(settings.store.url.reveal())
        stack.push_async_callback(store.close)
        if key is not None:
            await store.add_key(key)
        keys = KeyRing(store)
        await keys.load()
        stack.push_async_callback(keys.close)
        journal = Journal(folder / "journal")
        stack.callback(journal.end)
        known = models_of(settings, book, providers)
        limits = await build_budgets(settings, store, journal, book, known.expect, providers, stack)
        last: list[Step] = [
            Balance(providers, book, Health(providers, settings.balance, Buckets()), settings.balance),
            limits.step,
            Admit(book, journal, allow_unpriced=settings.prices.allow_unpriced),
        ]
        shaping = build_shaping(settings.prompts, known.catalog, known.expect)
        prompts = await build_prompts(settings, store, providers, book, stack)
        relay = Relay(providers, dress=prompts.dress)
        collected = Collector()
        meter = Meter(collected, serve_without_ledger=True)

        def errands(lever: str) -> Errands:
            return Errands(chain([meter, Overhead(lever), *last], relay), new_call_id)

        hear = [shaping.hear, prompts.hear]
        routing = await build_routing(settings, known, store, errands(MODEL_SELECTION), stack, REAL, hear)
        cache = await build_cache(settings, errands(SEMANTIC_CACHE), routing.route.still_serves, stack)
        identify = Identify(keys, Gatherer(settings.transactions) or None)
        inner: list[Step] = [
            *([cache.step] if cache is not None else []), Defer(book=book, has_batches=has_batches(providers)), routing.route,
            *shaping.steps, *prompts.steps,
        ]  # fmt: skip
        ways = Ways(identify, routing.task, inner, (), last)
        walks = build_walks(settings, store, keys, providers, book, limits.step, relay, ways)
        live = chain([meter, identify, Limits(Buckets()), routing.task, *inner, *last], relay)
        yield Wired(walks, hosts, store, keys, book, limits.purses, journal, live, collected)


def key(**fields: object) -> Key:
    return Key(id="key-1", name="nightly", hash=hash_of(SECRET), **fields)  # type: ignore[arg-type]


def job(wire: str = "openai.chat", origin: str = "call", **fields: object) -> Job:
    made = {"tenant": "default", "created_us": 1, "deadline_us": 1 << 60, **fields}
    return Job(id="job-1", origin=origin, wire=wire, **made)  # type: ignore[arg-type]


def line(body: bytes, *, model: str = "", no: int = 0, tenant: str = "default") -> Line:
    named = model or json.loads(body).get("model", "")
    return Line("job-1", no, f"line-{no}", tenant, named, 1 << 60, len(body), body=body)


def shard_of(parked: object, *, created_us: int = 0, lines: int = 1) -> Shard:
    return Shard(
        "shard-1", parked.provider, parked.deployment, parked.model, parked.wire, state="running",  # type: ignore[attr-defined]
        created_us=created_us or time.time_ns() // 1000, lines=lines,
    )  # fmt: skip


def chat(model: str = "gpt-4o-mini", text: str = "hello", **more: object) -> bytes:
    return json.dumps({"model": model, "messages": [{"role": "user", "content": text}], **more}).encode()


def answers(url: str, body: bytes) -> Said:
    """What any provider answers: as many tokens as there are letters, some of them from its cache."""
    asked = json.loads(body)
    model, size = asked["model"], len(body)
    if url.endswith("/messages"):
        usage = {
            "input_tokens": size, "output_tokens": 20, "cache_read_input_tokens": size // 2,
            "cache_creation_input_tokens": 7, "service_tier": "standard",
        }  # fmt: skip
        return 200, json.dumps(
            {
                "id": "msg_1", "type": "message", "role": "assistant", "model": model, "stop_reason": "end_turn",
                "content": [{"type": "text", "text": "well"}], "usage": usage,
            }
        ).encode()  # fmt: skip
    if url.endswith("/embeddings"):
        inputs = asked["input"] if isinstance(asked["input"], list) else [asked["input"]]
        data = [{"object": "embedding", "index": at, "embedding": [0.5, at]} for at in range(len(inputs))]
        usage = {"prompt_tokens": size, "total_tokens": size}
        return 200, json.dumps({"object": "list", "model": model, "data": data, "usage": usage}).encode()
    if url.endswith("/responses"):
        usage = {
            "input_tokens": size, "output_tokens": 30, "total_tokens": size + 30,
            "input_tokens_details": {"cached_tokens": size // 3}, "output_tokens_details": {"reasoning_tokens": 4},
        }  # fmt: skip
        content = [{"type": "output_text", "text": "well", "annotations": []}]
        output = [{"type": "message", "id": "m1", "role": "assistant", "status": "completed", "content": content}]
        return 200, json.dumps(
            {"id": "resp_1", "object": "response", "status": "completed", "model": model, "output": output, "usage": usage}
        ).encode()  # fmt: skip
    usage = {
        "prompt_tokens": size, "completion_tokens": 25, "total_tokens": size + 25,
        "prompt_tokens_details": {"cached_tokens": size // 4},
    }  # fmt: skip
    message = {"role": "assistant", "content": "well"}
    return 200, json.dumps(
        {
            "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": model,
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": usage,
        }
    ).encode()  # fmt: skip
