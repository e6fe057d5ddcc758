"""The ledger's row of a context that lay at a provider for a while: what its making and its storage cost. No call of a client
caused it, so its baseline is 0, and all of it is what provider caching spent. Knows nothing of providers' APIs."""

from typing import Protocol

from farthing.model.arms import PROVIDER_CACHING
from farthing.model.clock import Clock
from farthing.model.record import Attempt, Decision, Record, Saving
from farthing.model.usage import Usage
from farthing.prices import PriceBook
from farthing.quality.errand import STORAGE, TASK

WIRE = "gemini.cached_contents"
HOUR_S = 3_600


class Stored(Protocol):
    """A stretch of a context's life. See `steps.shape.context_keeping`."""

    @property
    def tokens(self) -> int: ...
    @property
    def seconds(self) -> float: ...
    @property
    def made(self) -> bool: ...


def stored_record(
    id: str, tenant: str, prices: str, provider: str, model: str, stored: Stored, book: PriceBook, clock: Clock
) -> Record:  # fmt: skip
    """`prices` is the provider's name in the price lists, `provider` its name in the settings. Token-hours are rounded up."""
    hours = -(-stored.tokens * int(stored.seconds + 0.999) // HOUR_S)
    usage = Usage(uncached_in=stored.tokens if stored.made else 0, requests={"cached_token_hour": hours})
    now_us, lasted_us = clock.now_us(), int(stored.seconds * 1e6)
    priced = book.price(prices, model, usage, at_us=now_us)
    attempt = Attempt(
        no=1, provider=provider, deployment=f"{provider}/{model}", model=model, served_model=model, status=200,
        started_us=now_us - lasted_us, duration_us=lasted_us, usage=usage, cost_state=priced.state, cost=priced.nano,
        list_cost=priced.list_nano, lines=list(priced.lines), price_version=priced.version, flags=list(priced.flags),
    )  # fmt: skip
    what = f"{stored.tokens:,} tokens " + ("were put there" if stored.made else f"for {stored.seconds:,.0f} seconds")
    return Record(
        id=id, started_us=attempt.started_us, wire=WIRE, model_asked=model, model=model, provider=provider,
        deployment=attempt.deployment, tenant=tenant, feature=STORAGE, task=TASK, status=200, cost_state=priced.state,
        cost=priced.nano, baseline=0, duration_us=lasted_us, in_tokens=usage.total_in, attempts=[attempt],
        savings=[Saving(PROVIDER_CACHING, 0, 0, overhead=priced.nano)] if priced.nano else [],
        decisions=[Decision("contexts", "kept at the provider", what)],
    )  # fmt: skip
