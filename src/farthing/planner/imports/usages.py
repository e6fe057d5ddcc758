"""Usage as logs keep it, in disjoint buckets. The objects of providers are read as the gateway reads them; what tools
make of them (flat columns, exclusive and inclusive inputs, mixtures of two providers' fields) is told apart here.

The test of exclusive inputs: where reads and writes of the cache are more than the input, they are not a part of it.
"""

from collections.abc import Mapping
from typing import Any

from farthing.model.call import Ask
from farthing.model.usage import Reading, Usage
from farthing.planner.imports.values import count
from farthing.wire.lenient import encoded
from farthing.wire.meter_anthropic import Tally
from farthing.wire.meter_openai import RAW_LIMIT, read_usage
from farthing.wire.recorded import read_recorded

_ANTHROPIC = ("cache_read_input_tokens", "cache_creation_input_tokens", "cache_creation", "server_tool_use")
_BUCKETS = frozenset(Usage.__struct_fields__) - {"requests"}


def writes_to(provider: str, model: str) -> str:
    """The bucket of cache writes of which nobody says for how long: 5 minutes at Claude, 30 at OpenAI."""
    return "w5m" if "claude" in model or provider in ("anthropic", "aws") else "w30m"


def flat(
    sent: int | None, made: int | None, *, read: int = 0, written: int = 0, w1h: int = 0, reasoning: int = 0,
    bucket: str = "w30m", inside: bool | None = None,
) -> Usage | None:  # fmt: skip
    """Usage from numbers that stand side by side. `inside`: whether reads and writes are a part of `sent`; None: they are
    unless they are more than it. `written` includes `w1h`. None where neither input nor output is said."""
    if sent is None and made is None:
        return None
    total = sent or 0
    beside = inside is False or read + written > total
    usage = Usage(uncached_in=total if beside else total - read - written, cache_read=read, out=made or 0)
    if written:
        usage.w1h = min(w1h, written)
        setattr(usage, bucket, getattr(usage, bucket) + written - usage.w1h)
    if reasoning:
        usage.reasoning = min(reasoning, usage.out)
    return usage


def half(sent: int | None, made: int | None) -> list[str]:
    """Marks of a call of which only input or only output is known: then its usage is not."""
    return ["output_not_said"] if sent is not None else ["input_not_said"] if made is not None else []


def of_object(value: Mapping[str, Any], *, provider: str = "", model: str = "", ttl: str = "") -> Reading:
    """The reading of a `usage` object of any provider, as a log kept it. Never raises."""
    if "promptTokenCount" in value or "candidatesTokenCount" in value:
        return read_recorded("gemini", encoded({"usageMetadata": value, "modelVersion": model}))
    if "inputTokens" in value or "outputTokens" in value:
        return read_recorded("bedrock.converse", encoded({"usage": value}))
    ask = Ask(model=model, cache_ttl=ttl or ("30m" if "claude" not in model else "5m"))
    if any(name in value for name in _ANTHROPIC):
        if "prompt_tokens" in value:
            return _mixed(value, provider, model)
        if "input_tokens_details" not in value:
            tally = Tally()
            tally.take(encoded(value))
            return tally.reading(ask, model=model, finish="")
    dialect = {"x-ai": "xai", "google": "gemini"}.get(provider, provider)
    return read_usage(encoded(value), ask, dialect, model=model)


def _mixed(value: Mapping[str, Any], provider: str, model: str) -> Reading:
    """OpenAI's input, which holds everything, beside Anthropic's names for parts of it: what LiteLLM makes of Claude's."""
    reading = Reading(model=model, raw=encoded(value)[:RAW_LIMIT])
    details = _of(value, "prompt_tokens_details")
    split = _of(details, "cache_creation_token_details") or _of(value, "cache_creation")
    numbers = {
        "sent": _number(value, "prompt_tokens"), "made": _number(value, "completion_tokens"),
        "read": _number(details, "cached_tokens") or _number(value, "cache_read_input_tokens"),
        "written": _number(details, "cache_creation_tokens") or _number(value, "cache_creation_input_tokens"),
        "w1h": _number(split, "ephemeral_1h_input_tokens"),
        "reasoning": _number(_of(value, "completion_tokens_details"), "reasoning_tokens"),
    }  # fmt: skip
    if numbers["sent"] is None and numbers["made"] is None:
        return reading
    reading.usage = flat(
        numbers["sent"], numbers["made"], read=numbers["read"] or 0, written=numbers["written"] or 0,
        w1h=numbers["w1h"] or 0, reasoning=numbers["reasoning"] or 0, bucket=writes_to(provider, model),
    )  # fmt: skip
    searches = _number(_of(value, "server_tool_use"), "web_search_requests")
    if searches and reading.usage is not None:
        reading.usage.requests = {"web_search": searches}
    return reading


def _of(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = value.get(key)
    return found if isinstance(found, dict) else {}


def _number(value: Mapping[str, Any], key: str) -> int | None:
    found = value.get(key)
    return found if isinstance(found, int) and not isinstance(found, bool) and 0 <= found < 2**53 else None


def exclusive(details: Mapping[str, Any], *, provider: str, model: str) -> Usage | None:
    """Buckets that stand side by side under names that begin with `input` and `output`, as Langfuse has them: each unit
    in one of them, `total` aside. None where there are none. Raises BadRow for a negative number."""
    usage, found = Usage(), False
    bucket = writes_to(provider, model)
    split = any(details.get(f"input_cache_creation_{ttl}") for ttl in ("5m", "1h"))
    for key, value in details.items():
        number = count(value, key)
        if number is None or key in ("total", "total_tokens", "totalTokens"):
            continue
        place = _EXCLUSIVE.get(key) or _by_prefix(key)
        if place == "":
            continue
        if place == "written":
            place = "" if split else bucket
        found = True
        if place == "reasoning":
            usage.out += number
            usage.reasoning += number
        elif place in _BUCKETS:
            setattr(usage, place, getattr(usage, place) + number)
    return usage if found else None


_EXCLUSIVE = {
    "input": "uncached_in", "input_tokens": "uncached_in", "prompt_tokens": "uncached_in", "promptTokens": "uncached_in",
    "input_text": "uncached_in", "prompt_token_count": "uncached_in", "input_cached_tokens": "cache_read",
    "input_cache_read": "cache_read", "cache_read_input_tokens": "cache_read", "input_cached": "cache_read",
    "cached_content_token_count": "cache_read", "input_cache_read_tokens": "cache_read",
    "input_cache_creation": "written", "cache_creation_input_tokens": "written", "input_cache_write": "written",
    "input_cache_write_tokens": "written", "input_cache_creation_5m": "w5m", "input_cache_creation_1h": "w1h",
    "input_audio": "audio_in", "input_audio_tokens": "audio_in", "input_image": "image_in", "input_image_tokens": "image_in",
    "tool_use_prompt_token_count": "tool_in", "output": "out", "output_tokens": "out", "completion_tokens": "out",
    "completionTokens": "out", "output_text": "out", "candidates_token_count": "out", "output_audio": "audio_out",
    "output_audio_tokens": "audio_out", "output_image": "image_out", "output_reasoning": "reasoning",
    "output_reasoning_tokens": "reasoning", "thoughts_token_count": "reasoning", "reasoning_tokens": "reasoning",
}  # fmt: skip


def _by_prefix(key: str) -> str:
    """A bucket that has no name here still is input or output."""
    return "uncached_in" if key.startswith("input") else "out" if key.startswith("output") else ""
