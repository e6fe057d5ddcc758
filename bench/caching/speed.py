"""What the cache costs: an exact hit end to end, a look-up among 50,000 questions, a miss, and equal calls at once.

End to end is the real gateway under `harness`. Look-ups and misses are timed in this process, through the objects that the
gateway is made of: CPU of the whole process, so the encoder's thread counts.
"""

import asyncio
import contextlib
import gc
import json
import random
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np

from farthing.embed.memo import Memo
from farthing.embed.minilm import MiniLM
from farthing.model.call import Answer, Call, Proceed
from farthing.model.principal import Principal
from farthing.model.record import Attempt
from farthing.model.usage import Usage
from farthing.settings import CacheSettings
from farthing.steps.cache.bounds import Bounds
from farthing.steps.cache.flight import Flights
from farthing.steps.cache.index import Index, pack
from farthing.steps.cache.place import Place
from farthing.steps.cache.policy import Policies
from farthing.steps.cache.semantic import Semantic
from farthing.steps.cache.step import Cache
from farthing.store.buckets import Buckets
from farthing.store.entries import Entries, Entry, open_entries
from farthing.wire import FORMATS
from farthing.wire.question import Question, question
from harness.harness import CHAT, Run, mock, request
from harness.subjects import configured, relay60

ENTRIES = 50_000
SETTINGS = '\n[routing]\nhold_out_percent = 0\n[cache]\nmode = "exact"\nmax_temperature = 1.0\n'
AT_ONCE = 500
PLACE = Place(tenant="default", share="team support", feature="help", wire="openai.chat", model="gpt-5-mini")
CONTEXT = b"c" * 16
ANSWER = msgspec.json.encode(
    {
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt-5-mini",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Like this. " * 150}}],
        "usage": {"prompt_tokens": 1000, "completion_tokens": 400, "total_tokens": 1400},
    }
)  # fmt: skip
ABOUT = (
    "password", "invoice", "delivery", "refund", "contract", "address", "calendar", "account", "discount", "voucher",
    "warranty", "roaming", "reminder", "subscription", "receipt", "tent", "jacket", "number", "meeting", "payment",
)  # fmt: skip
DOING = ("reset", "change", "cancel", "find", "print", "share", "delete", "export", "renew", "block", "correct", "pay")
WHERE = ("in the app", "on the web", "by phone", "in a store", "from abroad", "for my team", "as a guest", "at night")


# The gateway, end to end


@dataclass
class Gateway:
    """Runs of the gateway and of its measure, and what spoils them."""

    runs: dict[str, list[Run]] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)


def exact_hits(*, quick: bool) -> Gateway:
    """Equal calls of 5 KB: the first fills the cache, all others are hits."""
    repeats, seconds = (3, 0.4) if quick else (7, 2.0)
    found = Gateway()
    with ExitStack() as stack:
        port = stack.enter_context(mock())
        setup = stack.enter_context(configured(f"http://127.0.0.1:{port}", more=SETTINGS))
        relay = stack.enter_context(relay60(port))
        gateway = stack.enter_context(setup.up())
        cases = [("hit", gateway, "json"), ("streamed hit", gateway, "burst"), ("relay60", relay, "json")]
        for _, subject, mode in cases:
            subject.run(CHAT, mode, seconds=seconds / 2)
        for _ in range(repeats):
            for name, subject, mode in cases:
                run = subject.run(CHAT, mode, seconds=seconds)
                found.runs.setdefault(name, []).append(run)
                if run.bad:
                    found.troubles.append(f"{name}: {run.bad} calls not answered well: {run.first_error}")
    return found


async def _one_upstream() -> tuple[int, int]:
    """Calls that reach the provider of so many equal ones at once, and how many were answered."""
    reached = 0
    body = request(CHAT, "json")

    async def provider(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal reached
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                await reader.readexactly(int(head.partition(b"content-length:")[2].split(b"\r\n")[0]))
                reached += 1
                await asyncio.sleep(1.5)
                writer.write(
                    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(ANSWER)
                )
                writer.write(ANSWER)
        writer.close()

    async def ask(port: int, head: bytes) -> bool:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head + body)
        answered = (await reader.read(64)).startswith(b"HTTP/1.1 200")
        writer.close()
        return answered

    server = await asyncio.start_server(provider, "127.0.0.1", 0)
    upstream = server.sockets[0].getsockname()[1]
    with ExitStack() as stack:
        setup = await asyncio.to_thread(
            stack.enter_context, configured(f"http://127.0.0.1:{upstream}", more=SETTINGS)
        )  # fmt: skip
        await asyncio.to_thread(stack.enter_context, setup.up())
        lines = [f"POST {CHAT.path} HTTP/1.1", "host: localhost", "content-type: application/json", *setup.headers]
        head = "\r\n".join([*lines, f"content-length: {len(body)}", "", ""]).encode()
        answered = await asyncio.gather(*(ask(setup.port, head) for _ in range(AT_ONCE)))
        await asyncio.to_thread(stack.close)
    server.close()
    return reached, sum(answered)


