"""The simulated provider without a network."""

from typing import Any

import msgspec

from farthing.upstream.client import Response, Timeouts
from farthing.upstream.simulator import SimulatorSettings
from farthing.upstream.simulator.inside import Inside

KEYS = [(b"authorization", b"Bearer any")]
CHAT: dict[str, Any] = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "What does a lamp cost?"}]}


class Time:
    def __init__(self) -> None:
        self.now = 1_000.0

    def passes(self, seconds: float) -> None:
        self.now += seconds


def inside(time: Time, refuses: int = 0) -> Inside:
    settings = SimulatorSettings(seed=1, latency=1.0)
    return Inside(settings, lambda: time.now, time.passes, lambda url: refuses)


async def sent(client: Inside, body: dict[str, Any], path: str = "/v1/chat/completions") -> Response:
    return await client.send("POST", f"http://127.0.0.1:1{path}", KEYS, msgspec.json.encode(body), Timeouts())


async def test_a_plain_answer_is_billed_as_it_says_and_takes_its_time() -> None:
    time = Time()
    client = inside(time)
    response = await sent(client, CHAT)
    usage = msgspec.json.decode(await response.read(10**6))["usage"]
    total = client.bill.totals["gpt-4o-mini"]
    assert response.status == 200
    assert (total["prompt"], total["output"]) == (usage["prompt_tokens"], usage["completion_tokens"])
    assert 1_000.1 < time.now < 1_060


async def test_a_stream_comes_in_parts_and_takes_longer_to_its_end_than_to_its_beginning() -> None:
    time = Time()
    response = await sent(inside(time), {**CHAT, "stream": True})
    first = await response.next()
    begun = time.now
    rest = [part async for part in _parts(response)]
    assert first.startswith(b"data: ")
    assert rest[-1].endswith(b"data: [DONE]\n\n")
    assert 1_000 < begun < time.now


async def test_a_host_that_is_down_answers_with_its_status_and_bills_nothing() -> None:
    client = inside(Time(), refuses=503)
    response = await sent(client, CHAT)
    assert response.status == 503
    assert "error" in msgspec.json.decode(await response.read(10**6))
    assert client.bill.totals == {}


async def test_what_it_does_not_serve_and_cannot_read_is_refused() -> None:
    client = inside(Time())
    assert (await sent(client, CHAT, "/v1/images")).status == 404
    assert (await sent(client, {**CHAT, "model": "no-such"})).status == 404
    assert (await sent(client, {"model": "gpt-4o-mini"})).status == 400


async def _parts(response: Response) -> Any:
    while part := await response.next():
        yield part


async def test_files_and_batches_are_those_of_the_server() -> None:
    time = Time()
    settings = SimulatorSettings(seed=1, batch_seconds=600.0)
    client = Inside(settings, lambda: time.now, time.passes)

    async def asked(method: str, path: str, body: bytes = b"", kind: bytes = b"application/json") -> Any:
        headers = [*KEYS, (b"content-type", kind)]
        response = await client.send(method, f"http://127.0.0.1:1{path}", headers, body, Timeouts())
        assert response.status == 200
        return msgspec.json.decode(await response.read(10**6))

    rows = b"".join(
        msgspec.json.encode({"custom_id": f"line-{no}", "method": "POST", "url": "/v1/chat/completions", "body": CHAT})
        + b"\n"
        for no in range(3)
    )
    form = (
        b'--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n--b\r\n'
        b'Content-Disposition: form-data; name="file"; filename="in.jsonl"\r\n\r\n' + rows + b"\r\n--b--\r\n"
    )
    file = await asked("POST", "/v1/files", form, b"multipart/form-data; boundary=b")
    wanted = {"input_file_id": file["id"], "endpoint": "/v1/chat/completions", "completion_window": "24h"}
    made = await asked("POST", "/v1/batches", msgspec.json.encode(wanted))
    assert made["status"] == "validating"
    time.passes(700)
    done = await asked("GET", f"/v1/batches/{made['id']}")
    assert (done["status"], done["request_counts"]["completed"]) == ("completed", 3)
    assert client.bill.totals["gpt-4o-mini"]["requests"] == 3
