"""Lines walk the steps that calls walk: what comes of one differs from a call's record in tier, cost, savings and timing."""

import asyncio
import json
import tempfile
import time
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.batch.walks import ERRAND, Parked, Settled, errand_of
from farthing.model.batch import Job, Origin, Sent
from farthing.model.record import Record, Saving
from farthing.store.batch.holds import HOLDER
from farthing.wire import FORMATS
from laws import examples

from .walking import SECRET, Said, answers, chat, job, key, line, shard_of, wired

HOUR_US = 3_600_000_000
CACHE = '[cache]\nmode = "exact"\n'
PLENTY = '[budgets.all]\namount = "100000"\n'
BUDGET = '[budgets.all]\namount = "1"\n'


def refuses(status: int, text: str = "no") -> object:
    def says(url: str, body: bytes) -> Said:
        return status, json.dumps({"error": {"message": text, "type": "x", "code": "y"}}).encode()

    return says


def law(record: Record) -> None:
    assert record.baseline - sum(each.saved for each in record.savings) == record.cost


async def parked(walks: object, a_line: object, a_job: object) -> Parked:
    found = await walks.pack(a_line, a_job)  # type: ignore[attr-defined]
    assert isinstance(found, Parked), found
    return found


async def test_a_line_is_packed_and_settled_at_the_batch_price(tmp_path: Path) -> None:
    async with wired(tmp_path, answers) as w:
        body, a_job = chat(metadata={"team": "search"}, user="anna"), job()
        a_line = line(body)
        a_line.call_id = "call-of-a-former-run"
        packed = await parked(w.walks, a_line, a_job)
        assert (packed.provider, packed.model, packed.wire) == ("openai", "gpt-4o-mini", "openai.chat")
        assert packed.body == body and packed.sent.call_id.startswith("call-1") and not packed.alone
        assert packed.tokens > 0 and packed.worst > 0
        assert not w.hosts.sent
        sent = msgspec.json.decode(msgspec.json.encode(packed.sent), type=Sent)
        begun = time.time_ns() // 1000 - HOUR_US
        settled = await w.walks.settle(
            a_line, a_job, shard_of(packed, created_us=begun), sent, *answers("/chat/completions", packed.body)
        )
        record = settled.record
        assert (settled.status, settled.again_s, record.id) == (200, None, packed.sent.call_id)
        assert (record.team, record.user, record.started_us) == ("search", "anna", begun)
        attempt = record.attempts[0]
        assert (attempt.tier, attempt.started_us, attempt.status) == ("batch", begun, 200)
        assert HOUR_US <= attempt.duration_us <= record.duration_us < HOUR_US + 60_000_000
        assert [each.lever for each in record.savings] == ["batching"]
        assert record.savings[0].before == record.baseline > record.cost > 0
        assert b"well" in settled.answer
        law(record)


async def test_a_cached_answer_settles_a_line_at_once_and_a_settled_one_is_cached(tmp_path: Path) -> None:
    async with wired(tmp_path, answers, CACHE) as w:
        body, a_job = chat(temperature=0), job()
        packed = await parked(w.walks, line(body), a_job)
        done = await w.walks.settle(
            line(body), a_job, shard_of(packed), packed.sent, *answers("/chat/completions", packed.body)
        )
        assert done.record.cache == "miss"
        hit = await w.walks.pack(line(body, no=1), a_job)
        assert isinstance(hit, Settled)
        assert (hit.record.cache, hit.record.cost, hit.again_s) == ("exact", 0, None)
        assert hit.record.savings == [Saving("semantic cache", done.record.cost, 0)]
        law(hit.record)
        live, _, _ = await w.call(a_job, body)
        assert live.cache == "exact" and not w.hosts.sent


async def test_what_is_settled_reads_nothing_from_the_cache(tmp_path: Path) -> None:
    async with wired(tmp_path, answers, CACHE) as w:
        body, a_job = chat(temperature=0), job()
        packed = await parked(w.walks, line(body), a_job)
        await w.call(a_job, body)
        done = await w.walks.settle(
            line(body), a_job, shard_of(packed), packed.sent, *answers("/chat/completions", packed.body)
        )
        assert done.record.cache == "miss" and done.record.cost > 0


