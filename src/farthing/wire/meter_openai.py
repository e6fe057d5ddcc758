"""Usage as OpenAI and its many imitators report it, read into disjoint buckets. Knows no stream and no price.

The input total includes what the cache served and what was written to it. Details overlap (a cached image token is in
`cached_tokens` and in `image_tokens`): the cache is taken to have served text first, then images, then audio, unless the
answer says it by modality. A dialect is named only where a host differs in a way that its numbers do not show.
"""

from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation

import msgspec

from farthing.model.call import Ask
from farthing.model.money import NANO_PER_DOLLAR
from farthing.model.usage import Reading, Usage
from farthing.wire.lenient import NULL, Count, counts, present, tidy

RAW_LIMIT = 4096
"""Bytes of usage JSON that are kept in a row."""

TICKS_PER_NANO = 10
"""xAI: 1e10 ticks are a dollar."""

_DOLLAR_COSTS = frozenset({"openrouter", "perplexity", "x-ai", "xai"})
"""Dialects whose `usage.cost` is known to be in dollars."""

_TIERS = {"default": "", "auto": "", "standard": "", "on_demand": "", "fast": "priority"}


class _WriteSplit(msgspec.Struct):
    ttl_30m_tokens: Count | None = None
    ttl_12h_tokens: Count | None = None


class _CachedSplit(msgspec.Struct):
    text_tokens: Count | None = None
    audio_tokens: Count | None = None
    image_tokens: Count | None = None


class _InputDetails(msgspec.Struct):
    cached_tokens: Count | None = None
    cache_write_tokens: Count | None = None
    cache_write_tokens_details: _WriteSplit | None = None
    cached_tokens_details: _CachedSplit | None = None
    audio_tokens: Count | None = None
    image_tokens: Count | None = None


class _OutputDetails(msgspec.Struct):
    reasoning_tokens: Count | None = None
    audio_tokens: Count | None = None
    image_tokens: Count | None = None


class _ServerTools(msgspec.Struct):
    web_search_calls: Count | None = None
    x_search_calls: Count | None = None
    file_search_calls: Count | None = None
    code_interpreter_calls: Count | None = None


class _Counts(msgspec.Struct):
    """Both spellings of one object: chat says prompt and completion, the newer APIs say input and output."""

    prompt_tokens: Count | None = None
    completion_tokens: Count | None = None
    input_tokens: Count | None = None
    output_tokens: Count | None = None
    total_tokens: Count | None = None
    prompt_tokens_details: _InputDetails | None = None
    completion_tokens_details: _OutputDetails | None = None
    input_tokens_details: _InputDetails | None = None
    output_tokens_details: _OutputDetails | None = None
    input_token_details: _InputDetails | None = None
    output_token_details: _OutputDetails | None = None
    prompt_cache_hit_tokens: Count | None = None
    prompt_cache_miss_tokens: Count | None = None
    cached_tokens: Count | None = None
    cost: msgspec.Raw = NULL
    cost_details: msgspec.Raw = NULL
    is_byok: bool | None = None
    cost_in_usd_ticks: Count | None = None
    server_side_tool_usage_details: _ServerTools | None = None


class _CostBreakdown(msgspec.Struct):
    """Perplexity's `cost`, OpenRouter's `cost_details`; raw, because a float is never met on the way to the ledger."""

    total_cost: msgspec.Raw = NULL
    upstream_inference_cost: msgspec.Raw = NULL


_decoder = msgspec.json.Decoder(_Counts)
_breakdown = msgspec.json.Decoder(_CostBreakdown)
_ESSENTIAL = frozenset({"prompt_tokens", "completion_tokens", "input_tokens", "output_tokens"})


def tier_served(tier: object) -> str:
    """OpenAI's service tier in Farthing's words: "" for the standard one."""
    name = tidy(tier, 64)
    return _TIERS.get(name, name)


