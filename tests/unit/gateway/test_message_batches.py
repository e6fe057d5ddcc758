"""`/v1/messages/batches`: what Anthropic's clients see, from a body that is taken apart while it arrives to the results."""

import json
import tracemalloc
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.model.batch import Line
from farthing.store import audit
from farthing.store.batch import jobs
from farthing.store.sealing import wrapping
from laws import examples
from unit.gateway.batch_site import BatchSite, batch_site, message

PATH = "/v1/messages/batches"
ANSWER = b'{"id":"m","type":"message",\n "content":[],"usage":{"input_tokens":3,"output_tokens":4}}'
ERROR = b'{"type":"error","error":{"type":"invalid_request_error","message":"no"},"request_id":"r"}'


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[BatchSite]:
    async with batch_site(tmp_path) as made:
        yield made


def by_name(line: Line) -> tuple[str, int, bytes]:
    return {
        "good": ("done", 200, ANSWER), "refused": ("failed", 400, ERROR), "late": ("expired", 0, b""), "never": ("failed", 0, b""),
        "html": ("failed", 502, b"<html>"),
    }[line.custom_id]  # fmt: skip


async def made(site: BatchSite, *names: str, key: str = "", **params: Any) -> dict[str, Any]:
    got = await site("POST", PATH, {"requests": [message(name, **params) for name in names]}, key=key)
    assert got.status == 200, got.body
    return got.json  # type: ignore[no-any-return]


async def test_from_requests_to_results(site: BatchSite) -> None:
    names = ("good", "refused", "late", "never", "html")
    batch = await made(site, *names)
    assert batch["type"] == "message_batch" and batch["processing_status"] == "in_progress" and site.woken
    assert batch["request_counts"] == {"processing": 5, "succeeded": 0, "errored": 0, "canceled": 0, "expired": 0}
    assert (
        batch["created_at"].endswith("Z") and batch["ended_at"] is batch["results_url"] is batch["archived_at"] is None
    )
    await site.take_in()
    assert await site.kept("batch_files") == await site.kept("batch_file_parts") == 0, "the lines have all of it"
    assert await site.work(by_name, limit=3) == 3
    path = f"{PATH}/{batch['id']}"
    assert (await site("GET", path)).json["request_counts"] == batch["request_counts"], "counts stay until the end"
    assert (await site("GET", f"{path}/results")).status == 400
    assert (await site("DELETE", path)).status == 400
    assert await site.work(by_name) == 2
    ended = (await site("GET", path)).json
    assert ended["processing_status"] == "ended" and ended["ended_at"]
    assert ended["request_counts"] == {"processing": 0, "succeeded": 1, "errored": 3, "canceled": 0, "expired": 1}
    assert ended["results_url"] == f"http://localhost{path}/results"
    got = await site("GET", f"{path}/results")
    results = {each["custom_id"]: each["result"] for each in got.lines}
    assert len(got.lines) == 5 and results["good"] == {"type": "succeeded", "message": json.loads(ANSWER)}
    assert results["refused"] == {"type": "errored", "error": json.loads(ERROR)} and results["late"] == {
        "type": "expired"
    }
    assert results["never"]["error"]["error"]["type"] == results["html"]["error"]["error"]["type"] == "api_error"
    assert (await site("DELETE", path)).json == {"id": batch["id"], "type": "message_batch_deleted"}
    assert (await site("GET", path)).status == 404 and (await site("GET", PATH)).json["data"] == []
    assert await site.kept("batch_answers") == await site.kept("batch_bodies") == 0


async def test_the_address_of_results_is_the_one_by_which_the_client_came(site: BatchSite) -> None:
    batch = await made(site, "good")
    await site.take_in()
    await site.work(by_name)
    path = f"{PATH}/{batch['id']}"
    for headers, url in (
        ({"x_forwarded_proto": "https", "x_forwarded_host": "llm.example.com"}, f"https://llm.example.com{path}/results"),
        ({"x_forwarded_proto": "javascript"}, f"{path}/results"), ({"x_forwarded_host": "a@b/c"}, f"{path}/results"),
    ):  # fmt: skip
        assert (await site("GET", path, **headers)).json["results_url"] == url