@pytest.mark.parametrize(
    ("wire", "path", "body"),
    [
        ("openai.chat", "/chat/completions", chat()),
        ("openai.responses", "/responses", json.dumps({"model": "gpt-4o-mini", "input": "hello"}).encode()),
        ("openai.embeddings", "/embeddings", json.dumps({"model": "text-embedding-3-small", "input": ["a", "b"]}).encode()),
        (
            "anthropic.messages",
            "/messages",
            json.dumps(
                {"model": "claude-sonnet-4-5", "max_tokens": 50, "messages": [{"role": "user", "content": "hi"}]}
            ).encode(),
        ),
        ("anthropic.messages", "/chat/completions", json.dumps({"model": "gpt-4o-mini", "max_tokens": 50, "messages": [{"role": "user", "content": "hi"}]}).encode()),
        ("openai.chat", "/messages", chat("claude-sonnet-4-5", max_tokens=40)),
    ],
)  # fmt: skip
async def test_every_wire_comes_back_as_its_client_speaks_it(tmp_path: Path, wire: str, path: str, body: bytes) -> None:
    async with wired(tmp_path, answers, CACHE) as w:
        a_job = job(wire, "openai")
        packed = await parked(w.walks, line(body), a_job)
        settled = await w.walks.settle(line(body), a_job, shard_of(packed), packed.sent, *answers(path, packed.body))
        _, status, answer = await w.call(job(wire, headers={"cache-control": "no-store, no-cache"}), body)
        assert (settled.status, status) == (200, 200)
        said, same = json.loads(settled.answer), json.loads(answer)
        for made in (said, same):
            made.pop("created", None)
        assert said == same
        assert settled.record.attempts[0].tier == "batch"
        assert settled.record.in_tokens > 0
        law(settled.record)


async def test_a_client_of_a_batch_api_asked_for_its_price_himself(tmp_path: Path) -> None:
    async with wired(tmp_path, answers) as w:
        a_job = job(origin="openai")
        packed = await parked(w.walks, line(chat()), a_job)
        settled = await w.walks.settle(
            line(chat()), a_job, shard_of(packed), packed.sent, *answers("/chat/completions", packed.body)
        )
        assert settled.record.savings == [] and settled.record.baseline == settled.record.cost
        promoted = await w.walks.run(line(chat()), a_job, "call-9")
        assert promoted.record.savings[0].saved < 0
        assert promoted.record.baseline == settled.record.cost
        law(promoted.record)


@pytest.mark.parametrize(("status", "again"), [(400, None), (404, None), (429, 15.0), (500, 5.0), (529, 5.0)])
async def test_an_error_of_a_line_costs_nothing(tmp_path: Path, status: int, again: float | None) -> None:
    async with wired(tmp_path, answers, BUDGET) as w:
        packed = await parked(w.walks, line(chat()), job())
        said = b'{"error": {"message": "bad key sk-openai-123456"}}'
        settled = await w.walks.settle(line(chat()), job(), shard_of(packed), packed.sent, status, said)
        record = settled.record
        assert (settled.status, settled.again_s) == (status, again)
        assert (record.cost, record.cost_state, record.charges, record.savings) == (0, "computed", [], [])
        assert record.attempts[0].usage is None and record.attempts[0].outcome == "error"
        assert b"sk-openai-123456" not in settled.answer and b"***" in settled.answer


async def test_a_line_without_any_answer_may_be_tried_again(tmp_path: Path) -> None:
    async with wired(tmp_path, answers) as w:
        packed = await parked(w.walks, line(chat()), job())
        settled = await w.walks.settle(line(chat()), job(), shard_of(packed), packed.sent, 0, b"")
        assert (settled.status, settled.again_s, settled.record.cost) == (502, 5.0, 0)


async def test_a_line_is_sent_alone_and_stays_in_the_journal_until_it_is_written(tmp_path: Path) -> None:
    async with wired(tmp_path, answers, BUDGET) as w:
        settled = await w.walks.run(line(chat()), job(), "call-9")
        assert (settled.record.id, settled.status, settled.again_s) == ("call-9", 200, None)
        assert settled.record.savings == []
        assert w.journal.under_way == 1
        assert settled.record.charges[0].holder == w.purses.holder
        w.journal.close("call-9")


