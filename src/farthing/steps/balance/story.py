"""What has happened to one call so far: where it was tried, how that went, what is left. Knows nothing of choosing."""

from collections.abc import Callable
from typing import NamedTuple

from farthing.model.call import Call, Deployment, Proceed
from farthing.steps.balance.headroom import Ticket
from farthing.steps.balance.opening import BadStart, end
from farthing.steps.balance.place import Place, State
from farthing.steps.balance.rules import Failure, Verdict


class Turn(NamedTuple):
    """Where the call goes now."""

    place: Place
    model: str
    why: str
    ticket: Ticket


class Story:
    """`models` are tried in this order."""

    __slots__ = (
        "again", "barred", "call", "failure", "first", "fits", "model", "models", "nearest", "place", "proceed", "sends", "tokens",
        "tried", "verdict", "waited",
    )  # fmt: skip

    def __init__(self, call: Call, proceed: Proceed, models: tuple[str, ...]) -> None:
        self.call = call
        self.proceed = proceed
        self.models = models
        self.first = len(call.trail.attempts)
        """Where this call's attempts begin in the trail; a step before may have sent the call already."""
        self.sends = 0
        self.waited = 0.0
        """Seconds."""
        self.tokens = -1.0
        """What the call is likely to need of a limit; negative while nobody has counted."""
        self.tried: dict[State, int] = {}
        """How often."""
        self.again: dict[State, float] = {}
        """Not before when they may be asked again."""
        self.barred: set[str] = set()
        """Models that cannot help."""
        self.fits: Callable[[Deployment], bool] | None = None
        """What a deployment must be to serve the call, if not any will do."""
        self.model = ""
        self.place: Place | None = None
        """The latest."""
        self.failure: Failure | None = None
        self.verdict: Verdict | None = None
        self.nearest: tuple[Place, float] | None = None
        """Where there will be room first, and in how many seconds, when the call was given up."""

    def sent(self, place: Place, model: str) -> None:
        """The call goes there now; what failed before is given up."""
        if isinstance(self.failure, BadStart):
            end(self.failure.answer)
        self.failure = self.verdict = None
        self.place, self.model = place, model
        self.call.target, self.call.deployment = model, place.deployment
        self.sends += 1
        self.tried[place.state] = self.tried.get(place.state, 0) + 1
        self.again.pop(place.state, None)
