"""The deployments as they are: one place for each, made when it is first asked for, and what can be shown of all of them.

It is the view of one process: workers do not tell each other of failures. Knows nothing of calls.
"""

import os
import random
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Literal, Protocol

import msgspec

from farthing.model.call import Deployment
from farthing.model.errors import FarthingError
from farthing.settings import BalanceSettings
from farthing.steps.balance.headroom import Buckets
from farthing.steps.balance.place import Place, State

MEMO = 10_000
"""Models and deployments that are remembered; callers choose names, so there is a bound."""

Condition = Literal["closed", "open", "half-open", "limited"]


class Deployments(Protocol):
    """What can be chosen from."""

    def deployments(self, model: str) -> tuple[Deployment, ...]:
        """The same tuple each time. Raises UnknownModel."""

    def fallbacks(self, model: str) -> tuple[str, ...]: ...
    def context(self, model: str) -> int: ...
    @property
    def named_models(self) -> list[str]: ...


class DeploymentState(msgspec.Struct, frozen=True):
    """One deployment as this process sees it."""

    name: str
    provider: str
    model: str
    state: Condition
    in_flight: int
    first_byte_ms: float
    """Of streams, a moving average that rises at once; 0 where nothing is known lately."""
    total_ms: float
    """Of whole answers, likewise."""
    served: int
    failures: int
    """Since the process started."""
    head_room: float
    """The share of its rate limits that is left, 0 to 1; 1 where no limit is known."""
    why: str
    """Of an outage; empty while there is none."""
    since_us: int
    """When the outage began, microseconds since 1970; 0 while there is none."""
    back_in_s: float
    """Seconds until it is tried again, or has room."""
    models: tuple[str, ...]
    """The names by which callers get there, where settings list several places for them."""
    instead: tuple[str, ...]
    """What serves these models meanwhile, if it is out or limited."""


class Health:
    """See the module."""

    def __init__(
        self, deployments: Deployments, settings: BalanceSettings, buckets: Buckets,
        clock: Callable[[], float] = time.monotonic, seconds: Callable[[], float] = time.time,
        dice: Callable[[], float] = random.random,
    ) -> None:  # fmt: skip
        self._deployments = deployments
        self._settings = settings
        self._buckets = buckets
        self._clock = clock
        self._seconds = seconds
        self._dice = dice
        self._places: dict[str, tuple[Place, ...]] = {}
        self._states: dict[tuple[str, str], State] = {}

    def places(self, model: str) -> tuple[Place, ...]:
        """Where the model is served; the same tuple each time. Raises UnknownModel."""
        places = self._places.get(model)
        return places if places is not None else self._find(model)

    def _find(self, model: str) -> tuple[Place, ...]:
        places = tuple(Place(each, self._state(each)) for each in self._deployments.deployments(model))
        if len(self._places) < MEMO:
            self._places[model] = places
        return places

    def _state(self, deployment: Deployment) -> State:
        key = (deployment.provider, deployment.model)
        state = self._states.get(key)
        if state is None:
            state = State(deployment, self._settings, self._buckets, self._dice)
            if len(self._states) < MEMO:
                self._states[key] = state
        return state

    def snapshot(self) -> list[DeploymentState]:
        """All that settings name and all that was used."""
        for model in self._deployments.named_models:
            self.places(model)
        now = self._clock()
        return [self._shown(state, now) for state in self._states.values()]

    @property
    def process(self) -> int:
        """Whose view it is."""
        return os.getpid()

    def _shown(self, state: State, now: float) -> DeploymentState:
        wait = state.room.wait(1, now)
        condition: Condition = "limited" if state.circuit.position == "closed" and wait > 0 else state.circuit.position
        since = state.circuit.since
        models = tuple(self._models_at(state))
        return DeploymentState(
            name=state.name, provider=state.provider, model=state.model, state=condition, in_flight=state.in_flight,
            first_byte_ms=round(state.first.at(now) * 1e3, 1), total_ms=round(state.total.at(now) * 1e3, 1),
            served=state.served, failures=state.failures, head_room=round(state.room.share(now), 3),
            why=state.circuit.why if since else "", since_us=int((self._seconds() - now + since) * 1e6) if since else 0,
            back_in_s=round(max(state.circuit.wait(now), wait), 1),
            models=models, instead=tuple(self._instead(models, state, now)) if condition != "closed" else (),
        )  # fmt: skip

    def _models_at(self, state: State) -> Iterator[str]:
        for model in self._deployments.named_models:
            if any(place.state is state for place in self._places.get(model, ())):
                yield model

    def _instead(self, models: Iterable[str], state: State, now: float) -> Iterator[str]:
        seen = set()
        for model in models:
            for named in (model, *self._deployments.fallbacks(model)):
                for place in self._known(named):
                    if place.state is not state and place.name not in seen and place.state.wait(1, now) <= 0:
                        seen.add(place.name)
                        yield place.name

    def _known(self, model: str) -> tuple[Place, ...]:
        try:
            return self.places(model)
        except FarthingError:
            return ()
