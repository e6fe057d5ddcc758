"""The batches of one account, as far as all providers have them alike: one is created once, found on a list that lags,
looked at until its window has ended, and taken back. How each says that is for those who make this their own.

Knows no provider.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Collection, Iterable
from typing import Generic, Protocol, TypeVar

import msgspec

from farthing.model.batch import Shard
from farthing.model.clock import Clock
from farthing.upstream.batches.api import Created, Limits, Look, Maybe, Refused, Result, Told, Unsure
from farthing.upstream.batches.asking import Asking, decoded, segment
from farthing.upstream.batches.body import why_not
from farthing.upstream.batches.limits import Learned
from farthing.upstream.batches.looking import Lookout
from farthing.upstream.batches.states import States, shown
from farthing.upstream.providers import Provider

SKEW_S = 600
"""Seconds by which the provider's clock may differ from ours."""
PAGE = 100
MOST_PAGES = 500
UNDECIDED_S = 60.0
"""Seconds until a batch that may be the one looked for is looked at again."""
LATEST_US = 2**62
"""No window ends later: what a provider says beyond it is no time."""
OVER = (400, 404, 409)
"""Statuses with which a batch says that there is nothing to take back."""


class Batch(Protocol):
    """What of a provider's batch is read; all may be missing but its id."""

    id: str


B = TypeVar("B", bound=Batch)


class Account(ABC, Generic[B]):
    """See `BatchApi`."""

    path: str
    """Where batches are, after the provider's address."""
    ending: bytes = b""
    """What is sent to take one back."""

    def __init__(
        self, provider: Provider, kind: str, wires: Collection[str], batch: type[B], clock: Clock, lag_s: float
    ) -> None:  # fmt: skip
        """`wires`: formats that batches can be of; `batch`: what of one is read."""
        self.kind = kind
        self._wires = [wire for wire in provider.formats if wire in wires]
        self._batch = batch
        self._asking = Asking(provider, self._wires[0] if self._wires else provider.formats[0])
        self._clock = clock
        self._learned = Learned(kind, clock.monotonic)
        self._lookout = Lookout(clock.monotonic, lag_s)
        self._undecided_s = min(UNDECIDED_S, lag_s)
        self._states = States(kind, provider.name)

    @abstractmethod
    def encode(self, lines: Iterable[tuple[str, bytes]], wire: str, model: str, name: str = "") -> bytes: ...

    @abstractmethod
    def cost_of(self, custom_id: str, body: bytes) -> int: ...

    @abstractmethod
    def results(self, shard: Shard, look: Look) -> AsyncGenerator[Result, None]: ...

    @abstractmethod
    async def forget(self, shard: Shard) -> None: ...

    @abstractmethod
    async def _order(self, shard: Shard, data: bytes) -> tuple[bytes, str]:
        """Have a batch created; the answer, and what was uploaded for it. Raises as `create` does."""

    @abstractmethod
    async def _page(self, shard: Shard, cursor: str) -> tuple[list[B], str]:
        """Batches on a page of the list, newest first, as far as they may be as old as the shard; and where the next page
        begins, empty where none can hold it. The first page has no cursor."""

    @abstractmethod
    async def _is_of(self, batch: B, shard: Shard) -> bool | None:
        """Whether a batch is the shard's; None: it does not say yet."""

    @abstractmethod
    def _told(self, batch: B) -> Told: ...

    @property
    def limits(self) -> Limits:
        return self._learned.published

    def limits_for(self, model: str) -> Limits:
        return self._learned.of(model)

    def serves(self, wire: str, body: bytes) -> str:
        return why_not(wire, body, self._wires)

    async def create(self, shard: Shard, data: bytes) -> Created:
        if (made := self._lookout.made(shard.id)) is not None:
            return made
        self._lookout.begin(shard.id)
        try:
            answer, file = await self._order(shard, data)
        except Refused as refused:
            self._learned.learn(refused.code, refused.message, shard, len(data))
            raise
        try:
            batch = msgspec.json.decode(answer, type=self._batch)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise Unsure("The provider's answer to the creation of a batch cannot be read.", file) from None
        return self._note(shard, batch)

    async def find(self, shard: Shard, known: Collection[str] = ()) -> Created | Maybe | None:
        if (made := self._lookout.made(shard.id)) is not None:
            return made
        others = {*known, *self._lookout.others(shard.id)}
        undecided, cursor = False, ""
        for _ in range(MOST_PAGES):
            batches, cursor = await self._page(shard, cursor)
            for batch in batches:
                is_it = batch.id not in others and await self._is_of(batch, shard)
                if is_it:
                    return self._note(shard, batch)
                undecided = undecided or is_it is None
            if not cursor:
                missing = self._lookout.missing(shard.id)
                return self._undecided() if undecided else missing
        return Maybe(self._undecided_s, "The provider's list of batches does not end.")

    async def look(self, shard: Shard) -> Look:
        told = self._told(decoded(await self._asking.get(f"{self.path}/{segment(shard.remote_id)}"), self._batch))
        for each in told.errors:
            self._learned.learn(each.code, each.message, shard)
        window_end_us = _moment(told.window_end_us) or shard.window_end_us
        over = bool(window_end_us) and self._clock.now_us() > window_end_us
        has_results = bool(told.output_file or told.error_file)
        return Look(
            shown(told.word), told.output_file, told.error_file, told.done, told.total, told.errors, window_end_us, told.remote_file,
            state=self._states.settled(told.word, over=over, has_results=has_results),
        )  # fmt: skip

    async def cancel(self, shard: Shard) -> None:
        try:
            await self._asking.post(f"{self.path}/{segment(shard.remote_id)}/cancel", self.ending)
        except Refused as refused:
            if refused.status not in OVER:
                raise

    def _note(self, shard: Shard, batch: B) -> Created:
        told = self._told(batch)
        return self._lookout.note(shard.id, Created(batch.id, told.remote_file, _moment(told.window_end_us)))

    def _undecided(self) -> Maybe:
        return Maybe(
            self._undecided_s, "A batch of as many requests was created since; it shows whose it is at its end."
        )


def _moment(us: int) -> int:
    """0 for what cannot be one."""
    return us if 0 < us < LATEST_US else 0