def read_usage(
    raw: msgspec.Raw | bytes, ask: Ask, dialect: str = "", *, model: object = "", tier: object = "",
    finish: str = "",
) -> Reading:  # fmt: skip
    """The reading of one `usage` object; `null` is no usage. Never raises."""
    reading = Reading(model=tidy(model), tier=tier_served(tier), finish=finish)
    text = bytes(raw)
    if text == b"null":
        return reading
    reading.raw = text[:RAW_LIMIT]
    found, dropped = counts(text, _decoder)
    if dropped:
        reading.flags = ["usage_odd"]
    if found is None or not dropped.isdisjoint(_ESSENTIAL):
        reading.flags = ["usage_unreadable"]
        return reading
    _fill(reading, found, ask, dialect)
    return reading


def dollars_from_json(text: bytes) -> int | None:
    """Nano-dollars of a JSON number that is an amount in dollars, rounded half to even. None if it is none."""
    try:
        amount = Decimal(text.decode().strip(' "'))
    except (InvalidOperation, UnicodeDecodeError):
        return None
    if not amount.is_finite() or amount < 0 or amount.adjusted() > 9:
        return None
    return int((amount * NANO_PER_DOLLAR).to_integral_value(ROUND_HALF_EVEN))


def _fill(reading: Reading, found: _Counts, ask: Ask, dialect: str) -> None:
    total_in = found.prompt_tokens if found.prompt_tokens is not None else found.input_tokens
    total_out = found.completion_tokens if found.completion_tokens is not None else found.output_tokens
    if total_in is None and found.prompt_cache_hit_tokens is not None:
        total_in = found.prompt_cache_hit_tokens + (found.prompt_cache_miss_tokens or 0)
    if total_in is None and total_out is None:
        if found.total_tokens is None:
            return
        total_in = found.total_tokens
    usage = Usage()
    reading.usage = usage
    reading.reported_total = found.total_tokens
    _fill_input(reading, usage, total_in or 0, found, ask, dialect)
    _fill_output(usage, total_in or 0, total_out or 0, found, dialect)
    if found.server_side_tool_usage_details is not None:
        usage.requests = _tool_calls(found.server_side_tool_usage_details)
    if found.cost_in_usd_ticks is not None:
        reading.reported_nano = _nano_from_ticks(found.cost_in_usd_ticks)
    elif present(found.cost):
        _fill_cost(reading, found, dialect)


def _fill_input(reading: Reading, usage: Usage, total: int, found: _Counts, ask: Ask, dialect: str) -> None:
    details = found.prompt_tokens_details or found.input_tokens_details or found.input_token_details
    cached = found.prompt_cache_hit_tokens
    if cached is None and details is not None:
        cached = details.cached_tokens
    if cached is None:
        cached = found.cached_tokens or 0
    written = details.cache_write_tokens or 0 if details is not None else 0
    audio = details.audio_tokens or 0 if details is not None else 0
    image = details.image_tokens or 0 if details is not None else 0
    if cached + written > total or audio + image > total:
        reading.flags = [*reading.flags, "usage_overlaps"]
        cached = min(cached, total)
        written = min(written, total - cached)
        audio = min(audio, total)
        image = min(image, total - audio)
    text = total - audio - image
    if not audio and not image:
        usage.cache_read = cached
        usage.uncached_in = text - cached - written
    else:
        split = details.cached_tokens_details if details is not None else None
        cached_text, cached_image, cached_audio = _cached_by_kind(cached, text, image, audio, split)
        text -= cached_text
        image -= cached_image
        audio -= cached_audio
        usage.cache_read = cached_text + cached_image
        usage.cached_audio = cached_audio
        written_text, written_image, written_audio = _text_first(written, text, image, audio)
        usage.uncached_in = text - written_text
        usage.image_in = image - written_image
        usage.audio_in = audio - written_audio
    if written:
        twelve = details.cache_write_tokens_details if details is not None else None
        _fill_written(usage, written, twelve, reading.model or ask.model, ask, dialect)