def one_upstream() -> tuple[int, int]:
    return asyncio.run(_one_upstream())


# Look-ups and misses, in this process


@dataclass
class InProcess:
    """CPU of each repeat."""

    short_ms: list[float] = field(default_factory=list)
    long_ms: list[float] = field(default_factory=list)
    encoder_short_ms: list[float] = field(default_factory=list)
    encoder_long_ms: list[float] = field(default_factory=list)
    blocked_ms: list[float] = field(default_factory=list)
    exact_miss_us: list[float] = field(default_factory=list)
    semantic_miss_us: list[float] = field(default_factory=list)
    fingerprint_us: list[float] = field(default_factory=list)
    found: int = 0
    """Near questions that look-ups found."""


class _Nobody:
    async def answers(self, tenant: str, question: str, answer: str) -> bool | None:
        return None


class _AtOnce:
    """An encoder that takes no time, so that what remains is the cache's own."""

    name, dims = "at once", 384

    def __init__(self) -> None:
        self._rows = np.random.default_rng(1).standard_normal((4096, 384)).astype(np.float32)
        self._rows /= np.linalg.norm(self._rows, axis=1, keepdims=True)
        self._next = 0

    async def encode(self, texts: Sequence[str]) -> Any:
        self._next += 1
        return self._rows[self._next % len(self._rows)][None]

    async def close(self) -> None: ...


def in_process(*, quick: bool) -> InProcess:
    return asyncio.run(_in_process(40 if quick else 200, 4 if quick else 8))


async def _in_process(lookups: int, rounds: int) -> InProcess:
    found = InProcess()
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)  # as the gateway has it
    with tempfile.TemporaryDirectory(prefix="farthing-bench-") as folder:
        entries = await open_entries(f"sqlite:///{folder}/farthing.db")
        encoder = MiniLM()
        await encoder.warm()
        index = Index()
        await _fill(entries, index, encoder)
        async with _tier(Memo(encoder), index, entries) as tier:
            await _look_ups(found, tier, encoder, lookups)
        for times, semantic in ((found.exact_miss_us, False), (found.semantic_miss_us, True)):
            async with _tier(_AtOnce(), index, entries) as tier:
                for _ in range(rounds):
                    times.append(await _miss_us(entries, tier if semantic else None))
        body = _body(_short(random.Random(5)))
        found.fingerprint_us += [_cpu_us(lambda: question("openai.chat", body), 300) for _ in range(rounds)]
        await entries.close()
    return found


@asynccontextmanager
async def _tier(encoder: Any, index: Index, entries: Entries) -> AsyncIterator[Semantic]:
    tier = Semantic(
        encoder, index, entries, Bounds(entries, 0.01), _Nobody(), Buckets(), check_share=0.05, judgements_a_minute=60
    )
    yield tier
    await tier.close()


async def _fill(entries: Entries, index: Index, encoder: MiniLM) -> None:
    """Questions in one group: 600 that were really encoded, the others near those, as a busy desk has them."""
    chance = random.Random(3)
    texts = list(dict.fromkeys(_short(chance) for _ in range(900)))[:600]
    real = np.asarray(await encoder.encode(texts))
    noise = np.random.default_rng(3)
    group = PLACE.group(CONTEXT)
    now = time.time_ns() // 1000
    for number in range(ENTRIES):
        text, vector = texts[number % len(texts)], real[number % len(texts)]
        if number >= len(texts):
            text = f"{text[:-1]} {number}?"
            vector = vector + noise.standard_normal(384).astype(np.float32) * np.float32(chance.uniform(0.01, 0.06))
        packed = pack(vector / np.linalg.norm(vector))
        entry = Entry(
            id=f"ent-{number}", tenant=PLACE.tenant, scope=PLACE.feature, format=PLACE.wire, encoder=encoder.name,
            exact=b"%016d" % number, context=group, question=text, vector=packed, answer=ANSWER, cost=1000, created_us=now,
        )  # fmt: skip
        entries.put(entry)
        index.add(group, entry.id, packed)
        if number % 1500 == 1499:
            await entries.flush()
    await entries.flush()


