"""Calls that no client's call caused: a judge's, an encoder's. Each has a row of its own in the ledger, with a principal of
its own and baseline 0; what it cost is booked as the spending of the lever that sent it."""

import time
from collections.abc import Callable

from farthing.model.call import Answer, Call, Proceed
from farthing.model.principal import Principal
from farthing.model.record import Saving
from farthing.wire import FORMATS

FEATURES = ("farthing judge", "farthing encoder")
"""What reports show such calls under."""


class Errands:
    """Sends such calls. `proceed` is a pipeline that meters, as for any call; `new_id` gives the calls their ids."""

    def __init__(self, proceed: Proceed, new_id: Callable[[], str]) -> None:
        self._proceed = proceed
        self._new_id = new_id

    async def send(self, wire: str, body: bytes, *, tenant: str, feature: str) -> Answer:
        """The answer to `body`. Raises FarthingError."""
        call = Call(
            id=self._new_id(), wire=wire, headers={}, peer="", body=body, ask=FORMATS[wire].ask(body),
            started_us=time.time_ns() // 1000, started=time.perf_counter(),
        )  # fmt: skip
        call.principal = Principal(tenant=tenant, feature=feature)
        return await self._proceed(call)


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
