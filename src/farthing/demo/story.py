"""Thirty days of the company, through the gateway's own parts, on a clock that the story moves.

Each turn of the story ends one gateway and starts the next with more settings, as an operator would. Calls come one after the
other in the order of their time; after some of them the ledger is written, evidence is read, alerts look. Equal seeds give
equal ledgers.
"""

import heapq
import random
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import msgspec

from farthing.app.alerts import make_watch
from farthing.app.around import Around
from farthing.app.build import Parts, assemble
from farthing.app.moved import Moved
from farthing.app.providers import open_providers
from farthing.demo import calendar, inside, nightly, settings
from farthing.demo.calendar import DAY_US, DAYS, HOUR_US, Piece
from farthing.demo.company import NIGHT, Ask, Heard, Script
from farthing.demo.telling import Teller
from farthing.finops.alerts.watch import Watch
from farthing.finops.posts import OutcomeBody, said_of
from farthing.prices.configured import configured_book
from farthing.settings import Settings, parse
from farthing.store import Store, leaders, open_store
from farthing.store.alerts import Alerts
from farthing.store.store import now_us
from farthing.store.transactions import Post
from farthing.store.units import Units
from farthing.upstream.simulator import SimulatorSettings
from farthing.upstream.simulator.bill import Bill
from farthing.upstream.simulator.inside import Inside
from farthing.upstream.simulator.settings import Turnround

LOOK_HOURS = (3, 8, 11, 14, 17, 20)
WRITE_EVERY = 400
"""Calls between two writes of the ledger."""
QUEUE_S, HURRIED_S = 300.0, 20.0
"""Between two moments at which the queue is worked on, while there is anything in it; and in the hour before its deadline."""
BATCHES = Turnround(median=1_800.0, p90=3_600.0)
"""How long the provider takes."""
HOLDER = "demo"
PATIENCE_S = 60.0
BEFORE_S = 600.0
"""So long other gateways leave the history alone after a story was broken off."""


class Plot(msgspec.Struct, frozen=True):
    """Which story is told."""

    folder: Path
    """Where the store is, and `farthing.toml`."""
    keys: Mapping[str, str]
    """Secret by team."""
    now_us: int
    """When it ends."""
    seed: int = 7
    scale: float = 1.0
    """Size of the company."""
    more: str = ""
    """More settings, such as a lower floor for the alerts of a small company."""
    look_hours: tuple[int, ...] = LOOK_HOURS
    """Hours of a day at which evidence is read, and alerts look."""


class Progress(msgspec.Struct):
    """How far it is."""

    calls: int = 0
    refused: int = 0
    """Calls that were answered with an error."""
    day: int = 0
    what: str = ""
    """What was new of late."""


