"""The queue's part of the composition root: settings -> who works the queue. Nothing is decided here.

What a gateway needs in order to take jobs in is made at once and is small; the worker's parts are read and made when there is
a job for the first time.
"""

import importlib
import random
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import NamedTuple

from farthing.app.around import REAL, Around
from farthing.app.routing import Models
from farthing.batch.desk import Desk
from farthing.batch.leasing import holder_of
from farthing.batch.news import News
from farthing.batch.walks import Walks
from farthing.batch.worker import Part, Worker
from farthing.prices import PriceBook
from farthing.settings import Settings
from farthing.steps.balance.health import Health
from farthing.store import Journal, Ledger, Store, leaders
from farthing.store.batch import jobs, schedules
from farthing.store.batch import known as shards_known
from farthing.store.engine import Connection
from farthing.store.sealing import wrapping
from farthing.store.store import now_us
from farthing.upstream.providers import Providers


class Queue(NamedTuple):
    """What taking jobs in needs of it."""

    desk: Desk
    worker: Worker

    @property
    def wake(self) -> Callable[[], None]:
        return self.worker.wake

    def nudge(self, job_id: str) -> None:
        """A job was changed by somebody: the worker looks now, and so does who waits for it."""
        self.worker.wake()
        self.desk.news.tell([job_id])


class Known(NamedTuple):
    """What the worker must know of the gateway that it is a part of."""

    settings: Settings
    journal: Journal
    providers: Providers
    health: Health
    models: Models
    book: PriceBook


def open_queue(settings: Settings, store: Store, journal: Journal, ledger: Ledger, around: Around = REAL) -> Queue:
    """The queue as it lies in the store; nobody works it yet."""
    sealed = wrapping(settings.batch.encryption_key.reveal())
    holder = holder_of(journal.path)
    desk = Desk(store, holder, around.new_id, ledger.committed, News(), sealed, around.clock)
    return Queue(desk, Worker(lambda: store.do(partial(_has_work, driven=around.driven))))


def _has_work(connection: Connection, driven: bool) -> bool:
    """Whether there is a job or a batch that is not over, or a job that is about to be, and not of a history which somebody else is
    writing."""
    if not (
        jobs.any_open(connection) or shards_known.any_running(connection) or schedules.any_held(connection, now_us())
    ):
        return False
    return driven or not leaders.led(connection, leaders.HISTORY, now_us())


def start_worker(queue: Queue, known: Known, walks: Walks, stack: AsyncExitStack, around: Around = REAL) -> None:
    """Work the queue, unless settings leave that to others; where a replay drives the gateway, it drives the worker too."""
    if not known.settings.batch.worker:
        return

    dice = around.dice.random if around.dice is not None else random.random

    def make() -> Sequence[Part]:
        made: Sequence[Part] = importlib.import_module("farthing.app.working").make_parts(queue, known, walks, dice)
        return made

    stack.push_async_callback(queue.worker.close)
    if around.driven:
        queue.worker.drive(make, around.clock.monotonic)
    else:
        queue.worker.start(make)