async def test_cancelled(site: BatchSite) -> None:
    early = (await made(site, "a", "b"))["id"]
    got = (await site("POST", f"{PATH}/{early}/cancel")).json
    assert got["processing_status"] == "ended" and got["request_counts"]["canceled"] == 2 and got["cancel_initiated_at"]
    late = (await made(site, "good", "b"))["id"]
    await site.take_in()
    await site.work(by_name, limit=1)
    got = (await site("POST", f"{PATH}/{late}/cancel")).json
    assert (
        got["processing_status"] == "ended"
        and got["request_counts"]["canceled"] == got["request_counts"]["succeeded"] == 1
    )
    results = {
        each["custom_id"]: each["result"]["type"] for each in (await site("GET", f"{PATH}/{late}/results")).lines
    }
    assert results == {"good": "succeeded", "b": "canceled"}
    assert (await site("POST", f"{PATH}/{late}/cancel")).status == 200, "again is no error"
    found = await site.store.do(lambda connection: audit.entries(connection, kind="job"))
    assert [(each.target, each.what, each.detail["open_lines"]) for each in found] == [
        (late, "cancelled", 1), (early, "cancelled", 2),
    ], "who ended what is kept, once"  # fmt: skip


async def test_results_that_were_sealed_with_another_key_are_not_given_and_not_dropped(tmp_path: Path) -> None:
    async with batch_site(tmp_path, sealed=True, drop="delivery") as site:
        name = (await made(site, "a", "b"))["id"]
        await site.take_in()
        await site.work(lambda line: ("done", 200, ANSWER))
        right = site.sealed
        for wrong in (wrapping("ab" * 32), wrapping()):
            site.use(wrong)
            assert (await site("GET", f"{PATH}/{name}/results")).status == 503
        site.use(right)
        assert len((await site("GET", f"{PATH}/{name}/results")).lines) == 2


async def test_what_is_wrong_with_params_is_that_requests_result(site: BatchSite) -> None:
    batch = (
        await site(
            "POST",
            PATH,
            {"requests": [message("good"), message("streamed", stream=True), message("nameless", model="")]},
        )
    ).json
    await site.take_in()
    await site.work(by_name)
    results = {each["custom_id"]: each["result"] for each in (await site("GET", f"{PATH}/{batch['id']}/results")).lines}
    assert results["good"]["type"] == "succeeded"
    for name in ("streamed", "nameless"):
        assert results[name]["error"]["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"requests": []}, "at least 1"), ({}, "Field required"), ({"requests": [{}]}, "requests.0"), ([], "one JSON object"),
        ({"requests": [message("a"), message("b"), message("a")]}, "requests.2.custom_id"), ({"requests": [message("a b")]}, "requests.0.custom_id"),
        ({"requests": [message("x" * 65)]}, "requests.0.custom_id"), ({"requests": [{"custom_id": "a", "params": []}]}, "requests.0.params"),
        ({"requests": [message("a")], "model": "x"}, "Extra inputs"), ({"requests": [message(f"{number}") for number in range(11)]}, "more than 10"),
        (b'{"requests":[{"custom_id":"a","params":{"a":' + b"[" * 2000, "too deep"), (b"", "one JSON object"),
        (b'{"requests":[{"custom_id":"a","params":{"a":nonsense}}]}', "valid JSON"),
    ],
)  # fmt: skip
async def test_batches_that_are_not_taken(tmp_path: Path, body: Any, says: str) -> None:
    async with batch_site(tmp_path, max_requests=10) as site:
        got = await site("POST", PATH, body)
        assert (
            got.status == 400 and got.json["type"] == "error" and got.json["error"]["type"] == "invalid_request_error"
        )
        assert says in got.json["error"]["message"]
        assert (
            await site.kept("batch_jobs") == await site.kept("batch_files") == await site.kept("batch_file_parts") == 0
        )


async def test_errors_have_the_shape_of_messages(site: BatchSite) -> None:
    for method, path, status in (
        ("GET", f"{PATH}/none", 404),
        ("GET", f"{PATH}/none/results", 404),
        ("PUT", PATH, 405),
        ("DELETE", f"{PATH}/none", 404),
    ):
        got = await site(method, path)
        assert got.status == status and got.json["type"] == "error"
    large = await site("POST", PATH, pieces=[b'{"requests":[{"custom_id":"a","params":{"x":"'] + [b"x" * 65_536] * 20)
    assert large.status == 413 and large.json["error"]["type"] == "request_too_large"
    assert await site.kept("batch_files") == 0


