"""Files into a store, on both engines: whole, broken off and gone on with, twice, grown, with texts kept, hashed or dropped."""

import asyncio
import gzip
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from farthing.model.errors import BadRequest
from farthing.model.past import PastCall
from farthing.planner.imports import formats
from farthing.planner.imports.job import Outcome, Plan, import_file
from farthing.planner.imports.mapping import guess
from farthing.planner.imports.reading import sample_of
from farthing.prices import PriceBook
from farthing.store import Store, open_store, past_calls, past_days, past_texts
from farthing.store.imported_files import every
from farthing.store.past_texts import texts_for
from farthing.store.sealing import PLAIN, Wrapping, wrapping
from unit.planner.imports.reads import lines
from unit.planner.imports.test_litellm import a_row


def plan_of(path: Path, texts: str = "drop", **said: str) -> Plan:
    sample = sample_of(path)
    name = formats.detect(sample)
    return Plan(path, name, guess(sample, said) if name == formats.PLAIN else None, texts)


def a_table(path: Path, count: int, first: int = 0) -> None:
    with path.open("a") as file:
        if not first:
            file.write("ts,model,prompt_tokens,completion_tokens,user,feature\n")
        for n in range(first, first + count):
            bad = n % 50 == 7
            file.write(
                f"{1_790_856_000 + n * 37 % 5_000},{'gpt-4o' if n % 3 else 'claude-sonnet-4-5'},{'x' if bad else n},{n % 9},u{n % 5},chat\n"
            )


async def past(store: Store, wrap: Wrapping = PLAIN) -> list[PastCall]:
    def work(connection: Any) -> list[PastCall]:
        return list(past_calls.past_calls(connection, texts_for(connection, wrapping=wrap)))

    return await store.do(work)


async def test_a_file_is_read_once_and_goes_on_when_it_has_grown(store: Store, tmp_path: Path, book: PriceBook) -> None:
    path = tmp_path / "a.csv"
    a_table(path, 200)
    bad: list[tuple[str, int, str]] = []
    first = await import_file(store, plan_of(path), book, bad=lambda *each: bad.append(each), batch=37)
    assert (first.rows, first.calls, first.bad, first.known) == (200, 196, 4, 0)
    assert [line for _, line, _ in bad] == [9, 59, 109, 159]
    again = await import_file(store, plan_of(path), book)
    assert again.nothing_new and again.calls == 0
    a_table(path, 30, 200)
    grown = await import_file(store, plan_of(path), book)
    assert (grown.rows, grown.calls, grown.went_on) == (30, 29, 201)
    moved = tmp_path / "b.csv.gz"
    moved.write_bytes(gzip.compress(path.read_bytes()))
    assert (await import_file(store, plan_of(moved), book)).nothing_new
    assert await store.check() == []
    calls = await past(store)
    assert len(calls) == 225 and [call.at_us for call in calls] == sorted(call.at_us for call in calls)
    files = await store.do(every)
    assert [(each.lines, each.calls, each.bad, each.ended) for each in files] == [(230, 225, 5, True)]


class Stopped(Exception):
    pass


async def test_broken_off_anywhere_and_gone_on_with_it_is_the_same_store(
    url: str, tmp_path: Path, book: PriceBook
) -> None:
    path = tmp_path / "a.csv"
    a_table(path, 300)
    whole = await open_store(f"sqlite:///{tmp_path}/whole.db")
    await import_file(whole, plan_of(path), book)
    store = await open_store(url)
    for stop in (1, 2, 1):
        seen = iter(range(stop))

        def hear(_: Outcome, seen: Iterator[int] = seen) -> None:
            if next(seen, None) is None:
                raise Stopped

        with pytest.raises(Stopped):
            await import_file(store, plan_of(path), book, hear=hear, batch=40)
    rest = await import_file(store, plan_of(path), book, batch=40)
    assert 0 < rest.rows < 300 and rest.went_on
    assert await past(store) == await past(whole)
    assert await store.report("model") == await whole.report("model") and await store.check() == []
    await store.close()
    await whole.close()


SCRIPT = """
import asyncio, sys
from pathlib import Path
from farthing.planner.imports.job import import_file
from farthing.prices import PriceBook
from farthing.store import open_store
from unit.planner.imports.test_job import plan_of

async def main():
    store = await open_store(sys.argv[2])
    await import_file(store, plan_of(Path(sys.argv[1])), PriceBook.load(), batch=50)
    await store.close()

asyncio.run(main())
"""


