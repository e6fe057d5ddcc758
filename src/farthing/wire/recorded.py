"""Read the meter in recorded bodies of wires that Farthing does not serve: logs, traces, batch lines, other vendors.

One function by kind of body. Knows no price; never raises on what a body holds.
"""

from collections.abc import Callable
from typing import Any

from farthing.model.call import Ask
from farthing.model.usage import Reading, Usage
from farthing.wire import sse
from farthing.wire.anthropic_messages import AnthropicMessages
from farthing.wire.lenient import anything, encoded, member, tidy
from farthing.wire.meter_openai import RAW_LIMIT, read_usage
from farthing.wire.openai_chat import read_answer
from farthing.wire.openai_responses import OpenAIResponses

_MOST = 2**53
_ASK = Ask(model="")
_OPENAI_ASK = Ask(model="", cache_ttl="30m")
_TRAFFIC = {
    "ON_DEMAND": "", "TRAFFIC_TYPE_UNSPECIFIED": "", "ON_DEMAND_PRIORITY": "priority", "ON_DEMAND_FLEX": "flex",
    "ON_DEMAND_OFFPEAK": "offpeak", "PROVISIONED_THROUGHPUT": "provisioned",
}  # fmt: skip
_BEDROCK_TIERS = {"default": "", "standard": ""}


def read_recorded(kind: str, body: bytes) -> Reading:
    """The reading of a recorded body. Kinds: see `KINDS`. Raises KeyError for a kind that is not there."""
    return KINDS[kind](body)


def _gemini(body: bytes) -> Reading:
    return _gemini_reading(anything(body))


def _gemini_stream(body: bytes) -> Reading:
    """Chunks as a JSON array or as events; the last usage counts, the last reason to stop too."""
    chunks = _list_or_events(body)
    usage: Any = None
    last: Any = {}
    finish = ""
    for chunk in chunks:
        if member(chunk, "usageMetadata") is not None:
            usage = member(chunk, "usageMetadata")
        if isinstance(chunk, dict):
            last = chunk
        finish = _gemini_finish(chunk) or finish
    model = next((tidy(member(chunk, "modelVersion")) for chunk in chunks if member(chunk, "modelVersion")), "")
    reading = _gemini_reading({"usageMetadata": usage, "modelVersion": model, "candidates": member(last, "candidates")})
    reading.finish = finish
    return reading


def _gemini_reading(body: Any) -> Reading:
    found = member(body, "usageMetadata")
    reading = Reading(model=tidy(member(body, "modelVersion")), finish=_gemini_finish(body))
    if not isinstance(found, dict):
        return reading
    reading.raw = _raw(found)
    traffic = tidy(found.get("trafficType"), 64)
    reading.tier = _TRAFFIC.get(traffic, traffic.lower())
    prompt, out = _count(found.get("promptTokenCount")), _count(found.get("candidatesTokenCount"))
    thoughts, tools = _count(found.get("thoughtsTokenCount")), _count(found.get("toolUsePromptTokenCount"))
    if prompt is None and out is None:
        if "promptTokenCount" in found or "candidatesTokenCount" in found:
            reading.flags = ["usage_unreadable"]
        return reading
    prompt, out, thoughts, tools = prompt or 0, out or 0, thoughts or 0, tools or 0
    cached = min(_count(found.get("cachedContentTokenCount")) or 0, prompt)
    sent = _modalities(found.get("promptTokensDetails"))
    served = _modalities(found.get("cacheTokensDetails"))
    made = _modalities(found.get("candidatesTokensDetails"))
    audio = min(sent["AUDIO"], prompt)
    image = min(sent["IMAGE"] + sent["VIDEO"], prompt - audio)
    usage = Usage(tool_in=tools)
    _share_cache(usage, prompt - audio - image, image, audio, cached, served if any(served.values()) else None)
    usage.audio_out = min(made["AUDIO"], out)
    usage.image_out = min(made["IMAGE"], out - usage.audio_out)
    usage.out = out - usage.audio_out - usage.image_out + thoughts
    usage.reasoning = thoughts
    reading.usage = usage
    reading.reported_total = _count(found.get("totalTokenCount"))
    return reading


def _share_cache(
    usage: Usage, text: int, image: int, audio: int, cached: int, by_kind: dict[str, int] | None
) -> None:  # fmt: skip
    """Take the cached tokens out of the kinds they are of; of text first where the answer does not say."""
    cached_audio = min(by_kind["AUDIO"], audio, cached) if by_kind else max(0, min(cached - text - image, audio))
    cached_image = (
        min(by_kind["IMAGE"] + by_kind["VIDEO"], image, cached - cached_audio)
        if by_kind
        else max(0, min(cached - text, image))
    )
    cached_text = min(cached - cached_audio - cached_image, text)
    usage.cached_audio = cached_audio
    usage.cache_read = cached_text + cached_image
    usage.uncached_in = text - cached_text
    usage.image_in = image - cached_image
    usage.audio_in = audio - cached_audio


