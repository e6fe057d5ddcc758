"""`/v1/files` and `/v1/batches`: what OpenAI's clients see, from the upload to the files at the end, and what they are refused."""

import json
import tracemalloc
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.model.batch import Line
from farthing.store import audit
from farthing.store.batch import jobs
from farthing.store.sealing import wrapping
from laws import examples
from unit.gateway.batch_site import BOUNDARY, BatchSite, batch_site, chat, form, jsonl, message

ANSWER = json.dumps(
    {"id": "c", "object": "chat.completion", "model": "gpt-5-mini", "choices": [], "usage": {
        "prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15, "prompt_tokens_details": {"cached_tokens": 4},
        "completion_tokens_details": {"reasoning_tokens": 3}}}, indent=1,
).encode()  # fmt: skip


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[BatchSite]:
    async with batch_site(tmp_path) as made:
        yield made


def done(line: Line) -> tuple[str, int, bytes]:
    return "done", 200, ANSWER


def by_name(line: Line) -> tuple[str, int, bytes]:
    return {
        "good": ("done", 200, ANSWER), "refused": ("failed", 400, b'{"error":{"message":"no"}}'), "late": ("expired", 0, b""),
        "never": ("failed", 0, b""), "html": ("failed", 502, b"<html>\n\xff"),
    }[line.custom_id]  # fmt: skip


async def test_a_file_is_kept_as_it_was_sent(tmp_path: Path) -> None:
    data = jsonl(*(chat(f"{number}", "x" * 3000) for number in range(1000)))
    async with batch_site(tmp_path, sealed=True) as site:
        whole = form(data)
        pieces = [whole[at : at + 60_000] for at in range(0, len(whole), 60_000)]
        got = await site("POST", "/v1/files", pieces=pieces, content_type=f"multipart/form-data; boundary={BOUNDARY}")
        assert got.status == 200
        file = got.json
        assert (
            file["object"] == "file"
            and file["bytes"] == len(data)
            and file["purpose"] == "batch"
            and file["status"] == "processed"
        )
        assert file["filename"] == "in.jsonl" and file["expires_at"] - file["created_at"] == 30 * 86_400
        assert (await site("GET", f"/v1/files/{file['id']}")).json == file
        content = await site("GET", f"/v1/files/{file['id']}/content")
        assert content.body == data and content.headers["content-length"] == f"{len(data)}"
        stored = (tmp_path / "farthing.db").read_bytes()
        assert b"x" * 100 not in stored, "what was uploaded is sealed"
        assert (await site("DELETE", f"/v1/files/{file['id']}")).json == {
            "id": file["id"],
            "object": "file",
            "deleted": True,
        }
        for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/content")):
            assert (await site(method, f"/v1/files/{file['id']}{path}")).status == 404
        assert await site.kept("batch_file_parts") == 0


async def test_files_are_listed_in_pages(site: BatchSite) -> None:
    ids = [(await site.upload(b"{}\n", name=f"{number}.jsonl")).json["id"] for number in range(5)]
    first = (await site("GET", "/v1/files?limit=2")).json
    assert [each["id"] for each in first["data"]] == ids[:2:-1] and first["has_more"] and first["object"] == "list"
    rest = (await site("GET", f"/v1/files?after={first['last_id']}")).json
    assert [each["id"] for each in rest["data"]] == ids[2::-1] and not rest["has_more"]
    assert [each["id"] for each in (await site("GET", "/v1/files?order=asc&limit=3")).json["data"]] == ids[:3]
    assert (await site("GET", "/v1/files?purpose=fine-tune")).json["data"] == []
    for query in ("limit=0", "limit=10001", "limit=x", "order=up", "after=file-none", "limit=" + "9" * 99):
        assert (await site("GET", f"/v1/files?{query}")).status == 400


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"purpose": "fine-tune"}, "in.jsonl"), ({"purpose": ""}, "in.jsonl"), ({}, "in.csv"), ({}, ""),
        ({"expires_after[anchor]": "updated_at"}, "in.jsonl"), ({"expires_after[seconds]": "60"}, "in.jsonl"),
        ({"expires_after[seconds]": "9" * 30}, "in.jsonl"), ({"expires_after[seconds]": "-1"}, "in.jsonl"), ({"more": "x" * 5000}, "in.jsonl"),
    ],
)  # fmt: skip
async def test_files_that_are_not_taken(site: BatchSite, fields: dict[str, str], name: str) -> None:
    got = await site.upload(b"{}\n", name=name, **fields)
    assert got.status == 400 and got.json["error"]["type"] == "invalid_request_error"
    assert await site.kept("batch_files") == 0