async def _look_ups(found: InProcess, tier: Semantic, encoder: MiniLM, lookups: int) -> None:
    chance = random.Random(4)
    with _watch(found.blocked_ms):
        for ask, times, alone in (
            (_short, found.short_ms, found.encoder_short_ms), (_long, found.long_ms, found.encoder_long_ms)
        ):  # fmt: skip
            for number in range(lookups + 5):
                asked = Question(text=ask(chance), context=CONTEXT, exact=b"", turns=1)
                other = ask(chance)
                start = time.process_time()
                near = await tier.look(PLACE, asked)
                took = time.process_time() - start
                start = time.process_time()
                await encoder.encode([other])
                if number >= 5:
                    times.append(took * 1e3)
                    alone.append((time.process_time() - start) * 1e3)
                    found.found += near is not None


@contextlib.contextmanager
def _watch(blocked_ms: list[float]) -> Iterator[None]:
    """CPU of the event loop's thread from one turn of the loop to the next: more than that it holds nobody up."""
    before = time.thread_time()
    over = False

    def turn() -> None:
        nonlocal before
        if over:
            return
        now = time.thread_time()
        blocked_ms.append((now - before) * 1e3)
        before = now
        loop.call_later(0.0005, turn)

    loop = asyncio.get_running_loop()
    loop.call_soon(turn)
    yield
    over = True


async def _miss_us(entries: Entries, tier: Semantic | None) -> float:
    """What the cache step adds to a call that it does not answer: with it, less without it."""
    settings = CacheSettings(mode="semantic" if tier is not None else "exact", judge="judge")
    cache = Cache(Policies(settings), entries, Flights(), tier)
    chance = random.Random(6)
    texts = [f"{_short(chance)[:-1]} {number} {random.random()}?" for number in range(300)]  # new in each round
    calls = [_call(text) for text in texts]
    with_cache = await _through(calls, lambda call: cache(call, _model))
    assert all(call.cache == "miss" for call in calls)
    without = await _through([_call(text) for text in texts], _model)
    await entries.flush()
    return (with_cache - without) / len(texts) * 1e6


async def _through(calls: Sequence[Call], ask: Proceed) -> float:
    """CPU seconds of this thread; what others write meanwhile is theirs."""
    start = time.thread_time()
    for call in calls:
        await ask(call)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    return time.thread_time() - start


async def _model(call: Call) -> Answer:
    attempt = Attempt(1, model="gpt-5-mini", cost=1000, cost_state="computed")
    attempt.usage = Usage(uncached_in=1000, out=400)
    call.trail.attempts.append(attempt)
    return Answer(200, [], ANSWER)


def _call(text: str) -> Call:
    body = _body(text)
    call = Call(
        id=f"call-{random.getrandbits(60):x}", wire="openai.chat", headers={}, peer="", body=body,
        ask=FORMATS["openai.chat"].ask(body), started_us=time.time_ns() // 1000, started=time.perf_counter(),
    )  # fmt: skip
    call.principal = Principal(team="support", feature="help", key_id="key-1")
    return call


def _body(text: str) -> bytes:
    """5 KB, as the gateway's other benchmarks have it."""
    whole = json.loads(request(CHAT, "json"))
    whole |= {"temperature": 0}
    whole["messages"] = [{"role": "system", "content": "Cite the article, never promise refunds. " * 110},
                         {"role": "user", "content": text}]  # fmt: skip
    return json.dumps(whole).encode()


def _short(chance: random.Random) -> str:
    """13 tokens, or one more or less."""
    return f"How do I {chance.choice(DOING)} my {chance.choice(ABOUT)} {chance.choice(WHERE)}?"


def _long(chance: random.Random) -> str:
    """About 77 tokens."""
    story = " ".join(
        f"I tried to {chance.choice(DOING)} the {chance.choice(ABOUT)} {chance.choice(WHERE)} and it did not work."
        for _ in range(4)
    )
    return f"{story} {_short(chance)}"


def _cpu_us(work: Callable[[], object], times: int) -> float:
    start = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - start) / times * 1e6


def percentile(values: Sequence[float], share: float) -> float:
    return statistics.quantiles(values, n=1000)[round(share * 1000) - 1]