async def test_flex_is_asked_for_in_the_body_and_served_as_the_answer_says(tmp_path: Path) -> None:
    def flexes(url: str, body: bytes) -> Said:
        status, said = answers(url, body)
        return status, json.dumps({**json.loads(said), "service_tier": "flex"}).encode()

    async with wired(tmp_path, flexes) as w:
        settled = await w.walks.run(line(chat("gpt-5-mini")), job(), "call-9", "flex")
        assert json.loads(w.hosts.sent[0][1])["service_tier"] == "flex"
        assert settled.record.attempts[0].tier == "flex"
        saving = settled.record.savings[0]
        assert saving.lever == "batching" and saving.before > saving.after == settled.record.cost
        w.hosts.says = answers
        default = await w.walks.run(line(chat("gpt-5-mini")), job(), "call-10", "flex")
        assert default.record.savings == []
        asked = line(chat("gpt-5-mini", service_tier="batch"))
        await w.walks.run(asked, job(), "call-11")
        assert json.loads(w.hosts.sent[-1][1])["service_tier"] == "default"


async def test_a_refused_line_is_a_row_and_an_answer_of_the_client_s_wire(tmp_path: Path) -> None:
    async with wired(tmp_path, answers, BUDGET, key(models=("gpt-*",), tags={"team": "search"})) as w:
        mine = {"key_id": "key-1"}
        for body, status, code in (
            (b'{"model": 7}', 400, "invalid_request"),
            (chat("claude-sonnet-4-5"), 403, "not_allowed"),
            (chat("gpt-unheard-of"), 400, "model_unpriced"),
        ):  # fmt: skip
            found = await w.walks.pack(line(body, model="x"), job(**mine))
            assert isinstance(found, Settled)
            assert (found.status, found.again_s) == (status, None)
            assert (found.record.status, found.record.error, found.record.team) == (status, code, "search")
            assert json.loads(found.answer)["error"]["code"] == code
        unknown = await w.walks.pack(line(chat("who-knows")), job())
        assert isinstance(unknown, Settled) and unknown.status == 404
        wrong = await w.walks.run(line(b"{", model="x"), job("anthropic.messages"), "call-9")
        assert wrong.status == 400 and json.loads(wrong.answer)["type"] == "error"


async def test_a_budget_that_is_used_up_refuses_and_one_that_is_not_holds_the_worst(tmp_path: Path) -> None:
    budgets = '[budgets.small]\namount = "0.0001"\n[budgets.calls]\namount = "5"\nunit = "calls"\n' + (
        '[budgets.watched]\namount = "0"\nhard = false\n'
    )
    async with wired(tmp_path, answers, budgets) as w:
        found = await w.walks.pack(line(chat()), job())
        assert isinstance(found, Settled) and (found.status, found.record.error) == (429, "budget_exceeded")
        packed = await parked(w.walks, line(chat(max_tokens=10)), job())
        assert [(each.budget, each.unit) for each in packed.sent.holds] == [("calls", "calls"), ("small", "money")]
        assert packed.sent.holds[1].amount == packed.worst == packed.sent.held
        assert [each.budget for each in packed.sent.soft] == ["watched"]
        settled = await w.walks.settle(
            line(chat(max_tokens=10)), job(), shard_of(packed), packed.sent, *answers("/chat/completions", packed.body)
        )
        charges = {each.budget: each.amount for each in settled.record.charges}
        assert charges == {"calls": 1, "small": settled.record.cost, "watched": settled.record.cost}
        assert all(each.holder == "" for each in settled.record.charges) and HOLDER == "batch"


async def test_a_hold_is_at_the_batch_price(tmp_path: Path) -> None:
    async with wired(tmp_path, answers, BUDGET) as w:
        body = chat(max_tokens=1000)
        packed = await parked(w.walks, line(body), job())
        settled = await w.walks.run(line(body), job(), "call-9")
        live = w.book.rates("openai", "gpt-4o-mini", at_us=settled.record.started_us).bands[0].tokens
        assert 1000 * max(rate or 0 for rate in live) // 1000 > packed.worst > 0


async def test_a_model_whose_answers_have_no_bound_gets_one(tmp_path: Path) -> None:
    async with wired(tmp_path, answers, BUDGET) as w:
        packed = await parked(w.walks, line(chat("deepseek-chat")), job())
        assert packed.sent.holds[0].amount > 0
        assert packed.provider == "deepseek" and packed.alone == "the provider 'deepseek' has no batches"


