"""How much a deployment still takes: requests and tokens a minute, by the provider's own headers and by the settings.

The headers tell what was left when the call was admitted; what was sent since is taken off, what has flowed back since is
added. Each call takes its estimate before it is sent; how far estimates are off is learned from what the headers count.
A call may take ahead of time and wait for its turn, so that calls are served in their order. Knows nothing of HTTP calls
beyond the headers of an answer.
"""

import re
from collections.abc import Iterable
from hashlib import blake2b
from typing import NamedTuple, Protocol

from farthing.model.call import Deployment, Header

DAY_S = 86_400.0
LEARNS = 0.2
"""How much one answer moves the ratio between what a provider counts and what was estimated."""
RATIOS = (0.2, 5.0)
LONGEST_BLOCK_S = 120.0
"""A provider's word is taken for so long; then it is asked again."""
STALE_S = 60.0
"""What a provider told is believed for so long; one that tells no more has no limit that is known."""
REMEMBERED_S = 90.0
"""A deployment without alternatives is watched for so long after it refused a call."""


class Buckets(Protocol):
    """Levels that all workers share; see `store.buckets`."""

    def take(self, name: bytes, a_minute: int, amount: float) -> float: ...
    def give(self, name: bytes, a_minute: int, amount: float) -> None: ...
    def level(self, name: bytes, a_minute: int) -> float: ...


class Told(NamedTuple):
    """What headers say of one limit. Seconds until it is whole again; 0 where they do not say."""

    limit: int
    left: int
    reset_s: float


class Ticket(NamedTuple):
    """What a call took."""

    tokens: float
    at: float
    requests_mark: float
    tokens_mark: float


class Gauge:
    """One limit as the provider tells it. Nothing is limited until it has told."""

    __slots__ = ("_at", "_corrected_at", "_level", "_mark", "_sent_at", "_told_left", "limit", "rate", "ratio", "taken")

    def __init__(self) -> None:
        self.limit = 0
        self.rate = 0.0
        """A second."""
        self.ratio = 1.0
        """What the provider counts for each one that is estimated."""
        self.taken = 0.0
        """All estimates so far."""
        self._level = 0.0
        self._at = 0.0
        self._mark = 0.0
        self._sent_at = 0.0
        self._told_left = 0.0
        self._corrected_at = 0.0

    def level(self, now: float) -> float:
        return min(self.limit, self._level + (now - self._at) * self.rate)

    def wait(self, amount: float, now: float) -> float:
        if not self.limit or now - self._sent_at > STALE_S:
            return 0.0
        missing = min(amount * self.ratio, self.limit) - self.level(now)
        return missing / self.rate if missing > 0 else 0.0

    def take(self, amount: float, now: float) -> None:
        self.taken += amount
        if self.limit:
            self._level = self.level(now) - amount * self.ratio
            self._at = now

    def learn(self, told: Told, mark: float, sent_at: float, now: float, *, counted: bool) -> None:
        """What the answer to the call that was sent at `sent_at`, when `mark` had been taken, tells. `counted`: that call
        was admitted. News of an earlier call than the latest heard of is old."""
        if sent_at < self._sent_at and self.limit:
            return
        since = mark - self._mark
        was = self._told_left + (sent_at - self._sent_at) * self.rate
        if counted and since > 0 and self.limit == told.limit and was <= told.limit:
            used = (
                was - told.left
            )  # give or take one, since both are rounded down: within that there is nothing to learn
            seen = min(max(self.ratio, (used - 1) / since), (used + 1) / since)
            self.ratio += LEARNS * (min(max(seen, RATIOS[0]), RATIOS[1]) - self.ratio)
        self.limit = told.limit
        self.rate = told.limit / 60
        if told.reset_s > 0 and told.left < told.limit:
            self.rate = min(max((told.limit - told.left) / told.reset_s, told.limit / DAY_S), told.limit)
        self._mark, self._sent_at, self._told_left = mark, sent_at, told.left
        self._level = told.left + (now - sent_at) * self.rate - (self.taken - mark) * self.ratio
        self._level, self._at = min(self._level, told.limit), now

    def underestimated(self, sent_at: float, now: float) -> None:
        """It refused what should have had room. Calls that were sent before that was known say nothing new."""
        if sent_at >= self._corrected_at:
            self.ratio = min(self.ratio * 1.25, RATIOS[1])
            self._corrected_at = now


