"""The official SDKs' batch calls, unchanged, against a gateway that works them off at the simulated providers."""

import io
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

from farthing.upstream.simulator import SimulatorSettings
from integration.callers import AsyncCaller, Caller
from integration.conftest import PROVIDER_KEY
from integration.gateways import PATIENCE_S, Gateway, gateway, settings_text
from integration.upstreams import Simulator, simulator

BATCHES = """
[batch]
linger_s = 0.2
look_s = 0.1
"""


@pytest.fixture(scope="module")
def upstream() -> Iterator[Simulator]:
    with simulator(SimulatorSettings(seed=5, batch_seconds=0.4)) as made:
        yield made


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, upstream: Simulator) -> Iterator[tuple[Gateway, str]]:
    """A gateway with keys, and its administrator's."""
    providers = "\n".join(
        f'[providers.{name}]\nbase_url = "{upstream.url}/v1"\napi_key = "{PROVIDER_KEY}"'
        for name in ("openai", "anthropic")
    )
    secrets: list[str] = []

    def make_admin(made: Gateway) -> None:
        secrets.append(made.farthing_json("keys", "create", "boss", "--admin")["secret"])

    folder = tmp_path_factory.mktemp("batches")
    with gateway(folder, settings_text(providers=providers, more=BATCHES), before=make_admin) as made:
        yield made, secrets[0]


@pytest.fixture(scope="module")
def ana(served: tuple[Gateway, str]) -> Iterator[Caller]:
    made = Caller(served[0].url, _key(served, "ana"))
    yield made
    made.close()


def _key(served: tuple[Gateway, str], name: str, **wanted: Any) -> str:
    answer = served[0].post("/v1/farthing/keys", {"name": name, **wanted}, served[1])
    assert answer.status_code == 201, answer.text
    return str(answer.json()["secret"])


def lines(*requests: dict[str, Any]) -> io.BytesIO:
    file = io.BytesIO(b"".join(json.dumps(each).encode() + b"\n" for each in requests))
    file.name = "requests.jsonl"
    return file


def chat(custom_id: str, **body: Any) -> dict[str, Any]:
    whole = {
        "model": "gpt-4o-mini",
        "messages": [{"role": "user", "content": f"Say {custom_id}."}],
        "max_tokens": 20,
        **body,
    }
    return {"custom_id": custom_id, "method": "POST", "url": "/v1/chat/completions", "body": whole}


def message(custom_id: str, **params: Any) -> Any:
    whole = {
        "model": "claude-haiku-4-5",
        "max_tokens": 20,
        "messages": [{"role": "user", "content": f"Say {custom_id}."}],
        **params,
    }
    return {"custom_id": custom_id, "params": whole}


def ended(client: openai.OpenAI, batch_id: str) -> Any:
    until = time.monotonic() + PATIENCE_S
    while (batch := client.batches.retrieve(batch_id)).status in (
        "validating",
        "in_progress",
        "finalizing",
        "cancelling",
    ):
        assert time.monotonic() < until, batch
        time.sleep(0.02)
    return batch


def ended_messages(client: anthropic.Anthropic, batch_id: str) -> Any:
    until = time.monotonic() + PATIENCE_S
    while (batch := client.messages.batches.retrieve(batch_id)).processing_status != "ended":
        assert time.monotonic() < until, batch
        time.sleep(0.02)
    return batch


def started(client: openai.OpenAI, *requests: dict[str, Any], **more: Any) -> Any:
    file = client.files.create(file=lines(*requests), purpose="batch")
    return client.batches.create(
        input_file_id=file.id, endpoint=more.pop("endpoint", "/v1/chat/completions"), completion_window="24h", **more
    )


