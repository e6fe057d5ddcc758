"""The cache as callers and their administrators meet it: the real gateway, both SDKs, a store that is damaged or killed."""

import asyncio
import os
import signal
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest

from farthing.steps.cache.bound import needed
from farthing.steps.cache.calibration import FAIRLY_TRIED
from farthing.store.entries import Verdict, open_entries
from integration import rates
from integration.callers import AsyncCaller, Caller, Noted
from integration.conftest import Keyed
from integration.gateways import Gateway, eventually, gateway, settings_text
from integration.test_relay import chat_event
from integration.upstreams import END, Recorder, Simulator, chunk, events, whole

GPT, CLAUDE, NANO, SMALL = "gpt-4o-mini", "claude-haiku-4-5", "gpt-4.1-nano", "text-embedding-3-small"
NO_HOLD_OUT = "[routing]\nhold_out_percent = 0\n"
EXACT = NO_HOLD_OUT + '[cache]\nmode = "exact"\nmax_temperature = 1.0'
SEMANTIC = NO_HOLD_OUT + f'[cache]\nmode = "semantic"\nmax_temperature = 1.0\ncheck_percent = 0\njudge = "{NANO}"'
"""The recorder's model judges."""

Ask = Callable[..., str]


def asked(text: str) -> Any:
    return [{"role": "user", "content": text}]


def chat(caller: Caller, text: str, stream: bool = False, **more: Any) -> str:
    if not stream:
        answer = caller.openai.chat.completions.create(model=GPT, messages=asked(text), **more)
        assert answer.choices[0].finish_reason == "stop"
        return answer.choices[0].message.content or ""
    options: Any = {"include_usage": True}
    with caller.openai.chat.completions.stream(
        model=GPT, messages=asked(text), stream_options=options, **more
    ) as events:
        events.until_done()
        final = events.get_final_completion()
    assert final.usage is not None and final.usage.completion_tokens > 0
    return final.choices[0].message.content or ""


def response(caller: Caller, text: str, stream: bool = False, **more: Any) -> str:
    if not stream:
        return caller.openai.responses.create(model=GPT, input=text, **more).output_text
    with caller.openai.responses.stream(model=GPT, input=text, **more) as events:
        events.until_done()
        final = events.get_final_response()
    assert final.status == "completed" and final.usage is not None and final.usage.output_tokens > 0
    return final.output_text


def message(caller: Caller, text: str, stream: bool = False, **more: Any) -> str:
    if not stream:
        answer = caller.anthropic.messages.create(model=CLAUDE, max_tokens=300, messages=asked(text), **more)
        return "".join(block.text for block in answer.content if block.type == "text")
    with caller.anthropic.messages.stream(model=CLAUDE, max_tokens=300, messages=asked(text), **more) as events:
        final = events.get_final_message()
    assert final.stop_reason == "end_turn" and final.usage.output_tokens > 0
    return "".join(block.text for block in final.content if block.type == "text")


WAYS = {"chat": chat, "responses": response, "messages": message}


@contextmanager
def calling(gateway: Gateway, key: str = "any") -> Iterator[Caller]:
    caller = Caller(gateway.url, key)
    try:
        yield caller
    finally:
        caller.close()


def said(caller: Noted) -> str:
    """How the cache answered the last call; none if it did not."""
    return told_by(caller.last)


def told_by(answer: httpx2.Response) -> str:
    """The same of any answer."""
    how = answer.headers["x-farthing-cache"]
    return how if how in ("exact", "semantic") else "none"


def saved(record: dict[str, Any]) -> list[tuple[str, int]]:
    """What each lever took off."""
    return [(one["lever"], one["before"] - one["after"] - one["overhead"]) for one in record["savings"]]


@pytest.fixture(scope="module")
def cached(tmp_path_factory: pytest.TempPathFactory, upstreams: str) -> Iterator[Keyed]:
    """A gateway that gives exact hits and wants keys."""
    secrets: list[str] = []

    def make_admin(made: Gateway) -> None:
        secrets.append(made.farthing_json("keys", "create", "boss", "--admin")["secret"])

    settings = settings_text(providers=upstreams, more=EXACT)
    with gateway(tmp_path_factory.mktemp("cached"), settings, before=make_admin) as made:
        yield Keyed(made, secrets[0])


@pytest.fixture
def boss(cached: Keyed) -> Iterator[Caller]:
    with calling(cached.gateway, cached.admin) as caller:
        yield caller


