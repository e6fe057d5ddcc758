"""What may be done about an attempt that failed: the same again, another deployment, another model, or nothing.

By the provider's status, its words and ours. A caller's own mistake is never sent twice. Knows nothing of what else could
serve the call.
"""

import re

import msgspec

from farthing.model.call import Answer, Header
from farthing.model.errors import UpstreamError, UpstreamUnreachable
from farthing.steps.balance.headroom import retry_after
from farthing.steps.balance.opening import BadStart

LOOKED_AT = 16 * 1024
"""Bytes of an error's body."""
KEY_REFUSED_S, QUOTA_S = 30.0, 60.0
"""How long a deployment is left alone whose key is refused, or whose account has no money: time does not mend these."""

_QUOTA = re.compile(
    rb'"(?:insufficient_quota|billing_hard_limit_reached|billing_not_active|billing_error|access_terminated)"'
    rb"|credit balance is too low|exceeded your current quota"
)
_OVERFLOW = re.compile(
    rb'"context_length_exceeded"|"string_above_max_length"|maximum context length|prompt is too long'
    rb"|exceeds? the (?:model's )?(?:maximum )?context|context window|input is too long|too many tokens",
    re.IGNORECASE,
)
_FILTER = re.compile(rb'"content_filter"|"content_policy_violation"|ResponsibleAIPolicyViolation|"content_blocked"')
_WORK_LOST = frozenset((408, 500, 502, 504, 520, 522, 524))
"""Statuses after which the provider may have worked, or is in distress."""
_AGAIN = frozenset((408, 409, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529))
_FAULTS = _AGAIN - {409, 425, 429}


class Verdict(msgspec.Struct, frozen=True):
    """What may be done, and what it says of the deployment."""

    why: str
    again: bool = False
    """The same deployment may be asked again, after a pause."""
    elsewhere: bool = False
    """Another deployment may be asked."""
    limited: bool = False
    """It is at a rate limit, which is no fault."""
    fault: bool = False
    lasts_s: float = 0.0
    """The fault is known to last; leave the deployment alone."""
    burdens: bool = False
    """Asking once more adds to the load of providers: it counts in the retry budget."""
    overflow: bool = False
    """Only a model with a larger window can help."""
    filtered: bool = False
    """Only another model can help."""


Failure = Answer | UpstreamError | BadStart


def of_failure(failure: Failure) -> Verdict:
    """What may be done about it."""
    if isinstance(failure, Answer):
        return of_status(failure.status, failure.body[:LOOKED_AT], _may_again(failure.headers))
    if isinstance(failure, BadStart):
        if failure.filtered:
            return Verdict("a content filter kept the answer back", filtered=True)
        return of_event(failure.kinds, failure.payload)
    return of_error(failure)


def asked_pause(failure: Failure) -> float | None:
    """Seconds that the provider asks for before it is asked again; None if it does not say."""
    return retry_after(failure.headers) if isinstance(failure, Answer) else None


def of_error(error: UpstreamError) -> Verdict:
    """An attempt without an answer. Where the provider may have worked, and may bill it, the same deployment is not asked
    again; another one is, since a client that waits is worth more than what was lost."""
    if isinstance(error, UpstreamUnreachable):
        return Verdict(error.message, again=True, elsewhere=True, fault=True)
    return Verdict(error.message, elsewhere=True, fault=True, burdens=True)


def of_status(status: int, body: bytes, may_again: bool = True) -> Verdict:
    """By the HTTP status and the body, in whichever format. `may_again`: the provider does not forbid it."""
    why = f"HTTP {status}"
    if status in (400, 402, 403, 429) and _QUOTA.search(body):
        return Verdict(f"{why}, the account's quota is used up", elsewhere=True, fault=True, lasts_s=QUOTA_S)
    if status == 402:
        return Verdict(why, elsewhere=True, fault=True, lasts_s=QUOTA_S)
    if status in (401, 403):
        if _FILTER.search(body):
            return Verdict(f"{why}, content filter", filtered=True)
        return Verdict(f"{why}, the provider refuses the key", elsewhere=True, fault=True, lasts_s=KEY_REFUSED_S)
    if status == 429:
        return Verdict("HTTP 429, rate limit", again=may_again, elsewhere=True, limited=True)
    if status == 404:
        return Verdict("HTTP 404, the model is not there", elsewhere=True)
    if status in (400, 413, 422):
        if _OVERFLOW.search(body):
            return Verdict(f"{why}, longer than the model's context", overflow=True)
        if _FILTER.search(body):
            return Verdict(f"{why}, content filter", filtered=True)
        return Verdict(why)
    if status in _AGAIN:
        return Verdict(
            why, again=may_again, elsewhere=True, fault=status in _FAULTS, burdens=status in _WORK_LOST | {503, 529}
        )
    return Verdict(why, elsewhere=status >= 500, fault=status >= 500)


_KINDS = {
    "rate_limit_error": 429, "rate_limit_exceeded": 429, "requests": 429, "tokens": 429, "insufficient_quota": 429,
    "overloaded_error": 529, "overloaded": 529, "timeout_error": 504, "api_error": 500, "server_error": 500,
    "invalid_request_error": 400, "authentication_error": 401, "permission_error": 403, "billing_error": 402,
    "not_found_error": 404, "request_too_large": 413, "context_length_exceeded": 400, "content_filter": 400,
    "invalid_api_key": 401, "model_not_found": 404,
}  # fmt: skip


def of_event(kinds: tuple[str, ...], payload: bytes) -> Verdict:
    """An error that came as a stream's first event: by its code and type, else a fault of the server."""
    status = next((_KINDS[kind] for kind in kinds if kind in _KINDS), 500)
    verdict = of_status(status, payload[:LOOKED_AT], may_again=False)
    return msgspec.structs.replace(verdict, why=f"the stream began with an error ({', '.join(filter(None, kinds))})")


def _may_again(headers: list[Header]) -> bool:
    """Providers say with `x-should-retry` what their SDKs must not do."""
    return not any(name == b"x-should-retry" and value.lower() == b"false" for name, value in headers)