async def test_an_upload_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    async with batch_site(tmp_path, max_file_mb=2) as site:
        whole = form(b"x" * (3 * 2**20))
        for body, status in (
            (whole, 413),
            (form(b"x" * 2**20)[:-30], 400),
            (form(b"x" * (2**20 + 9)).replace(b"purpose", b"other_", 1), 400),
        ):
            got = await site(
                "POST",
                "/v1/files",
                pieces=[body[at : at + 65_536] for at in range(0, len(body), 65_536)],
                content_type=f"multipart/form-data; boundary={BOUNDARY}",
            )
            assert got.status == status
        assert await site.kept("batch_files") == await site.kept("batch_file_parts") == 0
        with site.room.taken(), site.room.taken(), site.room.taken(), site.room.taken():
            assert (await site.upload(b"{}")).status == 503
        assert (
            await site.upload(b"{}", **{"expires_after[anchor]": "created_at", "expires_after[seconds]": "3600"})
        ).status == 200


async def test_a_tenant_keeps_so_much_and_no_more(tmp_path: Path) -> None:
    async with batch_site(tmp_path, max_stored_mb=1) as site:
        first = (await site.upload(b"x" * 2**20)).json["id"]
        assert (await site.upload(b"{}")).status == 413
        assert (await site("POST", "/v1/messages/batches", {"requests": [message("a")]})).status == 413
        await site("DELETE", f"/v1/files/{first}")
        assert (await site.upload(b"{}")).status == 200


async def test_from_upload_to_results(site: BatchSite) -> None:
    names = ("good", "refused", "late", "never", "html")
    got = await site.batch(jsonl(*map(chat, names)), metadata={"name": "nightly", "x": "y"})
    assert got.status == 200 and site.woken
    batch = got.json
    assert batch["object"] == "batch" and batch["status"] == "validating" and batch["completion_window"] == "24h"
    assert batch["endpoint"] == "/v1/chat/completions" and batch["expires_at"] - batch["created_at"] == 86_400
    assert (
        batch["metadata"] == {"name": "nightly", "x": "y"}
        and batch["output_file_id"] is None
        and batch["usage"] is None
    )
    path = f"/v1/batches/{batch['id']}"
    assert (await site("GET", path)).json == batch
    await site.take_in()
    running = (await site("GET", path)).json
    assert running["status"] == "in_progress" and running["request_counts"] == {"total": 5, "completed": 0, "failed": 0}
    assert await site.work(by_name) == 5
    ended = (await site("GET", path)).json
    assert ended["status"] == "expired" and ended["expired_at"] and ended["finalizing_at"] and not ended["completed_at"]
    assert ended["request_counts"] == {"total": 5, "completed": 1, "failed": 3} and ended["model"] == "gpt-5-mini"
    assert ended["usage"] == {
        "input_tokens": 10, "input_tokens_details": {"cached_tokens": 4}, "output_tokens": 5,
        "output_tokens_details": {"reasoning_tokens": 3}, "total_tokens": 15,
    }  # fmt: skip
    output = await site("GET", f"/v1/files/{ended['output_file_id']}/content")
    (line,) = output.lines
    assert line["custom_id"] == "good" and line["error"] is None and line["id"].startswith("batch_req_")
    assert (
        line["response"]["status_code"] == 200
        and line["response"]["body"] == json.loads(ANSWER)
        and line["response"]["request_id"]
    )
    errors = {
        each["custom_id"]: each for each in (await site("GET", f"/v1/files/{ended['error_file_id']}/content")).lines
    }
    assert errors["refused"]["error"] is None and errors["refused"]["response"]["status_code"] == 400
    assert errors["refused"]["response"]["body"] == {"error": {"message": "no"}}
    assert errors["late"]["response"] is None and errors["late"]["error"]["code"] == "batch_expired"
    assert errors["never"]["response"] is None and errors["never"]["error"]["code"] == "server_error"
    assert errors["html"]["response"]["body"] == "<html>\n\ufffd"
    files = {each["id"]: each for each in (await site("GET", "/v1/files?purpose=batch_output")).json["data"]}
    assert set(files) == {ended["output_file_id"], ended["error_file_id"]}
    assert files[ended["output_file_id"]]["bytes"] == len(output.body)
    assert len((await site("GET", "/v1/files")).json["data"]) == 3
    assert (await site("DELETE", f"/v1/files/{ended['output_file_id']}")).status == 200
    assert await site.kept("batch_answers") == 2, "answers of the other file stay"
    assert (await site("GET", f"/v1/files/{ended['output_file_id']}/content")).status == 404
    assert (await site("GET", path)).json["output_file_id"] == ended["output_file_id"]


