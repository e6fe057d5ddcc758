"""Every error that a caller can meet, in one tree; each has its HTTP status and a code that stays the same.

    FarthingError
    ├── BadRequest 400            the body or a header cannot be used
    │   ├── CannotTranslate 400   the model's provider speaks another format that has no such thing
    │   ├── UnpricedModel 400     no price is known for the model and `allow_unpriced` is off
    │   ├── NoModelFits 400       no model of the tiers can or may serve the call
    │   └── CallTooDear 400       a budget stops calls above a price before they are sent; a header lets one through
    ├── NotAuthenticated 401      no key, an unknown, revoked or expired one
    ├── NotAllowed 403            the key may not use this model or this address
    ├── NotFound 404              no such path
    │   └── UnknownModel 404      no provider is configured for the model
    ├── WrongMethod 405
    ├── RequestTimeout 408        the body did not arrive in time
    ├── TooLarge 413
    ├── RateLimited 429           the key's requests or tokens a minute are used up; Retry-After says when
    │   └── BudgetBusy 429        the budget's money is reserved by calls under way; it will fit when they end
    ├── BudgetExceeded 429        the budget is used up (402 where its policy says so); says when it resets
    ├── UpstreamError 502         the provider could not be reached, or broke off, or answered with nonsense
    │   ├── UpstreamUnreachable 502  there was no connection: nothing was sent, so nothing is billed
    │   └── UpstreamTimeout 504
    ├── NotCached 504             the call says only-if-cached, and the cache has no answer
    ├── StillWaiting 504          a call that can wait is not done yet; sent again it goes on waiting, and is paid once
    ├── Expired 504               a call that could wait was not done by its deadline
    ├── Cancelled 409             a call that could wait was cancelled
    └── Unavailable 503           the gateway is stopping, or cannot keep its ledger (policy `refuse`)
        └── BudgetUnavailable 503 a strict budget cannot be looked at now

A provider's own error is not in this tree: it reaches the client with its own status and body. The wire of the client
(`wire/`) writes each of these in the shape that its SDK expects.
"""


class FarthingError(Exception):
    """`message` is shown to the caller: what was wrong, where, what to do. It never carries a secret or a prompt."""

    status = 500
    code = "internal_error"
    retryable = False
    """Whether sending the same call again can help; refusals that it cannot help carry `x-should-retry: false`."""
    is_quota = False
    """Whether it is a quota that is used up, which each wire has a word for."""
    job = ""
    """The job that it is about; its address is in the answer's headers."""

    def __init__(self, message: str, *, param: str | None = None, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.retry_after = retry_after


class BadRequest(FarthingError):
    status = 400
    code = "invalid_request"


class CannotTranslate(BadRequest):
    code = "cannot_translate"


class UnpricedModel(BadRequest):
    code = "model_unpriced"


class NoModelFits(BadRequest):
    code = "no_model_fits"


class CallTooDear(BadRequest):
    code = "call_too_expensive"


class NotAuthenticated(FarthingError):
    status = 401
    code = "invalid_api_key"


class NotAllowed(FarthingError):
    status = 403
    code = "not_allowed"


class NotFound(FarthingError):
    status = 404
    code = "not_found"


class UnknownModel(NotFound):
    code = "model_not_found"


class WrongMethod(FarthingError):
    status = 405
    code = "method_not_allowed"


class RequestTimeout(FarthingError):
    status = 408
    code = "request_timeout"
    retryable = True


class TooLarge(FarthingError):
    status = 413
    code = "request_too_large"


class RateLimited(FarthingError):
    status = 429
    code = "rate_limit_exceeded"
    retryable = True


class BudgetBusy(RateLimited):
    code = "budget_busy"


class BudgetExceeded(FarthingError):
    """A step further out may catch it and send the call to a cheaper model, where the budget's policy is `downgrade`, or have
    it wait for the next window, where that is `queue`."""

    status = 429
    code = "budget_exceeded"
    is_quota = True

    def __init__(
        self, message: str, *, param: str | None = None, retry_after: float | None = None, budget: str = "",
        downgrade: bool = False, payment_required: bool = False, queue: bool = False, resets_us: int = 0,
    ) -> None:  # fmt: skip
        super().__init__(message, param=param, retry_after=retry_after)
        self.budget = budget
        self.downgrade = downgrade
        self.queue = queue
        """Whether a call that can wait may wait for the next window."""
        self.resets_us = resets_us
        """When that begins, microseconds since 1970; 0: never."""
        if payment_required:
            self.status = 402


class UpstreamError(FarthingError):
    status = 502
    code = "upstream_error"
    retryable = True


class UpstreamUnreachable(UpstreamError):
    code = "upstream_unreachable"


class UpstreamTimeout(UpstreamError):
    status = 504
    code = "upstream_timeout"


class Unavailable(FarthingError):
    status = 503
    code = "unavailable"
    retryable = True


class BudgetUnavailable(Unavailable):
    code = "budget_unavailable"


class NotCached(FarthingError):
    status = 504
    code = "not_cached"


class StillWaiting(FarthingError):
    status = 504
    code = "still_waiting"
    retryable = True

    def __init__(self, message: str, *, job: str, retry_after: float | None = 1.0) -> None:
        super().__init__(message, retry_after=retry_after)
        self.job = job


class Expired(FarthingError):
    status = 504
    code = "deadline_missed"

    def __init__(self, message: str, *, job: str) -> None:
        super().__init__(message)
        self.job = job


class Cancelled(FarthingError):
    status = 409
    code = "cancelled"

    def __init__(self, message: str, *, job: str) -> None:
        super().__init__(message)
        self.job = job