# What a caller gets.


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("first", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("second", [False, True], ids=["plain", "stream"])
def test_an_answer_is_told_again(
    cached: Keyed, boss: Caller, provider: Simulator, way: str, first: bool, second: bool
) -> None:
    ask: Ask = WAYS[way]
    text = f"What is a {way} rope, asked {first} and {second}?"
    told = ask(boss, text, first)
    paid = cached.gateway.call(boss.call_id, cached.admin)
    assert said(boss) == "none" and paid["cost"] > 0
    before = provider.requests()
    assert ask(boss, text, second) == told
    assert said(boss) == "exact" and provider.requests() == before
    hit = cached.gateway.call(boss.call_id, cached.admin)
    assert (hit["cost"], hit["baseline"], hit["cache"]) == (0, paid["cost"], "exact")
    assert hit["attempts"] == [] and (hit["in_tokens"], hit["out_tokens"]) == (0, 0)
    assert saved(hit) == [("semantic cache", paid["cost"])]
    assert any(paid["id"] in decision["why"] for decision in hit["decisions"]), "the trail names the source"


async def test_a_stream_can_be_told_again_to_asynchronous_clients(cached: Keyed) -> None:
    async with AsyncCaller(cached.gateway.url, cached.admin) as caller:
        told = []
        for _ in range(2):
            stream = await caller.openai.chat.completions.create(
                model=GPT, messages=asked("Which knot holds, I ask at once?"), stream=True
            )
            told.append([event.choices[0].delta.content or "" async for event in stream if event.choices])
        assert "".join(told[0]) == "".join(told[1])
        assert len(told[1]) > 2, "in pieces, as a stream comes"
        assert said(caller) == "exact"


def test_costs_and_savings_are_in_the_headers(boss: Caller) -> None:
    chat(boss, "What is in the headers?")
    cost = boss.last.headers["x-farthing-cost"]
    chat(boss, "What is in the headers?")
    assert float(boss.last.headers["x-farthing-cost"]) == 0
    assert boss.last.headers["x-farthing-saved"] == cost


def test_what_a_caller_asks_of_the_cache(cached: Keyed, boss: Caller, provider: Simulator) -> None:
    def ask(text: str, directive: str, header: str = "x-farthing-cache") -> str:
        chat(boss, text, extra_headers={header: directive})
        return said(boss)

    for header in ("x-farthing-cache", "cache-control"):
        text = f"What is a sail, by {header}?"
        with pytest.raises(openai.InternalServerError) as refused:
            ask(text, "only-if-cached", header)
        assert refused.value.status_code == 504 and refused.value.code == "not_cached"
        assert refused.value.response.headers["x-should-retry"] == "false"
        assert ask(text, "no-store", header) == "none"
        assert ask(text, "max-age=60", header) == "none", "it was not stored"
        assert ask(text, "only-if-cached", header) == "exact"
        assert ask(text, "no-cache", header) == "none"
        assert ask(text, "max-age=0", header) == "none"


def test_the_report_shows_what_was_saved(cached: Keyed) -> None:
    secret = cached.key("saver", tags={"team": "savers"})
    with calling(cached.gateway, secret) as caller:
        for _ in range(4):
            chat(caller, "How much is saved?")
        cost = next(
            record["cost"] for record in (cached.gateway.call(answer.headers["x-farthing-call-id"], cached.admin)
                                          for answer in caller.answers) if record["cost"]
        )  # fmt: skip

    def row() -> Any:
        rows = cached.gateway.farthing_json("report", "--by", "team")["rows"]
        return next((row for row in rows if row["team"] == "savers" and row["calls"] == 4), None)

    shown = eventually(row, "the four calls are in the report")
    assert shown["cost"]["nano_dollars"] == cost
    assert shown["saved"]["nano_dollars"] == 3 * cost
    assert shown["baseline"]["nano_dollars"] == 4 * cost


def test_embeddings_are_cached_by_input(cached: Keyed, boss: Caller, provider: Simulator) -> None:
    texts = ["a rope", "a sail", "an anchor", "a mast"]
    first = boss.openai.embeddings.create(model=SMALL, input=texts[:2])
    paid = cached.gateway.call(boss.call_id, cached.admin)["cost"]
    before = provider.requests()
    again = boss.openai.embeddings.create(model=SMALL, input=texts[1::-1])
    assert [one.embedding for one in again.data] == [one.embedding for one in reversed(first.data)]
    assert said(boss) == "exact" and provider.requests() == before and again.usage == first.usage
    hit = cached.gateway.call(boss.call_id, cached.admin)
    assert (hit["cost"], hit["baseline"]) == (0, paid)

    mixed = boss.openai.embeddings.create(model=SMALL, input=[texts[2], texts[0], texts[3], texts[2]])
    assert [one.index for one in mixed.data] == [0, 1, 2, 3]
    assert mixed.data[1].embedding == first.data[0].embedding
    assert mixed.data[0].embedding == mixed.data[3].embedding != mixed.data[2].embedding
    record = cached.gateway.call(boss.call_id, cached.admin)
    alone = boss.openai.embeddings.create(model=SMALL, input=texts[2:], extra_headers={"x-farthing-cache": "no-cache"})
    assert record["cost"] == rates.of_embeddings(SMALL, alone.usage), "only what was missing was paid"
    assert 0 < sum(amount for _, amount in saved(record)) < paid
    assert [one.embedding for one in alone.data] == [mixed.data[0].embedding, mixed.data[2].embedding]

    plain = boss.openai.embeddings.create(model=SMALL, input=texts[0], encoding_format="float")
    assert said(boss) == "none", "base64, which the SDK asks for, and floats are kept apart"
    assert plain.data[0].embedding == pytest.approx(first.data[0].embedding, abs=1e-6)
    assert len(boss.openai.embeddings.create(model=SMALL, input=texts[0], dimensions=8).data[0].embedding) == 8


# Who gets it.


def test_tenants_teams_and_strangers_share_nothing(cached: Keyed) -> None:
    def make(*more: str) -> str:
        return cached.gateway.farthing_json("keys", "create", "k", *more)["secret"]

    keys = {
        "team": make("--team", "web"), "other team": make("--team", "mail"), "no team": make(), "nor this": make(),
        "other tenant": make("--tenant", "rival", "--team", "web"), "feature": make("--team", "web", "--feature", "faq"),
    }  # fmt: skip
    for text in ("Who may know this?", "Who may know that?"):
        for name, key in keys.items():
            with calling(cached.gateway, key) as caller:
                for way in WAYS.values():
                    way(caller, text)
                    assert said(caller) == "none", f"{name} got an answer of others"
    with calling(cached.gateway, make("--team", "web")) as mate:
        chat(mate, "Who may know this?")
        assert said(mate) == "exact", "the same team"


def test_a_key_gets_no_answer_of_a_model_that_it_may_not_use(cached: Keyed) -> None:
    free, bound = (cached.key(name, tags={"team": "bound"}, **more) for name, more in
                   (("free", {}), ("bound", {"models": ["claude-*"]})))  # fmt: skip
    with calling(cached.gateway, free) as caller:
        chat(caller, "May I?")
    with calling(cached.gateway, bound) as caller, pytest.raises(openai.PermissionDeniedError):
        chat(caller, "May I?")


@pytest.mark.parametrize(
    "other",
    [
        {"temperature": 0.5}, {"seed": 4}, {"max_tokens": 900}, {"top_p": 0.9}, {"response_format": {"type": "json_object"}},
        {"messages": [{"role": "system", "content": "Be terse."}, {"role": "user", "content": "What is json?"}]},
        {"messages": asked("What is json ?")}, {"model": "gpt-4o"},
        {"tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}]},
    ],
)  # fmt: skip
def test_another_request_is_another_answer(boss: Caller, other: dict[str, Any]) -> None:
    chat(boss, "What is json?")
    boss.openai.chat.completions.create(**{"model": GPT, "messages": asked("What is json?"), **other})
    assert said(boss) == "none"
    chat(boss, "What is json?")
    assert said(boss) == "exact"


async def test_equal_calls_at_once_are_one_call_upstream(cached: Keyed, provider: Simulator) -> None:
    before = provider.requests()
    async with AsyncCaller(cached.gateway.url, cached.admin) as caller:
        answers = await asyncio.gather(
            *(
                caller.openai.chat.completions.create(
                    model=GPT, messages=asked("All of us? [[simulate: slow-first-byte=0.5]]")
                )
                for _ in range(60)
            )
        )
        ids = [answer.headers["x-farthing-call-id"] for answer in caller.answers]
    assert provider.requests() == before + 1
    assert len({answer.choices[0].message.content for answer in answers}) == 1
    records = [cached.gateway.call(call_id, cached.admin) for call_id in ids]
    assert sorted(record["cost"] > 0 for record in records) == [False] * 59 + [True]
    assert len({record["baseline"] for record in records}) == 1


# How it dies.


def test_feedback_kills_an_answer_at_every_worker(tmp_path: Path, upstreams: str) -> None:
    with gateway(tmp_path, settings_text(providers=upstreams, more=EXACT), "--workers", "2") as made:

        def ask() -> httpx2.Response:
            with httpx2.Client(verify=False, timeout=60) as web:  # a connection of its own: any worker
                return web.post(
                    f"{made.url}/v1/chat/completions",
                    json={"model": GPT, "messages": asked("Is it bad?"), "temperature": 0},
                )

        ask()
        eventually(lambda: _written(tmp_path), "it is written, or the other worker would make an answer of its own")
        eventually(lambda: all(told_by(ask()) == "exact" for _ in range(12)), "all workers have it")
        bad = ask()
        call_id = bad.headers["x-farthing-call-id"]
        made.call(call_id)
        told = made.post("/v1/farthing/feedback", {"call_id": call_id, "verdict": "bad"})
        assert told.status_code == 200 and told.json()["answers_dropped"] == 1
        fresh = [ask() for _ in range(12)]
        first = fresh[0].headers["x-farthing-call-id"]
        assert told_by(fresh[0]) == "none"
        sources = {
            decision["why"].split()[4].rstrip(",")
            for answer in fresh[1:]
            for decision in made.call(answer.headers["x-farthing-call-id"])["decisions"]
            if "hit" in decision["what"]
        }
        assert bad.json()["id"] not in {answer.json()["id"] for answer in fresh}
        assert all(source >= first for source in sources), "no worker gave the bad answer again"


def test_feedback_is_for_ones_own_calls(cached: Keyed) -> None:
    ana, ben = (cached.key(name, tags={"team": "own"}) for name in ("ana", "ben"))
    with calling(cached.gateway, ana) as caller:
        chat(caller, "Whose is it?")
        call_id = caller.call_id
        cached.gateway.call(call_id, cached.admin)
        refused = cached.gateway.post("/v1/farthing/feedback", {"call_id": call_id, "verdict": "bad"}, ben)
        assert refused.status_code in (403, 404)
        chat(caller, "Whose is it?")
        assert said(caller) == "exact"
        told = cached.gateway.post("/v1/farthing/feedback", {"call_id": call_id, "verdict": "bad"}, ana)
        assert told.json()["answers_dropped"] == 1, "the source's own call is enough"
        chat(caller, "Whose is it?")
        assert said(caller) == "none"


# What it survives.


def test_a_restart_loses_nothing(tmp_path: Path, upstreams: str) -> None:
    with gateway(tmp_path, settings_text(providers=upstreams, more=EXACT)) as made:
        with calling(made) as caller:
            told = [way(caller, "Will it last?") for way in WAYS.values()]
            vector = caller.openai.embeddings.create(model=SMALL, input="Will it last?").data
        made.stop()
        made.start()
        with calling(made) as caller:
            for way, before in zip(WAYS.values(), told, strict=True):
                assert way(caller, "Will it last?") == before
                assert said(caller) == "exact"
            assert caller.openai.embeddings.create(model=SMALL, input="Will it last?").data == vector
            assert said(caller) == "exact"


def test_a_damaged_file_makes_misses_and_one_warning(tmp_path: Path, upstreams: str) -> None:
    with gateway(tmp_path, settings_text(providers=upstreams, more=EXACT)) as made:
        with calling(made) as caller:
            told = chat(caller, "Is it whole?")
        made.stop()
        (file,) = [path for path in tmp_path.iterdir() if path.name.endswith(".cache")]
        for side in tmp_path.glob(f"{file.name}-*"):
            side.unlink()
        file.write_bytes(b"no database at all, " * 1000)
        made.start()
        with calling(made) as caller:
            assert chat(caller, "Is it whole?") == told, "the provider says the same"
            assert said(caller) == "none"

            def hit() -> bool:
                chat(caller, "Is it whole?")
                return said(caller) == "exact"

            eventually(hit, "the cache works again, begun anew")
        eventually(lambda: "is damaged" in made.log, "the log says so")
        assert sum("is damaged" in line for line in made.log.splitlines()) == 1
        assert "Traceback" not in made.log


def test_a_file_damaged_while_it_is_used(tmp_path: Path, upstreams: str) -> None:
    with gateway(tmp_path, settings_text(providers=upstreams, more=EXACT)) as made, calling(made) as caller:
        for number in range(20):
            chat(caller, f"Question {number}?")
        (file,) = [path for path in tmp_path.iterdir() if path.name.endswith(".cache")]
        eventually(lambda: _written(tmp_path) == 20, "they are written")
        with file.open("r+b") as damaged:
            damaged.write(os.urandom(file.stat().st_size))
        for side in tmp_path.glob(f"{file.name}-wal"):
            os.truncate(side, 0)
        for number in range(20):
            chat(caller, f"Question {number}?")
        assert "Traceback" not in made.log
        assert made.get("/health/ready").status_code == 200


def _written(folder: Path) -> int:
    """Answers in the cache's file."""
    found = [path for path in folder.iterdir() if path.name.endswith(".cache")]
    if not found:
        return 0
    with closing(sqlite3.connect(found[0])) as opened:
        ((count,),) = opened.execute("SELECT count(*) FROM cache_entries").fetchall()
    return int(count)


async def test_killed_while_it_writes(tmp_path: Path, upstreams: str) -> None:
    with gateway(tmp_path, settings_text(providers=upstreams, more=EXACT)) as made:
        async with AsyncCaller(made.url) as caller:

            async def ask(number: int) -> None:
                await caller.openai.chat.completions.create(model=GPT, messages=asked(f"Number {number}?"))

            await asyncio.gather(*(ask(number) for number in range(40)))
            eventually(lambda: _written(tmp_path) >= 40, "they are written")
            under_way = [asyncio.create_task(ask(number)) for number in range(40, 120)]
            await asyncio.sleep(0.15)
            made.stop(signal.SIGKILL)
            await asyncio.gather(*under_way, return_exceptions=True)
        made.start()
        async with AsyncCaller(made.url) as caller:
            for number in range(40):
                await caller.openai.chat.completions.create(model=GPT, messages=asked(f"Number {number}?"))
                assert said(caller) == "exact", "what was written stays"
            for number in range(40, 60):
                await caller.openai.chat.completions.create(model=GPT, messages=asked(f"Number {number}?"))
        assert "damaged" not in made.log and "Traceback" not in made.log
    (file,) = [path for path in tmp_path.iterdir() if path.name.endswith(".cache")]
    with sqlite3.connect(file) as opened:
        assert opened.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    opened.close()


# The semantic tier.


async def _trust(folder: Path, feature: str = "faq") -> None:
    """Verdicts enough for the bound, as weeks of checks would leave them."""
    entries = await open_entries(f"sqlite:///{folder}/ledger.db")
    for number in range(needed(0.01) + 1):
        entries.verdict(
            Verdict(
                tenant="default", scope=feature, call_id=f"call-v{number}", similarity=0.8, wrong=False, source="shadow",
                at_us=time.time_ns() // 1000,
            )
        )  # fmt: skip
    for number in range(FAIRLY_TRIED):
        entries.verdict(
            Verdict(
                tenant="default", scope=feature, call_id=f"call-p{number}", similarity=0.8, wrong=True, source="mismatch",
                judge=NANO, at_us=time.time_ns() // 1000,
            )
        )  # fmt: skip
    await entries.flush()
    await entries.close()


def _judgement(answers: bool) -> bytes:
    body = {
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": NANO,
        "choices": [{"index": 0, "finish_reason": "stop", "message": {
            "role": "assistant", "content": '{"answers": true}' if answers else '{"answers": false}', "refusal": None}}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110},
    }  # fmt: skip
    return whole(body)


class Shop:
    """A gateway with the semantic tier, asked about a shop."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway

    def ask(self, text: str, *, stream: bool = False, feature: str = "faq", way: str = "chat") -> tuple[str, dict]:
        """How the cache answered, and the record."""
        with calling(self.gateway) as caller:
            WAYS[way](caller, text, stream, extra_headers={"x-farthing-feature": feature})
            return said(caller), self.gateway.call(caller.call_id)

    def near(self, text: str, *, stream: bool = False) -> dict[str, Any]:
        """The record of the answer that the cache has to a question in other words: on a busy machine the question's vector may
        be late, and then the model would be asked."""
        only = {"x-farthing-feature": "faq", "x-farthing-cache": "only-if-cached"}

        def found() -> dict[str, Any] | None:
            with calling(self.gateway) as caller:
                try:
                    chat(caller, text, stream, extra_headers=only)
                except openai.InternalServerError:
                    return None
                assert said(caller) == "semantic"
                return self.gateway.call(caller.call_id)

        record: dict[str, Any] = eventually(found, f"the cache has an answer to {text!r}")
        return record

    def judgements(self) -> list[dict[str, Any]]:
        rows = self.gateway.farthing_json("calls", "--where", "feature=farthing judge", "--limit", "100")
        return [self.gateway.call(row["id"]) for row in rows]


@pytest.fixture
async def shop(tmp_path: Path, upstreams: str, tape: Recorder) -> AsyncIterator[Shop]:
    pytest.importorskip("onnxruntime")
    await _trust(tmp_path)
    tape.answers(_judgement(True))
    with gateway(tmp_path, settings_text(providers=upstreams, more=SEMANTIC)) as made:
        yield Shop(made)


async def test_the_same_question_in_other_words(shop: Shop) -> None:
    _, first = await asyncio.to_thread(shop.ask, "How do I reset my password?")
    for stream in (False, True):
        hit = await asyncio.to_thread(shop.near, "How can I reset my password?", stream=stream)
        assert (hit["cost"], hit["baseline"], hit["attempts"]) == (0, first["cost"], [])
        (decision,) = [one for one in hit["decisions"] if one["step"] == "cache"]
        assert first["id"] in decision["why"] and "similarity 0.9" in decision["why"] and "s old" in decision["why"]
    for other in ("How do I reset my PIN?", "Why do I reset my password?", "How do I not reset my password?"):
        assert (await asyncio.to_thread(shop.ask, other))[0] == "none"
    for way in ("responses", "messages"):
        assert (await asyncio.to_thread(shop.ask, "How do I reset my password?", way=way))[0] == "none"


async def test_a_scope_that_has_not_shown_the_bound_serves_no_near_question(shop: Shop) -> None:
    for text in ("How do I reset my password?", "How can I reset my password?"):
        assert (await asyncio.to_thread(shop.ask, text, feature="new"))[0] == "none"


async def test_a_judged_question_is_linked_and_the_judge_is_overhead(shop: Shop) -> None:
    policy, refund = "What's our refund policy?", "How do I get a refund?"
    assert (await asyncio.to_thread(shop.ask, policy))[0] == "none"
    assert (await asyncio.to_thread(shop.ask, refund))[0] == "none", "too far apart by itself"

    def judged() -> list[dict[str, Any]]:
        return shop.judgements()

    (judgement,) = await asyncio.to_thread(eventually, judged, "the judge was asked")
    cost = rates.nano(NANO, input=100, output=10)
    assert (judgement["cost"], judgement["baseline"]) == (cost, 0)
    assert saved(judgement) == [("semantic cache", -cost)]

    await asyncio.to_thread(shop.near, "how do i get a refund")  # the two questions share an answer


async def test_feedback_kills_a_near_hit(shop: Shop) -> None:
    await asyncio.to_thread(shop.ask, "How do I reset my password?")
    hit = await asyncio.to_thread(shop.near, "How can I reset my password?")
    told = shop.gateway.post("/v1/farthing/feedback", {"call_id": hit["id"], "verdict": "bad"})
    assert told.json()["answers_dropped"] == 1
    for text in ("How can I reset my password?", "How do I reset my password?"):
        assert (await asyncio.to_thread(shop.ask, text))[0] == "none"


async def test_near_questions_survive_a_restart(shop: Shop) -> None:
    await asyncio.to_thread(shop.ask, "How do I reset my password?")
    await asyncio.to_thread(shop.gateway.stop)
    await asyncio.to_thread(shop.gateway.start)
    await asyncio.to_thread(shop.near, "How can I reset my password?")  # the index is filled from the file


async def test_streams_that_break_are_not_kept(tmp_path: Path, upstreams: str, tape: Recorder) -> None:
    tape.answers(events(), chunk(chat_event("half an ")), chunk(chat_event("answer")), None)
    with gateway(tmp_path, settings_text(providers=upstreams, more=EXACT)) as made, calling(made) as caller:

        def ask() -> str:
            stream = caller.openai.chat.completions.create(model=NANO, messages=asked("Whole?"), stream=True)
            try:
                return "".join(event.choices[0].delta.content or "" for event in stream if event.choices)
            except Exception as error:
                return type(error).__name__

        ask()
        tape.answers(
            events(), chunk(chat_event("all of it")), chunk(chat_event(finish="stop")), chunk(b"data: [DONE]\n\n"), END
        )
        assert ask() == "all of it" and said(caller) == "none"
        assert ask() == "all of it" and said(caller) == "exact"