async def test_results_are_dropped_once_delivered_if_settings_say_so(tmp_path: Path) -> None:
    async with batch_site(tmp_path, drop="delivery") as site:
        batch = (await site.batch(jsonl(chat("a"), chat("b")))).json
        await site.take_in()
        await site.work(done)
        ended = (await site("GET", f"/v1/batches/{batch['id']}")).json
        assert ended["status"] == "completed" and ended["error_file_id"] is None and ended["completed_at"]
        site.connection = SimpleNamespace(lost=True, more_time=lambda: None)
        await site("GET", f"/v1/files/{ended['output_file_id']}/content")
        site.connection = None
        assert len((await site("GET", f"/v1/files/{ended['output_file_id']}/content")).lines) == 2
        assert await site.kept("batch_answers") == await site.kept("batch_bodies") == 0
        assert (await site("GET", f"/v1/files/{ended['output_file_id']}/content")).status == 404
        assert (await site("GET", f"/v1/batches/{batch['id']}")).json["status"] == "completed"


async def test_a_bad_file_fails_late_with_the_lines(site: BatchSite) -> None:
    bad = jsonl(chat("a"), chat("a"), {**chat("c"), "url": "/v1/embeddings"}) + b"{nonsense\n"
    batch = (await site.batch(bad)).json
    assert batch["status"] == "validating"
    await site.take_in()
    failed = (await site("GET", f"/v1/batches/{batch['id']}")).json
    assert failed["status"] == "failed" and failed["failed_at"] and failed["errors"]["object"] == "list"
    assert [(each["code"], each["line"]) for each in failed["errors"]["data"]] == [
        ("duplicate_custom_id", 2), ("url_mismatch", 3), ("invalid_json_line", 4)
    ]  # fmt: skip
    assert await site.kept("batch_lines") == 0
    assert (await site("POST", f"/v1/batches/{batch['id']}/cancel")).status == 400
    empty = (await site.batch(b"\n")).json
    await site.take_in()
    assert (await site("GET", f"/v1/batches/{empty['id']}")).json["errors"]["data"][0]["code"] == "empty_file"


async def test_what_is_wrong_with_one_body_ends_that_line_alone(site: BatchSite) -> None:
    batch = (await site.batch(jsonl(chat("good"), chat("streamed", stream=True), chat("nameless", model="")))).json
    await site.take_in()
    assert (await site("GET", f"/v1/batches/{batch['id']}")).json["request_counts"] == {
        "total": 3,
        "completed": 0,
        "failed": 2,
    }
    assert await site.work(done) == 1
    ended = (await site("GET", f"/v1/batches/{batch['id']}")).json
    assert ended["status"] == "completed"
    errors = (await site("GET", f"/v1/files/{ended['error_file_id']}/content")).lines
    assert [(each["custom_id"], each["response"]["status_code"]) for each in errors] == [
        ("streamed", 400),
        ("nameless", 400),
    ]
    assert "stream" in errors[0]["response"]["body"]["error"]["message"]
    none = (await site.batch(jsonl(chat("streamed", stream=True)))).json
    await site.take_in()
    all_failed = (await site("GET", f"/v1/batches/{none['id']}")).json
    assert all_failed["status"] == "completed" and all_failed["output_file_id"] is None and all_failed["error_file_id"]