async def test_killed_and_started_again_it_is_the_same_store(tmp_path: Path, book: PriceBook) -> None:
    path, url = tmp_path / "a.csv", f"sqlite:///{tmp_path}/killed.db"
    a_table(path, 4_000)
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    child = subprocess.Popen([sys.executable, "-c", SCRIPT, str(path), url], env=environ)
    store = await open_store(url)
    until = time.monotonic() + 60
    while time.monotonic() < until and child.poll() is None:
        if any(each.place for each in await store.do(every)):
            break
        await asyncio.sleep(0.005)
    child.send_signal(signal.SIGKILL)
    child.wait()
    outcome = await import_file(store, plan_of(path), book)
    whole = await open_store(f"sqlite:///{tmp_path}/whole.db")
    await import_file(whole, plan_of(path), book)
    assert outcome.known == 0 and await past(store) == await past(whole) and await store.check() == []
    await store.close()
    await whole.close()


def with_text() -> bytes:
    body = {"model": "smart", "messages": [{"role": "user", "content": "a secret of ours"}], "max_tokens": 50}
    answer = {"choices": [{"message": {"role": "assistant", "content": "an answer of theirs"}}]}
    rows = [a_row(request_id=f"r{n}", proxy_server_request=body, response=answer) for n in range(3)]
    return lines(*rows, a_row(request_id="r1"), a_row(request_id="r9", cache_hit="True"))


async def test_texts_are_kept_sealed_hashed_or_dropped(store: Store, tmp_path: Path, book: PriceBook) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(with_text())
    key = wrapping("11" * 32)
    outcome = await import_file(store, plan_of(path, "keep"), book, wrapping=key)
    assert (outcome.calls, outcome.known) == (4, 1)  # one id came twice
    calls = {call.id: call for call in await past(store, key)}
    assert (
        b"a secret of ours" in calls["r1"].prompt
        and b"an answer of theirs" in calls["r1"].answer
        and calls["r1"].max_output == 50
    )
    assert calls["r9"].cached and calls["r9"].usage is not None and calls["r9"].usage.cache_read == 80
    rows = await store.do(lambda connection: connection.query("SELECT prompt, answer FROM past_texts"))
    assert not any(b"secret" in bytes(each) for row in rows for each in row)
    other = {call.id: call for call in await past(store)}
    assert other["r1"].prompt == b"" and other["r1"].flags == ["text_unreadable"]
    assert await store.do(past_texts.forget) == 3
    assert all(not call.prompt for call in await past(store, key))


async def test_digests_tell_equal_prompts_and_nothing_else(store: Store, tmp_path: Path, book: PriceBook) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(with_text())
    await import_file(store, plan_of(path, "hash"), book)
    calls = {call.id: call for call in await past(store)}
    assert calls["r1"].prompt_digest == calls["r2"].prompt_digest != b"" and calls["r1"].prompt == b""
    assert calls["r1"].session  # a fingerprint, taken before the text went
    rows = await store.do(lambda connection: connection.query("SELECT * FROM past_texts"))
    assert b"secret" not in msgspec.msgpack.encode([[str(each) for each in row] for row in rows])


async def test_dropped_texts_leave_no_trace(store: Store, tmp_path: Path, book: PriceBook) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(with_text())
    await import_file(store, plan_of(path, "drop"), book)
    told = await store.do(past_calls.told)
    assert (told.calls, told.texts, told.digests, told.limits) == (4, 0, 0, 3)


async def test_a_file_is_not_read_in_two_ways(store: Store, tmp_path: Path, book: PriceBook) -> None:
    path = tmp_path / "a.csv"
    a_table(path, 20)
    await import_file(store, plan_of(path), book)
    with pytest.raises(BadRequest, match="two ways"):
        await import_file(store, plan_of(path, team="feature"), book)


