"""Second answers to some requests, so that models are compared on the traffic that they would get.

A small share of routed calls is drawn: to learn, as long as a model that is cheaper than the one that served is worth it,
and that model is asked too; to watch, where a cheaper model than the flagship served. In both cases the flagship is asked
if it did not serve, and all are compared with it: so models are known before they serve anybody. All of it is off the
caller's path, within a budget for the day, few at once, and each second call has a row of its own in the ledger. Failures end here: they cost an
observation and nothing else. Prompts and answers live as long as the comparison.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from farthing.model.asked import Asked
from farthing.model.call import Call
from farthing.model.errors import FarthingError
from farthing.model.money import Nano
from farthing.quality.again import again
from farthing.quality.allowance import Allowance
from farthing.quality.compare import Compared, Comparer, Pair
from farthing.quality.errand import FEATURES, Errands, Sent

log = logging.getLogger("farthing.quality")

FEATURE = FEATURES[2]
AT_ONCE = 16
"""Second calls under way, with their judgements; what is drawn while so many are is not looked at."""
PATIENCE_S = 300.0
PAUSE_S = 60.0
"""How long nothing is drawn after the judge gave no word: else only the pairs that need none would count."""


class Choices(Protocol):
    """What else might have served a call."""

    def flagship(self, call: Call) -> str:
        """The model that quality is compared with; empty if there is none, or it may not serve this call."""

    def promising(self, call: Call, than: str) -> str:
        """A cheaper model than `than` that can and may serve such calls, and about which it is worth knowing more; empty
        if there is none."""


class Drawn(msgspec.Struct, frozen=True):
    """A call whose answer is compared, without what is not needed for it."""

    call_id: str
    tenant: str
    scopes: tuple[str, ...]
    wire: str
    request: bytes
    answer: bytes
    model: str
    served: str
    others: tuple[str, ...]
    """The models that are asked too."""
    flagship: str
    asked: Asked | None
    check: str
    task: str
    region: str
    """Where the call must be served, and so all that is made of it."""


class Outcome(msgspec.Struct, frozen=True):
    """A comparison of `model` with the flagship."""

    drawn: Drawn
    model: str
    served: str
    difference: int
    why: str
    passed: bool | None
    by_check: bool
    second: str = ""
    """The model that was asked too."""
    second_out: int = 0
    """Output tokens of its answer."""


Heard = Callable[[Outcome], None]


class Shadow:
    """See the module. `share` (to learn) and `watch` are 0 to 1; `hear` gets the outcomes."""

    def __init__(
        self, errands: Errands, comparer: Comparer, choices: Choices, allowance: Allowance, hear: Heard, *, share: float, watch: float,
        chance: Callable[[], float] = random.random, clock: Callable[[], float] = time.monotonic, at_once: int = AT_ONCE,
    ) -> None:  # fmt: skip
        self._errands = errands
        self._comparer = comparer
        self._choices = choices
        self._allowance = allowance
        self._hear = hear
        self._share = share
        self._watch = watch
        self._chance = chance
        self._clock = clock
        self._at_once = at_once
        self._paused_until = 0.0
        self._tasks: set[asyncio.Task[None]] = set()

    def draw(
        self, call: Call, model: str, answer: bytes, scopes: Sequence[str], check: str, *, times: float = 1.0
    ) -> None:  # fmt: skip
        """Perhaps have the answer compared. `times` is how much more often than usual, where something is suspected."""
        luck = self._chance() / times
        if luck >= max(self._share, self._watch) or len(self._tasks) >= self._at_once:
            return
        if self._clock() < self._paused_until or not self._allowance.may(call.principal.tenant):
            return
        flagship = self._choices.flagship(call)
        others = self._others(call, model, flagship, luck) if flagship else ()
        if not others:
            return
        last = call.trail.last_attempt
        drawn = Drawn(
            call.id, call.principal.tenant, tuple(scopes), call.wire, call.body, answer, model,
            last.served_model if last is not None else "", others, flagship, call.asked, check, call.task, call.region,
        )  # fmt: skip
        task = asyncio.get_running_loop().create_task(self._look(drawn))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def settle(self) -> None:
        """Wait for what is under way."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _others(self, call: Call, model: str, flagship: str, luck: float) -> tuple[str, ...]:
        """Whom to ask; the flagship first, since the others are compared with it."""
        cheaper = self._choices.promising(call, model) if luck < self._share else ""
        if model == flagship:
            return (cheaper,) if cheaper else ()
        if not cheaper:
            return (flagship,) if luck < self._watch else ()
        return flagship, cheaper

    async def _look(self, drawn: Drawn) -> None:
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._compare(drawn)
        except (FarthingError, TimeoutError) as error:
            log.info("a second answer was not to be had", extra={"error": type(error).__name__, "models": drawn.others})
        except Exception as error:  # nobody waits for it, so nobody else would hear
            log.warning("a comparison failed", extra={"error": type(error).__name__, "models": drawn.others})

    async def _compare(self, drawn: Drawn) -> None:
        reference = drawn.answer
        for other in drawn.others:
            sent = await self._ask(drawn, other)
            if sent is None:
                return
            if other == drawn.flagship:
                reference = sent.answer.body
                await self._weigh(drawn, drawn.model, drawn.answer, reference, drawn.served, (other, sent.out_tokens))
            else:
                await self._weigh(drawn, other, sent.answer.body, reference, sent.served, (other, sent.out_tokens))

    async def _ask(self, drawn: Drawn, model: str) -> Sent | None:
        """None where there is no answer to be compared. Raises FarthingError."""
        body = again(drawn.wire, drawn.request, model)
        if body is None:
            return None
        sent = await self._errands.send_priced(
            drawn.wire, body, tenant=drawn.tenant, feature=FEATURE, region=drawn.region
        )
        self._allowance.spend(sent.cost, drawn.tenant)
        return sent if sent.answer.status == 200 and sent.answer.stream is None else None

    async def _weigh(
        self, drawn: Drawn, model: str, answer: bytes, reference: bytes, served: str, second: tuple[str, int]
    ) -> None:  # fmt: skip
        """Compare an answer of `model` with the flagship's."""
        compared = await self._comparer.compare(
            Pair(
                drawn.tenant, drawn.wire, drawn.request, answer, reference, asked=drawn.asked, check=drawn.check,
                region=drawn.region,
            )
        )  # fmt: skip
        self._note(drawn.tenant, compared)
        if compared.difference is not None:
            self._hear(
                Outcome(
                    drawn, model, served, compared.difference, compared.why, compared.passed, compared.by_check, *second
                )
            )  # fmt: skip

    def _note(self, tenant: str, compared: Compared) -> None:
        cost: Nano | None = compared.cost
        self._allowance.spend(cost, tenant)
        if compared.judge_failed:
            self._paused_until = self._clock() + PAUSE_S
