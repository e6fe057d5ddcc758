"""Outermost step: times the call, sums up what its attempts cost, and hands the ledger one record.

It does so for answers, errors and streams that end later or never end well, and leaves out what was handed over to the
queue, which books it when it has run. The law of the ledger is asserted here:
baseline - sum(savings) == cost. Knows nothing of providers' formats and prices; `admit` has priced each attempt.
"""

import time
from collections.abc import Callable
from functools import partial
from typing import Protocol

from farthing.model.call import Answer, Call, Ending
from farthing.model.errors import FarthingError, NotAuthenticated, Unavailable
from farthing.model.money import exact_dollars
from farthing.model.record import CACHE_HITS, Record, model_that_ran
from farthing.model.usage import CostState
from farthing.pipeline import Proceed

WORST_FIRST: tuple[CostState, ...] = ("unknown", "unpriced", "estimated", "computed", "reported")
"""A call is known as well as its least known attempt."""


class Records(Protocol):
    """Where records go; the ledger is one."""

    def put(self, record: Record) -> None: ...
    @property
    def full(self) -> bool: ...
    async def room(self, patience_s: float) -> bool: ...


class Meter:
    """See the module. `serve_without_ledger` is the policy for a store that cannot be written and a full queue."""

    name = "meter"

    def __init__(
        self, ledger: Records, *, serve_without_ledger: bool = False, patience_s: float = 5.0,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:  # fmt: skip
        self._ledger = ledger
        self._serve_without_ledger = serve_without_ledger
        self._patience_s = patience_s
        self._clock = clock

    async def __call__(self, call: Call, proceed: Proceed) -> Answer:
        if self._ledger.full and not self._serve_without_ledger:
            await self._wait_for_room()
        try:
            answer = await proceed(call)
        except NotAuthenticated:
            raise  # nobody's call: rows for it would let strangers fill the ledger
        except FarthingError as error:
            self._fail(call, error.status, Ending("error", error.code))
            raise
        except Exception:  # a mistake of ours; what was sent until then may have cost
            self._fail(call, FarthingError.status, Ending("error", FarthingError.code))
            raise
        except BaseException:
            self._fail(call, 0, Ending("left"))
            raise
        headers = answer.headers
        headers.append((b"x-farthing-call-id", call.id.encode()))
        if call.handed_over:
            return answer
        if answer.stream is not None:
            answer.on_end(partial(self._end, call, answer.status))
            headers.append((b"x-farthing-model", _header(call.deployment.model if call.deployment is not None else "")))
        else:
            record = self._put(call, answer.status, Ending() if answer.status < 400 else Ending("error"))
            headers.append((b"x-farthing-model", _header(record.model)))
            headers.append((b"x-farthing-cost", show_cost(record)))
            headers.append((b"x-farthing-saved", exact_dollars(record.baseline - record.cost).encode()))
        headers.append((b"x-farthing-cache", call.cache.encode() if call.cache in CACHE_HITS else b"none"))
        return answer

    async def _wait_for_room(self) -> None:
        if await self._ledger.room(self._patience_s):
            return
        raise Unavailable(
            "The gateway cannot keep its ledger right now, and its policy is to refuse calls that it cannot book. Its log says why.",
            retry_after=5,
        )

    def _fail(self, call: Call, status: int, ending: Ending) -> None:
        if not call.handed_over:
            self._put(call, status, ending)

    def _end(self, call: Call, status: int, ending: Ending) -> None:
        self._put(call, status, ending)

    def _put(self, call: Call, status: int, ending: Ending) -> Record:
        record = call.record(status, ending, int((self._clock() - call.started) * 1e6))
        total(record)
        assert record.baseline - sum(saving.saved for saving in record.savings) == record.cost, "the ledger's law"
        self._ledger.put(record)
        return record


def total(record: Record) -> None:
    """Sum the attempts into the record. Without levers the baseline is the cost."""
    attempts = record.attempts
    if len(attempts) == 1:
        attempt = attempts[0]
        record.cost, record.cost_state = attempt.cost, attempt.cost_state
    elif attempts:
        record.cost = sum(attempt.cost for attempt in attempts)
        states = {attempt.cost_state for attempt in attempts}
        record.cost_state = next(state for state in WORST_FIRST if state in states)
    else:
        record.cost_state = "computed"  # nothing was sent anywhere
    record.baseline = record.cost + sum(saving.saved for saving in record.savings)
    for attempt in attempts:
        usage = attempt.usage
        if usage is not None:
            record.in_tokens += usage.total_in
            record.cached_tokens += usage.cached_in
            record.out_tokens += usage.total_out
    served = next((attempt.served_model for attempt in reversed(attempts) if not attempt.part), "")
    record.model = model_that_ran(record.model, served)


def _header(text: str) -> bytes:
    """A name as a header's value, whatever a caller put into it."""
    return text.encode("ascii", "replace") if text.isprintable() else b"?"


def show_cost(record: Record) -> bytes:
    """The cost in dollars for a header, exact; `unpriced` or `unknown` where there is none."""
    if record.cost_state in ("unpriced", "unknown"):
        return record.cost_state.encode()
    return exact_dollars(record.cost).encode()