class Room:
    """The limits of one deployment."""

    def __init__(self, deployment: Deployment, buckets: Buckets) -> None:
        self._buckets = buckets
        self._set_requests = deployment.requests_per_minute
        self._set_tokens = deployment.tokens_per_minute
        self._names = tuple(_bucket(unit, deployment) for unit in ("requests", "tokens"))
        self._requests = Gauge()
        self._tokens = Gauge()
        self._watched_until = 0.0
        self._proof = 0
        """Of refusals in a row that its levels do not explain."""
        self.blocked_until = 0.0
        """The provider said when to come back, and not which limit it was."""
        self.is_set = bool(self._set_requests or self._set_tokens)

    def watched(self, now: float) -> bool:
        """Whether limits must be looked at although there is nowhere else to go."""
        return self.is_set or now < self._watched_until

    @property
    def knows(self) -> bool:
        """Whether any limit is known."""
        return self.is_set or bool(self._tokens.limit or self._requests.limit)

    def wait(self, tokens: float, now: float) -> float:
        """Seconds until a call of so many tokens has room; 0 means now."""
        wait = self.blocked_until - now
        wait = max(wait, self._requests.wait(1, now), self._tokens.wait(tokens, now), 0.0)
        if self.is_set:
            for a_minute, name, amount in self._settings(tokens):
                missing = min(amount, a_minute) - self._buckets.level(name, a_minute)
                wait = max(wait, missing * 60 / a_minute)
        return wait

    def take(self, tokens: float, now: float) -> Ticket:
        """Take what a call needs, ahead of time if it is not there yet."""
        self._requests.take(1, now)
        self._tokens.take(tokens, now)
        if self.is_set:
            for a_minute, name, amount in self._settings(tokens):
                self._buckets.give(name, a_minute, -amount)
        return Ticket(tokens, now, self._requests.taken, self._tokens.taken)

    def put_right(self, ticket: Ticket, used: float) -> None:
        """The provider counted `used` tokens, input and output; the settings' limit is corrected by that."""
        if self._set_tokens:
            self._buckets.give(self._names[1], self._set_tokens, ticket.tokens - used)

    def give_back(self, ticket: Ticket, now: float) -> None:
        """Nothing was sent after all."""
        self._requests.take(-1, now)
        self._tokens.take(-ticket.tokens, now)
        if self.is_set:
            for a_minute, name, amount in self._settings(ticket.tokens):
                self._buckets.give(name, a_minute, amount)

    def learn(self, headers: Iterable[Header], ticket: Ticket, sent_at: float, now: float) -> None:
        """Take what the headers of an answer tell."""
        requests, tokens = told(headers)
        if requests is not None:
            self._requests.learn(requests, ticket.requests_mark, sent_at, now, counted=False)
        if tokens is not None:
            self._tokens.learn(tokens, ticket.tokens_mark, sent_at, now, counted=True)

    def refused(
        self, headers: Iterable[Header], ticket: Ticket, sent_at: float, now: float, *, proof: int = 2
    ) -> None:  # fmt: skip
        """The provider said 429. What it tells of its levels is trusted if that explains the refusal; else it is left
        alone for as long as it said, or a second, once there is `proof` of 2 in a row that it is about more than one
        call."""
        headers = list(headers)
        self._watched_until = now + REMEMBERED_S
        requests, tokens = told(headers)
        after = retry_after(headers)
        if requests is not None:
            self._requests.learn(requests, ticket.requests_mark, sent_at, now, counted=False)
        if tokens is not None:
            self._tokens.learn(tokens, ticket.tokens_mark, sent_at, now, counted=False)
        wait = max(self._requests.wait(1, now), self._tokens.wait(ticket.tokens, now))
        if wait <= 0 or (after is not None and wait < after / 2):
            self._tokens.underestimated(sent_at, now)
            self._proof += proof
            if self._proof < 2:
                return
            self.blocked_until = now + min(1.0 if after is None else after, LONGEST_BLOCK_S)

    def answered(self) -> None:
        """The provider answered a call, well or not, so it is not at its limit."""
        self._proof = 0

    def share(self, now: float) -> float:
        """The head-room that is left, 0 to 1, of the limit that is nearest; 1 where none is known."""
        if now < self.blocked_until:
            return 0.0
        least = 1.0
        for gauge in (self._requests, self._tokens):
            if gauge.limit:
                least = min(least, gauge.level(now) / gauge.limit)
        if self.is_set:
            for a_minute, name, _ in self._settings(0):
                least = min(least, self._buckets.level(name, a_minute) / a_minute)
        return max(0.0, least)

    def _settings(self, tokens: float) -> list[tuple[int, bytes, float]]:
        limits = ((self._set_requests, self._names[0], 1.0), (self._set_tokens, self._names[1], tokens))
        return [limit for limit in limits if limit[0]]


