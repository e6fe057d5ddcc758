"""The end of a line's way while it is packed: instead of being sent it is written as its provider is to see it, and put
aside with what must be known when its answer comes. Knows nothing of jobs and of how batches are made."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec

from farthing.batch.holding import TIER, Holding
from farthing.batch.joining import EMBEDDINGS
from farthing.model.batch import Sent
from farthing.model.call import Answer, Call, Deployment
from farthing.model.errors import BadRequest, UnknownModel, UnpricedModel
from farthing.model.money import Nano
from farthing.model.record import Decision
from farthing.prices import PriceBook
from farthing.upstream.relay import Relay

LONGEST_WHY = 400
"""Characters of a decision's reason that are kept with a line."""


class Places(Protocol):
    """See `upstream.Providers`."""

    def deployments(self, model: str) -> Sequence[Deployment]: ...


class Parked(msgspec.Struct):
    """A line as it goes into a batch."""

    provider: str
    """The provider's name in the settings."""
    deployment: str
    model: str
    """The model's name at the provider."""
    wire: str
    """The format that is spoken there."""
    body: bytes
    """The request as the provider is to see it."""
    sent: Sent
    """What must be kept until its answer comes."""
    tokens: int
    """Of input, at an upper estimate."""
    worst: Nano
    """What it can cost at most in a batch, in nano-dollars."""
    alone: str = ""
    """Why it may not go into a batch there, in words for people; empty: it may."""
    inputs: int = 0
    """Texts of it that are embedded."""


class ParkedCall(Exception):
    """Ends a walk; no step takes it for a failure of the call, its provider or the pipeline."""

    def __init__(self, parked: Parked) -> None:
        super().__init__("parked")
        self.parked = parked


class Park:
    """See the module. `batches` says whether a provider has a batch API."""

    def __init__(
        self, places: Places, relay: Relay, holding: Holding, book: PriceBook, batches: Callable[[str], bool], *,
        allow_unpriced: bool = False,
        now_us: Callable[[], int],
    ) -> None:  # fmt: skip
        self._places = places
        self._relay = relay
        self._holding = holding
        self._book = book
        self._batches = batches
        self._allow_unpriced = allow_unpriced
        self._now_us = now_us

    async def __call__(self, call: Call) -> Answer:
        """Raises ParkedCall; or what a step would that refuses the call."""
        deployment = call.deployment = self._place(call)
        model = deployment.price_as or deployment.model
        if not self._allow_unpriced and self._book.card(deployment.prices, model) is None:
            raise UnpricedModel(
                f"No price is known for this model at '{deployment.prices}', so its cost could not be booked. Give it a price "
                "(prices.files or prices.contracts in farthing.toml), or set prices.allow_unpriced = true.",
                param="model",
            )
        _keep_longer(call)
        kept = await self._holding.of(call, deployment)
        ready = self._relay.prepare(call)
        sent = Sent(
            call_id=call.id, model=call.target if call.targets else "", tier=call.tier, task=call.task,
            template=call.template, session=call.session, arms=call.arms, cache_ttl=call.ask.cache_ttl,
            flags=[ready.flag] if ready.flag else [], decisions=list(map(_shortened, call.trail.decisions)),
            kept=call.kept or {}, held=kept.worst, holds=kept.holds, soft=kept.soft,
        )  # fmt: skip
        call.handed_over = True
        raise ParkedCall(
            Parked(
                deployment.provider, deployment.name, deployment.model, ready.spoken, ready.body, sent, kept.tokens,
                kept.worst, self._alone(deployment, model), _inputs(ready.spoken, ready.body),
            )
        )  # fmt: skip

    def _alone(self, deployment: Deployment, model: str) -> str:
        """A batch whose price nobody knows could not be booked."""
        if not self._batches(deployment.provider):
            return f"the provider '{deployment.provider}' has no batches"
        rates = self._book.rates(deployment.prices, model, tier=TIER, at_us=self._now_us())
        priced = bool(rates.bands) and rates.bands[-1].tokens[0] is not None
        if not priced and not self._allow_unpriced:
            return f"no batch price of the model is known at '{deployment.prices}'"
        return ""

    def places(self, model: str) -> Sequence[Deployment]:
        """Where a model is served. Raises UnknownModel."""
        return self._places.deployments(model)

    def _place(self, call: Call) -> Deployment:
        """The first model that somebody serves, at the first of its places that takes batches, else at the first. Raises
        UnknownModel, BadRequest where none is in the call's region."""
        unknown: UnknownModel | None = None
        served = False
        for model in call.targets or (call.ask.model,):
            try:
                places = self._places.deployments(model)
            except UnknownModel as error:
                unknown = unknown or error
                continue
            served = True
            if call.region:
                places = [place for place in places if place.region.lower() == call.region.lower()]
            if places:
                call.target = model
                return next((place for place in places if self._batches(place.provider)), places[0])
        if unknown is not None and not served:
            raise unknown
        raise BadRequest(
            f"No deployment of the model is in the region {call.region!r}, where this call must be served.",
            param="model",
        )


class _Embedding(msgspec.Struct):
    input: Any = None


_embedding = msgspec.json.Decoder(_Embedding)


def _inputs(wire: str, body: bytes) -> int:
    """A list holds texts, or is one text as numbers of tokens."""
    if wire != EMBEDDINGS:
        return 0
    try:
        said = _embedding.decode(body).input
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return 1
    return len(said) if isinstance(said, list) and said and not isinstance(said[0], int) else 1


def _keep_longer(call: Call) -> None:
    """What is to be kept for five minutes would be gone before a batch comes to the next line: it is kept for an hour."""
    marks = call.marks
    if marks is None or not any(point.ttl == "5m" for point in marks.points):
        return
    points = tuple(msgspec.structs.replace(point, ttl="1h") if point.ttl == "5m" else point for point in marks.points)
    call.marks = msgspec.structs.replace(marks, points=points)
    call.ask = msgspec.structs.replace(call.ask, cache_ttl="1h")


def _shortened(decision: Decision) -> Decision:
    why = decision.why
    return decision if len(why) <= LONGEST_WHY else Decision(decision.step, decision.what, why[:LONGEST_WHY])