def test_openai_from_upload_to_results(served: tuple[Gateway, str], ana: Caller, upstream: Simulator) -> None:
    client = ana.openai
    file = client.files.create(
        file=lines(*(chat(f"r{number}") for number in range(20))),
        purpose="batch",
        expires_after={"anchor": "created_at", "seconds": 3600},
    )
    assert file.purpose == "batch" and file.filename == "requests.jsonl" and file.status == "processed"
    assert file.expires_at is not None and file.expires_at - file.created_at == 3600
    assert client.files.content(file.id).content.count(b"\n") == 20
    made = client.batches.create(
        input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h", metadata={"name": "test"}
    )
    assert made.object == "batch" and made.input_file_id == file.id and made.metadata == {"name": "test"}
    batch = ended(client, made.id)
    assert batch.status == "completed" and batch.errors is None and batch.error_file_id is None
    assert (batch.request_counts.total, batch.request_counts.completed, batch.request_counts.failed) == (20, 20, 0)
    assert batch.completed_at >= batch.in_progress_at >= batch.created_at and batch.model == "gpt-4o-mini"
    results = [json.loads(each) for each in client.files.content(batch.output_file_id).text.splitlines()]
    assert {each["custom_id"] for each in results} == {f"r{number}" for number in range(20)}
    assert all(each["response"]["status_code"] == 200 and each["error"] is None for each in results)
    told = sum(each["response"]["body"]["usage"]["prompt_tokens"] for each in results)
    assert batch.usage.input_tokens == told > 0
    record = served[0].call(results[0]["response"]["request_id"], served[1])
    assert record["cost"] > 0 and record["key_id"], "each line is a row of the ledger"
    output = client.files.retrieve(batch.output_file_id)
    assert output.purpose == "batch_output" and output.bytes == len(client.files.content(output.id).content)
    assert client.files.delete(output.id).deleted and client.files.delete(file.id).deleted
    with pytest.raises(openai.NotFoundError):
        client.files.content(output.id)


def test_openai_pages_go_on_by_themselves(served: tuple[Gateway, str]) -> None:
    caller = Caller(served[0].url, _key(served, "pages"))
    made = [started(caller.openai, chat("a")).id for _ in range(5)]
    assert [each.id for each in caller.openai.batches.list(limit=2)] == made[::-1]
    assert len(list(caller.openai.files.list(limit=2, purpose="batch"))) == 5
    assert len(list(caller.openai.files.list(order="asc"))) >= 5
    caller.close()


def test_openai_fails_late_and_refuses_early(ana: Caller) -> None:
    client = ana.openai
    batch = ended(client, started(client, chat("a"), chat("a")).id)
    assert batch.status == "failed" and batch.failed_at
    assert [(each.code, each.line) for each in batch.errors.data] == [("duplicate_custom_id", 2)]
    with pytest.raises(openai.BadRequestError, match="input_file_id"):
        client.batches.create(input_file_id="file-none", endpoint="/v1/chat/completions", completion_window="24h")
    with pytest.raises(openai.BadRequestError, match="endpoint"):
        started(client, chat("a"), endpoint="/v1/moderations")
    with pytest.raises(openai.BadRequestError, match="purpose"):
        client.files.create(file=lines(chat("a")), purpose="fine-tune")
    with pytest.raises(openai.NotFoundError):
        client.batches.retrieve("batch_none")


def test_openai_other_endpoints_and_bad_lines(ana: Caller) -> None:
    client = ana.openai
    embedding = {
        "custom_id": "e",
        "method": "POST",
        "url": "/v1/embeddings",
        "body": {"model": "text-embedding-3-small", "input": "x"},
    }
    response = {
        "custom_id": "r",
        "method": "POST",
        "url": "/v1/responses",
        "body": {"model": "gpt-4o-mini", "input": "Say hi."},
    }
    first = started(client, embedding, endpoint="/v1/embeddings")
    second = started(client, response, endpoint="/v1/responses")
    mixed = started(
        client,
        chat("good"),
        chat("other", model="gpt-4o"),
        chat("streamed", stream=True),
        chat("odd", model="no-such-model"),
    )
    for batch in (first, second):
        batch = ended(client, batch.id)
        (line,) = [json.loads(each) for each in client.files.content(batch.output_file_id).text.splitlines()]
        assert line["response"]["status_code"] == 200
    batch = ended(client, mixed.id)
    assert (
        batch.status == "completed"
        and (batch.request_counts.completed, batch.request_counts.failed) == (2, 2)
        and batch.model is None
    )
    errors = {
        each["custom_id"]: each for each in map(json.loads, client.files.content(batch.error_file_id).text.splitlines())
    }
    assert errors["streamed"]["response"]["status_code"] == 400 and errors["odd"]["response"]["status_code"] in (
        400,
        404,
    )
    assert errors["odd"]["response"]["body"]["error"]["message"]


def test_openai_cancel(tmp_path: Path) -> None:
    with simulator(SimulatorSettings(seed=5, batch_seconds=3600)) as slow:
        provider = f'[providers.openai]\nbase_url = "{slow.url}/v1"\napi_key = "{PROVIDER_KEY}"\n'
        with gateway(tmp_path, settings_text(providers=provider, more=BATCHES)) as made:
            caller = Caller(made.url)
            batch = started(caller.openai, *(chat(f"r{number}") for number in range(5)))
            assert caller.openai.batches.cancel(batch.id).status in ("cancelling", "cancelled", "finalizing")
            over = ended(caller.openai, batch.id)
            assert over.status == "cancelled" and over.cancelling_at
            caller.close()


