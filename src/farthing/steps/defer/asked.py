"""What a call says of waiting: until when it may wait, how its client wants the answer, and where it is to be posted.

    x-farthing-deadline   90s, 15m, 6h, 2d, or an instant (ISO 8601 with its zone); 0 or now: do not wait
    x-farthing-wait       hold: the connection is held; job: the answer is a job, at once
    x-farthing-webhook    an address that gets the answer
    service_tier          "batch" or "flex" in the body

The caller's header goes first, then the body, then the key's own tag `deadline`, then the settings of the feature, then
those for all. Knows nothing of queues and providers.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Literal

import msgspec

from farthing.model.call import Call
from farthing.model.errors import BadRequest

DEADLINE = b"x-farthing-deadline"
WAIT = b"x-farthing-wait"
WEBHOOK = b"x-farthing-webhook"
CAN_WAIT = frozenset(("openai.chat", "openai.responses", "openai.embeddings", "anthropic.messages"))
"""Formats whose calls can wait."""
TIERS = frozenset(("batch", "flex"))
"""Service tiers by which a body says that it can wait."""
TAG = "deadline"
"""Tag of a key: how long all its calls may wait."""
DAY_S = 86_400.0
"""How long a call may wait that wants a job or a webhook and names no deadline: a provider's batch window."""
LONGEST_S = 30 * DAY_S
WITHIN = 0.9
"""Share of the time that a connection is held within which an answer must be there, where its client named no deadline."""
_AMOUNT = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)(s|m|h|d)", re.IGNORECASE | re.ASCII)
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": DAY_S}
_NOW = ("0", "0s", "now")
_HOW = "It is a time such as 90s, 15m, 6h or 2d, or an instant with its zone such as 2026-12-01T06:00:00Z."

Wait = Literal["hold", "job"]


class Wish(msgspec.Struct, frozen=True):
    """See the module."""

    deadline_us: int
    """Microseconds since 1970 by which the answer must be there."""
    wait: Wait = "hold"
    webhook: str = ""
    tier: str = ""
    """The service tier that the body asked for, batch or flex: its price is what the call would have cost anyway."""
    named: bool = False
    """Whether the caller itself named the deadline."""
    ready_us: int = 0
    """Not to be run before: when a budget's window begins anew."""


class Wishes:
    """What calls ask for, and what settings say for those that ask for nothing. `allows` says whether a webhook's address
    may be used, `flexes` whether a model's provider knows the service tier flex: then it is left to that."""

    def __init__(
        self, *, hold_s: float, deadline_s: float = 0.0, features: Mapping[str, float] | None = None,
        allows: Callable[[str], bool] = lambda url: False, flexes: Callable[[str], bool] = lambda model: False,
    ) -> None:  # fmt: skip
        self._implied_s = hold_s * WITHIN
        self._deadline_s = deadline_s
        self._features = dict(features or {})
        self._policy = deadline_s > 0 or bool(self._features)
        self._allows = allows
        self._flexes = flexes

    def of(self, call: Call) -> Wish | None:
        """None for a call that does not wait. Raises BadRequest for a header that cannot be read."""
        headers, key = call.headers, call.key
        if (
            DEADLINE in headers or call.ask.tier in TIERS or self._policy or WAIT in headers or WEBHOOK in headers
            or (key is not None and TAG in key.tags)
        ):  # fmt: skip
            return self._read(call)
        return None

    def _read(self, call: Call) -> Wish | None:
        if call.wire not in CAN_WAIT:
            return None
        headers = call.headers
        wait, webhook = _wait(headers.get(WAIT)), self._webhook(headers.get(WEBHOOK))
        tier = call.ask.tier if call.ask.tier in TIERS else ""
        held = tier and not (tier == "flex" and self._flexes(call.ask.model))
        said = headers.get(DEADLINE)
        if said is not None:
            until_us = deadline_us(said[:64].decode("latin-1").strip(), call.started_us)
            return None if until_us == 0 else Wish(until_us, wait or "hold", webhook, tier, named=True)
        if wait == "job" or webhook:
            seconds = self._policy_s(call) or DAY_S
        elif held:
            seconds = self._implied_s
        else:
            seconds = min(self._policy_s(call), self._implied_s)
        if seconds <= 0:
            return None
        return Wish(call.started_us + int(seconds * 1e6), wait or "hold", webhook, tier)

    def _policy_s(self, call: Call) -> float:
        """How long settings let it wait, by its key, its feature, or at all."""
        own = call.key.tags.get(TAG) if call.key is not None else None
        if own is not None:
            seconds = seconds_of(own)
            if seconds is not None:
                return min(seconds, LONGEST_S)
        return self._features.get(call.principal.feature, self._deadline_s)

    def _webhook(self, said: bytes | None) -> str:
        if not said:
            return ""
        url = said.decode("latin-1").strip()
        if not self._allows(url):
            raise BadRequest(
                "This address may not be posted to: batch.webhooks in farthing.toml lists those that may.",
                param=WEBHOOK.decode(),
            )
        return url


def seconds_of(text: str) -> float | None:
    """Seconds of `90s`, `15m`, `6h`, `2d`; 0 for `0` and `now`; None for what is no such time."""
    if text.lower() in _NOW:
        return 0.0
    found = _AMOUNT.fullmatch(text)
    return float(found[1]) * _SECONDS[found[2].lower()] if found is not None else None


def deadline_us(text: str, now_us: int) -> int:
    """The moment that a header names; 0 for one that does not wait. Raises BadRequest."""
    seconds = seconds_of(text)
    if seconds is None:
        seconds = (_instant_us(text) - now_us) / 1e6
        if seconds <= 0:
            raise _bad(f"The deadline {text} has passed.")
    if seconds > LONGEST_S:
        raise _bad(f"A deadline is at most {LONGEST_S / DAY_S:.0f} days away.")
    return now_us + int(seconds * 1e6) if seconds > 0 else 0


def _instant_us(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise _bad(f"The deadline cannot be read. {_HOW}") from None
    if moment.tzinfo is None:
        raise _bad(f"The deadline does not say its time zone. {_HOW}")
    try:
        return int(moment.astimezone(UTC).timestamp() * 1e6)
    except (OverflowError, ValueError):
        raise _bad(f"The deadline cannot be read. {_HOW}") from None


def _bad(why: str) -> BadRequest:
    return BadRequest(why, param=DEADLINE.decode())


def _wait(said: bytes | None) -> Wait | None:
    if said is None:
        return None
    match said[:16].strip().lower():
        case b"hold":
            return "hold"
        case b"job":
            return "job"
    raise BadRequest("x-farthing-wait is hold or job.", param=WAIT.decode())


KEPT_HEADERS = frozenset((b"anthropic-version", b"anthropic-beta", b"openai-beta", b"traceparent", b"cache-control"))
"""Headers of a request that matter for its lines, beside our own."""
_OURS = b"x-farthing-"
_NOT_KEPT = frozenset((DEADLINE, WAIT, WEBHOOK))
MOST_KEPT = 64
LONGEST_KEPT = 1024


def kept_headers(headers: Mapping[bytes, bytes]) -> dict[str, str]:
    """What steps read of a request's headers, for a job that is run later: never a secret."""
    kept = [name for name in headers if (name.startswith(_OURS) or name in KEPT_HEADERS) and name not in _NOT_KEPT]
    return {name.decode("latin-1"): headers[name][:LONGEST_KEPT].decode("latin-1") for name in kept[:MOST_KEPT]}