async def test_another_file_that_begins_alike_is_another(store: Store, tmp_path: Path, book: PriceBook) -> None:
    row = "1790856000,gpt-4o,10,2,u,chat\n"
    names = "ts,model,prompt_tokens,completion_tokens,user,feature\n"
    (tmp_path / "a.csv").write_text(names + row * 3_000 + "1790856001,gpt-4o,1,1,u,chat\n")
    (tmp_path / "b.csv").write_text(names + row * 3_000 + "1790856002,gpt-4o,2,2,u,chat\n")
    assert (await import_file(store, plan_of(tmp_path / "a.csv"), book)).calls == 3_001
    assert (await import_file(store, plan_of(tmp_path / "b.csv"), book)).calls == 3_001


async def test_numbers_that_no_ledger_can_hold_end_nothing(store: Store, tmp_path: Path, book: PriceBook) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        f"ts,model,prompt_tokens,completion_tokens,user\n1790856000,gpt-4o,{10**8},{10**8},a\0b\n1790856000,gpt-4o,1,1,{'u' * 5_000}\n"
        f"1790856000,gpt-4o,{10**9},1,u\n"
    )
    outcome = await import_file(store, plan_of(path), book)
    assert outcome.calls == 2 and outcome.bad == 1 and await store.check() == []


async def test_sums_by_day_are_no_calls(store: Store, tmp_path: Path, book: PriceBook) -> None:
    usage = {"object": "page", "data": [{"object": "bucket", "start_time": 1790812800, "end_time": 1790899200, "results": [
        {"object": "organization.usage.completions.result", "input_tokens": 1_000_000, "input_cached_tokens": 400_000, "output_tokens": 10_000,
         "num_model_requests": 50, "model": "gpt-4o-2024-08-06", "api_key_id": "k1", "batch": False}]}]}  # fmt: skip
    cost = {"data": [{"starting_at": "2026-10-01T00:00:00Z", "ending_at": "2026-10-02T00:00:00Z", "results": [
        {"currency": "USD", "amount": "123.45", "workspace_id": "w", "description": "x", "cost_type": "tokens", "model": "claude-sonnet-4-5",
         "token_type": "output_tokens", "service_tier": "standard", "context_window": "0-200k"}]}], "has_more": False}  # fmt: skip
    (tmp_path / "u.json").write_text(json.dumps(usage, indent=1))
    (tmp_path / "c.json").write_text(json.dumps(cost))
    plans = [plan_of(tmp_path / "u.json"), plan_of(tmp_path / "c.json")]
    assert [plan.format for plan in plans] == ["openai-export", "anthropic-export"]
    for plan in [*plans, *plans]:
        outcome = await import_file(store, plan, book)
        assert outcome.days and not outcome.calls
    split = {each.value: each for each in await store.do(lambda connection: past_days.split(connection, "model"))}
    openai, anthropic = split["gpt-4o-2024-08-06"], split["claude-sonnet-4-5"]
    assert (openai.priced, openai.calls, anthropic.billed) == (
        600_000 * 2_500 + 400_000 * 1_250 + 10_000 * 10_000,
        50,
        1_234_500_000,
    )
    assert await past(store) == []


async def test_bad_rows_of_sums_by_day_are_counted(store: Store, tmp_path: Path, book: PriceBook) -> None:
    names = "usage_date_utc,model_version,usage_input_tokens_no_cache,usage_output_tokens\n"
    (tmp_path / "a.csv").write_text(f"{names}2026-10-01,claude-sonnet-4-5,10,2\nnever,claude-sonnet-4-5,10,2\n")
    seen: list[tuple[str, int, str]] = []
    outcome = await import_file(store, plan_of(tmp_path / "a.csv"), book, bad=lambda *each: seen.append(each))
    assert (outcome.days, outcome.bad) == (2, 1) and seen == [("a.csv", 2, "'never' is not a day or time")]
    (tmp_path / "b.csv").write_text(f"{names}never,claude-sonnet-4-5,10,2\n")
    with pytest.raises(BadRequest, match="not a day"):
        await import_file(store, plan_of(tmp_path / "b.csv"), book)


async def test_progress_can_be_watched_and_ends(store: Store, tmp_path: Path, book: PriceBook) -> None:
    path = tmp_path / "a.csv"
    a_table(path, 20)
    heard: list[int] = []
    await import_file(store, plan_of(path), book, hear=lambda outcome: heard.append(outcome.rows), batch=5)
    assert heard == sorted(heard) and heard[-1] == 20
    assert await store.do(lambda connection: connection.query("SELECT * FROM progress")) == []
