"""Requests and tokens a minute of a key: token buckets that fill evenly, so that no minute's edge lets twice as much by.

Tokens are taken at an upper estimate of the input before the call and put right by what the provider counted, input and
output, when the answer has ended. The buckets themselves are shared by all workers of a machine.
"""

from hashlib import blake2b
from typing import Protocol

from farthing.model.call import Answer, Call
from farthing.model.errors import RateLimited
from farthing.model.principal import Key
from farthing.pipeline import Proceed
from farthing.wire.tokens import most_input


class Buckets(Protocol):
    """Levels by name. A bucket starts full and never holds more than `a_minute`."""

    def take(self, name: bytes, a_minute: int, amount: float) -> float:
        """Take `amount` and return 0, or take nothing and return the seconds until it will be there."""

    def give(self, name: bytes, a_minute: int, amount: float) -> None:
        """Put `amount` back; a negative one takes it, below nothing if need be."""


class Limits:
    """See the module."""

    name = "limits"

    def __init__(self, buckets: Buckets) -> None:
        self._buckets = buckets
        self._names: dict[str, tuple[bytes, bytes]] = {}

    async def __call__(self, call: Call, proceed: Proceed) -> Answer:
        key = call.key
        if key is None or not (key.requests_per_minute or key.tokens_per_minute):
            return await proceed(call)
        requests, tokens = self._bucket_names(key.id)
        if key.requests_per_minute:
            self._take(key, requests, "requests", key.requests_per_minute, 1)
        if not key.tokens_per_minute:
            return await proceed(call)
        estimate = min(most_input(call.body), key.tokens_per_minute)
        self._take(key, tokens, "tokens", key.tokens_per_minute, estimate)
        try:
            answer = await proceed(call)
        except BaseException:
            self._settle(call, tokens, key.tokens_per_minute, estimate)
            raise
        answer.on_end(lambda _: self._settle(call, tokens, key.tokens_per_minute, estimate))
        return answer

    def _take(self, key: Key, bucket: bytes, unit: str, a_minute: int, amount: int) -> None:
        wait_s = self._buckets.take(bucket, a_minute, amount)
        if wait_s:
            raise RateLimited(
                f"The key '{key.name}' has used its {a_minute} {unit} a minute. Try again in {wait_s:.1f} s.",
                retry_after=wait_s,
            )

    def _settle(self, call: Call, bucket: bytes, a_minute: int, estimate: int) -> None:
        used = 0
        for attempt in call.trail.attempts:
            if attempt.usage is not None:
                used += attempt.usage.total_in + attempt.usage.total_out
        self._buckets.give(bucket, a_minute, estimate - used)

    def _bucket_names(self, key_id: str) -> tuple[bytes, bytes]:
        names = self._names.get(key_id)
        if names is None:
            names = self._names[key_id] = (_bucket("requests", key_id), _bucket("tokens", key_id))
        return names


def _bucket(unit: str, key_id: str) -> bytes:
    return blake2b(f"{unit} {key_id}".encode(), digest_size=16).digest()