async def test_cancelled_in_each_state(site: BatchSite) -> None:
    early = (await site.batch(jsonl(chat("a")))).json["id"]
    assert (await site("POST", f"/v1/batches/{early}/cancel")).json["status"] == "cancelled"
    await site.take_in()
    assert await site.kept("batch_lines") == 0
    late = (await site.batch(jsonl(*(chat(f"{number}") for number in range(3))))).json["id"]
    await site.take_in()
    assert await site.work(done, limit=1) == 1
    got = (await site("POST", f"/v1/batches/{late}/cancel")).json
    assert got["status"] == "cancelled" and got["cancelling_at"] and got["cancelled_at"]
    assert len((await site("GET", f"/v1/files/{got['output_file_id']}/content")).lines) == 1
    codes = {each["error"]["code"] for each in (await site("GET", f"/v1/files/{got['error_file_id']}/content")).lines}
    assert codes == {"batch_cancelled"}
    assert (await site("POST", f"/v1/batches/{late}/cancel")).json["status"] == "cancelled", "again is no error"
    found = await site.store.do(lambda connection: audit.entries(connection, kind="job"))
    assert [(each.target, each.what, each.detail["open_lines"]) for each in found] == [
        (late, "cancelled", 2), (early, "cancelled", 0),
    ], "who ended what is kept, once"  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "param"),
    [
        ({"endpoint": "/v1/fine_tuning/jobs"}, "endpoint"), ({"endpoint": "/v1/messages/count_tokens"}, "endpoint"),
        ({"completion_window": "59m"}, "completion_window"), ({"completion_window": "8d"}, "completion_window"),
        ({"completion_window": "soon"}, "completion_window"), ({"input_file_id": "file-none"}, "input_file_id"),
        ({"metadata": {f"{number}": "" for number in range(17)}}, None), ({"metadata": {"x" * 65: ""}}, None),
        ({"metadata": {"x": "y" * 513}}, None), ({"metadata": {"x": 1}}, None), ({"metadata": {"x": "\0"}}, "metadata"),
        ({"output_expires_after": {"anchor": "created_at", "seconds": 60}}, None),
        ({"output_expires_after": {"anchor": "ended_at", "seconds": 3600}}, "output_expires_after"), ({"input_file_id": 7}, None),
        ({"input_file_id": "\0" * 9}, "input_file_id"),
    ],
)  # fmt: skip
async def test_batches_that_are_not_taken(site: BatchSite, changed: dict[str, Any], param: str | None) -> None:
    got = await site.batch(jsonl(chat("a")), **changed)
    assert got.status == 400 and got.json["error"]["param"] == param
    assert await site.kept("batch_jobs") == 0


async def test_windows_are_deadlines(site: BatchSite) -> None:
    for window, shown, seconds in (
        ("1h", "1h", 3600),
        ("90m", "90m", 5400),
        ("24h", "24h", 86_400),
        ("1d", "24h", 86_400),
        ("7d", "7d", 604_800),
    ):
        batch = (await site.batch(jsonl(chat("a")), completion_window=window)).json
        assert batch["completion_window"] == shown and batch["expires_at"] - batch["created_at"] == seconds
    short = (await site.batch(jsonl(chat("a")), output_expires_after={"anchor": "created_at", "seconds": 7200})).json
    job = await site.job(short["id"])
    assert job.expires_us - job.deadline_us == 7200 * 10**6


