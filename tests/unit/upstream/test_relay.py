import json
import zlib
from collections.abc import Iterable

import pytest

from farthing.model.call import Answer, Ask, Call, Deployment, Ending, Headers
from farthing.model.errors import CannotTranslate, UpstreamError, UpstreamTimeout, UpstreamUnreachable
from farthing.model.marks import Marks
from farthing.settings import ProviderSettings, Secret
from farthing.upstream.client import Timeouts
from farthing.upstream.providers import Provider, Providers
from farthing.upstream.relay import DRAINS, Delivery, Dressed, Relay
from farthing.wire import FORMATS

WHOLE = json.dumps(
    {
        "id": "1", "object": "chat.completion", "model": "gpt-4o-2024-08-06",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11},
    }
).encode()  # fmt: skip


def event(**fields: object) -> bytes:
    return (
        b"data: "
        + json.dumps({"id": "1", "object": "chat.completion.chunk", "model": "gpt-4o", **fields}).encode()
        + b"\n\n"
    )


def delta(text: str, finish: str | None = None) -> bytes:
    return event(choices=[{"index": 0, "delta": {"content": text}, "finish_reason": finish}])


USAGE = event(choices=[], usage={"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11})
DONE = b"data: [DONE]\n\n"


class Script:
    """An upstream answer that comes in the parts that it is made of; an exception among them is raised."""

    def __init__(self, parts: Iterable[bytes | Exception], status: int = 200, headers: Headers | None = None) -> None:
        self.status = status
        self.headers = headers or [(b"content-type", b"application/json")]
        self.parts = list(parts)
        self.aborted = False

    async def next(self) -> bytes:
        if self.aborted:
            raise UpstreamError("aborted")
        part = self.parts.pop(0) if self.parts else b""
        if isinstance(part, Exception):
            raise part
        return part

    async def read(self, limit: int) -> bytes:
        whole = b""
        while part := await self.next():
            whole += part
        return whole

    def abort(self) -> None:
        self.aborted = True


class Client:
    def __init__(self, answer: Script | Exception) -> None:
        self.answer = answer
        self.sent: list[tuple[str, Headers, bytes]] = []

    async def send(self, method: str, url: str, headers: Headers, body: bytes, timeouts: Timeouts) -> Script:
        self.sent.append((url, headers, body))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def close(self) -> None: ...


BODY = b'{"model":"gpt-4o","stream":%s,"messages":[{"role":"user","content":"Say hi to everyone"}]}'


class Scene:
    """One call through a relay to a scripted provider."""

    def __init__(
        self, answer: Script | Exception, *, stream: bool = False, kind: str = "openai", **headers: bytes
    ) -> None:
        self.client = Client(answer)
        self.provider = Provider(kind, ProviderSettings(api_key=Secret("sk-1")), self.client)
        self.relay = Relay(Providers({kind: self.provider}, {}))
        body = BODY % (b"true" if stream else b"false")
        self.call = Call(
            id="call-1", wire="openai.chat", headers={name.replace("_", "-").encode(): value for name, value in headers.items()},
            peer="", body=body, ask=FORMATS["openai.chat"].ask(body), started_us=1, started=0.0,
        )  # fmt: skip
        self.call.deployment = Deployment(f"{kind}/gpt-4o", kind, "gpt-4o", kind)
        self.endings: list[Ending] = []

    async def answer(self) -> Answer:
        answer = await self.relay(self.call)
        answer.on_end(self.endings.append)
        return answer

    async def streamed(self) -> bytes:
        answer = await self.answer()
        assert answer.stream is not None
        out = b""
        while data := await answer.stream.next():
            out += data
        return out


def stream_of(*parts: bytes | Exception) -> Script:
    return Script(parts, headers=[(b"content-type", b"text/event-stream; charset=utf-8")])


async def test_a_whole_answer_is_relayed_and_read() -> None:
    scene = Scene(
        Script(
            [WHOLE], headers=[(b"content-type", b"application/json"), (b"x-request-id", b"7"), (b"set-cookie", b"a")]
        )
    )
    answer = await scene.answer()
    assert answer.body is WHOLE
    assert answer.headers == [(b"content-type", b"application/json"), (b"x-request-id", b"7")]
    (attempt,) = scene.call.trail.attempts
    assert attempt.usage is not None and (attempt.usage.uncached_in, attempt.usage.out) == (9, 2)
    assert (attempt.served_model, attempt.outcome, attempt.status) == ("gpt-4o-2024-08-06", "ok", 200)
    url, headers, body = scene.client.sent[0]
    assert url == "https://api.openai.com/v1/chat/completions" and body is scene.call.body
    assert (b"authorization", b"Bearer sk-1") in headers


async def test_only_known_headers_of_the_client_go_on() -> None:
    scene = Scene(Script([WHOLE]), authorization=b"Bearer fk-mine", openai_beta=b"x", cookie=b"c", x_farthing_user=b"u")
    await scene.answer()
    names = dict(scene.client.sent[0][1])
    assert names[b"authorization"] == b"Bearer sk-1" and names[b"openai-beta"] == b"x"
    assert b"cookie" not in names and b"x-farthing-user" not in names


async def test_a_stream_is_relayed_and_read() -> None:
    parts = [delta("h"), delta("i", "stop") + USAGE, DONE]
    scene = Scene(stream_of(*parts), stream=True)
    assert await scene.streamed() == parts[0] + delta("i", "stop") + DONE  # usage was not asked for by the client
    assert b'"include_usage":true' in scene.client.sent[0][2]
    (attempt,) = scene.call.trail.attempts
    assert attempt.usage is not None and (attempt.usage.uncached_in, attempt.usage.out) == (9, 2)
    assert scene.endings == [Ending("ok")] and not attempt.estimated


async def test_a_provider_s_error_reaches_the_client_as_it_is() -> None:
    body = b'{"error":{"message":"no","type":"x","param":null,"code":null}}'
    scene = Scene(Script([body], status=429, headers=[(b"retry-after", b"7"), (b"content-type", b"application/json")]))
    answer = await scene.answer()
    assert (answer.status, answer.body) == (429, body) and (b"retry-after", b"7") in answer.headers
    assert scene.call.trail.attempts[0].outcome == "error"


async def test_an_answer_without_usage_is_estimated() -> None:
    scene = Scene(Script([json.dumps({**json.loads(WHOLE), "usage": None}).encode()]))
    await scene.answer()
    (attempt,) = scene.call.trail.attempts
    assert attempt.estimated and attempt.usage is not None and attempt.usage.total_in > 0


@pytest.mark.parametrize(
    ("error", "outcome"),
    [(UpstreamUnreachable("u"), "unreachable"), (UpstreamTimeout("t"), "timeout"), (UpstreamError("b"), "broken")],
)
async def test_errors_before_the_answer(error: UpstreamError, outcome: str) -> None:
    scene = Scene(error)
    with pytest.raises(type(error)):
        await scene.answer()
    assert scene.call.trail.attempts[0].outcome == outcome


async def test_a_stream_that_breaks_off_is_an_error_and_has_an_estimate() -> None:
    scene = Scene(stream_of(delta("hello everyone"), UpstreamError("gone")), stream=True)
    with pytest.raises(UpstreamError, match="gone"):
        await scene.streamed()
    (attempt,) = scene.call.trail.attempts
    assert attempt.outcome == "broken" and attempt.estimated and scene.endings == [Ending("broken", "gone")]


async def test_a_stream_that_ends_without_its_end_mark_is_cut() -> None:
    scene = Scene(stream_of(delta("hello")), stream=True)
    with pytest.raises(UpstreamError, match="end mark"):
        await scene.streamed()
    assert scene.endings[0].outcome == "broken"


async def test_a_client_that_leaves_stops_the_provider_and_pays_an_estimate() -> None:
    upstream = stream_of(delta("hello everyone, this is a long answer"), delta("more"))
    scene = Scene(upstream, stream=True)
    answer = await scene.answer()
    assert answer.stream is not None
    await answer.stream.next()
    answer.stream.leave()
    (attempt,) = scene.call.trail.attempts
    assert upstream.aborted and scene.endings == [Ending("left")]
    assert attempt.estimated and attempt.usage is not None and attempt.usage.out > 0 and attempt.usage.total_in > 0


async def test_a_stream_that_has_all_but_ended_is_read_to_its_end() -> None:
    upstream = stream_of(delta("hi", "stop"), USAGE, DONE)
    scene = Scene(upstream, stream=True)
    answer = await scene.answer()
    assert answer.stream is not None
    await answer.stream.next()
    answer.stream.leave()
    assert scene.endings == [] and scene.relay.drains == 1
    while await answer.stream.next():
        pass
    (attempt,) = scene.call.trail.attempts
    assert scene.endings == [Ending("ok")] and scene.relay.drains == 0, "the client had the whole answer"
    assert attempt.usage is not None and not attempt.estimated and attempt.usage.out == 2


FAILURE = event(error={"message": "overloaded", "type": "server_error"})


async def test_a_provider_that_says_that_it_failed_is_not_talked_over() -> None:
    scene = Scene(stream_of(delta("hel"), FAILURE), stream=True)
    assert await scene.streamed() == delta("hel") + FAILURE
    assert [ending.outcome for ending in scene.endings] == ["broken"]
    assert scene.call.trail.attempts[0].estimated


async def test_a_client_that_leaves_because_the_provider_failed_did_not_break_it_off() -> None:
    scene = Scene(stream_of(delta("hel"), FAILURE), stream=True)
    answer = await scene.answer()
    assert answer.stream is not None
    await answer.stream.next()
    await answer.stream.next()
    answer.stream.leave()
    assert [ending.outcome for ending in scene.endings] == ["broken"]


async def test_a_stream_that_falls_silent_is_broken() -> None:
    scene = Scene(stream_of(delta("hel"), UpstreamTimeout("late")), stream=True)
    with pytest.raises(UpstreamTimeout):
        await scene.streamed()
    assert scene.endings == [Ending("broken", "late")]
    assert scene.call.trail.attempts[0].outcome == "timeout"


async def test_no_more_streams_are_drained_than_the_bound() -> None:
    upstream = stream_of(delta("hi", "stop"), USAGE, DONE)
    scene = Scene(upstream, stream=True)
    answer = await scene.answer()
    assert answer.stream is not None
    await answer.stream.next()
    scene.relay.drains = DRAINS
    answer.stream.leave()
    assert upstream.aborted and scene.endings == [Ending("left")]


async def test_leaving_before_the_first_byte_costs_the_prompt() -> None:
    scene = Scene(stream_of(delta("never read")), stream=True)
    answer = await scene.answer()
    assert answer.stream is not None
    answer.stream.leave()
    (attempt,) = scene.call.trail.attempts
    assert attempt.usage is not None and attempt.usage.total_in > 0 and attempt.usage.out == 0


async def test_leaving_after_the_end_changes_nothing() -> None:
    scene = Scene(stream_of(delta("hi", "stop"), USAGE, DONE), stream=True)
    await scene.streamed()
    answer_endings = list(scene.endings)
    stream = scene.call.trail.attempts[0]
    assert answer_endings == [Ending("ok")] and stream.outcome == "ok"


@pytest.mark.parametrize("encoding", [b"gzip", b"deflate"])
async def test_providers_that_compress_although_nobody_asked(encoding: bytes) -> None:
    packer = zlib.compressobj(wbits=31 if encoding == b"gzip" else 15)
    packed = packer.compress(WHOLE) + packer.flush()
    scene = Scene(Script([packed], headers=[(b"content-encoding", encoding)]))
    answer = await scene.answer()
    assert answer.body == WHOLE and answer.headers == []
    assert scene.call.trail.attempts[0].usage is not None


async def test_a_compressed_stream() -> None:
    plain = delta("hi", "stop") + USAGE + DONE
    packer = zlib.compressobj(wbits=31)
    packed = packer.compress(plain) + packer.flush()
    headers = [(b"content-type", b"text/event-stream"), (b"content-encoding", b"gzip")]
    scene = Scene(Script([packed[:20], packed[20:]], headers=headers), stream=True)
    assert await scene.streamed() == delta("hi", "stop") + DONE


async def test_garbage_that_says_it_is_compressed() -> None:
    scene = Scene(Script([b"not gzip"], headers=[(b"content-encoding", b"gzip")]))
    with pytest.raises(UpstreamError, match="compressed"):
        await scene.answer()


async def test_another_format_is_translated() -> None:
    claude = json.dumps(
        {
            "id": "m", "type": "message", "role": "assistant", "model": "claude-x", "stop_reason": "end_turn",
            "stop_sequence": None, "content": [{"type": "text", "text": "hi"}], "usage": {"input_tokens": 9, "output_tokens": 2},
        }
    ).encode()  # fmt: skip
    scene = Scene(Script([claude]), kind="anthropic")
    answer = await scene.answer()
    assert json.loads(answer.body)["choices"][0]["message"]["content"] == "hi"
    assert scene.client.sent[0][0].endswith("/messages")
    usage = scene.call.trail.attempts[0].usage
    assert usage is not None and (usage.uncached_in, usage.out) == (9, 2)


async def test_what_cannot_be_translated_is_refused() -> None:
    scene = Scene(Script([]), kind="anthropic")
    body = b'{"model":"x","input":"hi"}'
    scene.call.wire, scene.call.body, scene.call.ask = "openai.responses", body, Ask("x")
    with pytest.raises(CannotTranslate, match=r"/v1/responses"):
        await scene.answer()
    assert scene.client.sent == []


async def test_what_would_be_sent_is_prepared_without_sending_it() -> None:
    for kind in ("openai", "anthropic"):
        scene = Scene(Script([WHOLE]), kind=kind)
        ready = scene.relay.prepare(scene.call)
        assert scene.client.sent == [] and scene.call.trail.attempts == []
        if kind == "openai":
            await scene.answer()
            assert scene.client.sent[0][2] is ready.body
        else:
            assert ready.spoken == "anthropic.messages" and json.loads(ready.body)["max_tokens"] > 0


async def test_a_service_tier_of_our_own_is_asked_for_in_the_words_of_the_provider() -> None:
    scene = Scene(Script([WHOLE]))
    scene.call.sent_tier = "flex"
    await scene.answer()
    assert json.loads(scene.client.sent[0][2])["service_tier"] == "flex"
    elsewhere = Scene(Script([WHOLE]), kind="anthropic")
    elsewhere.call.sent_tier = "flex"
    assert b"service_tier" not in elsewhere.relay.prepare(elsewhere.call).body


async def test_an_answer_that_came_another_way_is_delivered_as_if_it_had_been_relayed() -> None:
    scene, relayed = Scene(Script([])), Scene(Script([WHOLE]))
    delivery = Delivery(5_000, 70, tier="batch", flags=["marked"])
    answer = scene.relay.deliver(scene.call, 200, WHOLE, delivery)
    assert answer.body == (await relayed.answer()).body
    (attempt,), (other,) = scene.call.trail.attempts, relayed.call.trail.attempts
    assert (attempt.started_us, attempt.duration_us, attempt.tier, attempt.flags) == (5_000, 70, "batch", ["marked"])
    assert (attempt.usage, attempt.served_model, attempt.raw_usage) == (
        other.usage,
        other.served_model,
        other.raw_usage,
    )
    assert scene.client.sent == []


async def test_a_provider_s_error_that_came_another_way_shows_no_secret() -> None:
    scene = Scene(Script([]))
    provider = Provider("openai", ProviderSettings(api_key=Secret("sk-123456")), scene.client)
    relay = Relay(Providers({"openai": provider}, {}))
    answer = relay.deliver(scene.call, 401, b'{"error":"sk-123456 is wrong"}', Delivery(1, 1, tier="batch"))
    assert (answer.status, answer.body) == (401, b'{"error":"*** is wrong"}')
    (attempt,) = scene.call.trail.attempts
    assert (attempt.outcome, attempt.error, attempt.usage) == ("error", "HTTP 401", None)


async def test_a_delivered_answer_without_usage_is_estimated() -> None:
    scene = Scene(Script([]))
    whole = json.dumps({**json.loads(WHOLE), "usage": None}).encode()
    scene.relay.deliver(scene.call, 200, whole, Delivery(1, 1, tier="batch"))
    (attempt,) = scene.call.trail.attempts
    assert attempt.estimated and attempt.usage is not None and attempt.usage.total_in > 0


async def test_a_delivered_answer_is_translated() -> None:
    claude = json.dumps(
        {
            "id": "m", "type": "message", "role": "assistant", "model": "claude-x", "stop_reason": "end_turn",
            "stop_sequence": None, "content": [{"type": "text", "text": "hi"}],
            "usage": {"input_tokens": 9, "output_tokens": 2, "service_tier": "batch"},
        }
    ).encode()  # fmt: skip
    scene = Scene(Script([]), kind="anthropic")
    answer = scene.relay.deliver(scene.call, 200, claude, Delivery(1, 1, tier="batch"))
    assert json.loads(answer.body)["choices"][0]["message"]["content"] == "hi"
    error = b'{"type":"error","error":{"type":"invalid_request_error","message":"no"}}'
    refused = scene.relay.deliver(scene.call, 400, error, Delivery(1, 1))
    assert json.loads(refused.body)["error"]["message"] == "no"
    assert [attempt.no for attempt in scene.call.trail.attempts] == [1, 2]


async def test_marks_may_be_a_header_and_a_refusal_of_theirs_is_sent_again_without_them() -> None:
    scene = Scene(Script([b'{"error":{"message":"CachedContent not found"}}'], status=403))
    told: list[int] = []

    def dress(call: Call, spoken: str, body: bytes) -> Dressed:
        return Dressed(body, "cache_context 10", ((b"x-grok-conv-id", b"abc"),))

    def undress(call: Call, answer: Answer) -> bool:
        told.append(answer.status)
        call.marks = None
        scene.client.answer = Script([WHOLE])
        return True

    scene.relay = Relay(Providers({"openai": scene.provider}, {}), dress=dress, undress=undress)
    scene.call.marks = Marks(key="abc")
    assert (await scene.answer()).status == 200
    assert told == [403]
    assert [dict(headers).get(b"x-grok-conv-id") for _, headers, _ in scene.client.sent] == [b"abc", None]
    assert [attempt.status for attempt in scene.call.trail.attempts] == [403, 200]