async def test_a_revoked_key_keeps_its_jobs_and_one_that_is_gone_does_not(tmp_path: Path) -> None:
    async with wired(tmp_path, answers, key=key(tags={"team": "search"}, models=("gpt-*",))) as w:
        a_job = job(key_id="key-1")
        packed = await parked(w.walks, line(chat()), a_job)
        await w.store.revoke_key("key-1")
        await w.keys.refresh()
        again = await parked(w.walks, line(chat(), no=1), a_job)
        assert again.body == packed.body
        done = await w.walks.settle(
            line(chat()), a_job, shard_of(packed), packed.sent, *answers("/chat/completions", packed.body)
        )
        assert (done.record.key_id, done.record.team) == ("key-1", "search")
        refused = await w.walks.pack(line(chat("claude-sonnet-4-5")), a_job)
        assert isinstance(refused, Settled) and refused.status == 403
        gone = await w.walks.pack(line(chat()), job(key_id="key-2", tenant="acme"))
        assert isinstance(gone, Settled) and (gone.status, gone.record.tenant) == (403, "acme")


async def test_a_settled_answer_is_booked_whatever_its_key_may_by_then(tmp_path: Path) -> None:
    async with wired(tmp_path, answers, key=key(models=("gpt-*",), tags={"team": "search"})) as w:
        body = chat("claude-sonnet-4-5", max_tokens=10)
        packed = await parked(w.walks, line(body), job())
        done = await w.walks.settle(
            line(body), job(key_id="key-1"), shard_of(packed), packed.sent, *answers("/messages", packed.body)
        )
        assert (done.status, done.record.team) == (200, "search") and done.record.cost > 0


async def test_requests_a_minute_are_not_counted(tmp_path: Path) -> None:
    async with wired(tmp_path, answers, key=key(requests_per_minute=1)) as w:
        for no in range(3):
            settled = await w.walks.run(line(chat(), no=no), job(key_id="key-1"), f"call-{no}")
            assert settled.status == 200
        assert (await w.call(job(key_id="key-1"), chat()))[1] == 200
        assert (await w.call(job(key_id="key-1"), chat()))[1] == 429


async def test_a_line_for_auto_goes_to_one_model_and_is_settled_with_it(tmp_path: Path) -> None:
    routing = '[routing]\nsmall = ["gpt-4o-mini"]\nmid = ["gpt-4.1"]\nflagship = ["gpt-5"]\n'
    text = "Classify the sentiment of this review as positive or negative: I love it."
    async with wired(tmp_path, answers, routing) as w:
        body, a_job = chat("auto", text), job(headers={"x-farthing-task": "classification"})
        packed = await parked(w.walks, line(body), a_job)
        assert packed.sent.model and packed.sent.tier and packed.sent.task == "classification"
        settled = await w.walks.settle(
            line(body), a_job, shard_of(packed), packed.sent, *answers("/chat/completions", packed.body)
        )
        record = settled.record
        live, _, _ = await w.call(a_job, body)
        assert (record.tier, record.task, record.template, record.model) == (
            live.tier,
            live.task,
            live.template,
            live.model,
        )
        assert {each.lever for each in record.savings} >= {"batching"}
        assert [each.step for each in record.decisions if each.step != "defer"] == [
            each.step for each in live.decisions if each.step != "balance"
        ]
        assert [each.what for each in record.decisions if each.step == "defer"] == ["waited"]
        law(record)


async def test_shaping_is_done_once_and_booked_when_the_answer_comes(tmp_path: Path) -> None:
    prompts = '[prompts]\nlossless = "on"\n'
    rows = json.dumps([{"name": "x" * 10, "value": number} for number in range(300)], indent=4)
    async with wired(tmp_path, answers, prompts) as w:
        body = chat(text=rows)
        packed = await parked(w.walks, line(body), job())
        assert len(packed.body) < len(body)
        sent = msgspec.json.decode(msgspec.json.encode(packed.sent), type=Sent)
        settled = await w.walks.settle(
            line(body), job(), shard_of(packed), sent, *answers("/chat/completions", packed.body)
        )
        assert {each.lever for each in settled.record.savings} == {"prompt optimisation", "batching"}
        law(settled.record)


