"""Which of the deployments that could serve a call does: the strategies. Each gives one of them and says why.

`places` are fit: well, with room, and not full. Reserved capacity goes before everything, since it is paid for anyway.
Knows nothing of what happens when the chosen one fails.
"""

import random
from collections.abc import Callable, Sequence
from typing import NamedTuple

from farthing.model.money import show_dollars
from farthing.model.usage import Usage
from farthing.prices import Pricing
from farthing.steps.balance.place import Place

USUAL = Usage(uncached_in=1_000, out=300)
"""A usual call; deployments are compared by what it costs there."""
PRICED_S = 3_600.0
NEAR = 1.02
"""Prices within two percent are the same."""
FAR_SLOWER = 4.0
"""A deployment so many times slower than the fastest is not chosen for its price."""
TIGHT = 0.1
"""Below this share of its limits a deployment is spared while others have more."""
BUSIER = 2
"""A conversation leaves its warm place where so many times as much is under way as elsewhere."""


class Picked(NamedTuple):
    place: Place
    why: str


class Picker:
    """One strategy by its name in the settings."""

    def __init__(
        self, strategy: str, book: Pricing, wall_us: Callable[[], int], dice: random.Random | None = None
    ) -> None:  # fmt: skip
        self._book = book
        self._wall_us = wall_us
        self._dice = dice or random.Random()
        self._pick = {
            "combined": self._combined, "cost": self._cheapest, "latency": self._fastest, "head-room": self._roomiest,
            "weighted": self._weighted,
        }[strategy]  # fmt: skip

    def pick(self, places: Sequence[Place], now: float, *, stream: bool) -> Picked:
        """One of the places, of which there is at least one."""
        if len(places) == 1:
            return Picked(places[0], "the only one that can")
        reserved = [place for place in places if place.deployment.reserved]
        if reserved and len(reserved) < len(places):
            picked = self._pick(reserved, now, stream) if len(reserved) > 1 else Picked(reserved[0], "")
            return Picked(picked.place, f"reserved capacity first{picked.why and ', then ' + picked.why}")
        return self._pick(places, now, stream)

    def price(self, place: Place, now: float) -> int | None:
        """Nano-dollars of a usual call there; None where no price is known."""
        if now >= place.priced_until:
            deployment = place.deployment
            model = deployment.price_as or deployment.model
            priced = self._book.price(deployment.prices, model, USUAL, at_us=self._wall_us())
            place.price = priced.nano if priced.state == "computed" else None
            place.priced_until = now + PRICED_S
        return place.price

    def _combined(self, places: Sequence[Place], now: float, stream: bool) -> Picked:
        """With room first, then cheap unless it is far slower than others, then fast."""
        roomy = [place for place in places if place.state.room.share(now) >= TIGHT]
        spared = len(places) - len(roomy) if roomy else 0
        places = roomy or places
        slowness = {place: place.state.slowness(now, stream=stream) for place in places}
        known = [each for each in slowness.values() if each > 0]
        if known:
            bound = FAR_SLOWER * min(known)
            places = [place for place in places if slowness[place] <= bound]
        cheap = self._cheap(places, now)
        picked = self._fastest(cheap, now, stream) if len(cheap) > 1 else Picked(cheap[0], "")
        why = [*(["the cheapest that is well and not far slower"] if len(cheap) < len(places) else []), picked.why]
        if spared:
            why.append(f"{spared} near the rate limit spared")
        if len(cheap) < len(places):
            other = next(place for place in places if place not in cheap)
            why.append(
                f"runner-up {other.name} at {_dollars(other.price)} a usual call against {_dollars(cheap[0].price)}"
            )
        return Picked(picked.place, ", ".join(filter(None, why)) or "the only one that is not far slower")

    def _cheapest(self, places: Sequence[Place], now: float, stream: bool) -> Picked:
        cheap = self._cheap(places, now)
        chosen = cheap[0] if len(cheap) == 1 else min(cheap, key=lambda place: place.state.in_flight)
        other = next((place for place in places if place not in cheap), None)
        if other is None:
            return Picked(chosen, "all cost the same, the least is under way here")
        return Picked(
            chosen,
            f"the cheapest, {_dollars(chosen.price)} a usual call; runner-up {other.name} at {_dollars(other.price)}",
        )

    def _cheap(self, places: Sequence[Place], now: float) -> list[Place]:
        """Those at the least price; the others follow in no list. An unknown price is no low one."""
        prices = [(self.price(place, now), place) for place in places]
        known = [price for price, _ in prices if price is not None]
        if not known:
            return list(places)
        bound = min(known) * NEAR
        return [place for price, place in prices if price is not None and price <= bound]

    def _fastest(self, places: Sequence[Place], now: float, stream: bool) -> Picked:
        """Of two random ones the faster: nearly as good as the fastest of all, and no stampede to one."""
        one, two = self._dice.sample(places, 2) if len(places) > 2 else places
        first, second = one.state.slowness(now, stream=stream), two.state.slowness(now, stream=stream)
        if second < first or (second == first and self._dice.random() < 0.5):
            one, two, first, second = two, one, second, first
        return Picked(one, f"faster than the runner-up {two.name} ({first * 1e3:.0f} ms, {second * 1e3:.0f} ms)")

    def _roomiest(self, places: Sequence[Place], now: float, stream: bool) -> Picked:
        shares = sorted(
            ((place.state.room.share(now), -place.state.in_flight, self._dice.random(), place) for place in places),
            key=lambda each: each[:3], reverse=True,
        )  # fmt: skip
        (share, _, _, best), (other_share, _, _, other) = shares[:2]
        return Picked(best, f"{share:.0%} of its limits left; runner-up {other.name} with {other_share:.0%}")

    def _weighted(self, places: Sequence[Place], now: float, stream: bool) -> Picked:
        weights = [place.deployment.weight for place in places]
        if not any(weights):
            weights = [1.0] * len(places)
        (chosen,) = self._dice.choices(places, weights)
        share = weights[list(places).index(chosen)] / sum(weights)
        return Picked(chosen, f"by its share of {share:.0%} among {len(places)}")


def much_busier(place: Place, others: Sequence[Place]) -> bool:
    """Whether so much is under way at the place that a warm cache there is not worth it."""
    elsewhere = [other.state.in_flight for other in others if other is not place]
    return bool(elsewhere) and place.state.in_flight > BUSIER * min(elsewhere) + 8


def _dollars(nano: int | None) -> str:
    return show_dollars(nano) if nano is not None else "an unknown price"
