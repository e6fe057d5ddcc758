"""Usage as Anthropic reports it, read into disjoint buckets. Knows no stream and no price.

Input, cache reads and cache writes stand beside each other. In a stream, `message_start` and `message_delta` both carry
cumulative counts, and hosts fill them differently: what the delta says of the input replaces what the start said, unless
it is all zero; output is the delta's. Absent is not zero.
"""

import msgspec

from farthing.model.call import Ask
from farthing.model.usage import Reading, Usage
from farthing.wire.lenient import Count, counts, tidy
from farthing.wire.meter_openai import RAW_LIMIT

_NO_GEO = frozenset({"", "global", "not_available"})
_TIERS = {"standard": "", "standard_only": "", "auto": ""}


class _WriteSplit(msgspec.Struct):
    ephemeral_5m_input_tokens: Count | None = None
    ephemeral_1h_input_tokens: Count | None = None


class _ServerTools(msgspec.Struct):
    web_search_requests: Count | None = None
    web_fetch_requests: Count | None = None


class _OutputDetails(msgspec.Struct):
    thinking_tokens: Count | None = None


class _Iteration(msgspec.Struct):
    type: str | None = None
    model: str | None = None
    input_tokens: Count | None = None
    output_tokens: Count | None = None
    cache_read_input_tokens: Count | None = None
    cache_creation_input_tokens: Count | None = None
    cache_creation: _WriteSplit | None = None


class Counts(msgspec.Struct):
    """One `usage` object, of a message, a start or a delta."""

    input_tokens: Count | None = None
    output_tokens: Count | None = None
    cache_read_input_tokens: Count | None = None
    cache_creation_input_tokens: Count | None = None
    cache_creation: _WriteSplit | None = None
    output_tokens_details: _OutputDetails | None = None
    server_tool_use: _ServerTools | None = None
    service_tier: str | None = None
    speed: str | None = None
    inference_geo: str | None = None
    iterations: list[_Iteration] | None = None


