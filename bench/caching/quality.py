"""How often the cache's decisions are right: on traps, on a stream of ordinary questions, on a support workload.

The decision on trial is the shipped one (real encoder, guard, and on the workload the whole step with its bound); beside
it stands the usual recipe, nearest question with a cosine of 0.95. Nothing here measures time.
"""

import asyncio
import json
import random
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from caching.workload import Asked, workload
from farthing.embed.memo import Memo
from farthing.embed.minilm import MiniLM
from farthing.model.call import Answer, Call
from farthing.model.principal import Principal
from farthing.model.record import Attempt, Record
from farthing.model.usage import Usage
from farthing.pipeline import Proceed, chain
from farthing.settings import CacheSettings
from farthing.steps.cache.bounds import Bounds
from farthing.steps.cache.flight import Flights
from farthing.steps.cache.guard import Prepared, compare_prepared, prepare
from farthing.steps.cache.index import Index, pack
from farthing.steps.cache.policy import Policies
from farthing.steps.cache.semantic import CANDIDATES, LINKABLE, Semantic
from farthing.steps.cache.shares import lower_limit, upper_limit
from farthing.steps.cache.step import Cache
from farthing.steps.meter import Meter
from farthing.store.entries import Entries, open_entries
from farthing.wire import FORMATS

TRAPS = Path(__file__).resolve().parent.parent.parent / "tests" / "traps" / "pairs.jsonl"
PLAIN = 0.95
"""The cosine of the usual recipe."""
INTENTS = ("banking77", "clinc150", "snips")
UNLABELLED = "oos"
"""Of clinc150: questions of any other kind, which are not one intent."""
BOUND = 0.01
MODEL = "gpt-5-mini"
COST = 250_000


# Traps


@dataclass(frozen=True)
class Trial:
    """What one recipe did with one set of pairs."""

    traps: int
    sprung: int
    paraphrases: int
    served: int

    @property
    def sprung_in_150(self) -> float:
        return 150 * self.sprung / self.traps

    @property
    def recall_percent(self) -> float:
        return 100 * self.served / self.paraphrases


async def traps() -> dict[str, dict[str, Trial]]:
    """Recipe -> kinds (all, those of tuning, those kept out of it) -> what came of it."""
    pairs = [json.loads(line) for line in TRAPS.read_text().splitlines()]
    vectors = await _encode([text for pair in pairs for text in (pair["a"], pair["b"])])
    cosines = [float(vectors[2 * at] @ vectors[2 * at + 1]) for at in range(len(pairs))]
    guarded = [_guard(prepare(pair["b"]), prepare(pair["a"]), cosine)
               for pair, cosine in zip(pairs, cosines, strict=True)]  # fmt: skip
    plain = [cosine >= PLAIN for cosine in cosines]
    found: dict[str, dict[str, Trial]] = {}
    for recipe, decisions in (("guard", guarded), ("plain", plain)):
        judged = list(zip(pairs, decisions, strict=True))
        found[recipe] = {
            kinds: _trial([each for each in judged if kinds in ("all", each[0]["split"])])
            for kinds in ("all", "tune", "test")
        }
    return found


def _trial(judged: Sequence[tuple[dict[str, Any], bool]]) -> Trial:
    apart = [decision for pair, decision in judged if not pair["same"]]
    same = [decision for pair, decision in judged if pair["same"]]
    return Trial(len(apart), sum(apart), len(same), sum(same))


def _guard(asked: Prepared, stored: Prepared, cosine: float) -> bool:
    return compare_prepared(asked, stored, cosine).same


async def _encode(texts: Sequence[str]) -> Any:
    encoder = MiniLM()
    try:
        return await encoder.encode(list(texts))
    finally:
        await encoder.close()


# Ordinary questions


@dataclass
class Stream:
    """What one recipe did with a stream of questions."""

    asked: int = 0
    hits: int = 0
    wrong: int = 0
    repeats: int = 0
    """Questions whose intent had been asked before."""

    @property
    def hit_percent(self) -> float:
        return 100 * self.hits / max(1, self.asked)

    @property
    def wrong_percent(self) -> float:
        return 100 * self.wrong / max(1, self.hits)

    @property
    def interval(self) -> tuple[float, float]:
        """Two-sided, 95 %, in percent of hits."""
        low, high = lower_limit(self.hits, self.wrong, 0.975), upper_limit(self.hits, self.wrong, 0.975)
        return 100 * low, 100 * high