async def test_the_same_idempotency_key_is_the_same_batch(site: BatchSite) -> None:
    file = (await site.upload(jsonl(chat("a")))).json["id"]
    wanted = {"input_file_id": file, "endpoint": "/v1/chat/completions", "completion_window": "24h"}
    first, again = [(await site("POST", "/v1/batches", wanted, idempotency_key="once")).json for _ in range(2)]
    other = (await site("POST", "/v1/batches", wanted, idempotency_key="twice")).json
    assert first["id"] == again["id"] != other["id"] and await site.kept("batch_jobs") == 2
    changed = {**wanted, "endpoint": "/v1/responses"}
    assert (await site("POST", "/v1/batches", changed, idempotency_key="once")).status == 400
    assert (await site("POST", "/v1/batches", wanted, idempotency_key="x" * 256)).status == 400
    one, two = [(await site("POST", "/v1/batches", wanted)).json["id"] for _ in range(2)]
    assert one != two


async def test_lists_of_batches(site: BatchSite) -> None:
    ids = [(await site.batch(jsonl(chat("a")))).json["id"] for _ in range(4)]
    first = (await site("GET", "/v1/batches?limit=3")).json
    assert [each["id"] for each in first["data"]] == ids[:0:-1] and first["has_more"]
    last = (await site("GET", f"/v1/batches?limit=3&after={first['last_id']}")).json
    assert [each["id"] for each in last["data"]] == ids[:1] and not last["has_more"]
    for query in ("limit=0", "limit=101", "after=batch_none"):
        assert (await site("GET", f"/v1/batches?{query}")).status == 400


async def test_each_key_sees_its_own_and_the_tenant_is_a_wall(site: BatchSite) -> None:
    ana, bob = await site.add("ana"), await site.add("bob")
    theirs, chief, boss = (
        await site.add("theirs", tenant="b"),
        await site.add("chief", tenant="b", role="admin"),
        await site.add("boss", role="admin"),
    )
    viewer = await site.add("viewer", role="viewer")
    batch = (await site.batch(jsonl(chat("a")), key=ana)).json
    await site.take_in()
    await site.work(done)
    ended = (await site("GET", f"/v1/batches/{batch['id']}", key=ana)).json
    paths = [
        f"/v1/batches/{batch['id']}",
        *(f"/v1/files/{name}" for name in (batch["input_file_id"], ended["output_file_id"])),
    ]
    for who, status in ((ana, 200), (boss, 200), (bob, 404), (viewer, 404), (theirs, 404), (chief, 404), ("", 401)):
        assert [(await site("GET", path, key=who)).status for path in paths] == [status] * 3
        assert (await site("GET", f"{paths[2]}/content", key=who)).status == status
    for who in (bob, viewer, theirs, chief):
        assert (await site("GET", "/v1/batches", key=who)).json["data"] == []
        assert (await site("GET", "/v1/files", key=who)).json["data"] == []
        assert (await site("POST", f"{paths[0]}/cancel", key=who)).status == 404
        assert (await site("DELETE", paths[1], key=who)).status == 404
        wanted = {
            "input_file_id": batch["input_file_id"],
            "endpoint": "/v1/chat/completions",
            "completion_window": "24h",
        }
        assert (await site("POST", "/v1/batches", wanted, key=who)).status == (400)
    assert len((await site("GET", "/v1/batches", key=boss)).json["data"]) == 1
    assert (await site("GET", "/v1/batches?tenant=b", key=boss)).json["data"] == []
    assert (await site("GET", "/v1/batches?tenant=b", key=ana)).status == 403
    assert (
        await site(
            "POST",
            "/v1/files?tenant=b",
            form(b"{}"),
            key=boss,
            content_type=f"multipart/form-data; boundary={BOUNDARY}",
        )
    ).status == 400
    output = {"input_file_id": ended["output_file_id"], "endpoint": "/v1/chat/completions", "completion_window": "24h"}
    assert (await site("POST", "/v1/batches", output, key=ana)).status == 400, "results are no input"


