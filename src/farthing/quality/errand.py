"""Calls that no client's call caused: a judge's, an encoder's. Each has a row of its own in the ledger, with a principal of
its own and baseline 0; what it cost is booked as the spending of the lever that sent it."""

from collections.abc import Callable
from typing import NamedTuple

from farthing.model.call import Answer, Call, Proceed
from farthing.model.clock import SYSTEM, Clock
from farthing.model.money import Nano
from farthing.model.principal import Principal
from farthing.model.record import Saving
from farthing.wire import FORMATS

FEATURES = (
    "farthing judge",
    "farthing encoder",
    "farthing shadow",
    "farthing eval",
    "farthing lab",
    "farthing training",
    "farthing summary",
    "farthing audit",
    "farthing storage",
)
"""What reports show such calls under."""
TRAINING = FEATURES[5]
"""What rows of trainings are booked as; no call is sent for them."""
SUMMARY = FEATURES[6]
"""Summaries of what is left out of long conversations."""
STORAGE = FEATURES[8]
"""Contexts that lie at a provider; no call is sent for them."""
SPENT_BY = FEATURES[0], FEATURES[2]
"""Those that look at the quality of routed answers, within `routing.shadow_dollars_a_day`."""
TASK = "farthing overhead"
"""Their kind of work, so that a report by task has them in a row of their own: a task's calls are its clients'."""


class Sent(NamedTuple):
    """What came of an errand."""

    answer: Answer
    cost: Nano | None
    """None where it is not known."""
    served: str
    """The version of the model that ran, as the provider names it."""
    out_tokens: int
    in_tokens: int = 0


class Errands:
    """Sends such calls. `proceed` is a pipeline that meters, as for any call; `new_id` gives the calls their ids."""

    def __init__(self, proceed: Proceed, new_id: Callable[[], str], clock: Clock = SYSTEM) -> None:
        self._proceed = proceed
        self._new_id = new_id
        self._clock = clock

    async def send(self, wire: str, body: bytes, *, tenant: str, feature: str) -> Answer:
        """The answer to `body`. Raises FarthingError."""
        return (await self.send_priced(wire, body, tenant=tenant, feature=feature)).answer

    async def send_priced(self, wire: str, body: bytes, *, tenant: str, feature: str, region: str = "") -> Sent:
        """The answer to `body`, which must not ask for a stream, and what it cost; `region` is where it must be served.
        Raises FarthingError."""
        call = Call(
            id=self._new_id(), wire=wire, headers={}, peer="", body=body, ask=FORMATS[wire].ask(body),
            started_us=self._clock.now_us(), started=self._clock.monotonic(),
        )  # fmt: skip
        call.principal, call.region, call.task = Principal(tenant=tenant, feature=feature), region, TASK
        answer = await self._proceed(call)
        attempts, last = call.trail.attempts, call.trail.last_attempt
        known = all(attempt.cost_state not in ("unpriced", "unknown") for attempt in attempts)
        return Sent(
            answer, sum(attempt.cost for attempt in attempts) if known else None,
            last.served_model if last is not None else "",
            sum(attempt.usage.total_out for attempt in attempts if attempt.usage is not None),
            sum(attempt.usage.total_in for attempt in attempts if attempt.usage is not None),
        )  # fmt: skip


class Overhead:
    """The step that books an errand: all that it cost is the lever's own spending."""

    name = "overhead"

    def __init__(self, lever: str) -> None:
        self._lever = lever

    async def __call__(self, call: Call, proceed: Proceed) -> Answer:
        answer = await proceed(call)
        answer.on_end(lambda _: self._book(call))
        return answer

    def _book(self, call: Call) -> None:
        cost = sum(attempt.cost for attempt in call.trail.attempts)
        call.trail.savings.append(Saving(self._lever, 0, 0, overhead=cost))