Decides = Callable[[Prepared, Prepared, float], bool]


async def duplicates(data: Path, most: int | None) -> dict[str, Stream]:
    """The questions of each data set in a random order through a cache of its own; a hit of another intent is wrong.

    Labels are by intent, not by answer, and some are wrong: both ways this is a measure of the same yardstick for the two
    recipes, not the truth."""
    found = {"guard": Stream(), "plain": Stream()}
    for name in INTENTS:
        rows = [json.loads(line) for line in (data / "intents" / f"{name}.jsonl").read_text().splitlines()]
        rows = [row for row in rows if row["intent"] != UNLABELLED]
        random.Random(name).shuffle(rows)
        rows = rows[:most]
        vectors = await _encode([row["text"] for row in rows])
        prepared = [prepare(row["text"]) for row in rows]
        intents = [row["intent"] for row in rows]
        _through(found["guard"], vectors, prepared, intents, _guard, LINKABLE, CANDIDATES)
        _through(found["plain"], vectors, prepared, intents, lambda *_: True, PLAIN, 1)
    return found


def _through(
    stream: Stream, vectors: Any, prepared: Sequence[Prepared], intents: Sequence[str], decides: Decides,
    at_least: float, candidates: int,
) -> None:  # fmt: skip
    index, seen = Index(), set()
    for at, vector in enumerate(vectors):
        stream.asked += 1
        stream.repeats += intents[at] in seen
        seen.add(intents[at])
        for near in index.nearest(b"all", vector, candidates, at_least=at_least):
            if decides(prepared[at], prepared[int(near.entry_id)], near.cosine):
                stream.hits += 1
                stream.wrong += intents[int(near.entry_id)] != intents[at]
                break
        else:
            index.add(b"all", str(at), pack(vector))


# The support workload, through the cache step as it ships


@dataclass
class Served:
    """What the cache did with the workload."""

    asked: int = 0
    exact: int = 0
    near: int = 0
    linked: int = 0
    wrong: int = 0
    foreign: int = 0
    """Answers of another tenant."""
    judged: int = 0
    open_scopes: int = 0
    """Scopes that have shown the bound in the end."""

    @property
    def hits(self) -> int:
        return self.exact + self.near + self.linked

    @property
    def percent(self) -> float:
        return 100 * self.hits / self.asked

    @property
    def wrong_percent(self) -> float:
        return 100 * self.wrong / max(1, self.hits)


class _Gold:
    """A judge who knows the true answer to every question, and a model that gives it."""

    def __init__(self) -> None:
        self.answer_to: dict[tuple[str, str], str] = {}
        self.judged = 0

    async def answers(self, tenant: str, question: str, answer: str) -> bool | None:
        self.judged += 1
        return self.answer_to[tenant, question] == answer

    async def model(self, call: Call) -> Answer:
        text = json.loads(call.body)["messages"][-1]["content"]
        attempt = Attempt(1, model=MODEL, served_model=MODEL, cost=COST, cost_state="computed")
        attempt.usage = Usage(uncached_in=120, out=90)
        call.trail.attempts.append(attempt)
        message = {"role": "assistant", "content": self.answer_to[call.principal.tenant, text]}
        body = {
            "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": MODEL,
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 120, "completion_tokens": 90, "total_tokens": 210},
        }  # fmt: skip
        return Answer(200, [(b"content-type", b"application/json")], msgspec.json.encode(body))


class _Plenty:
    """Judgements without end: 1,200 questions take a day, in which a gateway may ask for 86,400."""

    def take(self, name: bytes, a_minute: int, amount: float) -> float:
        return 0.0


class _Rows:
    """The last row of the ledger."""

    full = False

    def __init__(self) -> None:
        self.last: Record

    def put(self, record: Record) -> None:
        self.last = record

    async def room(self, patience_s: float) -> bool:
        return True