class Story:
    """See the module."""

    def __init__(self, plot: Plot) -> None:
        self._plot = plot
        self._hear: Callable[[Progress], None] = _nobody
        self.progress = Progress()
        self._start_us = calendar.start_of(plot.now_us)
        self._time = Moved(self._start_us)
        self._dice = random.Random(f"{plot.seed} story")
        self._ids = random.Random(f"{plot.seed} ids")
        self._provider = Inside(
            SimulatorSettings(seed=plot.seed, latency=1.0, batch_turnround={"": BATCHES}),
            lambda: self._time.now_us / 1e6,
            self._time.passes,
            self._refuses,
        )
        self._waiting: list[tuple[int, int, _Played | _Night]] = []
        self._queue_us = 0
        """When the queue is worked on next; 0: there is nothing in it."""
        self._number = 0
        self._unwritten = 0
        self._outcomes: list[Post] = []
        self._teller: Teller | None = None

    @property
    def bill(self) -> Bill:
        """What the providers charge."""
        return self._provider.bill

    async def play(self, hear: Callable[[Progress], None] | None = None) -> None:
        """All of it; `hear` is told each bit of progress. Raises StoreError."""
        self._hear = hear or _nobody
        async with AsyncExitStack() as stack:
            store = await open_store(self._settings(DAYS).store.url.reveal())
            stack.push_async_callback(store.close)
            teller = self._teller = Teller(store)
            stack.push_async_callback(teller.end)
            watch = await self._watch(store, stack)
            turns = [0, *(turn.day for turn in calendar.TURNS), DAYS + 1]
            for day, until in pairwise(turns):
                await self._stage(day, until, store, watch)
            await watch.close()
            await store.do(lambda connection: leaders.resign(connection, leaders.HISTORY, HOLDER))

    async def _watch(self, store: Store, stack: AsyncExitStack) -> Watch:
        """Leads from now on, so that no other gateway takes a history that is being written for a silence."""
        settings = self._settings(DAYS)
        providers = await open_providers(settings, stack, self._provider)
        made = make_watch(
            settings, store, providers, configured_book(settings.prices), stack, self._time.clock, holder=HOLDER
        )
        assert made is not None
        return made[0]

    async def _stage(self, day: int, until: int, store: Store, watch: Watch) -> None:
        """The days between two turns, with one gateway."""
        self.progress.what = next((turn.what for turn in calendar.TURNS if turn.day == day), self.progress.what)
        self._time.to(self._start_us + day * DAY_US)
        around = Around(
            clock=self._time.clock, dice=random.Random(f"{self._plot.seed} {day}"), new_id=self._new_id,
            client=self._provider, observers=[watch.observe], driven=True,
        )  # fmt: skip
        settings = self._settings(day)
        quiet = msgspec.structs.replace(settings, alerts=msgspec.structs.replace(settings.alerts, on=False))
        async with AsyncExitStack() as stack:
            parts = await assemble(quiet, stack, around)
            for number in range(day, until):
                await self._day(number, parts, store, watch)
            await parts.ledger.flush(PATIENCE_S)

    async def _day(self, day: int, parts: Parts, store: Store, watch: Watch) -> None:
        self.progress.day = day
        await own_history(store)
        await parts.learning.learn()
        begun_us = self._start_us + day * DAY_US
        self._plan(day, begun_us)
        for hour in (*self._plot.look_hours, 24):
            end_us = min(begun_us + hour * HOUR_US, self._plot.now_us)
            await self._play_until(end_us, parts)
            self._time.to(end_us)
            await self._look(parts, store, watch)
            if end_us == self._plot.now_us:
                return

    def _plan(self, day: int, begun_us: int) -> None:
        """What is to be done on a day: the work of the night at once, where it can wait."""
        waits = calendar.can_wait(self._start_us, day, self._plot.now_us)
        night = []
        for piece in self._pieces(day):
            if waits and piece.feature.hours is NIGHT:
                night.append(piece)
            else:
                self._wait(piece.at_us, _Played(piece))
        if night:
            self._wait(begun_us + calendar.HANDED_IN * HOUR_US, _Night(night))

    def _pieces(self, day: int) -> list[Piece]:
        return calendar.pieces(self._start_us, day, self._plot.scale, self._plot.seed)

    async def _play_until(self, end_us: int, parts: Parts) -> None:
        while self._waiting and self._waiting[0][0] < end_us:
            at_us, _, work = heapq.heappop(self._waiting)
            await self._work_queue(at_us, parts)
            self._time.to(at_us)
            if isinstance(work, _Night):
                await self._hand_in(work, parts)
            elif work.next is not None:
                await self._ask(work, work.next, parts)
            if self._unwritten >= WRITE_EVERY:
                await self._write(parts)
        await self._work_queue(end_us, parts)

    async def _ask(self, played: "_Played", wanted: Ask, parts: Parts) -> None:
        key = self._plot.keys[played.piece.feature.team]
        heard = await inside.ask(parts.endpoints, key, wanted)
        await parts.quality.settle()
        if parts.learning.life is not None:
            await parts.learning.life.settle()
        self.progress.calls += 1
        self.progress.refused += heard.status >= 400
        if played.go_on(heard):
            self._wait(self._time.now_us + round(played.pause_s * 1e6), played)
        elif played.transaction:
            await self._end(played, heard, parts, key)
        self._unwritten += 1

    async def _hand_in(self, night: "_Night", parts: Parts) -> None:
        """As one job, named by its day."""
        asks = [asked for piece in night.pieces if (asked := _Played(piece).next) is not None]
        day = datetime.fromtimestamp(self._time.now_us / 1e6, UTC)
        key = self._plot.keys[night.pieces[0].feature.team]
        hours = calendar.WORKED_BY - calendar.HANDED_IN
        await nightly.hand_in(parts.endpoints, key, f"invoices of {day:%Y-%m-%d}", f"{hours}h", asks)
        self.progress.calls += len(asks)
        self._queue_us = self._time.now_us

    async def _work_queue(self, until_us: int, parts: Parts) -> None:
        """Have the gateway's worker do what it would have done up to a moment."""
        while 0 < self._queue_us <= until_us:
            self._time.to(self._queue_us)
            more = await parts.worker.tick()
            await parts.quality.settle()
            self._queue_us = self._time.now_us + self._queue_pause_us() if more else 0

    def _queue_pause_us(self) -> int:
        hour = (self._time.now_us - self._start_us) % DAY_US / HOUR_US
        return round((HURRIED_S if calendar.WORKED_BY - 1 <= hour < calendar.WORKED_BY else QUEUE_S) * 1e6)

    async def _end(self, played: "_Played", heard: Heard, parts: Parts, key: str) -> None:
        """A customer's matter is closed: most are resolved, some need people's time, some customers say what they think."""
        kind, _, name = played.transaction.partition("/")
        resolved = self._dice.random() < 0.86
        minutes = round(self._dice.uniform(0.5, 3) if resolved else self._dice.uniform(6, 14), 1)
        body = OutcomeBody(
            "resolved" if resolved else "failed", human_minutes=str(minutes) if not resolved or self._dice.random() < 0.3 else None,
            user=played.piece.user.name, plan=played.piece.user.plan,
        )  # fmt: skip
        self._outcomes.append(Post("default", kind, name, said=said_of(body, self._time.now_us)))
        if heard.call_id and self._dice.random() < 0.04:
            verdict = "good" if resolved else "bad"
            await inside.post(
                parts.endpoints, key, "/v1/farthing/feedback", {"call_id": heard.call_id, "verdict": verdict}
            )

    async def _look(self, parts: Parts, store: Store, watch: Watch) -> None:
        """What a gateway does every so often."""
        await self._write(parts)
        await parts.quality.refresh()
        if parts.learning.life is not None:
            await parts.learning.life.look()
        if self._outcomes:
            posts, self._outcomes = self._outcomes, []
            await Units(store).post(posts)
        await watch.tell_dear()
        await watch.look()

    async def _write(self, parts: Parts) -> None:
        self._unwritten = 0
        await parts.ledger.flush(PATIENCE_S)
        self._hear(self.progress)
        if self._teller is not None:
            await self._teller.say(self._time.now_us - self._start_us, self._plot.now_us - self._start_us)

    def _wait(self, at_us: int, work: "_Played | _Night") -> None:
        self._number += 1
        heapq.heappush(self._waiting, (at_us, self._number, work))

    def _refuses(self, url: str) -> int:
        down = calendar.is_out(self._start_us, self._time.now_us) and url.startswith(f"{PLACE}/openai/")
        return 503 if down else 0

    def _new_id(self) -> str:
        return f"call-{self._time.now_us // 1000:011x}{self._ids.getrandbits(64):016x}"

    def _settings(self, day: int) -> Settings:
        return parse(settings.text_of(day, 0, PLACE) + self._plot.more, {}, self._plot.folder / "farthing.toml")