def _cached_by_kind(cached: int, text: int, image: int, audio: int, split: _CachedSplit | None) -> tuple[int, int, int]:
    if split is None or (split.audio_tokens is None and split.image_tokens is None):
        return _text_first(cached, text, image, audio)
    cached_audio = min(split.audio_tokens or 0, audio, cached)
    cached_image = min(split.image_tokens or 0, image, cached - cached_audio)
    cached_text = min(cached - cached_audio - cached_image, text)
    return cached_text, cached_image, cached_audio


def _text_first(amount: int, text: int, image: int, audio: int) -> tuple[int, int, int]:
    from_text = min(amount, text)
    from_image = min(amount - from_text, image)
    return from_text, from_image, min(amount - from_text - from_image, audio)


def _fill_written(
    usage: Usage, written: int, split: _WriteSplit | None, model: str, ask: Ask, dialect: str
) -> None:  # fmt: skip
    """Claude behind this wire keeps 5 minutes or an hour, OpenAI 30 minutes or twelve hours."""
    if split is not None and (split.ttl_12h_tokens or split.ttl_30m_tokens):
        usage.w12h = min(split.ttl_12h_tokens or 0, written)
        usage.w30m = written - usage.w12h
    elif "claude" in model or dialect == "anthropic_compat":
        if ask.cache_ttl == "1h":
            usage.w1h = written
        else:
            usage.w5m = written
    elif ask.cache_ttl == "12h":
        usage.w12h = written
    else:
        usage.w30m = written


def _fill_output(usage: Usage, total_in: int, total_out: int, found: _Counts, dialect: str) -> None:
    details = found.completion_tokens_details or found.output_tokens_details or found.output_token_details
    reasoning = details.reasoning_tokens or 0 if details is not None else 0
    beyond = 0 if found.total_tokens is None else found.total_tokens - total_in - total_out
    if reasoning and (beyond == reasoning or (dialect in ("xai", "x-ai") and found.total_tokens is None)):
        total_out += reasoning
    elif beyond > 0 and dialect in ("google", "gemini"):
        total_out += beyond
        reasoning = reasoning or beyond
    if details is not None and (details.audio_tokens or details.image_tokens):
        usage.audio_out = min(details.audio_tokens or 0, total_out)
        usage.image_out = min(details.image_tokens or 0, total_out - usage.audio_out)
    usage.out = total_out - usage.audio_out - usage.image_out
    usage.reasoning = min(reasoning, usage.out)


def _tool_calls(tools: _ServerTools) -> dict[str, int]:
    named = {
        "web_search": tools.web_search_calls, "x_search": tools.x_search_calls, "file_search": tools.file_search_calls,
        "code_session": tools.code_interpreter_calls,
    }  # fmt: skip
    return {name: count for name, count in named.items() if count}


def _nano_from_ticks(ticks: int) -> int:
    whole, rest = divmod(ticks, TICKS_PER_NANO)
    return whole + 1 if rest > 5 or (rest == 5 and whole & 1) else whole


def _fill_cost(reading: Reading, found: _Counts, dialect: str) -> None:
    cost = bytes(found.cost)
    if cost.startswith(b"{"):
        cost = bytes(_broken_down(cost).total_cost)
    nano = dollars_from_json(cost)
    if nano is None:
        if cost != b"null":
            reading.flags = [*reading.flags, "usage_odd"]
        return
    if found.is_byok and present(found.cost_details):
        nano += dollars_from_json(bytes(_broken_down(found.cost_details).upstream_inference_cost)) or 0
    reading.reported_nano = nano
    if dialect not in _DOLLAR_COSTS:
        reading.flags = [*reading.flags, "cost_unit_assumed"]


def _broken_down(cost: msgspec.Raw | bytes) -> _CostBreakdown:
    try:
        return _breakdown.decode(cost)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _CostBreakdown()