class _Day:
    """A fresh cache, with the verdicts of earlier days."""

    def __init__(self, entries: Entries, encoder: Memo, seed: int) -> None:
        self.gold, self.rows = _Gold(), _Rows()
        self.bounds = Bounds(entries, BOUND)
        self.flights = Flights()
        self.tier = Semantic(
            encoder, Index(), entries, self.bounds, self.gold, _Plenty(), check_share=0.05, judgements_a_minute=60,
            chance=random.Random(seed).random,
        )  # fmt: skip
        settings = CacheSettings(mode="semantic", judge=MODEL)
        cache = Cache(Policies(settings), entries, self.flights, self.tier)
        self.ask: Proceed = chain([Meter(self.rows), cache], self.gold.model)
        self.seed = seed

    async def run(self, questions: Sequence[Asked]) -> Served:
        served = Served()
        for number, asked in enumerate(questions):
            self.gold.answer_to[asked.tenant, asked.text] = asked.answer
            answer = await self.ask(self._call(number, asked))
            self._count(served, asked, json.loads(answer.body)["choices"][0]["message"]["content"])
            for _ in range(30):  # what follows the answer needs no time of its own here: nothing in it waits
                await asyncio.sleep(0)
        served.judged = self.gold.judged
        tenants = {asked.tenant for asked in questions}
        served.open_scopes = sum([(await self.bounds.threshold(tenant, "help")).serves for tenant in tenants])
        return served

    def _call(self, number: int, asked: Asked) -> Call:
        messages = [
            {"role": "system", "content": "Answer the customer."},
            {"role": "user", "content": asked.text},
        ]
        body = msgspec.json.encode({"model": MODEL, "temperature": 0, "messages": messages})
        call = Call(
            id=f"call-{self.seed}-{number}", wire="openai.chat", headers={}, peer="", body=body,
            ask=FORMATS["openai.chat"].ask(body), started_us=time.time_ns() // 1000, started=time.perf_counter(),
        )  # fmt: skip
        call.principal = Principal(tenant=asked.tenant, team="support", feature="help", key_id="key-1")
        return call

    def _count(self, served: Served, asked: Asked, answer: str) -> None:
        record = self.rows.last
        served.asked += 1
        if record.cache not in ("exact", "semantic"):
            return
        linked = any("linked" in decision.why for decision in record.decisions)
        served.exact += record.cache == "exact"
        served.linked += record.cache == "semantic" and linked
        served.near += record.cache == "semantic" and not linked
        served.wrong += answer != asked.answer
        served.foreign += not answer.startswith(f"{asked.tenant}: ")


async def support(days_before: int) -> Served:
    """The workload through a fresh cache. `days_before`: how many other streams the scopes have had verdicts from."""
    with tempfile.TemporaryDirectory(prefix="farthing-bench-") as folder:
        entries = await open_entries(f"sqlite:///{folder}/farthing.db")
        encoder = Memo(MiniLM(), size=20_000)
        try:
            for seed in range(2, 2 + days_before):
                await _Day(entries, encoder, seed).run(workload(seed))
                await entries.flush()
                await entries.purge()
            return await _Day(entries, encoder, 1).run(workload(1))
        finally:
            await encoder.close()
            await entries.close()


async def plain_support() -> Served:
    """The same by the usual recipe: equal words, else the nearest question of the tenant with a cosine of 0.95."""
    questions = workload(1)
    vectors = np.asarray(await _encode([asked.text for asked in questions]))
    index, served = Index(), Served()
    known: dict[tuple[str, str], int] = {}
    for at, asked in enumerate(questions):
        served.asked += 1
        group = asked.tenant.encode()
        found = known.get((asked.tenant, asked.text))
        near = index.nearest(group, vectors[at], 1, at_least=PLAIN) if found is None else []
        if found is not None:
            served.exact += 1
        elif near:
            found = int(near[0].entry_id)
            served.near += 1
        else:
            known[asked.tenant, asked.text] = at
            index.add(group, str(at), pack(vectors[at]))
            continue
        served.wrong += questions[found].answer != asked.answer
    return served
