"""Plain answers to plain requests, for load tests in which lines count and not what they say: no skill, no cache, tokens by
the length of the text. The bill has them as the answer tells them. Anything unusual in a request is left to the provider.
"""

from typing import NamedTuple

from farthing.upstream.simulator import models
from farthing.upstream.simulator.wire import Json, Spent

_PLAIN = frozenset(
    ("model", "messages", "max_tokens", "max_completion_tokens", "temperature", "top_p", "user", "metadata", "system", "seed")
)  # fmt: skip
_WORDS = (
    "amber",
    "basin",
    "cedar",
    "delta",
    "ember",
    "fjord",
    "grove",
    "harbor",
    "inlet",
    "juniper",
    "knoll",
    "lagoon",
)


class Quick(NamedTuple):
    id: str
    model: str
    answer: Json
    spent: Spent


def answer(path: str, body: Json, number: int, now: int) -> Quick | None:
    """The answer to a chat or a message; None for any other request, and for one that is not plain."""
    anthropic = path.startswith("/v1/messages")
    model = models.find(body.get("model"), "anthropic" if anthropic else "openai")
    messages = body.get("messages")
    if model is None or model.embeds or not _PLAIN.issuperset(body) or not isinstance(messages, list):
        return None
    said = _said(messages)
    if not said:
        return None
    if not anthropic and model.thinks != "never" and "max_tokens" in body:
        return None
    limit = body.get("max_tokens", body.get("max_completion_tokens", 1000))
    if not isinstance(limit, int) or limit < 1 or limit > model.max_output or (anthropic and "max_tokens" not in body):
        return None
    prompt, output = len(said) // 4 + 8, min(limit, 12 + len(said) % 29)
    text = f"{_WORDS[len(said) % len(_WORDS)]} {said[-24:]}"
    spent = Spent(prompt=prompt, output=output)
    if anthropic:
        id = f"msg_01{number:022x}"
        return Quick(id, model.id, _message(id, model.name, text, prompt, output), spent)
    id = f"chatcmpl-{number:024x}"
    return Quick(id, model.id, _completion(id, model.name, text, prompt, output, now), spent)


def _said(messages: list[object]) -> str:
    """All text; empty where there is anything else."""
    parts = []
    for message in messages:
        if not isinstance(message, dict) or message.keys() != {"role", "content"}:
            return ""
        if message["role"] not in ("system", "user", "assistant") or not isinstance(message["content"], str):
            return ""
        parts.append(message["content"])
    return "\n".join(parts)


def _completion(id: str, model: str, text: str, prompt: int, output: int, now: int) -> Json:
    return {
        "id": id, "object": "chat.completion", "created": now, "model": model,
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": text, "refusal": None}, "logprobs": None,
             "finish_reason": "stop"}
        ],
        "usage": {
            "prompt_tokens": prompt, "completion_tokens": output, "total_tokens": prompt + output,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
        },
    }  # fmt: skip


def _message(id: str, model: str, text: str, prompt: int, output: int) -> Json:
    return {
        "id": id, "type": "message", "role": "assistant", "model": model, "content": [{"type": "text", "text": text}],
        "stop_reason": "end_turn", "stop_sequence": None,
        "usage": {
            "input_tokens": prompt, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0,
            "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0}, "output_tokens": output,
            "service_tier": "batch",
        },
    }  # fmt: skip