def _gemini_finish(body: Any) -> str:
    candidates = member(body, "candidates")
    if isinstance(candidates, list):
        return next((tidy(member(each, "finishReason"), 64) for each in candidates if member(each, "finishReason")), "")
    return ""


def _modalities(details: Any) -> dict[str, int]:
    found = {"TEXT": 0, "IMAGE": 0, "AUDIO": 0, "VIDEO": 0, "DOCUMENT": 0}
    for each in details if isinstance(details, list) else ():
        kind = tidy(member(each, "modality"), 32).upper()
        if kind in found:
            found[kind] += _count(member(each, "tokenCount")) or 0
    return found


def _bedrock_converse(body: bytes) -> Reading:
    return _bedrock_reading(anything(body))


def _bedrock_stream(body: bytes) -> Reading:
    """A list of decoded events; usage is in `metadata`, the reason to stop in `messageStop`."""
    whole: dict[str, Any] = {}
    for event in _list_or_events(body):
        metadata = member(event, "metadata")
        if isinstance(metadata, dict):
            whole.update(metadata)
        stop = member(event, "messageStop", "stopReason")
        if stop is not None:
            whole["stopReason"] = stop
    return _bedrock_reading(whole)


def _bedrock_reading(body: Any) -> Reading:
    found = member(body, "usage")
    tier = tidy(member(body, "serviceTier", "type"), 64)
    reading = Reading(
        model=tidy(member(body, "trace", "promptRouter", "invokedModelId")),
        tier=_BEDROCK_TIERS.get(tier, tier),
        finish=tidy(member(body, "stopReason"), 64),
    )
    if not isinstance(found, dict):
        return reading
    reading.raw = _raw(found)
    sent, made = _count(found.get("inputTokens")), _count(found.get("outputTokens"))
    if sent is None and made is None:
        reading.flags = ["usage_unreadable"]
        return reading
    usage = Usage(
        uncached_in=sent or 0,
        cache_read=_count(found.get("cacheReadInputTokens", found.get("cacheReadInputTokenCount"))) or 0,
        out=made or 0,
    )
    _bedrock_writes(usage, found)
    reading.usage = usage
    total = _count(found.get("totalTokens"))
    if total is not None:
        # Some models leave the cache out of the total: then it is the sum of input and output alone.
        beside = usage.cache_read + usage.written
        reading.reported_total = total + beside if total == (sent or 0) + (made or 0) else total
    return reading


def _bedrock_writes(usage: Usage, found: dict[str, Any]) -> None:
    hour = five = 0
    details = found.get("cacheDetails")
    for each in details if isinstance(details, list) else ():
        count = _count(member(each, "inputTokens")) or 0
        if member(each, "ttl") == "1h":
            hour += count
        else:
            five += count
    written = _count(found.get("cacheWriteInputTokens", found.get("cacheWriteInputTokenCount")))
    if written is None:
        written = hour + five
    usage.w1h = min(hour, written)
    usage.w5m = written - usage.w1h


def _realtime(body: bytes) -> Reading:
    """A `response.done` event, or the response itself."""
    value = anything(body)
    answer = member(value, "response") if member(value, "response") is not None else value
    finish = tidy(member(answer, "status"), 64)
    return _openai_usage(answer, finish=finish)


def _images(body: bytes) -> Reading:
    """Input by kind; everything that comes out is an image unless the answer breaks it down."""
    answer = anything(body)
    reading = _openai_usage(answer)
    usage = reading.usage
    if usage is not None and not usage.image_out and not usage.audio_out:
        details = member(answer, "usage", "output_tokens_details")
        text = _count(member(details, "text_tokens")) or 0
        usage.image_out = max(0, usage.out - text)
        usage.out -= usage.image_out
    return reading


def _transcription(body: bytes) -> Reading:
    """Billed by token, or by the second of audio (`audio_second`, rounded up)."""
    answer = anything(body)
    if member(answer, "usage", "type") != "duration":
        return _openai_usage(answer)
    reading = Reading(raw=_raw(member(answer, "usage")))
    seconds = member(answer, "usage", "seconds")
    if isinstance(seconds, int | float) and not isinstance(seconds, bool) and 0 <= seconds <= _MOST:
        whole = int(seconds)
        reading.usage = Usage(requests={"audio_second": whole + (1 if seconds > whole else 0)})
    else:
        reading.flags = ["usage_unreadable"]
    return reading


def _openai_usage(answer: Any, *, finish: str = "") -> Reading:
    usage = member(answer, "usage")
    return read_usage(encoded(usage), _OPENAI_ASK, model=member(answer, "model"), finish=finish)