async def test_what_a_batch_is_to_keep_is_kept_for_an_hour(tmp_path: Path) -> None:
    async with wired(tmp_path, answers, '[prompts]\nprovider_caching = "auto"\n') as w:
        system = [{"type": "text", "text": "A long rule that all must follow. " * 600}]
        a_job = job("anthropic.messages")
        for no in range(12):
            messages = [{"role": "user", "content": f"question {no}"}]
            body = json.dumps({"model": "claude-sonnet-4-5", "max_tokens": 9, "system": system, "messages": messages})
            packed = await parked(w.walks, line(body.encode(), no=no), a_job)
        assert b'"ttl":"1h"' in packed.body and b'"ttl":"5m"' not in packed.body
        assert packed.sent.flags == ["cache_marked"] and packed.sent.cache_ttl == "1h"
        assert (
            packed.worst > packed.tokens * 3_000
        )  # an hour's write costs twice what input does: 3 dollars a million here
        settled = await w.walks.settle(
            line(body.encode()), a_job, shard_of(packed), packed.sent, *answers("/messages", packed.body)
        )
        assert {each.lever for each in settled.record.savings} == {"provider caching", "batching"}
        assert settled.record.attempts[0].usage.w1h == 7  # type: ignore[union-attr]
        law(settled.record)


async def test_a_follower_gets_the_answer_and_books_what_its_leader_cost(tmp_path: Path) -> None:
    async with wired(tmp_path, answers) as w:
        leader = await w.walks.run(line(chat()), job(), "call-1")
        body = chat(metadata={"team": "other"})
        follower = await w.walks.follow(line(body, no=1), job(), "call-2", leader.record, leader.status, leader.answer)
        record = follower.record
        assert (record.id, record.team, record.cost, record.attempts) == ("call-2", "other", 0, [])
        assert record.savings == [Saving("batching", leader.record.cost, 0, estimated=True)]
        assert (follower.status, follower.answer, record.model) == (200, leader.answer, leader.record.model)
        law(record)


async def test_an_answer_that_comes_late_is_a_row_of_its_own(tmp_path: Path) -> None:
    async with wired(tmp_path, answers, BUDGET) as w:
        body = chat(metadata={"feature": "report"})
        packed = await parked(w.walks, line(body), job())
        said = answers("/chat/completions", packed.body)
        record = await w.walks.late(line(body), job(), shard_of(packed), packed.sent, *said)
        assert record is not None
        assert (record.id, record.feature, record.baseline) == (packed.sent.call_id, "report", 0)
        assert record.savings == [Saving("batching", 0, 0, overhead=record.cost)] and record.cost > 0
        assert record.charges[0].amount == record.cost
        law(record)
        assert await w.walks.late(line(body), job(), shard_of(packed), packed.sent, 500, b"{}") is None


async def test_a_stream_that_was_asked_for_is_answered_whole(tmp_path: Path) -> None:
    async with wired(tmp_path, answers) as w:
        body = chat(stream=True, stream_options={"include_usage": True})
        packed = await parked(w.walks, line(body), job())
        assert json.loads(packed.body)["stream"] is False and json.loads(packed.body)["stream_options"] is None
        assert (await w.walks.run(line(body), job(), "call-9")).status == 200


async def test_a_provider_s_refusal_of_a_line_that_is_sent_alone(tmp_path: Path) -> None:
    async with wired(tmp_path, refuses(404), "[balance]\nattempts = 1\n") as w:  # type: ignore[arg-type]
        assert (await w.walks.run(line(chat()), job(), "call-1")).again_s is None
        w.hosts.says = refuses(500)  # type: ignore[assignment]
        failed = await w.walks.run(line(chat()), job(), "call-2")
        assert (failed.status, failed.again_s, failed.record.tools) == (500, 5.0, [])
        assert failed.record.cost == 0


ALIKE = (
    "id",
    "started_us",
    "cost",
    "baseline",
    "savings",
    "duration_us",
    "first_byte_us",
    "attempts",
    "decisions",
    "charges",
)
"""Of a record: what may differ between a line and a call, or is compared by itself."""
OF_ATTEMPTS = (
    "provider", "deployment", "model", "served_model", "status", "outcome", "usage", "estimated", "raw_usage", "geo", "flags",
)  # fmt: skip
texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=200)