async def test_lists_go_both_ways(site: BatchSite) -> None:
    ids = [(await made(site, "a"))["id"] for _ in range(5)][::-1]
    first = (await site("GET", f"{PATH}?limit=2")).json
    assert (
        [each["id"] for each in first["data"]] == ids[:2]
        and first["has_more"]
        and first["first_id"] == ids[0]
        and first["last_id"] == ids[1]
    )
    after = (await site("GET", f"{PATH}?limit=2&after_id={ids[1]}")).json
    assert [each["id"] for each in after["data"]] == ids[2:4] and after["has_more"]
    before = (await site("GET", f"{PATH}?limit=2&before_id={ids[4]}")).json
    assert [each["id"] for each in before["data"]] == ids[2:4] and before["has_more"]
    last = (await site("GET", f"{PATH}?limit=3&before_id={ids[2]}")).json
    assert [each["id"] for each in last["data"]] == ids[:2] and not last["has_more"]
    for query in ("limit=0", "limit=1001", "after_id=none", "before_id=none", f"after_id={ids[0]}&before_id={ids[1]}"):
        assert (await site("GET", f"{PATH}?{query}")).status == 400


async def test_the_same_idempotency_key_is_the_same_batch(site: BatchSite) -> None:
    body = {"requests": [message("good")]}
    ids = {(await site("POST", PATH, body, idempotency_key="once")).json["id"] for _ in range(3)}
    assert len(ids) == 1 and await site.kept("batch_jobs") == await site.kept("batch_files") == 1


async def test_each_key_sees_its_own(site: BatchSite) -> None:
    ana, bob, boss = await site.add("ana"), await site.add("bob"), await site.add("boss", role="admin")
    theirs = await site.add("theirs", tenant="b", role="admin")
    batch = await made(site, "good", key=ana)
    await site.take_in()
    await site.work(by_name)
    for who, status in ((ana, 200), (boss, 200), (bob, 404), (theirs, 404)):
        for path in ("", "/results"):
            assert (await site("GET", f"{PATH}/{batch['id']}{path}", key=who)).status == status
        assert len((await site("GET", PATH, key=who)).json["data"]) == (status == 200)
    assert (await site("POST", f"{PATH}/{batch['id']}/cancel", key=bob)).status == 404
    assert (await site("DELETE", f"{PATH}/{batch['id']}", key=bob)).status == 404
    assert (await site("GET", f"/v1/batches/{batch['id']}", key=ana)).status == 404, "each API knows its own"


async def test_results_that_are_kept_no_longer(site: BatchSite) -> None:
    batch = await made(site, "good")
    await site.take_in()
    await site.work(by_name)
    await site.store.do(lambda connection: jobs.drop(connection, batch["id"]))
    got = (await site("GET", f"{PATH}/{batch['id']}")).json
    assert got["archived_at"] and got["results_url"] is None and got["request_counts"]["succeeded"] == 1
    assert (await site("GET", f"{PATH}/{batch['id']}/results")).status == 404


async def test_results_are_dropped_once_delivered_if_settings_say_so(tmp_path: Path) -> None:
    async with batch_site(tmp_path, drop="delivery", sealed=True) as site:
        batch = await made(site, "good")
        await site.take_in()
        await site.work(by_name)
        assert (await site("GET", f"{PATH}/{batch['id']}/results")).lines[0]["result"]["type"] == "succeeded"
        assert await site.kept("batch_answers") == await site.kept("batch_bodies") == 0


async def test_a_large_body_is_never_held(site: BatchSite) -> None:
    def pieces() -> Iterable[bytes]:
        yield b'{"requests": ['
        for number in range(1500):  # 30 MB
            yield (b", " if number else b"") + json.dumps(message(f"r{number}", "x" * 20_000), indent=1).encode()
        yield b"]}"

    await made(site, "warm")
    tracemalloc.start()
    got = await site("POST", PATH, pieces=pieces())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert got.json["request_counts"]["processing"] == 1500 and peak < 14 * 2**20
    await site.take_in()
    assert await site.kept("batch_lines") == 1501


@examples(60)
@given(data=st.binary(max_size=200), where=st.integers(0, 3), cut=st.integers(0, 300))
async def test_whatever_a_body_is(site: BatchSite, data: bytes, where: int, cut: int) -> None:
    body = (
        data, b'{"requests":[' + data + b"]}", b'{"requests":[{"custom_id":"a","params":{"model":' + data + b"}}]}",
        b'{"requests":[{"custom_id":"' + data + b'","params":{}}]}',
    )[where]  # fmt: skip
    got = await site("POST", PATH, pieces=[body[:cut], body[cut:]])
    assert got.status in (200, 400)
    await site.take_in()
