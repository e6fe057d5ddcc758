"""Requests and tokens a minute, as the providers count and tell them: a bucket for each key and model that fills steadily.

Knows the names and shapes of both families' headers. Where no limit is set nothing is refused, and the headers tell of
the limits below.
"""

from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec

_TOLD_REQUESTS = 10_000
_TOLD_TOKENS = 2_000_000
_REMEMBERED = 10_000


class Bucket(msgspec.Struct):
    limit: int
    left: float
    at: float

    def fill(self, now: float) -> None:
        self.left = min(self.limit, self.left + max(0.0, now - self.at) * self.limit / 60)
        self.at = now

    def wait(self, wanted: float) -> float:
        """Seconds until so much is there."""
        return max(0.0, (min(wanted, self.limit) - self.left) * 60 / self.limit)


class Verdict(msgspec.Struct, frozen=True):
    """`refused` names the limit that is used up: requests or tokens; "" where the call may pass."""

    refused: str
    wait: float
    """Seconds until it may pass."""
    requests: Bucket
    tokens: Bucket
    now: float


class RateLimits:
    def __init__(self, requests_per_minute: int, tokens_per_minute: int, clock: Callable[[], float]) -> None:
        self._limits = (requests_per_minute, tokens_per_minute)
        self._clock = clock
        self._buckets: OrderedDict[tuple[str, str], tuple[Bucket, Bucket]] = OrderedDict()

    def take(self, key: str, model: str, tokens: int) -> Verdict:
        """Count one request of so many tokens, unless it is refused."""
        now = self._clock()
        requests, spent = self._of(key, model, now)
        refused, wait = "", 0.0
        if self._limits[0] and requests.left < 1:
            refused, wait = "requests", requests.wait(1)
        elif self._limits[1] and spent.left < min(tokens, spent.limit):
            refused, wait = "tokens", spent.wait(tokens)
        else:
            requests.left = max(0.0, requests.left - 1)
            spent.left = max(0.0, spent.left - tokens)
        return Verdict(refused, wait, requests, spent, now)

    def _of(self, key: str, model: str, now: float) -> tuple[Bucket, Bucket]:
        pair = self._buckets.get((key, model))
        if pair is None:
            requests, tokens = self._limits[0] or _TOLD_REQUESTS, self._limits[1] or _TOLD_TOKENS
            pair = self._buckets[key, model] = (Bucket(requests, requests, now), Bucket(tokens, tokens, now))
        self._buckets.move_to_end((key, model))
        while len(self._buckets) > _REMEMBERED:
            self._buckets.popitem(last=False)
        for bucket in pair:
            bucket.fill(now)
        return pair


def openai_headers(verdict: Verdict) -> dict[str, str]:
    headers = {}
    for name, bucket in (("requests", verdict.requests), ("tokens", verdict.tokens)):
        headers[f"x-ratelimit-limit-{name}"] = str(bucket.limit)
        headers[f"x-ratelimit-remaining-{name}"] = str(int(bucket.left))
        headers[f"x-ratelimit-reset-{name}"] = span(bucket.wait(bucket.limit))
    return headers


def anthropic_headers(verdict: Verdict) -> dict[str, str]:
    headers = {}
    pairs = (
        ("requests", verdict.requests), ("tokens", verdict.tokens), ("input-tokens", verdict.tokens),
        ("output-tokens", verdict.tokens),
    )  # fmt: skip
    for name, bucket in pairs:
        headers[f"anthropic-ratelimit-{name}-limit"] = str(bucket.limit)
        headers[f"anthropic-ratelimit-{name}-remaining"] = str(int(bucket.left))
        headers[f"anthropic-ratelimit-{name}-reset"] = moment(verdict.now + bucket.wait(bucket.limit))
    return headers


def span(seconds: float) -> str:
    """As OpenAI writes durations: 6ms, 1.2s, 6m0s."""
    if seconds < 1:
        return f"{round(seconds * 1000)}ms"
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    text = f"{rest:.3f}".rstrip("0").rstrip(".")
    return f"{hours}h{minutes}m{text}s" if hours else f"{minutes}m{text}s" if minutes else f"{text}s"


def moment(seconds: float) -> str:
    """RFC 3339, in whole seconds, as Anthropic writes it."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