def test_the_same_idempotency_key_is_the_same_batch(ana: Caller) -> None:
    headers = {"Idempotency-Key": "once"}
    file = ana.openai.files.create(file=lines(chat("a")), purpose="batch")
    ids = {
        ana.openai.batches.create(
            input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h", extra_headers=headers
        ).id
        for _ in range(3)
    }
    assert len(ids) == 1
    made = {ana.anthropic.messages.batches.create(requests=[message("a")], extra_headers=headers).id for _ in range(3)}
    assert len(made) == 1


def test_anthropic_from_requests_to_results(served: tuple[Gateway, str], ana: Caller) -> None:
    client = ana.anthropic
    made = client.messages.batches.create(
        requests=[message(f"r-{number}") for number in range(10)] + [message("odd", model="no-such-model")]
    )
    assert made.processing_status == "in_progress" and made.request_counts.processing == 11 and made.results_url is None
    batch = ended_messages(client, made.id)
    assert (batch.request_counts.succeeded, batch.request_counts.errored, batch.request_counts.processing) == (10, 1, 0)
    assert batch.ended_at >= batch.created_at and batch.results_url.startswith(served[0].url)
    results = {each.custom_id: each.result for each in client.messages.batches.results(made.id)}
    assert len(results) == 11
    good, odd = results["r-3"], results["odd"]
    assert good.type == "succeeded" and good.message.content and good.message.usage.output_tokens > 0
    assert odd.type == "errored" and odd.error.error.message
    assert client.messages.batches.delete(made.id).type == "message_batch_deleted"
    with pytest.raises(anthropic.NotFoundError):
        client.messages.batches.retrieve(made.id)


def test_anthropic_pages_cancel_and_refusals(served: tuple[Gateway, str]) -> None:
    caller = Caller(served[0].url, _key(served, "messages"))
    client = caller.anthropic
    made = [client.messages.batches.create(requests=[message("a")]).id for _ in range(5)]
    assert [each.id for each in client.messages.batches.list(limit=2)] == made[::-1]
    assert [each.id for each in client.messages.batches.list(limit=2, before_id=made[0]).data] == [made[2], made[1]]
    cancelled = client.messages.batches.cancel(made[-1])
    assert cancelled.processing_status in ("canceling", "ended") and (
        cancelled.cancel_initiated_at or cancelled.ended_at
    )
    assert ended_messages(client, made[-1]).request_counts.processing == 0
    for requests, says in (
        ([], "at least 1"),
        ([message("a"), message("a")], "custom_id"),
        ([message("a b")], "custom_id"),
    ):
        with pytest.raises(anthropic.BadRequestError, match=says):
            client.messages.batches.create(requests=requests)
    with pytest.raises(anthropic.NotFoundError):
        client.messages.batches.results("msgbatch_none")
    caller.close()


async def test_the_asynchronous_sdks(served: tuple[Gateway, str]) -> None:
    async with AsyncCaller(served[0].url, _key(served, "async")) as caller:
        file = await caller.openai.files.create(file=lines(chat("a")), purpose="batch")
        await caller.openai.batches.create(
            input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
        )
        await caller.anthropic.messages.batches.create(requests=[message("a")])
        assert len([each async for each in caller.openai.batches.list(limit=1)]) == 1
        assert len([each async for each in caller.anthropic.messages.batches.list(limit=1)]) == 1
        assert [each.id async for each in caller.openai.files.list(purpose="batch")] == [file.id]


def test_keys_and_tenants_are_walls(served: tuple[Gateway, str], ana: Caller) -> None:
    mine = started(ana.openai, chat("a"))
    for role in ("", "viewer"):
        other = Caller(served[0].url, _key(served, f"other {role}", role=role))
        with pytest.raises(openai.NotFoundError):
            other.openai.batches.retrieve(mine.id)
        with pytest.raises(openai.NotFoundError):
            other.openai.files.content(mine.input_file_id)
        with pytest.raises(openai.BadRequestError):
            other.openai.batches.create(
                input_file_id=mine.input_file_id, endpoint="/v1/chat/completions", completion_window="24h"
            )
        assert other.openai.batches.list().data == []
        other.close()
    boss = Caller(served[0].url, served[1])
    assert boss.openai.batches.retrieve(mine.id).id == mine.id
    boss.close()
    nobody = Caller(served[0].url, "fk-nobody")
    with pytest.raises(openai.AuthenticationError):
        nobody.openai.batches.list()
    with pytest.raises(anthropic.AuthenticationError):
        nobody.anthropic.messages.batches.create(requests=[message("a")])
    nobody.close()
