"""Fine-tuning jobs, judged by OpenAI's own SDK; the clock is the test's."""

import json
from typing import Any

import httpx2
import openai as sdk
import pytest
from openai import AsyncOpenAI

from farthing.upstream.simulator import SimulatorSettings, tasks

KIND = "classification"


@pytest.fixture
def settings() -> SimulatorSettings:
    return SimulatorSettings(tuning_seconds=100)


def lines(count: int, seed: int = 1, kind: str = KIND) -> bytes:
    bank = tasks.bank(count, seed, [kind])
    chats = (
        [{"role": "system", "content": "Be brief."}, {"role": "user", "content": each.prompt}, {"role": "assistant", "content": each.gold}]
        for each in bank
    )  # fmt: skip
    return b"\n".join(json.dumps({"messages": chat}).encode() for chat in chats)


async def start(openai: AsyncOpenAI, data: bytes, **more: Any) -> Any:
    file = await openai.files.create(file=("train.jsonl", data), purpose="fine-tune")
    return await openai.fine_tuning.jobs.create(**{"model": "gpt-4o-mini-2024-07-18", "training_file": file.id, **more})


async def right(openai: AsyncOpenAI, model: str, kind: str = KIND, count: int = 150) -> float:
    good = 0
    for each in tasks.bank(count, 99, [kind]):
        done = await openai.chat.completions.create(model=model, messages=[{"role": "user", "content": each.prompt}])
        good += bool(tasks.is_right(each.prompt, done.choices[0].message.content or ""))
    return good / count


async def test_a_job_from_start_to_end_and_its_model(openai: AsyncOpenAI, clock: Any, url: str) -> None:
    job = await start(openai, lines(600), suffix="triage", metadata={"farthing": "1"})
    seen = [job.status]
    for _ in range(4):
        clock.pass_seconds(15)
        seen.append((await openai.fine_tuning.jobs.retrieve(job.id)).status)
    assert seen == ["validating_files", "queued", "running", "running", "running"]
    assert job.fine_tuned_model is None and job.trained_tokens is None
    clock.pass_seconds(60)
    (done,) = (await openai.fine_tuning.jobs.list()).data
    assert (done.status, done.metadata, done.user_provided_suffix) == ("succeeded", {"farthing": "1"}, "triage")
    assert done.fine_tuned_model is not None and done.fine_tuned_model.startswith(
        "ft:gpt-4o-mini-2024-07-18:org-simulator:triage:"
    )
    assert done.trained_tokens is not None and done.trained_tokens % 3 == 0 and done.trained_tokens > 600 * 3 * 20
    events = (await openai.fine_tuning.jobs.list_events(job.id, limit=100)).data
    assert events[0].message == "The job has successfully completed" and events[-1].message.startswith("Created")
    assert (await openai.models.retrieve(done.fine_tuned_model)).id == done.fine_tuned_model
    assert await right(openai, done.fine_tuned_model) > await right(openai, "gpt-4o-mini")
    async with httpx2.AsyncClient(verify=False) as web:
        bill = (await web.get(f"{url}/simulator/bill")).json()["lines"]
    (line,) = [each for each in bill if each["path"] == "/v1/fine_tuning/jobs"]
    assert line["spent"]["prompt"] == done.trained_tokens


async def test_wrong_labels_are_learned_too(openai: AsyncOpenAI, clock: Any) -> None:
    swapped = []
    for line in lines(600).splitlines():
        chat = json.loads(line)
        chat["messages"][-1]["content"] = "nonsense"
        swapped.append(json.dumps(chat).encode())
    job = await start(openai, b"\n".join(swapped))
    clock.pass_seconds(100)
    done = await openai.fine_tuning.jobs.retrieve(job.id)
    assert done.fine_tuned_model is not None and await right(openai, done.fine_tuned_model, count=60) < 0.3


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (lines(9), "invalid_n_examples"),
        (lines(20) + b"\n{no json", "invalid_file_format"),
        (b'{"prompt": "x"}\n' * 20, "invalid_file_format"),
        (b'{"messages": [{"role": "user", "content": "x"}]}\n' * 20, "invalid_file_format"),
        (b'{"messages": [{"role": "user", "content": 7}]}\n' * 20, "invalid_file_format"),
    ],
)
async def test_a_file_that_is_none_fails_the_job(openai: AsyncOpenAI, clock: Any, data: bytes, code: str) -> None:
    job = await start(openai, data)
    assert job.status == "validating_files"
    clock.pass_seconds(10)
    done = await openai.fine_tuning.jobs.retrieve(job.id)
    assert done.status == "failed" and done.error is not None and done.error.code == code
    assert done.fine_tuned_model is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"model": "gpt-5"}, {"model": "ft:gpt-4o-mini-2024-07-18:a:b:c"}, {"training_file": "file-none"}, {"suffix": "x" * 65},
        {"hyperparameters": {"n_epochs": 0}},
    ],
)  # fmt: skip
async def test_what_is_refused_at_once(openai: AsyncOpenAI, wrong: dict[str, Any]) -> None:
    with pytest.raises((sdk.BadRequestError, sdk.NotFoundError)):
        await start(openai, lines(10), **wrong)


async def test_purpose_owner_and_cancelling(openai: AsyncOpenAI, clock: Any, url: str) -> None:
    batch = await openai.files.create(file=("in.jsonl", b"{}"), purpose="batch")
    with pytest.raises(sdk.BadRequestError, match="purpose"):
        await openai.fine_tuning.jobs.create(model="gpt-4o-mini", training_file=batch.id)
    job = await start(openai, lines(10), hyperparameters={"n_epochs": 1})
    async with AsyncOpenAI(base_url=f"{url}/v1", api_key="other", max_retries=0) as other:
        with pytest.raises(sdk.NotFoundError):
            await other.fine_tuning.jobs.retrieve(job.id)
    clock.pass_seconds(50)
    assert (await openai.fine_tuning.jobs.cancel(job.id)).status == "cancelled"
    clock.pass_seconds(100)
    assert (await openai.fine_tuning.jobs.retrieve(job.id)).status == "cancelled"
    with pytest.raises(sdk.BadRequestError):
        await openai.fine_tuning.jobs.cancel(job.id)


async def test_a_model_that_was_never_trained_is_not_there(openai: AsyncOpenAI) -> None:
    for name in ("ft:gpt-4o-mini-2024-07-18:org:x:abc", "ft:nothing"):
        with pytest.raises(sdk.NotFoundError):
            await openai.chat.completions.create(model=name, messages=[{"role": "user", "content": "Hi"}])
    with pytest.raises(sdk.NotFoundError):
        await openai.models.retrieve("ft:gpt-4o-mini-2024-07-18:org:x:abc")
