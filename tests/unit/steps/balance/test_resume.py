"""A stream that broke off goes on elsewhere, where the settings want that and it can be done honestly."""

import json

import pytest

from farthing.model.errors import UpstreamError
from unit.steps.balance.scene import CUT, END, ROLE, Scene, delta, streams


def scene(kind: str, model: str = "", **more: object) -> Scene:
    made = Scene(
        "a", "b", strategy="weighted", kinds={"a": kind, "b": kind}, continue_streams=True,
        each={"a": {"model": model}, "b": {"weight": 0.0, "model": model}},
        **more,  # type: ignore[arg-type]
    )  # fmt: skip
    made["a"].usual = streams(ROLE, delta("Once upon "), b'data: {"half', CUT)
    made["b"].usual = streams(ROLE, delta("a time."), END)
    return made


def text_of(stream: bytes) -> str:
    values = [json.loads(line[6:]) for line in stream.decode().splitlines() if line.startswith("data: {")]
    return "".join(choice["delta"].get("content") or "" for value in values for choice in value["choices"])


async def test_a_chat_goes_on_at_a_host_that_takes_a_beginning() -> None:
    told = scene("vllm")
    out = await told.stream()
    assert text_of(out) == "Once upon a time." and out.endswith(b"data: [DONE]\n\n") and b'"half' not in out
    sent = json.loads(told["b"].bodies[0])
    assert sent["messages"][-1] == {"role": "assistant", "content": "Once upon "}
    assert sent["continue_final_message"] is True and sent["add_generation_prompt"] is False
    assert [attempt.outcome for attempt in told.record.attempts] == ["broken", "ok"]
    assert (told.record.outcome, told.record.status) == ("ok", 200)
    assert json.loads(told.calls[0].body).get("continue_final_message") is None


async def test_mistral_wants_a_mark() -> None:
    told = scene("mistral")
    assert text_of(await told.stream()) == "Once upon a time."
    assert json.loads(told["b"].bodies[0])["messages"][-1] == {
        "role": "assistant",
        "content": "Once upon ",
        "prefix": True,
    }


@pytest.mark.parametrize("more", [{"n": 2}, {"response_format": {"type": "json_object"}}])
async def test_what_cannot_be_continued_ends_with_an_error(more: dict[str, object]) -> None:
    told = scene("vllm")
    with pytest.raises(UpstreamError):
        await told.stream(**more)
    assert told["b"].asked == 0 and told.record.outcome == "broken"


async def test_a_host_that_begins_anew_is_not_asked() -> None:
    told = scene("openai")
    with pytest.raises(UpstreamError):
        await told.stream()
    assert told["b"].asked == 0 and told.record.outcome == "broken"


async def test_nothing_changes_without_trouble() -> None:
    told = scene("vllm")
    told["a"].usual = streams(ROLE, delta("all"), END)
    assert await told.stream() == ROLE + delta("all") + END
    assert told.record.outcome == "ok" and len(told.record.attempts) == 1


async def test_tool_calls_are_not_continued() -> None:
    told = scene("vllm")
    call = [{"index": 0, "function": {"name": "f", "arguments": "{"}}]
    told["a"].usual = streams(ROLE, delta("x"), delta(tool_calls=call), CUT)  # type: ignore[arg-type]
    with pytest.raises(UpstreamError):
        await told.stream()


def event(kind: str, **fields: object) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()


def said(text: str) -> bytes:
    return event("content_block_delta", index=0, delta={"type": "text_delta", "text": text})


START = event("message_start", message={"id": "m", "model": "claude-haiku-4-5", "usage": {"input_tokens": 5}}) + event(
    "content_block_start", index=0, content_block={"type": "text", "text": ""}
)
STOP = event("content_block_stop", index=0) + event(
    "message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 9}
)


async def test_claude_goes_on_without_a_second_start_or_space() -> None:
    told = scene("anthropic", "claude-haiku-4-5", prices={"a": "anthropic", "b": "anthropic"})
    told["a"].usual = streams(START, said("Once upon "), CUT)
    told["b"].usual = streams(START, event("ping"), said(" a time."), STOP + event("message_stop"))
    out = await told.stream(wire="anthropic.messages")
    rest = (
        b"event: content_block_delta\ndata: "
        b'{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a time."}}\n\n'
    )
    assert out == START + said("Once upon ") + rest + STOP + event("message_stop")
    assert json.loads(told["b"].bodies[0])["messages"][-1] == {"role": "assistant", "content": "Once upon"}


async def test_an_error_event_in_the_middle_is_a_break_too() -> None:
    told = scene("vllm")
    told["a"].usual = streams(ROLE, delta("Once upon "), b'data: {"error":{"message":"no","code":"server_error"}}\n\n')
    assert text_of(await told.stream()) == "Once upon a time."