_decoder = msgspec.json.Decoder(Counts)
_ESSENTIAL = frozenset(
    {"input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "iterations"}
)


class Tally:
    """What was said of the use of one message, in one piece or several; later pieces overrule earlier ones."""

    __slots__ = ("_first", "_last", "_odd", "counts", "unreadable")

    def __init__(self) -> None:
        self.counts: Counts | None = None
        self.unreadable = False
        self._odd = False
        self._first = b""
        self._last = b""

    def take(self, raw: msgspec.Raw | bytes) -> bool:
        """Take one `usage` object; False if there is none, or none that can be read."""
        text = bytes(raw)
        if text == b"null":
            return False
        found, dropped = counts(text, _decoder)
        self._first, self._last = (self._first, text) if self._first else (text, b"")
        self._odd = self._odd or bool(dropped)
        if found is None or not dropped.isdisjoint(_ESSENTIAL):
            self.unreadable = True
            return False
        self.counts = found if self.counts is None else _later(self.counts, found)
        return True

    def continue_from(self, other: "Tally") -> None:
        """Begin with what another tally was told."""
        self.counts, self.unreadable, self._odd = other.counts, other.unreadable, other._odd
        self._first, self._last = other._first, other._last

    def reading(self, ask: Ask, *, model: str, finish: str) -> Reading:
        reading = Reading(model=model, finish=finish, raw=self._kept())
        if self.unreadable:
            reading.flags = ["usage_unreadable"]
            return reading
        if self._odd:
            reading.flags = ["usage_odd"]
        found = self.counts
        if found is None or (found.input_tokens is None and found.output_tokens is None):
            return reading
        _fill(reading, found, ask)
        return reading

    def _kept(self) -> bytes:
        """The usage JSON as it came; start and last delta of a stream as a list of two."""
        if not self._last:
            return self._first[:RAW_LIMIT]
        return b"[" + b",".join((self._first, self._last))[: RAW_LIMIT - 2] + b"]"


def _later(first: Counts, then: Counts) -> Counts:
    """Two cumulative counts of one message, made one."""
    said = (then.input_tokens, then.cache_read_input_tokens, then.cache_creation_input_tokens)
    if any(said):
        inputs = then
        split = then.cache_creation or first.cache_creation
    else:
        inputs = first
        split = first.cache_creation or then.cache_creation
    return Counts(
        input_tokens=_present(inputs.input_tokens, first.input_tokens, then.input_tokens),
        cache_read_input_tokens=_present(inputs.cache_read_input_tokens, first.cache_read_input_tokens),
        cache_creation_input_tokens=_present(inputs.cache_creation_input_tokens, first.cache_creation_input_tokens),
        cache_creation=split,
        output_tokens=_present(then.output_tokens, first.output_tokens),
        output_tokens_details=then.output_tokens_details or first.output_tokens_details,
        server_tool_use=then.server_tool_use or first.server_tool_use,
        service_tier=then.service_tier or first.service_tier,
        speed=then.speed or first.speed,
        inference_geo=then.inference_geo or first.inference_geo,
        iterations=then.iterations or first.iterations,
    )


def _present(*values: int | None) -> int | None:
    return next((value for value in values if value is not None), None)


def _fill(reading: Reading, found: Counts, ask: Ask) -> None:
    geo = tidy(found.inference_geo, 64)
    reading.geo = "" if geo in _NO_GEO else geo
    reading.tier = _tier(found)
    usage = _usage(found, ask)
    if found.output_tokens_details is not None:
        usage.reasoning = min(found.output_tokens_details.thinking_tokens or 0, usage.out)
    if found.server_tool_use is not None:
        usage.requests = _tool_calls(found.server_tool_use)
    reading.usage = usage
    if found.iterations:
        reading.parts = _parts(reading, found.iterations, ask)


def _tier(found: Counts) -> str:
    """`batch` and `priority` are tiers; `fast` is a speed, and priced as a tier."""
    tier = tidy(found.service_tier, 64)
    tier = _TIERS.get(tier, tier)
    return "fast" if found.speed == "fast" and tier != "batch" else tier


def _usage(found: Counts | _Iteration, ask: Ask) -> Usage:
    usage = Usage(
        uncached_in=found.input_tokens or 0,
        cache_read=found.cache_read_input_tokens or 0,
        out=found.output_tokens or 0,
    )
    split = found.cache_creation
    hour = split.ephemeral_1h_input_tokens or 0 if split is not None else 0
    five = split.ephemeral_5m_input_tokens or 0 if split is not None else 0
    written = found.cache_creation_input_tokens
    if written is None:
        written = hour + five
    if written:
        usage.w1h = min(hour, written)
        usage.w5m = min(five, written - usage.w1h)
        rest = written - usage.w1h - usage.w5m
        if ask.cache_ttl == "1h":
            usage.w1h += rest
        else:
            usage.w5m += rest
    return usage


def _tool_calls(tools: _ServerTools) -> dict[str, int]:
    named = {"web_search": tools.web_search_requests, "web_fetch": tools.web_fetch_requests}
    return {name: count for name, count in named.items() if count}


def _parts(whole: Reading, iterations: list[_Iteration], ask: Ask) -> list[Reading]:
    """The iterations that the top-level counts leave out: compactions, advisors, and attempts that a model declined
    before another served. A declined attempt without output is not billed."""
    served = next((tidy(each.model) for each in iterations if each.type == "fallback_message"), "")
    parts = []
    for each in iterations:
        model = tidy(each.model) or whole.model
        declined = each.type == "message" and served != "" and model != served
        if each.type in ("compaction", "advisor_message") or (declined and each.output_tokens):
            parts.append(
                Reading(usage=_usage(each, ask), model=model, tier=whole.tier, geo=whole.geo, finish=each.type or "")
            )
    return parts
