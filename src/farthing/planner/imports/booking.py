"""A call of the past as a record of the ledger, so that every report and page works on it.

It is priced by our price book at the date of the call. What the log says that it cost is kept beside that and never taken
for it. A call without usage has no cost that is known; one that a gateway's own cache answered cost nothing, and what it would
have cost is booked as saved.
"""

from hashlib import blake2b

from farthing.model.arms import SEMANTIC_CACHE
from farthing.model.past import PastCall
from farthing.model.record import Attempt, Record, Saving, model_that_ran
from farthing.model.usage import Usage
from farthing.prices import PriceBook, Priced
from farthing.steps.admit import BROKEN, TRUSTED, UNSENT
from farthing.wire.asked import asked

_WIRES = ("openai.chat", "openai.responses", "anthropic.messages")


def fingerprints(call: PastCall) -> None:
    """Put template and session into a call whose prompt is known, as the gateway would. Never raises."""
    if not call.prompt or call.wire not in _WIRES or (call.template and call.session):
        return
    found = asked(call.wire, call.prompt)
    if found is not None:
        call.template = call.template or found.template
        call.session = call.session or found.cache_key or found.prefix


def record_of(call: PastCall, book: PriceBook) -> Record:
    """Never raises."""
    usage = call.usage
    record = Record(
        id=call.id, started_us=call.at_us, wire=call.wire, model_asked=call.asked or call.model,
        model=model_that_ran(call.asked, call.model) if call.asked else call.model, provider=call.provider,
        tenant=call.tenant, key_id=call.key, team=call.team, project=call.project, user=call.user, feature=call.feature,
        task=call.task, tags=call.tags, status=call.status, outcome=call.outcome, error=call.error,
        first_byte_us=call.first_byte_us, duration_us=call.duration_us, template=call.template, session=call.session,
        stream=call.first_byte_us > 0, request_bytes=len(call.prompt),
    )  # fmt: skip
    if call.cached:
        _book_hit(record, call, book)
        return record
    attempt = Attempt(
        no=1, provider=call.provider, model=call.asked or call.model, served_model=call.model, status=call.status,
        outcome=call.outcome, started_us=call.at_us, first_byte_us=call.first_byte_us, duration_us=call.duration_us,
        usage=usage, estimated=call.estimated, raw_usage=call.raw_usage, tier=call.tier, geo=call.geo,
        reported_cost=call.reported_cost, flags=call.flags, error=call.error,
    )  # fmt: skip
    record.attempts = [attempt]
    if usage is None:
        attempt.cost_state = "computed" if call.outcome in UNSENT else "unknown"
    elif call.outcome in BROKEN and call.estimated:
        attempt.cost_state = "unknown"
    else:
        _price(attempt, call, usage, book)
        record.in_tokens, record.cached_tokens, record.out_tokens = usage.total_in, usage.cached_in, usage.total_out
    record.cost, record.cost_state = attempt.cost, attempt.cost_state
    record.baseline = record.cost
    return record


def _price(attempt: Attempt, call: PastCall, usage: Usage, book: PriceBook) -> None:
    priced = _priced(call, usage, book)
    attempt.cost_state, attempt.cost, attempt.list_cost = priced.state, priced.nano, priced.list_nano
    attempt.lines, attempt.price_version = priced.lines, priced.version
    if priced.flags:
        attempt.flags = [*attempt.flags, *priced.flags]
    reported = call.reported_cost
    if reported is not None and priced.state != "unpriced":
        low, high = TRUSTED
        if not low * priced.nano <= reported <= high * priced.nano:
            attempt.flags = [*attempt.flags, "reported_cost_differs"]


def _priced(call: PastCall, usage: Usage, book: PriceBook) -> Priced:
    return book.price(
        call.provider, call.model, usage, tier=call.tier, geo=call.geo, at_us=call.at_us, estimated=call.estimated
    )


def _book_hit(record: Record, call: PastCall, book: PriceBook) -> None:
    """Nobody was paid. What the model would have cost is known only where the log kept the usage."""
    record.cache, record.cost_state = "exact", "computed"
    priced = _priced(call, call.usage, book) if call.usage is not None else None
    if priced is not None and priced.nano:
        record.baseline = priced.nano
        record.savings = [Saving(SEMANTIC_CACHE, priced.nano, 0, estimated=True)]


def file_id(head: str, size: int) -> str:
    """The name of a file within a store: of what it begins with."""
    return "file-" + blake2b(f"{head}/{size}".encode(), digest_size=8).hexdigest()
