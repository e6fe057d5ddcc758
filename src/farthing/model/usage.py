"""What a provider counted, in one normal form: disjoint buckets, and the reading that carries them.

Every billed unit sits in exactly one bucket, whatever the wire said (`facts` differ: OpenAI counts cached tokens inside
the prompt, Anthropic beside it; Gemini and xAI count reasoning beside the output). Knows nothing of prices.
"""

from typing import Literal

import msgspec

CostState = Literal["reported", "computed", "estimated", "unpriced", "unknown"]
"""How a cost is known: the provider said it; priced from reported usage; priced from estimated usage; no price; no usage."""


class Usage(msgspec.Struct, omit_defaults=True):
    """Units by bucket. All are tokens except `requests`, which counts billed events by name (`web_search`, ...).

    `reasoning` is a part of `out`, kept for information and never priced by itself.
    """

    uncached_in: int = 0
    """Text input that no cache served."""
    cache_read: int = 0
    """Text input read from the provider's prompt cache."""
    w5m: int = 0
    """Input written to the provider's cache for 5 minutes (Anthropic), and so for each bucket below."""
    w1h: int = 0
    w30m: int = 0
    w12h: int = 0
    audio_in: int = 0
    image_in: int = 0
    cached_audio: int = 0
    tool_in: int = 0
    """Input that a provider's own tools added (Gemini)."""
    out: int = 0
    """Text output, reasoning included."""
    reasoning: int = 0
    audio_out: int = 0
    image_out: int = 0
    requests: dict[str, int] = {}

    @property
    def total_in(self) -> int:
        """All input tokens; this total chooses a long-context band."""
        return (
            self.uncached_in + self.cache_read + self.w5m + self.w1h + self.w30m + self.w12h
            + self.audio_in + self.image_in + self.cached_audio + self.tool_in
        )  # fmt: skip

    @property
    def total_out(self) -> int:
        return self.out + self.audio_out + self.image_out

    @property
    def cached_in(self) -> int:
        """Input tokens that the provider's cache served."""
        return self.cache_read + self.cached_audio

    @property
    def written(self) -> int:
        """Input tokens written to the provider's cache."""
        return self.w5m + self.w1h + self.w30m + self.w12h


class Reading(msgspec.Struct, omit_defaults=True):
    """What one answer says about its own use: the meter's reading of one attempt.

    Executed model, served tier, speed and region come from the answer, never from the request.
    """

    usage: Usage | None = None
    """None where the answer carried no usage: that is unknown, not zero."""
    estimated: bool = False
    """The usage was counted by us (a stream that ended early), not reported."""
    model: str = ""
    """The model that ran, as the provider named it; empty where it did not say."""
    tier: str = ""
    """Service tier that served: "" or standard, flex, priority, batch, fast (Anthropic `speed`)."""
    geo: str = ""
    """Data residency that the provider charges for (`inference_geo`)."""
    reported_nano: int | None = None
    """The provider's own price for the attempt, where it sends one."""
    reported_total: int | None = None
    """The provider's own total of tokens, to check the buckets against."""
    raw: bytes = b""
    """The usage JSON as it came, so that any day can be read again by a better parser."""
    flags: list[str] = []
    """Marks for people: what was odd about the usage."""
    parts: list["Reading"] = []
    """Iterations that the provider ran and bills at models of their own; then `usage` holds the rest only."""
    finish: str = ""
    """The provider's stop reason."""

    @property
    def adds_up(self) -> bool:
        """Whether the buckets sum to the provider's total. A mismatch marks the row, it never fails the call."""
        if self.usage is None or self.reported_total is None:
            return True
        return self.usage.total_in + self.usage.total_out == self.reported_total