def _openai_batch_line(body: bytes) -> Reading:
    """One line of a batch's result file: chat, responses or embeddings, at the batch tier."""
    answer = member(anything(body), "response", "body")
    if not isinstance(answer, dict):
        return Reading(tier="batch", finish="error")
    inner = encoded(answer)
    if answer.get("object") == "response":
        reading = OpenAIResponses().read(inner, _OPENAI_ASK)
    else:
        reading = read_answer(inner, _OPENAI_ASK)
    reading.tier = "batch"
    return reading


def _anthropic_batch_line(body: bytes) -> Reading:
    """One line of a message batch's results; a line that did not succeed is not billed."""
    result = member(anything(body), "result")
    kind = tidy(member(result, "type"), 64)
    message = member(result, "message")
    if not isinstance(message, dict):
        return Reading(usage=Usage() if kind else None, tier="batch", finish=kind)
    reading = AnthropicMessages().read(encoded(message), _ASK)
    reading.tier = "batch"
    for part in reading.parts:
        part.tier = "batch"
    return reading


def _otel(body: bytes) -> Reading:
    """The attributes of a GenAI span: a plain object, or OTLP's list of keys and typed values.

    Input includes what the cache read and wrote, as the conventions say; where it is smaller than those two, the
    instrumentation counted them beside it.
    """
    value = anything(body)
    found = _attributes(member(value, "attributes") if member(value, "attributes") is not None else value)
    reasons = found.get("gen_ai.response.finish_reasons")
    reading = Reading(
        model=tidy(found.get("gen_ai.response.model")) or tidy(found.get("gen_ai.request.model")),
        finish=tidy(reasons[0], 64) if isinstance(reasons, list) and reasons else "",
    )
    sent = _first_count(found, "gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens")
    made = _first_count(found, "gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens")
    if sent is None and made is None:
        return reading
    reading.raw = _raw({name: each for name, each in found.items() if name.startswith("gen_ai.usage.")})
    sent = sent or 0
    read = _first_count(found, "gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_read_input_tokens") or 0
    written = (
        _first_count(found, "gen_ai.usage.cache_creation.input_tokens", "gen_ai.usage.cache_creation_input_tokens") or 0
    )
    uncached = sent - read - written if sent >= read + written else sent
    usage = Usage(uncached_in=uncached, cache_read=read, out=made or 0)
    provider = tidy(found.get("gen_ai.provider.name") or found.get("gen_ai.system"), 64)
    if provider in ("openai", "azure.ai.openai"):
        usage.w30m = written
    else:
        usage.w5m = written
    usage.reasoning = min(_first_count(found, "gen_ai.usage.reasoning.output_tokens") or 0, usage.out)
    tier = tidy(found.get("openai.response.service_tier") or found.get("gen_ai.openai.response.service_tier"), 64)
    reading.tier = "" if tier in ("default", "auto") else tier
    reading.usage = usage
    return reading


def _attributes(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    found: dict[str, Any] = {}
    for each in value if isinstance(value, list) else ():
        name, typed = member(each, "key"), member(each, "value")
        if isinstance(name, str):
            found[name] = _otlp_value(typed)
    return found


def _otlp_value(typed: Any) -> Any:
    if not isinstance(typed, dict):
        return typed
    if "intValue" in typed:
        number = typed["intValue"]
        return int(number) if isinstance(number, str) and number.isdecimal() and len(number) < 20 else number
    if "arrayValue" in typed:
        values = member(typed, "arrayValue", "values")
        return [_otlp_value(each) for each in values] if isinstance(values, list) else []
    return next(iter(typed.values()), None)


def _first_count(found: dict[str, Any], *names: str) -> int | None:
    return next((count for name in names if (count := _count(found.get(name))) is not None), None)


def _list_or_events(body: bytes) -> list[Any]:
    value = anything(body)
    if isinstance(value, list):
        return value
    if value is not None:
        return [value]
    events = [anything(payload) for payload in sse.payloads(body)]
    if any(event is not None for event in events):
        return events
    return [anything(line) for line in body.splitlines()]


def _count(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value <= _MOST else None


def _raw(value: Any) -> bytes:
    return encoded(value)[:RAW_LIMIT]


KINDS: dict[str, Callable[[bytes], Reading]] = {
    "gemini": _gemini,
    "gemini.stream": _gemini_stream,
    "bedrock.converse": _bedrock_converse,
    "bedrock.converse.stream": _bedrock_stream,
    "openai.realtime": _realtime,
    "openai.images": _images,
    "openai.transcription": _transcription,
    "openai.batch_line": _openai_batch_line,
    "anthropic.batch_line": _anthropic_batch_line,
    "otel.genai": _otel,
}
"""Every kind of recorded body, and what reads it."""
