"""Calls of the past for the planner's tests: chats that OpenAI or Anthropic answered, with their prompts."""

from typing import Any

import msgspec

from farthing.model.past import PastCall
from farthing.model.usage import Usage

BEGIN_US = 1_790_000_000_000_000
"""September 2026."""
DAY_S = 86_400.0


def chat(number: int, text: str = "", *, at_s: float | None = None, system: str = "", **more: Any) -> PastCall:
    """A short call to gpt-4o, a minute after the one before, that asks for something of its own."""
    said = [{"role": "system", "content": system}] if system else []
    messages = [*said, {"role": "user", "content": text or f"What is said of parcel number {number}?"}]
    model = more.get("model", "gpt-4o")
    prompt = msgspec.json.encode({"model": model, "messages": messages, **more.pop("body", {})})
    answer = {"choices": [{"message": {"content": f"It is on its way ({number})."}, "finish_reason": "stop"}]}
    told: dict[str, Any] = {
        "id": f"past-{number:06d}", "model": model, "provider": "openai", "wire": "openai.chat", "feature": "chat",
        "usage": Usage(uncached_in=40, out=12), "status": 200, "duration_us": 700_000, "prompt": prompt,
        "answer": msgspec.json.encode(answer),
    }  # fmt: skip
    at_us = BEGIN_US + round((60.0 * number if at_s is None else at_s) * 1e6)
    return PastCall(at_us=at_us, **{**told, **more})


def message(number: int, text: str = "Good day", **more: Any) -> PastCall:
    """The same over Anthropic's wire."""
    body = {"model": "claude-sonnet-4-5", "max_tokens": 500, "messages": [{"role": "user", "content": text}]}
    answer = {"content": [{"type": "text", "text": "Good day to you"}], "stop_reason": "end_turn"}
    return PastCall(
        at_us=BEGIN_US + number * 60_000_000, id=f"past-{number:06d}", model="claude-sonnet-4-5", provider="anthropic",
        wire="anthropic.messages", usage=Usage(uncached_in=40, out=12), status=200, prompt=msgspec.json.encode(body),
        answer=msgspec.json.encode(answer), **more,
    )  # fmt: skip