async def test_headers_that_steps_read_are_kept_and_secrets_are_not(site: BatchSite) -> None:
    ana = await site.add("ana")
    more = {"x_farthing_feature": "nightly", "x_api_key": "sk-secret", "cookie": "secret", "x_farthing_deadline": "1h"}
    batch = (await site.batch(jsonl(chat("a")), key=ana, headers=more)).json
    assert (await site.job(batch["id"])).headers == {"x-farthing-feature": "nightly"}
    many = {f"x_farthing_tag_{number}": "v" for number in range(70)}
    assert (await site.batch(jsonl(chat("a")), key=ana, headers=many)).status == 400


async def test_a_large_upload_is_never_held(site: BatchSite) -> None:
    head, _, tail = form(b"HERE").partition(b"HERE")
    piece = jsonl(chat("same", "x" * 900)) * 60

    def pieces() -> Iterable[bytes]:
        yield head
        for _ in range(600):  # 36 MB
            yield piece
        yield tail

    await site.upload(b"{}")
    tracemalloc.start()
    got = await site("POST", "/v1/files", pieces=pieces(), content_type=f"multipart/form-data; boundary={BOUNDARY}")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert got.json["bytes"] == 600 * len(piece) > 30_000_000 and peak < 12 * 2**20
    wanted = {"input_file_id": got.json["id"], "endpoint": "/v1/chat/completions", "completion_window": "24h"}
    batch = (await site("POST", "/v1/batches", wanted)).json
    await site.take_in()
    errors = (await site("GET", f"/v1/batches/{batch['id']}")).json["errors"]["data"]
    assert len(errors) == 100 and {each["code"] for each in errors} == {"duplicate_custom_id"}


@examples(40)
@given(data=st.binary(max_size=300), where=st.integers(0, 2))
async def test_whatever_a_file_holds_is_a_batch_that_failed(site: BatchSite, data: bytes, where: int) -> None:
    line = (
        data,
        b'{"custom_id":"' + data + b'","method":"POST","url":"/v1/chat/completions","body":{}}',
        jsonl(chat("a")) + data,
    )[where]
    got = await site.batch(line)
    assert got.status == 200
    await site.take_in()
    assert (await site("GET", f"/v1/batches/{got.json['id']}")).json["status"] in ("failed", "in_progress", "completed")


async def test_a_job_that_is_no_longer_ours_is_left_alone(site: BatchSite) -> None:
    batch = (await site.batch(jsonl(*(chat(f"{number}") for number in range(3))))).json
    now_us = site.now_us()
    (mine,) = await site.store.do(lambda connection: jobs.unvalidated(connection, "me", now_us, now_us + 1))
    (other,) = await site.store.do(
        lambda connection: jobs.unvalidated(connection, "other", now_us + 2, now_us + 10**10)
    )
    await site.intake.take_in(mine)
    assert await site.kept("batch_lines") == 0 and (await site.job(batch["id"])).state == "validating"
    assert other.id == mine.id
    await site.store.do(lambda connection: connection.execute("UPDATE batch_jobs SET holder = '', held_until_us = 0"))
    await site.take_in()
    await site.take_in()
    assert await site.kept("batch_lines") == 3


async def test_files_that_were_sealed_with_another_key_are_not_given_and_not_dropped(tmp_path: Path) -> None:
    async with batch_site(tmp_path, sealed=True, drop="delivery") as site:
        uploaded = (await site.upload(jsonl(chat("a")))).json["id"]
        batch = (await site.batch(jsonl(chat("a")))).json["id"]
        await site.take_in()
        await site.work(done)
        name = (await site("GET", f"/v1/batches/{batch}")).json["output_file_id"]
        right = site.sealed
        site.use(wrapping("ab" * 32))
        for file in (uploaded, name):
            assert (await site("GET", f"/v1/files/{file}/content")).status == 503
        assert (await site("GET", f"/v1/batches/{batch}")).json["status"] == "finalizing"
        site.use(right)
        assert (await site("GET", f"/v1/files/{uploaded}/content")).body == jsonl(chat("a"))
        assert len((await site("GET", f"/v1/files/{name}/content")).lines) == 1