@given(
    model=st.sampled_from(["gpt-4o-mini", "gpt-5-mini", "claude-sonnet-4-5", "auto", "small"]),
    text=texts,
    said=st.fixed_dictionaries(
        {},
        optional={
            "temperature": st.sampled_from([0, 1]), "max_tokens": st.integers(1, 500), "user": texts,
            "metadata": st.dictionaries(st.sampled_from(["team", "feature", "task", "x"]), texts, max_size=3),
        },
    ),
    headers=st.dictionaries(
        st.sampled_from(["x-farthing-feature", "x-farthing-tag-a", "x-farthing-session"]),
        st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20),
    ),
    status=st.sampled_from([200, 200, 200, 400]),
    origin=st.sampled_from(["call", "openai", "file"]),
)  # fmt: skip
@examples(20)
def test_a_line_s_record_is_that_of_the_same_call(
    model: str, text: str, said: dict[str, object], headers: dict[str, str], status: int, origin: str
) -> None:
    body = chat(model, text, **said)

    def says(url: str, sent: bytes) -> Said:
        return answers(url, sent) if status == 200 else (status, b'{"error":{"message":"no","type":"t"}}')

    async def both() -> None:
        routing = '[routing]\nsmall = ["gpt-4o-mini"]\nmid = ["gpt-4.1"]\nflagship = ["gpt-5"]\n'
        with tempfile.TemporaryDirectory() as folder:
            more = f'{CACHE}{PLENTY}{routing}[prompts]\nlossless = "on"\n'
            async with wired(Path(folder), says, more, key(tags={"project": "p"})) as w:
                a_job = job(origin=origin, key_id="key-1", headers=headers)
                a_line = line(body)
                packed = await parked(w.walks, a_line, a_job)
                live, live_status, live_answer = await w.call(a_job, body)
                url = next(url for url, _ in w.hosts.sent)
                assert packed.body == w.hosts.sent[0][1]
                done = await w.walks.settle(a_line, a_job, shard_of(packed), packed.sent, *says(url, packed.body))
                one, other = msgspec.structs.asdict(done.record), msgspec.structs.asdict(live)
                for name in ALIKE:
                    one.pop(name)
                    other.pop(name)
                assert one == other
                pairs = zip(done.record.attempts, live.attempts, strict=True)
                for mine, its in pairs:
                    assert [getattr(mine, name) for name in OF_ATTEMPTS if name != "flags"] == [
                        getattr(its, name) for name in OF_ATTEMPTS if name != "flags"
                    ]
                assert done.status == live_status
                if status == 200 and "created" not in json.loads(live_answer):
                    assert json.loads(done.answer) == json.loads(live_answer)
                law(done.record)
                assert sum(each.amount for each in done.record.charges) == done.record.cost

    asyncio.run(both())


def test_the_helpers_speak_the_formats() -> None:
    assert SECRET.startswith("fk-") and FORMATS["openai.chat"].ask(chat()).model == "gpt-4o-mini"


async def test_an_errand_passes_by_the_cache_and_is_a_lever_s_spending_whichever_way_it_goes(tmp_path: Path) -> None:
    async with wired(tmp_path, answers, CACHE) as w:
        body, ours = chat(temperature=0), job(origin="file", metadata={ERRAND: "prompt optimisation"})
        packed = await parked(w.walks, line(body), ours)
        batched = await w.walks.settle(
            line(body), ours, shard_of(packed), packed.sent, *answers("/chat/completions", body)
        )
        await parked(w.walks, line(body, no=1), ours)  # no hit, although the same was answered
        alone = await w.walks.run(line(body, no=2), ours, "call-alone")
        for each in (batched, alone):
            record = each.record
            assert (each.status, record.cache, record.task, record.baseline) == (200, "", "farthing overhead", 0)
            (saving,) = record.savings
            assert (saving.lever, saving.overhead) == ("prompt optimisation", record.cost) and record.cost > 0
            law(record)
        assert 1.5 * batched.record.cost < alone.record.cost


def test_only_jobs_that_we_made_are_errands() -> None:
    def made(origin: Origin) -> Job:
        return Job("j", origin, "openai.chat", "t", 0, 0, metadata={ERRAND: "prompt optimisation"})

    assert errand_of(made("file")) == "prompt optimisation"
    assert not errand_of(made("openai")) and not errand_of(made("call"))
