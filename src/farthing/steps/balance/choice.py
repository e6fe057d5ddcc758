"""Where a call can go next: over its models in their order, the deployments that are fit and untried first, then those
that may be asked once more; and if none is fit, which will be first. The strategy chooses among the fit ones."""

import random
from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

from farthing.model.errors import UnknownModel
from farthing.prices import Card, Pricing
from farthing.settings import BalanceSettings
from farthing.steps.balance.health import Deployments, Health
from farthing.steps.balance.pick import Picker, much_busier
from farthing.steps.balance.place import Place, State
from farthing.steps.balance.sticky import Sticky
from farthing.steps.balance.story import Story
from farthing.wire.tokens import likely_input

SOON_S = 0.5
"""Within this time a deployment is asked again rather than another model."""
TURNS = 2
"""How often one deployment is asked while another model is left."""


class Choice(NamedTuple):
    """`fit`: the call can go there after `wait` seconds. Else there is nothing better, and it is not fit before."""

    place: Place
    model: str
    why: str
    wait: float
    fit: bool


class Book(Pricing, Protocol):
    """See `prices.PriceBook`."""

    def card(self, provider: str, model: str) -> Card | None: ...


class Chooser:
    """See the module."""

    def __init__(
        self, deployments: Deployments, book: Book, health: Health, settings: BalanceSettings,
        clock: Callable[[], float], wall_us: Callable[[], int], dice: random.Random | None = None,
    ) -> None:  # fmt: skip
        self._deployments = deployments
        self._book = book
        self._health = health
        self._patience_s = settings.patience_s
        self._attempts = settings.attempts
        self._clock = clock
        self._picker = Picker(settings.strategy, book, wall_us, dice)
        self._sticky = Sticky(settings.sticky_s)

    def choose(self, story: Story) -> Choice | None:
        """Where to send the call; None if there is nowhere left."""
        now = self._clock()
        left = self._patience_s - story.waited
        soonest: Choice | None = None
        models = [model for model in story.models if model not in story.barred]
        for model in models:
            places = self._places(model, story)
            waits = [place.state.wait(self.tokens(story, place.state), now) for place in places]
            fit = [
                place for place, wait in zip(places, waits, strict=True) if wait <= 0 and place.state not in story.tried
            ]
            if fit:
                place, why = self._pick(story, fit, now)
                return Choice(place, model, why, 0.0, fit=True)
            for place, wait in zip(places, waits, strict=True):
                state = place.state
                if state in story.tried:
                    if state not in story.again or (model != models[-1] and story.tried[state] >= TURNS):
                        continue
                    wait = max(wait, story.again[state] - now)
                    if wait <= min(left, SOON_S) and state.circuit.wait(now) <= 0 and not state.full:
                        return Choice(place, model, "once more", max(wait, 0.0), fit=True)
                if soonest is None or wait < soonest.wait:
                    soonest = Choice(place, model, "the first to be fit again", max(wait, 0.0), fit=False)
        return soonest

    def another(self, story: Story) -> Choice | None:
        """Where a second request of the same call can go at once; None if there is nowhere."""
        choice = self.choose(story)
        return choice if choice is not None and choice.fit and choice.place.state not in story.tried else None

    def has_more(self, story: Story) -> bool:
        """Whether the call could go elsewhere if its stream began badly."""
        return story.sends < self._attempts and self.has_others(story)

    def has_more_models(self, story: Story) -> bool:
        """Whether another model could serve the call if this one's filter keeps the answer back."""
        return story.sends < self._attempts and any(
            model != story.model and model not in story.barred for model in story.models
        )

    def has_others(self, story: Story) -> bool:
        """Whether more than one deployment could serve the call."""
        return len(story.models) > 1 or len(self._places(story.model, story)) > 1

    def served(self, story: Story, place: Place) -> None:
        """The call was served there."""
        if key := self._key(story):
            self._sticky.served(key, place.name, self._clock())

    def tokens(self, story: Story, state: State) -> float:
        """What the call is likely to need, counted only where a limit is known."""
        if story.tokens < 0 and state.room.knows:
            ask = story.call.ask
            story.tokens = likely_input(story.call.body) + (ask.max_output or 0) * ask.choices
        return max(story.tokens, 0.0)

    def all_places(self, story: Story) -> list[Place]:
        """Everywhere where the call might be served."""
        return list(self._everywhere(story))

    def soonest(self, story: Story) -> float:
        """Seconds until the first deployment has room for the call again."""
        now = self._clock()
        return min(
            (place.state.wait(self.tokens(story, place.state), now) for place in self._everywhere(story)), default=0.0
        )

    def reference(self, story: Story) -> Place | None:
        """The first deployment of the model that the call's price is compared with: the one that a step before chose,
        else the one that was asked for."""
        model = story.model if story.call.targets else story.call.ask.model
        places = self._known(model or story.models[0])
        return places[0] if places else None

    def not_larger(self, story: Story) -> Iterator[str]:
        """Models whose context window is not known to be larger than that of the one that was too small."""
        too_small = self._context(story.model)
        return (model for model in story.models if self._context(model) <= too_small)

    def _context(self, model: str) -> int:
        said = self._deployments.context(model)
        places = self._known(model)
        if said or not places:
            return said
        deployment = places[0].deployment
        card = self._book.card(deployment.prices, deployment.price_as or deployment.model)
        return card.context_window or 0 if card is not None else 0

    def _pick(self, story: Story, fit: list[Place], now: float) -> tuple[Place, str]:
        """Where the conversation is warm, else by the strategy."""
        key = self._key(story)
        if key and len(fit) > 1:
            name = self._sticky.place(key, now)
            warm = next((place for place in fit if place.name == name), None)
            spares = any(place.deployment.reserved for place in fit)
            if warm is not None and not much_busier(warm, fit) and (warm.deployment.reserved or not spares):
                return warm, "the conversation's prompt is in its cache there"
        return self._picker.pick(fit, now, stream=story.call.ask.stream)

    def _key(self, story: Story) -> int:
        """What the conversation is known by, where there is more than one place for it."""
        return self._sticky.key(story.call) if len(self._known(story.models[0])) > 1 else 0

    def _everywhere(self, story: Story) -> Iterator[Place]:
        return (place for model in story.models if model not in story.barred for place in self._places(model, story))

    def _places(self, model: str, story: Story) -> tuple[Place, ...]:
        places = self._known(model)
        if story.call.region:
            places = tuple(place for place in places if place.deployment.region.lower() == story.call.region.lower())
        if story.fits is not None:
            places = tuple(place for place in places if story.fits(place.deployment))
        return places

    def _known(self, model: str) -> tuple[Place, ...]:
        try:
            return self._health.places(model)
        except UnknownModel:
            return ()