def _nobody(progress: Progress) -> None:
    """Nobody wants to know."""


PLACE = "http://127.0.0.1:1"
"""Where nobody listens: the simulated provider is in this process."""


class _Night(NamedTuple):
    """Pieces of work that can wait until the morning."""

    pieces: list[Piece]


class _Played:
    """A piece of work on its way."""

    def __init__(self, piece: Piece) -> None:
        self.piece = piece
        self._script: Script = piece.feature.work(random.Random(piece.seed), piece.user, piece.moment, piece.name)
        self.next: Ask | None = next(self._script, None)
        self.transaction = self.next.tags.get("transaction", "") if self.next is not None else ""

    @property
    def pause_s(self) -> float:
        return self.next.pause_s if self.next is not None else 0.0

    def go_on(self, heard: Heard) -> bool:
        """Whether there is another request."""
        try:
            self.next = self._script.send(heard)
        except StopIteration:
            self.next = None
        return self.next is not None


async def lead(store: Store) -> None:
    """Keep the alerts of other gateways quiet until the story's own watch leads, and have them leave its queue and its students
    alone."""
    await Alerts(store).lead(HOLDER, BEFORE_S)
    await own_history(store)


async def own_history(store: Store) -> None:
    """Said anew for each day that is told: a month may take long where the machine has other work, and a story that is broken off
    must end."""
    await store.do(
        lambda connection: leaders.lead(connection, leaders.HISTORY, HOLDER, now_us(), round(BEFORE_S * 1e6))
    )
