"""What ways a line of a model may go, at what price, and from when: what `choosing` chooses from.

Prices are expected ones of a usual call; where none is known they are equal, and time decides.
"""

from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

from farthing.batch.choosing import Offer
from farthing.batch.desk import Desk
from farthing.batch.hours import Hours
from farthing.batch.speeds import rounds as seen
from farthing.batch.turnround import TurnRounds
from farthing.model.batch import Shard, Way
from farthing.model.call import Deployment
from farthing.model.errors import FarthingError
from farthing.model.money import Nano
from farthing.upstream.batches import BatchApi
from farthing.upstream.providers import Provider, Providers

OWN = frozenset(("vllm", "ollama", "llamacpp"))
"""Dialects of servers that people run themselves."""
FLEX_TAKES_S = 180.0
"""Within which nearly all calls on the cheap tier are answered; one that takes longer than it can wait is called as well."""
REMEMBERED_S = 60.0
"""How long offers and turn-rounds are believed."""
MEMORY = 1000
OUT_S = 300.0
"""How long no batches are made at a provider that refused one for good."""

Expected = Callable[[str, str], Nano | None]
"""What a usual call of a model costs at a service tier; None: nobody knows."""


class Ways(NamedTuple):
    """Of lines of one model."""

    offers: tuple[Offer, ...]
    batch: Deployment | None
    """Where a batch would go, if the model is not chosen otherwise when the line is packed."""
    own: bool
    """Served by our own server."""


class Atlas:
    """See the module. `flexes` says whether a provider has a cheap synchronous tier for a model."""

    def __init__(
        self, providers: Providers, apis: Callable[[str], BatchApi | None], expected: Expected,
        flexes: Callable[[Deployment], bool], allowed: Collection[Way], calendar: Mapping[str, Hours],
    ) -> None:  # fmt: skip
        self._providers = providers
        self._apis = apis
        self._expected = expected
        self._flexes = flexes
        self._allowed = frozenset(allowed)
        self._calendar = calendar
        self._out: dict[str, float] = {}
        self._seen: dict[tuple[str, str], tuple[float, TurnRounds]] = {}
        self._asked: dict[tuple[str, str, str], str] = {}

    def places(self, model: str) -> tuple[Deployment, ...]:
        """Where it is served; nothing where nobody knows before it is packed."""
        try:
            return self._providers.deployments(model)
        except FarthingError:
            return ()

    def is_own(self, place: Deployment) -> bool:
        return self._providers[place.provider].dialect in OWN

    def provider(self, name: str) -> Provider | None:
        """None where settings have it no longer."""
        try:
            return self._providers[name]
        except KeyError:
            return None

    def take_out(self, provider: str, now: float) -> None:
        """It makes no batches for now."""
        self._out[provider] = now + OUT_S

    def of(
        self, model: str, now: float, now_us: int, *, flex_refused: float = 0.0, flex_wait_s: float = 0.0, takes_s: float = 30.0
    ) -> Ways:  # fmt: skip
        """What may be chosen from now; `flex_wait_s`: until the cheap tier has a turn for one more. At least one way, as no line may wait for ever for want of one."""
        places = self.places(model)
        batch = next((place for place in places if self._batches(place, now)), None)
        own = bool(places) and self.is_own(places[0])
        usual = self._expected(model, "") or 0
        offers = []
        if batch is not None and "batch" in self._allowed:
            offers.append(Offer("batch", _or(self._expected(model, "batch"), usual)))
        elif not places and "batch" in self._allowed:  # a model that is chosen when the line is packed
            offers.append(Offer("batch", usual // 2))
        if places and "flex" in self._allowed and self._flexes(places[0]):
            from_us = self._opens(places[0], now_us)
            if flex_wait_s > 0:
                from_us = max(from_us, now_us) + int(flex_wait_s * 1e6)
            offers.append(Offer("flex", _or(self._expected(model, "flex"), usual), from_us, FLEX_TAKES_S, flex_refused))
        alone: Way = "local" if own else "now"
        if alone in self._allowed or not offers:
            from_us = self._opens(places[0], now_us) if places else 0
            offers.append(Offer(alone, usual, from_us, takes_s))
        return Ways(tuple(offers), batch, own)

    async def turn_round(self, desk: Desk, provider: str, model: str) -> TurnRounds:
        """What is known of a provider's batches of a model. Raises StoreError."""
        now, now_us = desk.clock.monotonic(), desk.now_us
        known = self._seen.get((provider, model))
        if known is not None and known[0] >= now:
            return known[1]
        rounds = await desk.store.do(lambda c: seen(c, provider, model, now_us))
        if len(self._seen) > MEMORY:
            self._seen.clear()
        self._seen[provider, model] = now + REMEMBERED_S, rounds
        return rounds

    def note(self, deployment: str, provider: str, model: str, asked: str) -> None:
        """Lines that were asked for as `asked` are at this deployment."""
        if len(self._asked) > MEMORY:
            self._asked.clear()
        self._asked[deployment, provider, model] = asked

    def asked_as(self, shard: Shard) -> str | None:
        """A name by which what is at the shard's place can be asked for; None where nobody knows one."""
        known = self._asked.get((shard.deployment, shard.provider, shard.model))
        if known is not None:
            return known
        for name in (shard.deployment, f"{shard.provider}/{shard.model}"):
            if self.places(name):
                return name
        return None

    def _batches(self, place: Deployment, now: float) -> bool:
        return self._out.get(place.provider, 0.0) <= now and self._apis(place.provider) is not None

    def _opens(self, place: Deployment, now_us: int) -> int:
        """When lines may go alone to its provider; 0: now."""
        hours = self._calendar.get(place.provider)
        if hours is None:
            return 0
        span = hours.next(now_us)
        return 0 if span is None or span.from_us <= now_us else span.from_us


def _or(price: Nano | None, other: Nano) -> Nano:
    return other if price is None else price