def told(headers: Iterable[Header]) -> tuple[Told | None, Told | None]:
    """What the headers say of requests and of tokens, in either family's words. Of several token limits the one with the
    smallest share left counts."""
    found: dict[bytes, bytes] = {name: value for name, value in headers if b"ratelimit-" in name}
    if not found:
        return None, None
    requests = _openai(found, b"requests") or _anthropic(found, b"requests")
    tokens = [_openai(found, b"tokens"), *(_anthropic(found, unit) for unit in _TOKENS)]
    known = [each for each in tokens if each is not None]
    return requests, min(known, key=lambda each: each.left / each.limit, default=None)


def retry_after(headers: Iterable[Header]) -> float | None:
    """Seconds that the provider asks for, exactly if it says so; None where it does not say, or says it as a date."""
    found = dict(headers)
    for name, unit in ((b"retry-after-ms", 1000.0), (b"retry-after", 1.0)):
        try:
            seconds = float(found.get(name, b"")) / unit
        except ValueError:
            continue
        if 0 <= seconds < DAY_S:
            return seconds
    return None


_TOKENS = (b"tokens", b"input-tokens", b"output-tokens")
_SPAN = re.compile(rb"(?:([0-9.]+)d)?(?:([0-9.]+)h)?(?:([0-9.]+)m)?(?:([0-9.]+)s)?(?:([0-9.]+)ms)?")


def _openai(found: dict[bytes, bytes], unit: bytes) -> Told | None:
    limit, left = found.get(b"x-ratelimit-limit-" + unit), found.get(b"x-ratelimit-remaining-" + unit)
    return _told(limit, left, seconds_of(found.get(b"x-ratelimit-reset-" + unit, b"")))


def _anthropic(found: dict[bytes, bytes], unit: bytes) -> Told | None:
    """Its reset is a moment of the provider's clock in whole seconds, so the limit's own pace is taken instead."""
    start = b"anthropic-ratelimit-" + unit
    return _told(found.get(start + b"-limit"), found.get(start + b"-remaining"), 0.0)


def _told(limit: bytes | None, left: bytes | None, reset_s: float) -> Told | None:
    if limit is None or left is None:
        return None
    try:
        most, rest = int(float(limit)), int(float(left))
    except (ValueError, OverflowError):
        return None
    return Told(most, min(max(rest, 0), most), reset_s) if 0 < most < 10**12 else None


def seconds_of(span: bytes) -> float:
    """A duration as OpenAI writes it: 6ms, 1.2s, 6m0s; 0 for what is none."""
    match = _SPAN.fullmatch(span)
    if match is None:
        return 0.0
    try:
        parts = [float(part or 0) for part in match.groups()]
    except ValueError:
        return 0.0
    return parts[0] * DAY_S + parts[1] * 3600 + parts[2] * 60 + parts[3] + parts[4] / 1000


def _bucket(unit: str, deployment: Deployment) -> bytes:
    name = f"deployment {unit} {deployment.provider} {deployment.model}"
    return blake2b(name.encode(), digest_size=16).digest()
